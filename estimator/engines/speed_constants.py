"""Measured constants of engine classes. Values are data; see catalog/data/efficiency.yaml.

Fractions are of the accelerator's dense peak or of its memory bandwidth, as the catalogue states them.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from math import ceil
from typing import Literal, NamedTuple

from estimator.engines.kernel_constants import Kernels, LlamaCpp, Network, NeuronSpeed
from estimator.engines.spreads import UNKNOWN_SPREAD, ResidualBand, Spread, Spreads
from estimator.hardware.devices import Accelerator
from estimator.records import record
from estimator.results import Confidence

Evidence = Literal["measured", "transferred", "spec"]
"""How kernel constants are known of an accelerator: on this part, from a relative, or from the datasheet alone."""


class KernelFactors(NamedTuple):
    """An engine's kernels over those of the kernel tables, in the mean; 1 is the tables themselves.

    Fitted on measured serving runs with log-normal priors at 1.
    """

    latency: float = 1.0
    """Factor on every fixed time."""
    bandwidth: float = 1.0
    """Factor on matrix products' memory bandwidth."""
    compute: float = 1.0
    """Factor on matrix products' FLOP/s."""
    fp8_compute: float = 1.0
    """Factor on products in FP8, besides `compute`."""
    fp4_compute: float = 1.0
    """Factor on products in FP4, besides `compute`."""
    attention_bandwidth: float = 1.0
    """Factor on the bandwidth at which decoding reads its cache."""
    prompt_attention: float = 1.0
    """Factor on the FLOP/s of prompts' attention, besides `compute`."""
    fp8_cache: float = 1.0
    """Factor on reads of an 8-bit cache, besides `attention_bandwidth`."""
    expert_compute: float = 1.0
    """Factor on routed experts' FLOP/s."""
    expert_bandwidth: float = 1.0
    """Factor on routed experts' memory bandwidth."""
    expert_latency: float = 1.0
    """Factor on routed experts' fixed time."""
    block_expert_latency: float = 1.0
    """Factor on the fixed time of experts in block-scaled FP8, besides `expert_latency`."""
    expert_imbalance: float = 1.0
    """Factor on the random part of the slowest expert-parallel rank's excess."""
    all_reduce_latency: float = 1.0
    """Factor on a collective's fixed time."""
    latent_us: float = 0.0
    """Fixed time of small kernels in a layer of latent attention that others fuse: rotation, choice of experts."""


class HostCost(NamedTuple):
    """What the CPU adds to a step: scheduling, sampling, launching and detokenising."""

    step_ms: float = 0.0
    """Host time of each step."""
    decode_ms: float = 0.0
    """Host time of each step that decodes, beside that of every step."""
    sequence_us: float = 0.0
    """Host time of each sequence in a step."""
    layer_us: float = 0.0
    """Host time of each layer, where kernels are launched one by one (eager execution)."""
    eager_layer_us: float = 0.0
    """Host time of each layer where graphs are switched off, if known of this class; else the engine program's."""
    eager_experts_us: float = 0.0
    """What routed experts add to that in a layer that has some (fitted)."""
    admission_layer_ms: float = 0.0
    """Host time of each layer of a step that admits prompts: it runs outside the graph of pure decode steps."""
    draft_ms: float = 0.0
    """Host time of each drafted token: its own pass is launched, its logits are sampled."""
    verify_ms: float = 0.0
    """Host time of a step that verifies drafts, however many: the rows that are accepted are told from the others."""
    top_p_step_ms: float = 0.0
    """Time of each step more where requests sample by top-p or top-k: launching a sort of the vocabulary."""
    top_p_sequence_us: float = 0.0
    """Time of each such sequence more: sorting its logits."""
    candidate_ns: float = 0.0
    """Time of each entry of the vocabulary, of each such sequence, where the CPU picks the best of them (llama.cpp)."""
    waiting_step_ms: float = 0.0
    """Host time of each step in releases that schedule a step only after the one before (fitted)."""
    waiting_sequence_us: float = 0.0
    """Host time of each sequence there (fitted)."""
    overlap: bool = False
    """The host works while the device does; only the longer of the two counts."""
    launches_mixed: bool = False
    """A step that computes prompts is no captured graph: the host launches its kernels one by one (TensorRT-LLM on
    PyTorch captures steps of decoding alone)."""


class PromptCost(NamedTuple):
    """What an engine's prompts cost beyond their products: chunk size, kernels and fixed times."""

    chunk_tokens: int
    """Most prompt tokens of one step."""
    factor: float = 1.0
    """Seconds of prompts over what the kernels say (fitted)."""
    batch_tokens: int = 0
    """Prompt tokens that are queued together, chunk after chunk: the host is waited for once, and pipeline stages work
    through them before they drain (llama.cpp's n_batch); 0 where each chunk is its own."""
    buckets: bool = False
    """Prompts are padded to the next power of two (ahead-of-time compilation)."""
    compiled: bool = False
    """Prompts are padded to the length that the engine was compiled for (optimum-neuron)."""
    last_logits: bool = False
    """Only a prompt's last chunk meets the LM head (llama.cpp, whose batches say which tokens want logits)."""

    def batches(self, tokens: float) -> int:
        """Times that a prompt of so many tokens is queued."""
        return ceil(tokens / max(self.batch_tokens, self.chunk_tokens))

    def headed(self, chunks: int) -> int:
        """How many of a prompt's chunks meet the LM head."""
        return min(chunks, 1) if self.last_logits else chunks


class Scheduler(NamedTuple):
    """Which request an engine works on next, by its documentation and source."""

    prompts: Literal["chunked", "first", "static"]
    """chunked: decoding first, prompts fill what is left of a step's tokens (vLLM from 0.8, TensorRT-LLM);
    first: whatever waits and fits is computed before anybody decodes on (SGLang, TGI, vLLM V0);
    static: a batch is computed together and decodes to its end, nobody joins."""
    reserves: bool
    """A request takes the cache of its whole length when it is admitted (TensorRT-LLM's guaranteed no evict, slots,
    static batches); else pages as it grows, and the last to come is computed again where they run out."""
    ahead: int = 0
    """Steps that are launched already, besides the one that runs, when a request comes: the host schedules ahead of
    the device (overlap schedulers of SGLang and TensorRT-LLM, asynchronous scheduling of vLLM)."""
    compiled: bool = False
    """A decode step works on the batch and the length that it was compiled for, however few sequences and tokens there
    are (transformers-neuronx: AWS's tables give 128 tokens of 8,192 and 4,096 of them the same time)."""

    @property
    def chunked(self) -> bool:
        """Whether the engine computes prompts in chunks that ride along in decode steps."""
        return self.prompts == "chunked"

    @property
    def static(self) -> bool:
        """Whether the engine's batches start and end together, as compiled Neuron graphs and early servers do."""
        return self.prompts == "static"


class FirstToken(NamedTuple):
    """What a request's first token waits for besides the computing of its own prompt [s]."""

    layer_ms: float
    """Time of each layer: graph-less execution, tokenisation, scheduling (fitted)."""
    step_tokens: float
    """Prompt tokens that are computed in the time of one decode step: 300-600 over the measured accelerators."""
    wait: float = 1.0
    """Share of the queueing delay that a mean request sees (fitted)."""
    fixed_ms: float = 0.0
    """Time of each request, on the server."""
    experts_ms: float = 0.0
    """What routed experts add to the time of a layer that has some (fitted)."""
    graph_tokens: int = 0
    """Prompts of up to so many tokens run in captured graphs, the more of them the shorter they are; 0 launches every
    prompt kernel by kernel."""
    network_ms: float = 0.0
    """Time of each request, on its way."""
    front_end_ms: float = 0.0
    """Time of each request in the one process that takes them in (parsing, chat template, tokens). It turns to each in
    short slices, so that requests that come together are all ready with the last of them."""
    token_us: float = 0.0
    """Time of each prompt token there: splitting the text, hashing blocks of it. Requests pass one after the other, far
    faster than the engine takes them, so that only the own prompt is waited for."""
    launches_first: bool = False
    """Launching takes its time besides the prompt; elsewhere the host launches a layer while the device computes
    earlier ones, and the longer of the two counts."""
    captured: float = 1.0
    """Share of launching that is left where a prompt's layers run in captured pieces (fitted)."""
    captured_tokens: int = 0
    """Longest chunk that does; the release and the model say so, not the class."""


TABLES_AS_THEY_ARE, FREE_HOST = KernelFactors(), HostCost()


@record(frozen=True, slots=True, eq=False)
class EngineSpeed:
    """One engine class: its kernels, its host, how it computes prompts and schedules requests."""

    prompts: PromptCost
    first_token: FirstToken
    scheduler: Scheduler
    max_batch: float
    """Sequences in one step at full load, of one attention replica."""
    state_us: float
    """Fixed time of a linear-attention or state-space layer."""
    scans_choice: bool = False
    """Sparse latent attention passes over as many tokens as it could choose, however few there are."""
    attends_together: bool = False
    """One kernel attends for the prompts and the decoding sequences of a step, where decoding has none of its own."""
    attends_by_head: bool = False
    """Decoding reads the cache once a query head, where others read it once for all that share a cached head."""
    fuses_deltas: bool = False
    """Prompts of a delta rule run a fused kernel where there is one for the device."""
    runtime: str = "gpu"
    """Which operators apply: gpu, llama.cpp or neuron."""
    cuda_graphs: bool = False
    """Whether builds of llama.cpp launch CUDA's kernels as one graph, and multiply quantised weights on its integer
    tensor cores: both from May and June 2024 on (github.com/ggml-org/llama.cpp pulls 6766 and 7676)."""
    kernels: KernelFactors = TABLES_AS_THEY_ARE
    host: HostCost = FREE_HOST
    source: str = ""


class Calibration(NamedTuple):
    """A user's own measurement of one engine class on one accelerator: factors on its seconds, and its reserve."""

    accelerator: str
    engine: str
    decode: float = 1.0
    prefill: float = 1.0
    reserve_gib: float = 0.0
    """Memory of every rank that a start-up log kept beyond the budget [GiB]; negative where it kept less."""

    @property
    def timed(self) -> bool:
        """Whether this own measurement states seconds, and not only memory."""
        return self.decode != 1.0 or self.prefill != 1.0


@record(frozen=True, slots=True, eq=False)
class Efficiency:
    """All measured speed constants: kernels by accelerator, engine classes, and the spreads of what they predict."""

    kernels: Mapping[str, Kernels]
    evidence: Mapping[str, Evidence]
    """Accelerator id -> how its kernel constants are known; spec where it is not listed."""
    engines: Mapping[str, EngineSpeed]
    llama_cpp: LlamaCpp
    neuron: NeuronSpeed
    network: Network
    pipeline_stall: float
    """Share by which a loaded pipeline of many stages is slower than its stages: their batches are never equal."""
    sparse_index_us: float
    """Fixed time of a layer's lightning indexer: quantising, scoring, top-k."""
    routing_entropy: float
    """Experts a batch touches grow as if only this share of its tokens were routed independently."""
    expert_skew: float
    """Extra load of the slowest expert-parallel rank per doubling of ranks."""
    bands: tuple[ResidualBand, ...]
    bands_source: str
    accepted: Mapping[str, Mapping[int, float]]
    """Kind of drafter -> number of drafts -> tokens that a step yields, as measured."""
    draft_gain: Spread
    """Measured over predicted speed-up by speculation, between which 80 % of the paired runs lie."""
    bandwidth_of_parts: Mapping[str, float]
    """Accelerator id -> bandwidth that it reaches over what its kernel class says, where parts of one class differ."""
    calibrations: tuple[Calibration, ...] = ()
    """The user's own points; the last one of an accelerator and engine holds."""

    def kernels_of(self, device: Accelerator) -> Kernels:
        """Kernel constants of a device, by the class that its catalogue entry names."""
        return self.kernels[device.kernels]

    def calibration(self, device: Accelerator, engine: str) -> Calibration | None:
        """The user's own factors for an engine class on that device; None where nothing was measured."""
        points = [each for each in self.calibrations if (each.accelerator, each.engine) == (device.id, engine)]
        return points[-1] if points else None

    def confidence(self, device: Accelerator, speed: EngineSpeed) -> Confidence:
        """Class of evidence of a device under an engine class: A measured on this part, B transferred from a relative,
        C from the datasheet, as all of Neuron.
        """
        if speed.runtime == "neuron":
            return "C"
        if speed.runtime == "llama.cpp":
            measured = self.llama_cpp.devices
            return "A" if device.id in measured else "B" if self.llama_cpp.key(device) in measured.values() else "C"
        match self.evidence.get(device.id, "spec"):
            case "measured":
                return "A"
            case "transferred":
                return "B"
            case _:
                return "C"

    def engine_name(self, speed: EngineSpeed) -> str:
        """The key under which the catalogue holds an engine class."""
        return next((name for name, each in self.engines.items() if each is speed), "")

    def spread(self, metric: str, engine: str, kind: str, confidence: Confidence = "A") -> Spread:
        """Spread of one metric under an engine class, a kind of load and a class of evidence: residuals of the engine's
        own cases, else of all engines' of that kind, at least as wide as the class of evidence asks.
        """
        measured = self._band(metric, engine, kind) or self._band(metric, "", kind) or UNKNOWN_SPREAD
        floor = self._band(metric, "", "", confidence)
        return Spread(min(measured.low, floor.low), max(measured.high, floor.high)) if floor else measured

    def spreads(self, engine: str, kind: str, confidence: Confidence) -> Spreads:
        """The spreads of TTFT, TPOT and output under an engine class, a kind of load and a class of evidence."""
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
    """The constants with a user's own measured points; the same value for the same points, so that compiled steps are
    kept.
    """
    return replace(efficiency, calibrations=calibrations) if calibrations else efficiency
