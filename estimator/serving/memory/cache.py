"""Cache of one sequence on one rank, in the pages of the engine that keeps it."""

from functools import lru_cache
from typing import NamedTuple

from estimator.engines.profiles import MemoryPolicy
from estimator.models.architecture import Architecture
from estimator.models.formats import CacheFormat
from estimator.models.mixers import Attention
from estimator.serving.memory.pool import Pool

INDEX_BYTES = 1 + 4 / 128
"""An indexer's keys are FP8 with one float32 scale per 128 (DeepSeek-V3.2)."""
STATE_PAGE_TOKENS = 16
"""An attention page grows in these steps until a recurrent state fits it."""
WINDOW_STEP_TOKENS = 256
"""llama.cpp rounds the cells of a window cache up to this."""


class Kind(NamedTuple):
    """Layers that are cached alike, on one rank."""

    layers: int
    token_bytes: float
    """Per layer and token; 0 for a recurrent layer."""
    window: int = 0
    """Tokens kept; 0 is all."""
    chunked: bool = False
    state_bytes: float = 0.0
    """Per layer and sequence."""

    @property
    def name(self) -> str:
        if not self.token_bytes:
            return "recurrent state"
        if self.window:
            return f"{'chunk' if self.chunked else 'window'} of {self.window:,}"
        return "every token"


@lru_cache(maxsize=4096)
def layer_kinds(architecture: Architecture, cache: CacheFormat, ranks: int, drafts: int = 0) -> tuple[Kind, ...]:
    """The cached layers as one rank holds them: key-value heads divided, replicated where there are too few.

    A resident multi-token-prediction module caches as one more full layer, and convolutions keep the drafted tokens.
    """
    found: dict[Kind, int] = {}
    for group in architecture.groups:
        mixer = group.layer.mixer
        if mixer is None:
            continue
        bits = cache.bits_of(mixer.head_dim) if isinstance(mixer, Attention) else cache.bits
        share = -(-mixer.cache_ways // ranks) / mixer.cache_ways * bits / 8
        chunked = isinstance(mixer, Attention) and mixer.chunked
        growing = (mixer.growing_width + mixer.cross_width) * share + mixer.index_width * INDEX_BYTES
        state = architecture.layer_state_bytes(mixer, drafts) / ranks
        for kind in (
            Kind(0, growing),
            Kind(0, mixer.window_width * share, mixer.window, chunked),
            Kind(0, 0.0, state_bytes=state),
        ):
            if kind.token_bytes or kind.state_bytes:
                found[kind] = found.get(kind, 0) + group.count
    if drafts and architecture.mtp_layers:
        full = next((kind for kind in found if kind.token_bytes and not kind.window), None)
        if full:
            found[full] += architecture.mtp_layers
    return tuple(kind._replace(layers=layers) for kind, layers in found.items())


@lru_cache(maxsize=4096)
def page_table(
    kinds: tuple[Kind, ...], policy: MemoryPolicy, prefill_tokens: int, drafts: int = 0, dcp: int = 1
) -> Pool:
    """The pool's pages in one engine's arrangement; with stripes a page spans that many times the tokens."""
    if not kinds:
        return Pool(1.0, ())
    if policy.grouped_layers and len(kinds) > 1:
        return _grouped(kinds, policy, prefill_tokens, drafts, dcp)
    plain = [kind for kind in kinds if kind.token_bytes]
    kept = [kind for kind in plain if kind.window] if policy.keeps_windows or policy.grouped_layers else []
    token_bytes = sum(kind.layers * kind.token_bytes for kind in plain if kind not in kept)
    fixed = sum(kind.layers * kind.state_bytes for kind in kinds)
    span = policy.block_tokens
    growing_span, added = span * dcp, token_bytes / dcp
    if not kept and not fixed:
        return Pool(token_bytes * span, ((1, growing_span),), token_bytes=added)
    windowed = tuple(
        (kind.layers * kind.token_bytes * span, span, _window_cells(kind.window + prefill_tokens), 0.0) for kind in kept
    )
    growing = ((token_bytes * span, growing_span),) if token_bytes else ()
    return Pool(1.0, growing, windowed, fixed, added)


def _window_cells(tokens: int) -> int:
    return -(-tokens // WINDOW_STEP_TOKENS) * WINDOW_STEP_TOKENS


def _grouped(kinds: tuple[Kind, ...], policy: MemoryPolicy, prefill_tokens: int, drafts: int, dcp: int) -> Pool:
    """vLLM's hybrid allocator: groups of equal layer count, the last padded; one page size for every kind.

    A window layer keeps its window and the tokens of one prefill step, and one page more where the window slides.
    The attention page grows until a recurrent state fits into it.
    """
    counts = [kind.layers for kind in kinds]
    size = max(counts) if max(counts) < policy.group_slack * min(counts) else min(counts)
    widths = [kind.token_bytes for kind in kinds if kind.token_bytes]
    page = policy.block_tokens * max(widths, default=0.0)
    state = max(kind.state_bytes for kind in kinds)
    if state > page:
        step = STATE_PAGE_TOKENS * max(widths) if widths else state
        page = -(-state // step) * step
    growing, windowed, fixed, total = [], [], 0, 0
    for kind in kinds:
        groups = -(-kind.layers // size)
        total += groups
        if not kind.token_bytes:
            fixed += groups * (policy.state_pages + drafts)
            continue
        span = int(page // kind.token_bytes)
        if kind.window:
            extra = 0 if kind.chunked else groups
            windowed.append((groups, span, kind.window + prefill_tokens - 1, extra))
        else:
            growing.append((groups, span * dcp))
    added = sum(groups * size * page / span for groups, span in growing)
    return Pool(page * size, tuple(growing), tuple(windowed), fixed, added, total)
