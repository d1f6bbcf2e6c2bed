"""A model laid out over ranks, before it meets a device: what every stage spends, and the pages of its cache."""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from estimator.engines.profiles import MemoryPolicy, RuleOfThumb
from estimator.layout import Layout
from estimator.models.architecture import Architecture
from estimator.models.formats import CacheFormat, WeightFormat
from estimator.models.model import Model
from estimator.results import Part
from estimator.serving.memory.activations import expert_buffers, graphs, layer, sampler, widths, workspaces
from estimator.serving.memory.cache import Kind, layer_kinds, page_table
from estimator.serving.memory.compressed import compressed_pool
from estimator.serving.memory.pool import Pool
from estimator.serving.memory.weights import Split, stages
from estimator.units import GB


class Rank(NamedTuple):
    """What one rank of one pipeline stage spends before the cache, whatever the device."""

    weights: float
    buffers: float
    """The rotary table and rounded allocations, which vLLM's own log counts as weights."""
    activation: float
    runtime: float
    graphs: float
    layers: float
    """Share of the model's layers that this stage caches."""
    parts: tuple[Part, ...]


class Laid(NamedTuple):
    """A model laid out over ranks, before it meets a device."""

    ranks: tuple[Rank, ...]
    kinds: tuple[Kind, ...]
    pool: Pool
    notes: tuple[str, ...] = ()
    """What the reader of the figures must know."""


@lru_cache(maxsize=8192)
def lay_out(
    model: Model,
    weights: WeightFormat,
    cache: CacheFormat,
    layout: Layout,
    policy: MemoryPolicy,
    sequences: int,
    batched: int,
    model_len: int,
    capability: float,
    drafts: int,
    dcp: int,
) -> Laid:
    """Every rank's spending, with the engine's settings and the device's compute capability as numbers."""
    if policy.rule:
        return _by_rule(model, weights, cache, layout, policy, policy.rule)
    architecture = model.architecture
    element = 4 if weights.rest_bits == 32 else 2
    tp, tower = layout.tp, model.tower_parameters
    rotary = architecture.rotary_positions * architecture.rotary_dim * element if policy.rotary_cache else 0
    kernel = policy.mxfp4_kernel(capability)
    split = Split(tp, max(layout.ep, tp * layout.dp), policy.rounds_allocations, kernel)
    kinds = layer_kinds(architecture, cache, tp, drafts)
    longest = model_len or architecture.max_context
    chunks = 0 < policy.chunks_above < longest and _chunks_by_default(architecture, kinds, tower)
    profiled = longest if policy.profiles_model_len and not chunks else batched
    widest = layer(architecture, policy, weights, profiled, element, tp)
    logits = 0.0 if chunks else sampler(architecture, policy, sequences, profiled, element)
    resident = workspaces(architecture, tower, batched, tp)
    experts = expert_buffers(architecture, weights, batched, tp)
    if policy.keeps_expert_buffers:
        resident += experts
    else:
        widest += experts
    received = 2 * batched * architecture.hidden * element if layout.pp > 1 else 0
    runtime = _outside_torch(policy, layout, architecture.hidden, capability)
    ranks = []
    laid = stages(
        architecture, weights, split, layout.pp, tower, rotary, policy.embedding_on_host, layout.host, drafts > 0
    )
    for stage in laid:
        peak = max(logits, widest) if stage.last else widest
        share = stage.layers / architecture.layers
        ranks.append(
            Rank(
                weights=sum(part.value for part in stage.weights),
                buffers=sum(part.value for part in stage.buffers),
                activation=peak + resident + received,
                runtime=runtime,
                graphs=graphs(architecture, policy.graphs, weights, sequences, stage.layers, tp),
                layers=share,
                parts=stage.weights,
            )
        )
    in_flight = batched * policy.steps_in_flight
    pool = compressed_pool(architecture, cache, in_flight) if policy.grouped_layers else None
    pool = pool or page_table(kinds, policy, in_flight, drafts, dcp)
    return Laid(tuple(ranks), kinds, pool, tuple(_notes(policy, pool, dcp)))


def _chunks_by_default(architecture: Architecture, kinds: tuple[Kind, ...], tower: int) -> bool:
    """vLLM V0 cuts long prompts only where no layer has a window, a state or latent keys, and no image comes in."""
    return not (tower or widths(architecture).latent or any(kind.window or kind.state_bytes for kind in kinds))


def _by_rule(
    model: Model, weights: WeightFormat, cache: CacheFormat, layout: Layout, policy: MemoryPolicy, rule: RuleOfThumb
) -> Laid:
    """A rule of thumb: whole weights over the devices, an overhead in proportion, the cache by its formula."""
    architecture = model.architecture
    whole = stages(architecture, weights, Split(1, 1), 1, model.tower_parameters)[0]
    exact = size = sum(part.value for part in whole.weights)
    if rule.whole_gb:
        size = max(round(size / GB), 1) * GB
    overhead = size * (rule.weights_factor - 1) + max(size * rule.overhead_fraction, rule.overhead_bytes)
    devices = layout.devices
    parts = tuple(Part(part.name, part.value * size / exact / devices) for part in whole.weights)
    rank = Rank(size / devices, 0.0, 0.0, overhead / devices, 0.0, 1.0, parts)
    if rule.every_head_cached:
        kinds: tuple[Kind, ...] = (Kind(architecture.layers, 2 * architecture.hidden * cache.bits / 8 / devices),)
    else:
        whole_kinds = layer_kinds(architecture, cache, 1)
        kinds = tuple(
            kind._replace(token_bytes=kind.token_bytes / devices, state_bytes=kind.state_bytes / devices)
            for kind in whole_kinds
        )
    return Laid((rank,), kinds, page_table(kinds, policy, 0), (f"this rule of thumb ignores {rule.ignores}",))


def _notes(policy: MemoryPolicy, pool: Pool, dcp: int) -> Iterator[str]:
    span = max((each for _, each in pool.growing), default=0)
    if policy.grouped_layers and span > LARGE_PAGE * dcp:
        yield f"a page is {span:,} tokens, so that a recurrent state fits it: capacity moves in steps"
    if not policy.pages:
        yield "the cache of every slot is reserved at its full length"


LARGE_PAGE = 64
"""Tokens from which the steps of a page show in the capacity."""


def _outside_torch(policy: MemoryPolicy, layout: Layout, hidden: int, capability: float) -> float:
    if layout.pp > 1 and layout.tp == 1 and policy.outside_torch_pipeline_bytes is not None:
        return policy.outside_torch_pipeline_bytes
    found = 0.0
    for each in policy.outside_torch:
        if layout.tp * layout.dp >= each.ranks and capability >= each.least_capability:
            found = each.bytes + each.bytes_per_hidden * hidden
    return found
