"""Memory of every rank of a layout before it meets a device: what it spends before the cache, and the cache's pages."""

from collections.abc import Iterator
from functools import lru_cache
from itertools import starmap
from typing import NamedTuple

from estimator.engines.memory_policy import (
    ActivationPeak,
    EnginePolicy,
    HybridBlocks,
    OutsideTorch,
    RuleOfThumb,
    Slots,
)
from estimator.layout import Layout
from estimator.models.adapters import Adapters
from estimator.models.architecture import AS_CONFIGURED, StateTypes
from estimator.models.formats import CacheFormat, WeightFormat
from estimator.models.model import Model
from estimator.results import Factor, MemoryTerm, Part
from estimator.serving.memory.activations import (
    COMPILING,
    StageEnds,
    Term,
    compiling_term,
    cuda_graph_terms,
    encoder_terms,
    expert_term,
    layer_terms,
    layer_widths,
    profiled_images,
    received_term,
    reserves_cuda_graphs,
    sampler_terms,
    total,
    workspace_terms,
)
from estimator.serving.memory.cache import LayerKind, cache_pool, layer_kinds, page_table
from estimator.serving.memory.drafter import drafter_architecture, drafter_weights
from estimator.serving.memory.pool import Pool
from estimator.serving.memory.weights import Sharding, StageWeights, stage_weights
from estimator.units import GB

NOTED_PAGE_TOKENS = 64
"""Tokens of a page above which its steps show in the capacity; engineering guess (four ordinary blocks)."""


class RankMemory(NamedTuple):
    """What one rank of one pipeline stage spends before the cache, whatever the device, by purpose [bytes]."""

    weights_bytes: float
    buffers_bytes: float
    """The rotary table and rounded allocations, which vLLM's own log counts as weights."""
    activation_bytes: float
    outside_torch_bytes: float
    """CUDA context, NCCL, all-reduce buffers."""
    cuda_graph_bytes: float
    reserved_graph_bytes: float
    """The part of them that the engine takes out of its budget."""
    cached_layer_fraction: float
    """Layers whose cache this stage keeps, as a fraction of the model's."""
    weights: tuple[Part, ...]
    """The weights by kind of tensor and bits."""
    adapter_bytes: float = 0.0
    """Slots for LoRA adapters among the weights."""
    activation_terms: tuple[Term, ...] = ()
    runtime_terms: tuple[Term, ...] = ()
    graph_terms: tuple[Term, ...] = ()

    @property
    def spent_bytes(self) -> float:
        """What is measured at start-up before the cache: weights as loaded, activations, what is not PyTorch's."""
        return self.loaded_bytes + self.activation_bytes + self.outside_torch_bytes

    @property
    def loaded_bytes(self) -> float:
        """Bytes of the rank's weights with what loading them adds."""
        return self.weights_bytes + self.buffers_bytes

    @property
    def activation(self) -> tuple[MemoryTerm, ...]:
        """What the peak of the activations adds up from."""
        return _explained(self.activation_terms)

    @property
    def runtime(self) -> tuple[MemoryTerm, ...]:
        """What is outside PyTorch, and the buffers."""
        return _explained(self.runtime_terms)

    @property
    def cuda_graphs(self) -> tuple[MemoryTerm, ...]:
        """What the captured CUDA graphs add up from."""
        return _explained(self.graph_terms)


def _explained(terms: tuple[Term, ...]) -> tuple[MemoryTerm, ...]:
    return tuple(MemoryTerm(name, size, tuple(starmap(Factor, factors))) for name, size, factors in terms)


class MemoryPlan(NamedTuple):
    """The memory of every rank of a layout, before it meets a device."""

    ranks: tuple[RankMemory, ...]
    """One of each pipeline stage."""
    kinds: tuple[LayerKind, ...]
    pool: Pool
    notes: tuple[str, ...] = ()
    """What the reader of the figures must know."""


class StartUp(NamedTuple):
    """The numbers that an engine starts with, and the properties of the device that they depend on."""

    sequences: int
    """max_num_seqs"""
    batched_tokens: int
    """max_num_batched_tokens"""
    model_len: int
    """max_model_len; 0 is the model's own."""
    compute_capability: float
    """The device's, or a lower one that the engine treats alike."""
    drafts: int
    """Tokens proposed each step by the model's own prediction modules."""
    dcp: int
    """Degree of decode context parallelism: ranks that share the tokens of a sequence."""
    peer_links: bool
    """Whether devices have links of their own, not PCIe alone."""
    eager: bool
    """Whether no graphs are captured."""
    compiles: bool
    """Whether kernels are compiled while the engine measures what it needs."""
    own_reserve_bytes: float = 0.0
    """What the user's own start-up kept beyond the budget."""
    adapters: Adapters | None = None
    """Slots for LoRA adapters."""
    states: StateTypes = AS_CONFIGURED
    """Types of what recurrent layers keep."""


@lru_cache(maxsize=8192)
def plan_memory(
    model: Model,
    weights: WeightFormat,
    cache: CacheFormat,
    layout: Layout,
    policy: EnginePolicy | RuleOfThumb,
    start: StartUp,
) -> MemoryPlan:
    """The memory plan of a layout: every rank's spending and the pages of its cache."""
    if isinstance(policy, RuleOfThumb):
        return _plan_by_rule(model, weights, cache, layout, policy)
    drafter = drafter_architecture(model, start.drafts)
    kinds = layer_kinds(model.architecture, cache, layout.tp, start.drafts, start.states, drafter)
    pool = cache_pool(model.architecture, cache, kinds, policy.cache, start.batched_tokens, start.drafts, start.dcp)
    ranks = _ranks(model, weights, layout, policy, start, kinds)
    return MemoryPlan(ranks=ranks, kinds=kinds, pool=pool, notes=tuple(_notes(policy, ranks, pool, start.dcp)))


def _ranks(
    model: Model,
    weights: WeightFormat,
    layout: Layout,
    policy: EnginePolicy,
    start: StartUp,
    kinds: tuple[LayerKind, ...],
) -> tuple[RankMemory, ...]:
    """Every pipeline stage's spending; stages that hold the same are one value."""
    architecture, loading, peak = model.architecture, policy.loading, policy.activations
    tp, table = layout.tp, architecture.rotary_positions * architecture.rotary_dim * _element_bytes(weights)
    rotary = table if loading.rotary_table else 0
    sharding = Sharding(
        tensor=tp,
        expert=max(layout.ep, tp * layout.dp),
        expert_groups=layout.ep,
        stages=layout.pp,
        rounds_allocations=loading.rounds_allocations,
        mxfp4=loading.mxfp4_kernel(start.compute_capability),
        embedding_on_host=loading.embedding_on_host,
        layers_on_host=layout.host if layout.host_part == "layers" else 0,
        experts_on_host=layout.host if layout.host_part == "experts" else 0,
        weights_on_host=layout.host if layout.host_part == "weights" else 0,
        prediction_modules=start.drafts > 0 and model.drafter is None,
        adapters=start.adapters,
    )
    outside_torch = outside_torch_bytes(policy.outside_torch, layout, architecture.hidden, start)
    rule = None if start.eager else policy.graphs
    reserves_graphs = reserves_cuda_graphs(policy, architecture)
    stages = stage_weights(architecture, weights, sharding, model.tower_parameters, rotary)
    in_stages = Layout(tp=tp, pp=min(layout.pp, 2))  # a stage receives the same, whatever their number
    drafter = drafter_weights(model, start.drafts, sharding)

    def rank_of(stage: StageWeights, first: bool) -> RankMemory:
        terms = _activation(model, weights, in_stages, peak, start, kinds, StageEnds(first, stage.last))
        graphs = cuda_graph_terms(architecture, rule, weights, start.sequences, stage.layers, tp)
        graph_bytes = total(graphs)
        loaded_here = (*stage.weights, *drafter) if stage.last else stage.weights
        return RankMemory(
            weights_bytes=sum([part.value for part in loaded_here]),
            buffers_bytes=sum([part.value for part in stage.buffers]),
            activation_bytes=total(terms),
            outside_torch_bytes=outside_torch + start.own_reserve_bytes,
            cuda_graph_bytes=graph_bytes,
            reserved_graph_bytes=graph_bytes if reserves_graphs else 0.0,
            cached_layer_fraction=stage.layers / architecture.layers,
            weights=loaded_here,
            adapter_bytes=stage.adapter_bytes,
            activation_terms=terms,
            runtime_terms=_runtime(outside_torch, start.own_reserve_bytes, stage.buffers),
            graph_terms=graphs,
        )

    distinct: dict[tuple[int, bool], RankMemory] = {}
    for place, stage in enumerate(stages):
        if (id(stage), place == 0) not in distinct:
            distinct[id(stage), place == 0] = rank_of(stage, place == 0)
    return tuple([distinct[id(stage), place == 0] for place, stage in enumerate(stages)])


@lru_cache(maxsize=4096)
def _activation(
    model: Model,
    weights: WeightFormat,
    layout: Layout,
    peak: ActivationPeak,
    start: StartUp,
    kinds: tuple[LayerKind, ...],
    ends: StageEnds,
) -> tuple[Term, ...]:
    """Peak of one stage: its widest layer, on the last one the sampler, or compiling; and what stays.

    Compiling is over before the step that is measured, so the higher of the two counts, not their sum.
    """
    architecture, tp, step = model.architecture, layout.tp, start.batched_tokens
    element_bytes = _element_bytes(weights)
    length, samples = _profiled_prompt(model, peak, start, kinds)
    highest = layer_terms(architecture, peak, weights, length, element_bytes, tp)
    experts = expert_term(architecture, weights, step, tp)
    images = profiled_images(architecture, peak, step)
    resident = workspace_terms(architecture, model.tower_parameters, images, tp)
    if peak.keeps_expert_buffers:
        resident = (*resident, experts)
    else:
        highest = (*highest, experts)
    if ends.last and samples and architecture.head:
        sampler = sampler_terms(architecture, peak, start.sequences, length, element_bytes, tp)
        highest = (*highest, *sampler) if peak.keeps_layer_buffers else max(highest, sampler, key=total)
    if start.compiles:
        compiling = (compiling_term(architecture, peak, ends, element_bytes, tp),)
        highest = max(highest, compiling, key=total)
    terms = (*highest, *resident, received_term(architecture, layout.pp, step, element_bytes))
    encoded = encoder_terms(architecture, images, tp) if ends.first else ()
    return tuple([each for each in max(terms, encoded, key=total) if each[1]])


def _runtime(outside_torch: float, own_reserve: float, buffers: tuple[Part, ...]) -> tuple[Term, ...]:
    """Context, libraries and collectives, what a start-up of one's own kept, and what loading adds."""
    terms: tuple[Term, ...] = (
        ("context, libraries and NCCL", outside_torch, ()),
        ("your own start-up", own_reserve, ()),
        *((part.name, part.value, ()) for part in buffers),
    )
    return tuple([each for each in terms if each[1]])


def _element_bytes(weights: WeightFormat) -> int:
    """Bytes of one activation: those of the weights that are not quantised."""
    return 4 if weights.rest_bits == 32 else 2


def _profiled_prompt(
    model: Model, peak: ActivationPeak, start: StartUp, kinds: tuple[LayerKind, ...]
) -> tuple[int, bool]:
    """Tokens of the step that the engine profiles, and whether it samples from them."""
    longest = start.model_len or model.architecture.max_context
    chunks = 0 < peak.chunks_above < longest and _chunks_by_default(model, kinds)
    return longest if peak.profiles_model_len and not chunks else start.batched_tokens, not chunks


def _chunks_by_default(model: Model, kinds: tuple[LayerKind, ...]) -> bool:
    """vLLM V0 cuts long prompts only where no layer has a window, a state or latent keys, and no image comes in."""
    latent = layer_widths(model.architecture).latent
    return not (model.tower_parameters or latent or any(kind.window or kind.state_bytes for kind in kinds))


def _plan_by_rule(
    model: Model, weights: WeightFormat, cache: CacheFormat, layout: Layout, rule: RuleOfThumb
) -> MemoryPlan:
    """A rule of thumb: whole weights over the devices, an overhead in proportion, the cache by its formula."""
    architecture, devices = model.architecture, layout.devices
    whole = stage_weights(architecture, weights, Sharding(tensor=1, expert=1), model.tower_parameters)[0]
    exact = size = sum(part.value for part in whole.weights)
    if rule.whole_gb:
        size = max(round(size / GB), 1) * GB
    overhead = size * (rule.weights_factor - 1) + max(size * rule.overhead_fraction, rule.overhead_bytes)
    rank = RankMemory(
        weights_bytes=size / devices,
        buffers_bytes=0.0,
        activation_bytes=0.0,
        outside_torch_bytes=overhead / devices,
        cuda_graph_bytes=0.0,
        reserved_graph_bytes=0.0,
        cached_layer_fraction=1.0,
        weights=tuple(Part(part.name, part.value * size / exact / devices) for part in whole.weights),
        runtime_terms=(("overhead of the rule", overhead / devices, ()),) if overhead else (),
    )
    if rule.every_head_cached:
        token_bytes = 2 * architecture.hidden * cache.bits / 8 / devices
        kinds: tuple[LayerKind, ...] = (LayerKind(architecture.layers, token_bytes),)
    else:
        kinds = tuple(
            kind._replace(token_bytes=kind.token_bytes / devices, state_bytes=kind.state_bytes / devices)
            for kind in layer_kinds(architecture, cache, 1)
        )
    pool = page_table(kinds, rule.cache, 0)
    return MemoryPlan(ranks=(rank,), kinds=kinds, pool=pool, notes=(f"this rule of thumb ignores {rule.ignores}",))


def _notes(policy: EnginePolicy, ranks: tuple[RankMemory, ...], pool: Pool, dcp: int) -> Iterator[str]:
    span = max((tokens for _, tokens in pool.growing), default=0)
    if isinstance(policy.cache, HybridBlocks) and span > NOTED_PAGE_TOKENS * dcp:
        yield f"a page is {span:,} tokens, so that a recurrent state fits it: capacity moves in steps"
    if pool.has_shares:
        yield "the cache is divided in fixed shares: the pool that is scarcer decides how much runs at once"
    if isinstance(policy.cache, Slots):
        yield "the cache of every slot is reserved at its full length"
    if any(name == COMPILING for rank in ranks for name, _, _ in rank.activation_terms):
        yield "a first start compiles: with the kernels of an earlier one (--compile-cache warm) the cache is larger"


def outside_torch_bytes(table: tuple[OutsideTorch, ...], layout: Layout, hidden: int, start: StartUp) -> float:
    """Memory of one rank outside PyTorch, by the last line of the table that holds for layout, device and start."""
    for line in reversed(table):
        enough = layout.tp * layout.dp >= line.ranks and layout.pp >= line.stages
        capable = start.compute_capability >= line.least_capability and start.peer_links >= line.peer_links
        if enough and capable and start.compiles >= line.compiling:
            return line.bytes + line.bytes_per_hidden * hidden
    return 0.0
