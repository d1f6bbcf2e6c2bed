"""Each engine's budget, line by line, and what the cache pool that is left can hold."""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from estimator.engines import DeviceDefaults, EngineProfile, MemoryPolicy, RuleOfThumb
from estimator.evaluation import MemoryReport, Part
from estimator.formats import CacheFormat, WeightFormat
from estimator.hardware import Accelerator
from estimator.model import Model
from estimator.parallelism import Layout
from estimator.scenario import EngineSettings
from estimator.serving_memory.activations import graphs, layer, sampler, workspaces
from estimator.serving_memory.cache import UNBOUNDED, Kind, Pool, layer_kinds, page_table
from estimator.serving_memory.weights import Split, stages
from estimator.units import GB, GIB


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


class Left(NamedTuple):
    """What an engine allows itself on one rank, and what that leaves for the cache."""

    budget: float
    pool: float


def left_for_cache(policy: MemoryPolicy, utilization: float, usable: float, rank: Rank) -> Left:
    """Every engine's own arithmetic. `usable` is what the driver reports (as sold, for a rule of thumb)."""
    seen = usable - policy.hidden_from_engine_bytes
    loaded = rank.weights + rank.buffers
    if policy.kind == "budget":  # vLLM, TGI: a fraction of the whole device, less everything measured at start-up
        budget = utilization * seen
        pool = budget - loaded - rank.activation - rank.runtime
        return Left(budget, pool - rank.graphs if policy.graphs_in_budget else pool)
    if policy.kind == "static":  # SGLang: weights and cache inside the fraction, everything else outside
        free = seen - rank.runtime
        return Left(utilization * free, min(utilization * free, free - rank.activation - rank.graphs) - loaded)
    if policy.kind == "free":  # TensorRT-LLM: a fraction of what is free once the engine is loaded
        return Left(seen, utilization * (seen - loaded - rank.activation - rank.runtime))
    return Left(utilization * seen, utilization * seen - loaded - rank.activation - rank.runtime)


@dataclass(slots=True, eq=False)
class ServingMemory:
    """One model, formats, layout and engine on one device. Bytes are of the rank that runs out first."""

    model: Model
    weights: WeightFormat
    cache: CacheFormat
    layout: Layout
    device: Accelerator
    engine: EngineProfile
    laid: Laid
    device_bytes: int
    usable_bytes: int
    utilization: float
    budget_bytes: float
    pool_bytes: float
    """What is left for the cache on the tightest rank; negative when the rest alone is too much."""
    pages: int
    """Pages of the pool on every rank."""
    tightest: Rank
    max_model_len: int | None
    max_num_seqs: int
    max_num_batched_tokens: int

    def sequence_pages(self, tokens: int) -> float:
        """Pages of one sequence: of its own length, or of the reserved one where the engine does not page."""
        if self.max_model_len and not self.engine.memory.pages:
            tokens = max(tokens, self.max_model_len)
        return self.laid.pool.pages(tokens)

    def max_sequences(self, tokens: int) -> float:
        """Sequences of that length that one replica's pool holds at once."""
        if self.pages <= 0:
            return 0.0
        held = self.pages / self.sequence_pages(tokens)
        return (held if self.engine.memory.pages else int(held)) * self.layout.dp

    def max_context(self, sequences: float = 1) -> int:
        """Longest context for that many sequences at once, capped by the model's own limit."""
        if self.pages <= 0:
            return 0
        limit = self.max_model_len or self.model.architecture.max_context or UNBOUNDED
        return min(self.laid.pool.longest(self.pages / max(sequences / self.layout.dp, 1.0)), limit)

    @property
    def kv_capacity_tokens(self) -> int:
        """Tokens of one replica's pool by the engine's own count: concurrency times the model length."""
        return self.capacity(self.max_model_len or self.model.architecture.max_context or 1)

    def capacity(self, tokens: int) -> int:
        """Tokens that one replica's pool holds in sequences of that length."""
        return round(self.max_sequences(tokens) * tokens)

    def sequence_bytes(self, tokens: int) -> float:
        """Cache of one sequence of that length on the tightest rank."""
        return self.laid.pool.page_bytes * self.tightest.layers * self.sequence_pages(tokens)

    def shortfall(self, tokens: int, sequences: float = 1) -> float:
        """Bytes missing on the tightest rank for that many sequences of that length."""
        return max(0.0, self.sequence_bytes(tokens) * max(sequences / self.layout.dp, 1.0) - self.pool_bytes)

    def report(self, tokens: int, sequences: float = 1) -> MemoryReport:
        """The budget and what it holds of requests of `tokens` tokens; short where not even one fits.

        With `max_model_len` set, vLLM starts only if one sequence of that length fits, so that decides.
        """
        rank, memory = self.tightest, self.engine.memory
        length = max(tokens, self.max_model_len or 0) if memory.checks_model_len else tokens
        concurrency = self.max_sequences(tokens)
        return MemoryReport(
            device_bytes=self.device_bytes,
            usable_bytes=self.usable_bytes,
            budget_bytes=self.budget_bytes,
            weights_bytes=rank.weights,
            activation_bytes=rank.activation,
            runtime_bytes=rank.runtime + rank.buffers,
            cuda_graph_bytes=rank.graphs,
            cuda_graphs_in_budget=memory.graphs_in_budget,
            kv_cache_bytes=self.pool_bytes,
            utilization=self.utilization,
            kv_bytes_per_token=self.laid.pool.token_bytes * rank.layers,
            kv_capacity_tokens=self.capacity(self.max_model_len or tokens),
            max_concurrency=concurrency,
            max_context_tokens=self.max_context(sequences),
            shortfall_bytes=self.shortfall(length),
            weights=rank.parts,
        )


def compile_memory(
    model: Model,
    weights: WeightFormat,
    cache: CacheFormat,
    layout: Layout,
    device: Accelerator,
    engine: EngineProfile,
    settings: EngineSettings | None = None,
    device_share: float = 1.0,
) -> ServingMemory:
    """The memory of one rank of `layout` on `device`; `device_share` is below 1 on a fraction of a device."""
    policy = engine.memory
    settings = settings or DEFAULTS
    sold = int(device.memory_sold_gb * GB * device_share)
    usable = int(device.memory_usable_bytes * device_share)
    defaults = device_defaults(policy, device.generation, usable)
    sequences = settings.max_num_seqs or defaults.max_num_seqs
    batched = settings.max_num_batched_tokens or defaults.max_num_batched_tokens
    laid = _lay_out(
        model,
        weights,
        cache,
        layout,
        policy,
        sequences,
        batched,
        settings.max_model_len or 0,
        device.compute_capability,
    )
    utilization = settings.memory_utilization or _default_utilization(policy, defaults, usable, batched, layout)
    total = sold if policy.rule else usable
    pages, tightest, left = UNBOUNDED, laid.ranks[0], Left(0.0, 0.0)
    for rank in laid.ranks:
        found = left_for_cache(policy, utilization, total, rank)
        page = laid.pool.page_bytes * rank.layers
        held = round(found.pool / page) if policy.rule else int(found.pool // page)
        if held < pages:
            pages, tightest, left = held, rank, found
    return ServingMemory(
        model,
        weights,
        cache,
        layout,
        device,
        engine,
        laid,
        int(device.memory_sold_gb * GIB * device_share),
        usable,
        utilization,
        left.budget,
        left.pool,
        pages,
        tightest,
        settings.max_model_len,
        sequences,
        batched,
    )


DEFAULTS = EngineSettings()


def device_defaults(policy: MemoryPolicy, generation: str, usable_bytes: float) -> DeviceDefaults:
    """The engine's default settings on a device of that generation and memory."""
    for each in policy.defaults:
        if usable_bytes >= each.min_memory_gib * GIB and generation != each.except_generation:
            return each
    return policy.defaults[-1]


def _default_utilization(
    policy: MemoryPolicy, defaults: DeviceDefaults, usable: float, batched: int, layout: Layout
) -> float:
    """The engine's fixed default, or SGLang's: what its reserve leaves."""
    reserve = policy.reserve
    if reserve is None or not usable:
        return policy.utilization
    kept = (
        reserve.bytes
        + reserve.bytes_per_token * batched
        + reserve.bytes_per_sequence * defaults.graph_sequences
        + reserve.bytes_per_rank * layout.tp * layout.pp
    )
    if usable >= reserve.least_from_gib * GIB:
        kept = max(kept, reserve.least_bytes)
    return max(round(1 - kept / usable, 3), 0.1)


@lru_cache(maxsize=8192)
def _lay_out(
    model: Model,
    weights: WeightFormat,
    cache: CacheFormat,
    layout: Layout,
    policy: MemoryPolicy,
    sequences: int,
    batched: int,
    model_len: int,
    capability: float,
) -> Laid:
    if policy.rule:
        return _by_rule(model, weights, cache, layout, policy, policy.rule)
    architecture = model.architecture
    element = 4 if weights.rest_bits == 32 else 2
    tp, tower = layout.tp, model.tower_parameters
    rotary = architecture.rotary_positions * architecture.rotary_dim * element if policy.rotary_cache else 0
    split = Split(tp, max(layout.ep, tp * layout.dp), policy.rounds_allocations, policy.pads_mxfp4)
    profiled = (model_len or architecture.max_context) if policy.layer_tokens_at_model_len else batched
    widest = layer(architecture, policy, weights, profiled, element, tp)
    logits = sampler(architecture, policy, sequences, batched, element)
    resident = workspaces(architecture, tower, policy, weights, batched, tp)
    received = 2 * batched * architecture.hidden * element if layout.pp > 1 else 0
    runtime = _outside_torch(policy, layout, architecture.hidden, capability)
    ranks = []
    for stage in stages(architecture, weights, split, layout.pp, tower, rotary, policy.embedding_on_host):
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
    kinds = layer_kinds(architecture, cache, tp)
    return Laid(tuple(ranks), kinds, page_table(kinds, policy, batched))


def _by_rule(
    model: Model, weights: WeightFormat, cache: CacheFormat, layout: Layout, policy: MemoryPolicy, rule: RuleOfThumb
) -> Laid:
    """A rule of thumb: whole weights over the devices, an overhead in proportion, the cache by its formula."""
    architecture = model.architecture
    whole = stages(architecture, weights, Split(1, 1), 1, model.tower_parameters)[0]
    size = sum(part.value for part in whole.weights)
    if rule.whole_gb:
        size = round(size / GB) * GB
    overhead = size * (rule.weights_factor - 1) + max(size * rule.overhead_fraction, rule.overhead_bytes)
    devices = layout.devices
    rank = Rank(size / devices, 0.0, 0.0, overhead / devices, 0.0, 1.0, whole.weights)
    if rule.every_head_cached:
        kinds: tuple[Kind, ...] = (Kind(architecture.layers, 2 * architecture.hidden * cache.bits / 8 / devices),)
    else:
        whole_kinds = layer_kinds(architecture, cache, 1)
        kinds = tuple(
            kind._replace(token_bytes=kind.token_bytes / devices, state_bytes=kind.state_bytes / devices)
            for kind in whole_kinds
        )
    return Laid((rank,), kinds, page_table(kinds, policy, 0))


def _outside_torch(policy: MemoryPolicy, layout: Layout, hidden: int, capability: float) -> float:
    if layout.pp > 1 and layout.tp == 1 and policy.outside_torch_pipeline_bytes is not None:
        return policy.outside_torch_pipeline_bytes
    found = 0.0
    for each in policy.outside_torch:
        if layout.tp * layout.dp >= each.ranks and capability >= each.least_capability:
            found = each.bytes + each.bytes_per_hidden * hidden
    return found
