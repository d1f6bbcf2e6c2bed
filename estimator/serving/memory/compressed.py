"""Pages of DeepSeek-V4's cache in vLLM: groups of layers with pages of their own, all cut from one size of block.

Sources: vllm/v1/kv_cache_interface.py and vllm/models/deepseek_v4; page sizes as printed in issue 54703 of
github.com/vllm-project/vllm, the needs of one request as in issue 44376.
"""

from collections import Counter
from math import ceil

from estimator.models.architecture import Architecture
from estimator.models.formats import CacheFormat
from estimator.models.mixers import CompressedSparseAttention
from estimator.serving.memory.pool import Pool, Window

BLOCK_TOKENS = 256
WINDOW_TOKENS = 64
OVERLAPPING = 4
"""The ratio whose pooled spans overlap, so that states of two spans stay."""
ALIGNMENT = 576
SCALE_BYTES = 8
"""Bytes of one FP8 vector; its rotary part stays 16-bit."""
INDEX_SCALE_BYTES = 4


def compressed_pool(architecture: Architecture, cache: CacheFormat, in_flight: int) -> Pool | None:
    """The page table of a model whose layers pool their old tokens (DeepSeek-V4); None for every other model."""
    pooled: Counter[int] = Counter()
    mixer = None
    for group in architecture.groups:
        if isinstance(group.layer.mixer, CompressedSparseAttention):
            mixer = group.layer.mixer if mixer is None or group.layer.mixer.indexer else mixer
            pooled[group.layer.mixer.ratio] += group.count
    if mixer is None:
        return None
    layers = pooled.total()
    del pooled[0]
    vector = _vector_bytes(mixer.head_dim, architecture.rotary_dim, cache)
    sizes = {WINDOW_TOKENS * vector} | {BLOCK_TOKENS // ratio * vector for ratio in pooled}
    if mixer.indexer:
        sizes.add(BLOCK_TOKENS // mixer.ratio * (mixer.indexer.dim + INDEX_SCALE_BYTES))
    window_groups = max(round(layers / max(pooled.values(), default=layers)), 1)
    block = ceil(layers / window_groups) * sum(_aligned(size) for size in sizes)
    window = Window(pages=1, span=WINDOW_TOKENS, kept=mixer.window - 1 + in_flight, extra=1)
    states = [window._replace(span=_state_tokens(ratio), kept=_kept(ratio) - 1 + in_flight) for ratio in sorted(pooled)]
    windows = [window] * window_groups
    groups = 1 + len(windows) + len(states)
    pool = Pool(block, ((1, BLOCK_TOKENS),), (*windows, *states), token_bytes=block / BLOCK_TOKENS, groups=groups)
    return pool.passing(in_flight)


def _vector_bytes(head_dim: int, rotary: int, cache: CacheFormat) -> int:
    """One token's shared key and value."""
    return head_dim + rotary + SCALE_BYTES if cache.bits < 16 else 2 * head_dim


def _kept(ratio: int) -> int:
    """Tokens whose float32 states a compressor needs for its next vector."""
    return 2 * ratio if ratio == OVERLAPPING else ratio


def _state_tokens(ratio: int) -> int:
    """Tokens of one page of those states."""
    return 4 if ratio == OVERLAPPING else 8


def _aligned(size: int) -> int:
    return ceil(size / ALIGNMENT) * ALIGNMENT
