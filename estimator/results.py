"""Answers: one candidate's memory, performance, cost and verdict, and the leaderboard of all of them.

The fields are the headless contract (see docs/interface.md); every figure is per device, per replica or for the
whole candidate as its docstring says.
"""

from typing import Literal, NamedTuple

from estimator.layout import Layout, TrainingSetup

Verdict = Literal["fits", "does_not_fit", "not_supported"]
VERDICTS: tuple[Verdict, ...] = ("fits", "does_not_fit", "not_supported")
"""In the order of a leaderboard."""
Confidence = Literal["A", "B", "C"]
CONFIDENCES: tuple[Confidence, ...] = ("A", "B", "C")
PriceState = Literal["priced", "no_price", "capacity_block_only", "not_offered"]
Bound = Literal["compute", "memory", "network", "latency"]


class Band(NamedTuple):
    """A figure with its 80 % band."""

    low: float
    typical: float
    high: float

    def times(self, factor: float) -> "Band":
        return Band(self.low * factor, self.typical * factor, self.high * factor)

    def reciprocal(self, numerator: float = 1.0) -> "Band":
        """`numerator` over this figure: the low quotient comes with the high figure."""
        return Band(numerator / self.high, numerator / self.typical, numerator / self.low)


class Part(NamedTuple):
    """One named share of a total, with its working."""

    name: str
    value: float
    working: str = ""


class Factor(NamedTuple):
    """One number of a product, with its name."""

    name: str
    value: float
    is_size: bool = False
    """Whether it is the number of bytes that the others are counts or shares of."""


class MemoryTerm(NamedTuple):
    """One named share of a memory figure: bytes, and the factors whose product they are."""

    name: str
    bytes: float
    factors: tuple[Factor, ...] = ()


class MemoryReport(NamedTuple):
    """Memory of a serving candidate by purpose, in bytes per device, on the rank that runs out first."""

    device_bytes: int
    """Datasheet capacity, counted in GiB (an "80 GB" H100 = 80 x 2^30 bytes), before the driver's reserve."""
    usable_bytes: int
    """As the driver reports it."""
    visible_bytes: float
    """What the engine counts with: the driver's figure less its own context and page tables."""
    budget_bytes: float
    """What the engine allows itself, by its own way of budgeting."""
    weights_bytes: float
    activation_bytes: float
    runtime_bytes: float
    """CUDA context, NCCL, allocator: everything that is not PyTorch's."""
    cuda_graph_bytes: float
    cuda_graphs_in_budget: bool
    """False where the engine captures graphs outside its own budget (vLLM 0.19)."""
    left_bytes: float
    """The engine's budget less everything above; negative when short."""
    kv_cache_bytes: float
    """The KV pool: what is left, and 0 where nothing is, or where the cache lies in host memory."""
    utilization: float
    kv_bytes_per_token: float
    """Per device, of a growing sequence; whole where it lies in host memory."""
    kv_capacity_tokens: int
    """Tokens one replica's pool holds, by the engine's own count."""
    max_concurrency: float
    """Sequences of the asked length that one replica's pool holds."""
    max_context_tokens: int
    """Longest single sequence, capped by the model's own limit."""
    request_bytes: float
    """Cache of one request of the asked length on each device that holds it, or in host memory."""
    attention_copies: int = 1
    """Copies of the attention among which a replica's requests are divided."""
    shortfall_bytes: float = 0.0
    """What is missing per device, or in host memory, for one sequence of the asked length; 0 when it fits."""
    host_bytes: float = 0.0
    """What stays in host memory of the weights, of all ranks together."""
    host_cache_bytes: float | None = None
    """The host's RAM that is left for a replica's cache, negative when short; null where the devices hold it."""
    adapter_bytes: float = 0.0
    """Slots for LoRA adapters, a part of the weights."""
    weights: tuple[Part, ...] = ()
    """Weight bytes per device by kind: 8-bit linear layers, 16-bit embedding ..."""
    notes: tuple[str, ...] = ()


class OperatorTime(NamedTuple):
    """Seconds of one kind of operator in one step, and what limits it."""

    name: str
    seconds: float
    bound: Bound
    flops: float = 0.0
    bytes: float = 0.0


class Percentiles(NamedTuple):
    """Mean and percentiles of one figure over all requests (or tokens)."""

    mean: float
    p50: float
    p90: float
    p95: float
    p99: float


class LatencyPercentiles(NamedTuple):
    """Latencies that the requests of a traffic see under the engine's own scheduler [s], as means and percentiles."""

    ttft_s: Percentiles
    tpot_s: Percentiles
    latency_s: Percentiles
    """Whole requests."""


class LevelTimes(NamedTuple):
    """The latencies that a service level may bound, each at the percentile that it asks for, else on average [s]."""

    ttft_s: float
    tpot_s: float
    latency_s: float


class PerformanceReport(NamedTuple):
    """Speed of a serving candidate at the asked load. Figures are per user unless their field says otherwise."""

    concurrency: float
    """Requests in flight per replica after the KV limit."""
    ttft_s: Band
    tpot_s: Band
    request_latency_s: Band
    tokens_per_s_per_user: Band
    output_tokens_per_s_per_replica: Band
    output_tokens_per_s: Band
    total_tokens_per_s: Band
    """Input and output, whole candidate."""
    requests_per_s: Band
    prefill_bound: Bound
    decode_bound: Bound
    prefill_time_share: float
    """Share of device time spent in prefill; splits the bill between input and output tokens."""
    prefill: tuple[OperatorTime, ...] = ()
    """Time to first token by operator and wait; the seconds add up to its typical value. Empty unless detailed."""
    decode: tuple[OperatorTime, ...] = ()
    """Time per output token by operator and wait; the seconds add up to its typical value. Empty unless detailed."""
    utilization: float = 0.0
    """Arrivals over what can be completed; 0 where a concurrency is held instead."""
    overloaded: bool = False
    """Whether more requests arrive than can be completed: the queue grows without end, and no latency holds."""
    possible_requests_per_s: float | None = None
    """Requests per second that the whole candidate completes at most; None where a concurrency is held instead."""
    one_pass: bool = False
    """Whether a request is read in one pass and nothing is written: no figure per output token then means anything."""
    goodput_requests_per_s: float | None = None
    """Requests per second of the whole candidate that keep every bound of the service level; None unless replayed."""
    median_gap_s: Band | None = None
    """Median time between two tokens of an answer, which benchmarks print as inter-token latency."""
    percentiles: LatencyPercentiles | None = None
    """What the requests see one by one; None unless replayed."""


class TrainingMemory(NamedTuple):
    """Memory of a training run by purpose, in bytes per device at the peak of a step, on the rank that holds most."""

    device_bytes: int
    usable_bytes: int
    budget_bytes: float
    """What may be planned to: the usable memory less the margin that fragmentation needs."""
    peak_bytes: Band
    weights_bytes: float
    """Trained or frozen weights as stored, this rank's share."""
    gradients_bytes: float
    optimizer_bytes: float
    """Moments and fp32 master weights."""
    adapters_bytes: float
    """Adapters with their gradients and states."""
    activations_bytes: float
    logits_bytes: float
    gathered_bytes: float
    """Unsharded layers in flight, communication buckets and loading copies."""
    overhead_bytes: float
    """CUDA context, libraries, NCCL."""
    kept_bytes: float = 0.0
    """Freed blocks that the allocator keeps in what is left, where a roomier device would keep more."""
    host_bytes: float = 0.0
    """Host memory per device that offloading takes."""
    parts: tuple[Part, ...] = ()
    """Bytes by name, each with its working; they add up to the peak."""

    @property
    def shortfall_bytes(self) -> float:
        return max(self.peak_bytes.typical - self.budget_bytes, 0.0)


class TrainingReport(NamedTuple):
    """One training run: its settings, memory, speed, time and cost."""

    setup: TrainingSetup
    memory: TrainingMemory
    trainable_parameters: int
    tokens_per_s_per_device: Band
    tokens_per_s: Band
    step_s: Band
    mfu: float
    """Model FLOP/s over the 16-bit peak; recomputation not counted."""
    step: tuple[Part, ...]
    """Where the seconds of a step go."""
    hours: Band
    """The whole run: steps, start-up, checkpoints and restarts."""
    usd: Band | None
    run: tuple[Part, ...] = ()
    """Where the hours of the run go, in seconds."""
    notes: tuple[str, ...] = ()


class PowerReport(NamedTuple):
    """Power that the whole candidate draws at the asked load, as far as it is known."""

    watts: float | None = None
    """Accelerators at their limit while they work and at idle while they do not, the host of owned hardware, times PUE:
    an upper bound, since memory-bound decode draws less."""
    kwh_per_1m_tokens: float | None = None
    usd_per_1m_tokens: float | None = None
    """The kWh at their price; null in the cloud, where the rent holds it."""
    tokens_per_joule: float | None = None


class CostReport(NamedTuple):
    """Cost of a whole candidate, all its machines together [USD]."""

    price_state: PriceState
    price_usd_per_hour: float | None = None
    price_low_usd_per_hour: float | None = None
    price_high_usd_per_hour: float | None = None
    price_kind: str | None = None
    """list, derived, snapshot, estimate, own (typed by the user)"""
    price_as_of: str | None = None
    price_age_days: int | None = None
    """Days since the first day that `price_as_of` may mean; null for a price of one's own."""
    price_stale: bool | None = None
    """Whether the price is older than 180 days, or than a known cut of its list price; null where there is none."""
    usd_per_1m_tokens: Band | None = None
    """Input and output together for the asked mix: $/request over the tokens of a request. What rows are ranked by."""
    usd_per_1k_tokens: Band | None = None
    """A thousandth of `usd_per_1m_tokens`."""
    tokens_per_usd: Band | None = None
    """Input and output tokens that a dollar buys: 1e6 over `usd_per_1m_tokens`."""
    usd_per_1m_input_tokens: Band | None = None
    usd_per_1m_output_tokens: Band | None = None
    usd_per_request: Band | None = None
    usd_per_month: float | None = None
    usd_per_hour_per_gb: float | None = None
    power: PowerReport = PowerReport()


class Candidate(NamedTuple):
    """What is ranked: a number of machines of one type, and how the model is laid out on them."""

    machine: str
    machines: int
    accelerator: str
    accelerators: float
    """Over all machines; below 1 for a fractional device."""
    layout: Layout
    replicas: int
    spare: int = 0
    """Machines among them that the load does not need."""


class Score(NamedTuple):
    """How well a row answers what is asked, 0 to 100: the sum of its parts. All are 0 where it does not hold the load.

    The formula stands in `estimator/ranking/score.py`.
    """

    total: float = 0.0
    fit: float = 0.0
    """25 where the load is held."""
    latency: float = 0.0
    """Up to 25: the worst ratio of an asked bound to the time that is seen."""
    cost: float = 0.0
    """Up to 25: the least $/1M tokens of the rows beside it over its own."""
    headroom: float = 0.0
    """Up to 15: users or arrivals that it carries beyond those asked."""
    trust: float = 0.0
    """Up to 10 by class of evidence; half of that at an old price."""


class Evaluation(NamedTuple):
    """One candidate judged: its verdict with the reason, its memory, speed and cost, and the class of its evidence."""

    candidate: Candidate
    verdict: Verdict
    reason: str | None
    """Why it does not fit or is not supported; or what the reader must know (idle accelerators)."""
    confidence: Confidence
    memory: MemoryReport | None
    performance: PerformanceReport | None
    cost: CostReport
    meets_service_level: bool = True
    level_times: LevelTimes | None = None
    """What the service level is judged by; None where none is asked, or nothing fits."""
    holds_load: bool = True
    """False where the cache holds fewer requests than are in flight, or more requests arrive than are completed."""
    shortage: str | None = None
    """By how much it misses the load: `holds 14 of 16 requests at once`; None where it holds it."""
    max_users: int = 0
    """Requests in flight that all replicas carry within the service level; by memory alone where none is asked."""
    best_value: bool = False
    tie: bool = False
    """Its cost can not be told from that of the first row of its group, which stands above it."""
    dominated_by: str | None = None
    """A machine that does the same, on the same accelerators in the same layout, for less."""
    suggestion: str | None = None
    """The smallest single change that would make it fit."""
    training: TrainingReport | None = None
    """Set where the question is a training run; then `memory` and `performance` are None."""
    score: Score | None = None
    """Set on the rows of a board that serves."""


class Leaderboard(NamedTuple):
    """Evaluations in rank order: what fits first, then what does not."""

    rows: tuple[Evaluation, ...]
    considered: int
    """Candidates evaluated, all layouts counted."""
