"""Cache of one sequence on one rank: what each kind of layer keeps, and the pages of the engine that keeps it."""

from functools import lru_cache
from typing import NamedTuple

from estimator.engines.memory_policy import Blocks, CachePolicy, HybridBlocks, Shares, Slots
from estimator.models.architecture import AS_CONFIGURED, INDEX_ELEMENT_BYTES, Architecture, StateTypes
from estimator.models.formats import CacheFormat
from estimator.serving.memory.compressed import compressed_pool
from estimator.serving.memory.pool import Pool, Window

STATE_PAGE_TOKENS = 16
"""An attention page grows in these steps until a recurrent state fits it (vLLM: HybridAttentionMambaModelConfig)."""
WINDOW_STEP_TOKENS = 256
"""llama.cpp rounds the cells of a window cache up to this (src/llama-kv-cache-iswa.cpp)."""


class LayerKind(NamedTuple):
    """Layers of a model that are cached alike, as one rank holds them."""

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
        """What layers of this kind keep, in words."""
        if not self.token_bytes:
            return "recurrent state"
        if self.window:
            return f"{'chunk' if self.chunked else 'window'} of {self.window:,}"
        return "every token"


@lru_cache(maxsize=4096)
def layer_kinds(
    architecture: Architecture,
    cache: CacheFormat,
    ranks: int,
    drafts: int = 0,
    states: StateTypes = AS_CONFIGURED,
    drafter: Architecture | None = None,
) -> tuple[LayerKind, ...]:
    """Cached layers as one rank of `ranks` holds them: key-value heads divided, replicated where there are too few.

    Where tokens are drafted, convolutions keep them; a drafter's layers cache like the model's, and so does the model's
    own prediction module, as one more full layer.
    """
    counts: dict[LayerKind, int] = {}
    for group in (*architecture.groups, *(drafter.groups if drafter else ())):
        mixer = group.layer.mixer
        if mixer is None:
            continue
        bits = cache.bits_of(mixer.cached_head_dim) if mixer.cached_head_dim else cache.bits
        share = -(-mixer.cache_ways // ranks) / mixer.cache_ways * bits / 8
        growing = (mixer.growing_width + mixer.cross_width) * share + mixer.index_width * INDEX_ELEMENT_BYTES
        state = architecture.layer_state_bytes(mixer, states, drafts) / ranks
        for kind in (
            LayerKind(0, growing),
            LayerKind(layers=0, token_bytes=mixer.window_width * share, window=mixer.window, chunked=mixer.chunked),
            LayerKind(0, 0.0, state_bytes=state),
        ):
            if kind.token_bytes or kind.state_bytes:
                counts[kind] = counts.get(kind, 0) + group.count
    if drafts and architecture.mtp_layers and drafter is None:
        full = next((kind for kind in counts if kind.token_bytes and not kind.window), None)
        if full:
            counts[full] += architecture.mtp_layers
    return tuple(kind._replace(layers=layers) for kind, layers in counts.items())


def cache_pool(
    architecture: Architecture,
    cache: CacheFormat,
    kinds: tuple[LayerKind, ...],
    policy: CachePolicy,
    batched_tokens: int,
    drafts: int = 0,
    dcp: int = 1,
) -> Pool:
    """The page table of a model's cached layers under one engine, whose steps compute up to `batched_tokens` tokens."""
    in_flight = batched_tokens
    if isinstance(policy, HybridBlocks):
        in_flight *= policy.steps_in_flight
        compressed = compressed_pool(architecture, cache, in_flight)
        if compressed:
            return compressed
    if isinstance(policy, Shares) and architecture.class_name not in policy.windowed:
        kinds = tuple(kind._replace(window=0) for kind in kinds)
    return page_table(kinds, policy, in_flight, drafts, dcp)


@lru_cache(maxsize=4096)
def page_table(
    kinds: tuple[LayerKind, ...], policy: CachePolicy, step_tokens: int, drafts: int = 0, dcp: int = 1
) -> Pool:
    """Pages of one sequence in one engine's arrangement. `step_tokens`: most tokens of one sequence in one step.

    With decode context parallelism of degree `dcp` a page spans as many times the tokens.
    """
    if not kinds:
        return Pool(1.0, ())
    windows = tuple(kind for kind in kinds if kind.token_bytes and kind.window)
    match policy:
        case HybridBlocks() if len(kinds) > 1 or windows:
            return _hybrid_pages(kinds, policy, step_tokens, drafts, dcp)
        case Shares():
            return _shared_pages(kinds, policy, step_tokens, drafts, dcp)
        case HybridBlocks() | Blocks():
            return _pages(kinds, (), policy.block_tokens, step_tokens, dcp)
        case Slots():
            return _pages(kinds, windows if policy.keeps_windows else (), 1, step_tokens, dcp)


def _pages(kinds: tuple[LayerKind, ...], windows: tuple[LayerKind, ...], span: int, step_tokens: int, dcp: int) -> Pool:
    """Blocks of `span` tokens over all layers; those of `windows` keep cells of their own for their window alone."""
    token_bytes = sum(kind.layers * kind.token_bytes for kind in kinds if kind not in windows)
    fixed = sum(kind.layers * kind.state_bytes for kind in kinds)
    growing_span, added = span * dcp, token_bytes / dcp
    if not windows and not fixed:
        return Pool(token_bytes * span, ((1, growing_span),), token_bytes=added)
    windowed = tuple(
        Window(kind.layers * kind.token_bytes * span, span, _window_cells(kind.window + step_tokens))
        for kind in windows
    )
    growing = ((token_bytes * span, growing_span),) if token_bytes else ()
    return Pool(page_bytes=1.0, growing=growing, windowed=windowed, fixed=fixed, token_bytes=added)


def _window_cells(tokens: int) -> int:
    return -(-tokens // WINDOW_STEP_TOKENS) * WINDOW_STEP_TOKENS


def _shared_pages(kinds: tuple[LayerKind, ...], policy: Shares, step_tokens: int, drafts: int, dcp: int) -> Pool:
    """SGLang's pools of fixed shares: a page is one token, with its share of the window layers' tokens and of the
    states.

    Window layers keep their window and the tokens of one prefill step; drafts leave a state each.
    """
    growing = sum(kind.layers * kind.token_bytes for kind in kinds if not kind.window) / dcp
    windowed = sum(kind.layers * kind.token_bytes for kind in kinds if kind.window)
    state = sum(kind.layers * kind.state_bytes for kind in kinds)
    states = policy.states + drafts
    ratio = policy.window_ratio if growing else 1.0
    token_bytes = growing + ratio * windowed
    if not token_bytes:
        return Pool(page_bytes=1.0, growing=(), fixed=states * state)
    page = token_bytes * (1 + policy.state_ratio if state else 1)
    window = max(kind.window for kind in kinds)
    return Pool(
        page_bytes=page,
        growing=((1, 1),) if growing else (),
        windowed=(Window(1 / ratio, 1, window + step_tokens),) if windowed else (),
        fixed=states * state / (policy.state_ratio * token_bytes),
        token_bytes=page,
        has_shares=True,
    ).passing(step_tokens)


def _hybrid_pages(kinds: tuple[LayerKind, ...], policy: HybridBlocks, step_tokens: int, drafts: int, dcp: int) -> Pool:
    """vLLM's hybrid allocator: groups of equal layer count, the last padded; one page size for every kind.

    A window layer keeps its window and the tokens of one prefill step, and one page more where the window slides.
    The attention page grows until a recurrent state fits into it.
    """
    counts = [kind.layers for kind in kinds]
    size = max(counts) if max(counts) < policy.group_slack * min(counts) else min(counts)
    page = _hybrid_page_bytes(kinds, policy)
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
            windowed.append(Window(pages=groups, span=span, kept=kind.window + step_tokens - 1, extra=extra))
        else:
            growing.append((groups, span * dcp))
    added = sum(groups * size * page / span for groups, span in growing)
    return Pool(
        page_bytes=page * size,
        growing=tuple(growing),
        windowed=tuple(windowed),
        fixed=fixed,
        token_bytes=added,
        groups=total,
    ).passing(step_tokens)


def _hybrid_page_bytes(kinds: tuple[LayerKind, ...], policy: HybridBlocks) -> float:
    """One layer's page: a block of the widest layer, grown in whole steps until a recurrent state fits."""
    widths = [kind.token_bytes for kind in kinds if kind.token_bytes]
    page = policy.block_tokens * max(widths, default=0.0)
    state = max(kind.state_bytes for kind in kinds)
    if state <= page:
        return page
    step = STATE_PAGE_TOKENS * max(widths) if widths else state
    return -(-state // step) * step
