"""Measured constants of kernels, links and engines. Values are data; see catalog/data/efficiency.yaml.

Fractions are of the accelerator's dense peak or of its memory bandwidth, as the catalogue states them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Literal, NamedTuple

from estimator.hardware.devices import Accelerator
from estimator.results import Band, Confidence

Evidence = Literal["measured", "transferred", "spec"]
"""How kernel constants are known of an accelerator: on this part, from a relative, or from the datasheet alone."""


class GemmKernel(NamedTuple):
    """Seconds of a matrix product: latency + hypot(FLOPs / (peak x compute), bytes / (bandwidth x memory))."""

    compute: float
    memory: float
    latency_us: float


class ExpertKernel(NamedTuple):
    """A grouped product over experts; half of `compute` is reached at `ramp_rows` rows per expert."""

    compute: float
    memory: float
    latency_us: float
    ramp_rows: float


class AttentionKernel(NamedTuple):
    """Prefill reaches half of `prefill` at `ramp_tokens` new tokens; decode reads the cache at a bandwidth fraction."""

    prefill: float
    ramp_tokens: float
    latency_us: float
    decode: float
    decode_fp8: float
    """Bandwidth fraction with an 8-bit cache."""
    latent: float = 0.65
    """Bandwidth fraction of latent attention in its absorbed form."""
    latent_compute: float = 0.55


@dataclass(frozen=True, slots=True, eq=False)
class Kernels:
    """Kernel constants of one accelerator generation, by kernel key of the weight format."""

    gemm: Mapping[str, GemmKernel]
    experts: Mapping[str, ExpertKernel]
    attention: AttentionKernel
    source: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class EngineSpeed:
    """One engine class: factors on the kernel constants, what the host adds, how requests are scheduled."""

    runtime: str = "gpu"
    """Which step model applies: gpu, llama.cpp or neuron."""
    latency: float = 1.0
    bandwidth: float = 1.0
    compute: float = 1.0
    fp8_compute: float = 1.0
    fp4_compute: float = 1.0
    attention_bandwidth: float = 1.0
    fp8_cache: float = 1.0
    expert_compute: float = 1.0
    expert_bandwidth: float = 1.0
    expert_latency: float = 1.0
    block_expert_latency: float = 1.0
    """Further factor for experts in block-scaled FP8."""
    expert_imbalance: float = 1.0
    all_reduce: float = 1.0
    """Factor on the latency of a collective."""
    state_us: float = 30.0
    """Fixed time of a linear-attention or state-space layer."""
    step_ms: float = 0.0
    """Host time of one step."""
    sequence_us: float = 0.0
    """Host time per sequence in a step."""
    layer_us: float = 0.0
    """Host time per layer (eager execution)."""
    admission_layer_ms: float = 0.0
    """Time per layer that a step loses when it admits prompts: it runs outside the graph of pure decode steps."""
    overlap: bool = False
    """The host works while the device does; only the longer of the two counts."""
    fused_prefill: bool = False
    """Prompts ride along in decode steps as chunks, instead of stopping them."""
    prefill: float = 1.0
    """Factor on prefill time."""
    static_batch: bool = False
    """A batch is prefilled together and decodes to its end; nobody joins."""
    buckets: bool = False
    """Prompts are padded to the next power of two (ahead-of-time compilation)."""
    chunk_tokens: int = 8192
    batch_chunks: int = 0
    """Chunks of a prompt that pipeline stages work through before they drain; 0 is all of them."""
    max_batch: float = 2048
    """Sequences in one step at full load."""
    ttft_ms: float = 0.0
    ttft_layer_ms: float = 0.7
    """First-token overhead per layer: graph-less execution, tokenisation, scheduling."""
    wait: float = 1.0
    """Share of the queueing delay that a mean request sees."""
    step_tokens: float = 500.0
    """Prompt tokens that prefill in the time of one decode step: 300-600 over the measured accelerators."""
    burst: float = 0.05
    """Extra prefills a first token waits for, per request in flight, in the opening burst of a benchmark."""
    network_ms: float = 0.0
    cache_share: float = 0.5
    """Share of the output that a running sequence's cache holds on average; 1 where it is reserved in full."""
    memory_fraction: float = 0.9
    fraction_of_free: bool = False
    """The fraction is of what weights and reserve leave free (TensorRT-LLM), not of the device."""
    reserve_gb: float = 3.0
    """Device memory that neither weights nor cache can use, in GB."""
    source: str = ""


class LlamaCppKernels(NamedTuple):
    """llama.cpp on one generation: fractions of bandwidth and of the 16-bit peak, for f16 and quantised weights."""

    memory: float
    memory_quantised: float
    compute: float
    compute_quantised: float
    attention: float
    """Prefill attention without flash attention, of the 16-bit peak."""
    layer_us: float


@dataclass(frozen=True, slots=True, eq=False)
class LlamaCpp:
    """llama.cpp: per-generation kernels and what every step costs."""

    kernels: Mapping[str, LlamaCppKernels]
    devices: Mapping[str, str]
    cache_memory: float = 0.41
    prefill_layer_us: float = 31.0
    """Fixed time of a layer in one micro-batch of a prompt."""
    device_us: float = 54.0
    """Hand-over to each device of a layer split."""
    pipeline: float = 0.14
    """Relative cost of running the layer split as a pipeline in prefill."""
    fp16_accumulate: tuple[str, ...] = ()
    """Accelerators that run at twice their catalogued peak because products accumulate in 16 bit."""
    source: str = ""

    def key(self, device: Accelerator) -> str:
        """Key of the constants of a device: its own, its kind's, its kernel class's, or `generic`."""
        names = (self.devices.get(device.id, ""), device.kind, device.kernels)
        return next((name for name in names if name in self.kernels), "generic")


class NeuronSpeed(NamedTuple):
    """Neuron: weights and cache at bandwidth fractions, collectives at a fixed time per layer."""

    memory: float = 0.82
    cache_memory: float = 0.29
    layer_us: float = 164.0
    prefill: float = 0.17
    """Fraction of the 16-bit peak."""
    all_reduce_gb_s: float = 57.0
    source: str = ""


class Network(NamedTuple):
    """An all-reduce across machines."""

    latency_us: float = 124.0
    bandwidth_gb_s: float = 40.0
    source: str = ""


class Spread(NamedTuple):
    """Measured / predicted quantiles, nominal 80 %."""

    low: float
    high: float

    @property
    def calibrated(self) -> "Spread":
        """Half as wide, on a logarithmic scale: one measured point holds the level, not the slope."""
        return Spread(self.low**0.5, self.high**0.5)

    def of(self, typical: float) -> Band:
        return Band(typical * self.low, typical, typical * self.high)


class Spreads(NamedTuple):
    ttft: Spread
    tpot: Spread
    throughput: Spread


class ResidualBand(NamedTuple):
    """The spread of one metric, for an engine class and kind of case, or for a confidence class."""

    metric: str
    """tpot, ttft or throughput"""
    low: float
    high: float
    engine: str = ""
    kind: str = ""
    """Kind of the cases: serving_concurrency, throughput_max, single_stream_decode, prefill_latency."""
    confidence: str = ""


class Calibration(NamedTuple):
    """A user's own measurement: factors on the seconds of one engine class on one accelerator."""

    accelerator: str
    engine: str
    decode: float = 1.0
    prefill: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Efficiency:
    """Constants by accelerator and by engine."""

    kernels: Mapping[str, Kernels] = field(default_factory=dict)
    evidence: Mapping[str, Evidence] = field(default_factory=dict)
    """Accelerator id -> how its kernel constants are known; spec where it is not listed."""
    engines: Mapping[str, EngineSpeed] = field(default_factory=dict)
    llama_cpp: LlamaCpp = field(default_factory=lambda: LlamaCpp({}, {}))
    neuron: NeuronSpeed = field(default_factory=NeuronSpeed)
    network: Network = field(default_factory=Network)
    bands: tuple[ResidualBand, ...] = ()
    calibrations: tuple[Calibration, ...] = ()
    """The user's own points; the last one of an accelerator and engine holds."""
    pipeline_stall: float = 0.0
    """Share by which a loaded pipeline of many stages is slower than its stages: their batches are never equal."""
    sparse_index_us: float = 0.0
    """Fixed time of a layer's lightning indexer: quantising, scoring, top-k."""
    routing_entropy: float = 0.85
    """Experts a batch touches grow as if only this share of its tokens were routed independently."""
    expert_skew: float = 0.05
    """Extra load of the slowest expert-parallel rank per doubling of ranks."""

    def kernels_of(self, device: Accelerator) -> Kernels:
        """Kernel constants of a device, by the class that its catalogue entry names."""
        return self.kernels[device.kernels]

    def calibration(self, device: Accelerator, engine: str) -> Calibration | None:
        found = [each for each in self.calibrations if (each.accelerator, each.engine) == (device.id, engine)]
        return found[-1] if found else None

    def confidence(self, device: Accelerator, speed: EngineSpeed) -> Confidence:
        """A: measured on this part; B: transferred from a relative; C: from the datasheet, and all of Neuron."""
        if speed.runtime == "neuron":
            return "C"
        if speed.runtime == "llama.cpp":
            known = self.llama_cpp.devices
            return "A" if device.id in known else "B" if self.llama_cpp.key(device) in known.values() else "C"
        match self.evidence.get(device.id, "spec"):
            case "measured":
                return "A"
            case "transferred":
                return "B"
            case _:
                return "C"

    def engine_name(self, speed: EngineSpeed) -> str:
        """Key of that engine class."""
        return next((name for name, each in self.engines.items() if each is speed), "")

    def spread(self, metric: str, engine: str, kind: str, confidence: Confidence = "A") -> Spread:
        """Of the engine's own cases or of all engines' of that kind; at least as wide as the confidence class."""
        measured = self._band(metric, engine, kind) or self._band(metric, "", kind) or Spread(0.5, 2.0)
        floor = self._band(metric, "", "", confidence)
        return Spread(min(measured.low, floor.low), max(measured.high, floor.high)) if floor else measured

    def spreads(self, engine: str, kind: str, confidence: Confidence) -> Spreads:
        return _spreads(self, engine, kind, confidence)

    def _band(self, metric: str, engine: str, kind: str, confidence: str = "") -> Spread | None:
        for each in self.bands:
            if (each.metric, each.engine, each.kind, each.confidence) == (metric, engine, kind, confidence):
                return Spread(each.low, each.high)
        return None


@lru_cache(maxsize=512)
def _spreads(efficiency: Efficiency, engine: str, kind: str, confidence: Confidence) -> Spreads:
    return Spreads(*(efficiency.spread(metric, engine, kind, confidence) for metric in Spreads._fields))


@lru_cache(maxsize=64)
def calibrated(efficiency: Efficiency, calibrations: tuple[Calibration, ...]) -> Efficiency:
    """The constants with the user's own points; the same value for the same points, so that steps are kept."""
    return replace(efficiency, calibrations=calibrations) if calibrations else efficiency
