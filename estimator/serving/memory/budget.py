"""Each engine's budget, line by line, and what the cache pool that is left can hold."""

from dataclasses import dataclass
from typing import NamedTuple

from estimator.engines.profiles import DeviceDefaults, EngineProfile, MemoryPolicy
from estimator.hardware.devices import Accelerator
from estimator.layout import Layout
from estimator.models.formats import CacheFormat, WeightFormat
from estimator.models.model import Model
from estimator.results import MemoryReport
from estimator.scenario.scenario import EngineSettings
from estimator.serving.memory.laid import Laid, Rank, lay_out
from estimator.serving.memory.pool import UNBOUNDED
from estimator.units import GB, GIB


class Left(NamedTuple):
    """What an engine allows itself on one rank, and what that leaves for the cache."""

    budget: float
    pool: float


def left_for_cache(policy: MemoryPolicy, utilization: float, usable: float, rank: Rank) -> Left:
    """Every engine's own arithmetic. `usable` is what the driver reports (as sold, for a rule of thumb)."""
    seen = policy.seen(usable)
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
    sequence_limit: int | None = None
    """`max_num_seqs` where it was asked for: so many run at once, whatever the pool holds."""

    def sequence_pages(self, tokens: int) -> float:
        """Pages of one sequence: of its own length, or of the reserved one where the engine does not page."""
        if self.max_model_len and not self.engine.memory.pages:
            tokens = max(tokens, self.max_model_len)
        return self.laid.pool.pages(tokens)

    def max_sequences(self, tokens: int) -> float:
        """Sequences of that length that one replica runs at once."""
        held = self.held_sequences(tokens)
        return min(held, self.sequence_limit) * self.layout.dp if self.sequence_limit else held * self.layout.dp

    def held_sequences(self, tokens: int) -> float:
        """Sequences of that length that the pool of one attention copy holds."""
        if self.pages <= 0:
            return 0.0
        held = self.pages / self.sequence_pages(tokens)
        return held if self.engine.memory.pages else int(held)

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
        return round(self.held_sequences(tokens) * tokens * self.layout.dp)

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
            notes=self.laid.notes,
        )


def compile_memory(
    model: Model,
    weights: WeightFormat,
    cache: CacheFormat,
    layout: Layout,
    device: Accelerator,
    engine: EngineProfile,
    settings: EngineSettings | None = None,
    drafts: int = 0,
) -> ServingMemory:
    """The memory of one rank of `layout` on `device`, as the engine would lay it out when it starts.

    `drafts` tokens are proposed each step by the model's own prediction modules, which then stay loaded.
    """
    policy = engine.memory
    settings = settings or DEFAULTS
    sold = int(device.memory_sold_gb * GB)
    usable = device.memory_usable_bytes
    defaults = device_defaults(policy, device.kernels, usable, model.architecture.whole_image_tokens)
    sequences = settings.max_num_seqs or defaults.max_num_seqs
    batched = settings.max_num_batched_tokens or defaults.max_num_batched_tokens
    laid = lay_out(
        model,
        weights,
        cache,
        layout,
        policy,
        sequences,
        batched,
        settings.max_model_len or 0,
        device.compute_capability,
        drafts,
        settings.dcp,
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
        int(device.memory_sold_gb * GIB),
        usable,
        utilization,
        left.budget,
        left.pool,
        pages,
        tightest,
        settings.max_model_len,
        sequences,
        batched,
        settings.max_num_seqs,
    )


DEFAULTS = EngineSettings()


def device_defaults(policy: MemoryPolicy, kernels: str, usable_bytes: float, image_tokens: int = 0) -> DeviceDefaults:
    """The engine's default settings on a device of that kernel class and memory."""
    fitting = (
        each for each in policy.defaults if usable_bytes >= each.min_memory_gib * GIB and kernels != each.except_kernels
    )
    found = next(fitting, policy.defaults[-1])
    if policy.whole_images and found.max_num_batched_tokens < image_tokens:
        return found._replace(max_num_batched_tokens=image_tokens)
    return found


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
