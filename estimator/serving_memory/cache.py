"""Cache of one sequence on one rank, in the pages of the engine that keeps it."""

from functools import lru_cache
from math import ceil
from typing import NamedTuple

from estimator.architecture import Architecture
from estimator.formats import CacheFormat
from estimator.mixers import Attention

STATE_BYTES = 4
CONV_STATE_BYTES = 2
STATE_BLOCKS = 2
"""Pages that one sequence keeps of every recurrent group: the running state and its copy."""


class Kind(NamedTuple):
    """Layers that are cached alike, on one rank."""

    layers: int
    token_bytes: float
    """Per layer and token; 0 for a recurrent layer."""
    window: int = 0
    chunked: bool = False
    state_bytes: float = 0.0
    """Per layer and sequence."""


class Pool(NamedTuple):
    """Pages that span equal groups of layers."""

    page_bytes: float
    """One page over all layers of a group."""
    growing: tuple[tuple[int, int], ...]
    """(groups, tokens of a page) of the layers that keep every token."""
    windowed: tuple[tuple[int, int, int, int], ...]
    """(groups, tokens of a page, most tokens kept, extra pages)"""
    fixed: int
    """Pages of one sequence whatever its length."""
    token_bytes: float
    """Per token of a growing sequence."""
    layers: int
    """Counted with padding."""

    def pages(self, tokens: int) -> int:
        """Pages one sequence of that many tokens takes."""
        found = self.fixed
        for groups, page_tokens in self.growing:
            found += groups * -(-tokens // page_tokens)
        for groups, page_tokens, kept, extra in self.windowed:
            found += groups * (-(-min(tokens, kept) // page_tokens) + extra)
        return found

    def longest(self, pages: int) -> int:
        """Most tokens one sequence can have in that many pages; a huge number where nothing grows."""
        if pages < self.pages(1):
            return 0
        for regime in sorted({kept for _, _, kept, _ in self.windowed} | {0}, reverse=True):
            growing = list(self.growing)
            spent = self.fixed
            for groups, page_tokens, kept, extra in self.windowed:
                if kept > regime:
                    growing.append((groups, page_tokens))
                    spent += groups * extra
                else:
                    spent += groups * (-(-kept // page_tokens) + extra)
            if not growing:
                return UNBOUNDED
            step = min(page_tokens for _, page_tokens in growing)
            tokens = int((pages - spent) / sum(groups / page for groups, page in growing)) // step * step
            while tokens > 0 and self.pages(tokens) > pages:
                tokens -= step
            if tokens >= regime:
                return tokens
        return 0


UNBOUNDED = 1 << 62


@lru_cache(maxsize=4096)
def layer_kinds(architecture: Architecture, cache: CacheFormat, tensor_parallel: int) -> tuple[Kind, ...]:
    """The architecture's cached layers as one rank holds them: KV heads divided, then replicated."""
    kinds: dict[Kind, int] = {}
    for group in architecture.groups:
        mixer = group.layer.mixer
        if mixer is None:
            continue
        width = mixer.cache_elements(1)
        state = (mixer.state_elements * STATE_BYTES + mixer.conv_state_elements * CONV_STATE_BYTES) / tensor_parallel
        if not width and not state:
            continue
        kind = Kind(
            0,
            width / min(mixer.cache_ways, tensor_parallel) * cache.bits / 8 if width else 0.0,
            mixer.window if isinstance(mixer, Attention) else 0,
            mixer.chunked if isinstance(mixer, Attention) else False,
            state,
        )
        kinds[kind] = kinds.get(kind, 0) + group.count
    return tuple(kind._replace(layers=layers) for kind, layers in kinds.items())


@lru_cache(maxsize=4096)
def paged(kinds: tuple[Kind, ...], block_tokens: int, prefill_tokens: int, grouped: bool, padded: bool = True) -> Pool:
    """The page table of vLLM's hybrid allocator: groups of equal layer count, padded; one page size for all kinds.

    A window layer keeps its window and the tokens of one prefill step. A page holds at least one recurrent state.
    """
    if not kinds:
        return Pool(1.0, (), (), 0, 0.0, 0)
    token_bytes = sum(kind.layers * kind.token_bytes for kind in kinds if not kind.window)
    smallest = min(kind.layers for kind in kinds)
    largest = max(kind.layers for kind in kinds)
    size = (largest if largest < smallest * 1.25 else smallest) if padded else 1
    attention = [kind for kind in kinds if kind.token_bytes]
    page = max((block_tokens * kind.token_bytes for kind in attention), default=0.0)
    state = max((kind.state_bytes for kind in kinds), default=0.0)
    if state > page:
        unit = min((16 * kind.token_bytes for kind in attention), default=0.0)
        page = ceil(state / unit) * unit if unit else state
    growing, windowed, fixed, groups = [], [], 0, 0
    for kind in kinds:
        count = -(-kind.layers // size)
        groups += count
        if not kind.token_bytes:
            fixed += count * STATE_BLOCKS
            continue
        page_tokens = int(page // kind.token_bytes)
        if kind.window and grouped:
            kept = kind.window + prefill_tokens - 1
            windowed.append((count, page_tokens, kept, 0 if kind.chunked else 1))
        else:
            growing.append((count, page_tokens))
    return Pool(page * size, tuple(growing), tuple(windowed), fixed, token_bytes, groups * size)
