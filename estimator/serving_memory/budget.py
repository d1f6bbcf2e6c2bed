"""Each engine's budget, line by line, and what the cache pool that is left can hold."""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from estimator.engines import EngineProfile, MemoryPolicy
from estimator.evaluation import MemoryReport, Part
from estimator.formats import CacheFormat, WeightFormat
from estimator.hardware import Accelerator
from estimator.model import Model
from estimator.parallelism import Layout
from estimator.scenario import EngineSettings
from estimator.serving_memory.activations import layer, sampler, workspaces
from estimator.serving_memory.cache import UNBOUNDED, Pool, layer_kinds, paged
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
    pool: Pool


@dataclass(slots=True, eq=False)
class ServingMemory:
    """One model, formats, layout and engine on one device. Bytes are of the rank that runs out first."""

    model: Model
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

    def max_sequences(self, tokens: int) -> float:
        """Sequences of that length that one replica's pool holds at once."""
        return self.pages / self.laid.pool.pages(tokens) * self.layout.dp if self.pages > 0 else 0.0

    def max_context(self, sequences: float = 1) -> int:
        """Longest context for that many sequences at once, capped by the model's own limit."""
        if self.pages <= 0:
            return 0
        limit = self.max_model_len or self.model.architecture.max_context
        return min(self.laid.pool.longest(int(self.pages * self.layout.dp / max(sequences, self.layout.dp))), limit)

    @property
    def kv_capacity_tokens(self) -> int:
        """Tokens of one replica's pool by the engine's own count: concurrency times the model length."""
        length = self.max_model_len or self.model.architecture.max_context
        return int(self.max_sequences(length) * length)

    def needed_bytes(self, tokens: int, sequences: float = 1) -> float:
        """Cache bytes on the tightest rank of that many sequences of that length."""
        pool = self.laid.pool
        return pool.page_bytes * self.tightest.layers * pool.pages(tokens) * sequences / self.layout.dp

    def report(self, tokens: int, sequences: float = 1) -> MemoryReport:
        """The budget and what it holds at a request length of `tokens`."""
        rank, pool = self.tightest, self.laid.pool
        need = pool.pages(tokens)
        page = pool.page_bytes * rank.layers
        concurrency = self.pages / need * self.layout.dp if self.pages > 0 else 0.0
        short = page * need * max(sequences / self.layout.dp, 1) - self.pool_bytes
        return MemoryReport(
            device_bytes=self.device_bytes,
            usable_bytes=self.usable_bytes,
            budget_bytes=self.budget_bytes,
            weights_bytes=rank.weights,
            activation_bytes=rank.activation,
            runtime_bytes=rank.runtime + rank.buffers,
            cuda_graph_bytes=rank.graphs,
            cuda_graphs_in_budget=self.engine.memory.graphs_in_budget,
            kv_cache_bytes=self.pool_bytes,
            utilization=self.utilization,
            kv_bytes_per_token=pool.token_bytes * rank.layers,
            kv_capacity_tokens=int(concurrency * tokens),
            max_concurrency=concurrency,
            max_context_tokens=self.max_context(sequences),
            shortfall_bytes=short if short > 0 else 0.0,
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
    usable = int(device.memory_usable_bytes * device_share)
    sequences, batched = _batch_limits(policy, device.generation, usable)
    sequences = settings.max_num_seqs or sequences
    batched = settings.max_num_batched_tokens or batched
    laid = _lay_out(model, weights, cache, layout, policy, sequences, batched, settings.max_model_len or 0)
    utilization = settings.memory_utilization or policy.utilization
    budget = utilization * (usable - policy.hidden_from_engine_bytes)
    pages, pool_bytes, tightest = 1 << 62, 0.0, laid.ranks[0]
    for rank in laid.ranks:
        left = budget - rank.weights - rank.buffers - rank.activation - rank.runtime
        if policy.graphs_in_budget:
            left -= rank.graphs
        held = int(left // (laid.pool.page_bytes * rank.layers)) if rank.layers else 1 << 62
        if held < pages:
            pages, pool_bytes, tightest = held, left, rank
    return ServingMemory(
        model=model,
        layout=layout,
        device=device,
        engine=engine,
        laid=laid,
        device_bytes=int(device.memory_sold_gb * GB * device_share),
        usable_bytes=usable,
        utilization=utilization,
        budget_bytes=budget,
        pool_bytes=pool_bytes,
        pages=pages,
        tightest=tightest,
        max_model_len=settings.max_model_len,
        max_num_seqs=sequences,
        max_num_batched_tokens=batched,
    )


DEFAULTS = EngineSettings()


def _batch_limits(policy: MemoryPolicy, generation: str, usable: int) -> tuple[int, int]:
    for each in policy.defaults:
        if usable >= each.min_memory_gib * GIB and generation != each.except_generation:
            return each.max_num_seqs, each.max_num_batched_tokens
    return policy.defaults[-1].max_num_seqs, policy.defaults[-1].max_num_batched_tokens


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
) -> Laid:
    architecture = model.architecture
    bytes_ = 4 if weights.rest_bits == 32 else 2
    tp = layout.tp
    rotary = architecture.max_context * architecture.rotary_dim * bytes_ if policy.rotary_cache else 0
    split = Split(tp, max(layout.ep, tp * layout.dp), policy.rounds_allocations, policy.pads_mxfp4)
    profiled = (model_len or architecture.max_context) if policy.layer_tokens_at_model_len else batched
    widest = layer(architecture, policy, weights, profiled, bytes_, tp)
    logits = sampler(architecture, policy, sequences, batched, bytes_, tp)
    resident = workspaces(architecture, policy, weights, batched, tp)
    received = 2 * batched * architecture.hidden * bytes_ if layout.pp > 1 else 0
    runtime = _outside_torch(policy, layout, architecture.hidden)
    graphs = policy.graph_bytes + policy.graph_bytes_per_layer * architecture.layers
    ranks = []
    for stage in stages(architecture, weights, split, layout.pp, rotary):
        peak = max(logits, widest) if stage.last else widest
        fraction = stage.layers / architecture.layers
        ranks.append(
            Rank(
                weights=sum(part.value for part in stage.weights),
                buffers=sum(part.value for part in stage.buffers),
                activation=peak + resident + received,
                runtime=runtime,
                graphs=graphs * fraction,
                layers=fraction,
                parts=stage.weights,
            )
        )
    pool = paged(layer_kinds(architecture, cache, tp), policy.block_tokens, batched, policy.grouped_layers)
    return Laid(tuple(ranks), pool)


def _outside_torch(policy: MemoryPolicy, layout: Layout, hidden: int) -> float:
    if layout.pp > 1 and layout.tp == 1 and policy.outside_torch_pipeline_bytes is not None:
        return policy.outside_torch_pipeline_bytes
    found = 0.0
    for each in policy.outside_torch:
        if layout.tp >= each.ranks:
            found = each.bytes + each.bytes_per_hidden * hidden
    return found


__all__ = ["UNBOUNDED", "Laid", "Rank", "ServingMemory", "compile_memory"]
