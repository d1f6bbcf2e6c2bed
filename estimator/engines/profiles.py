"""Serving engines by version: how each spends a device's memory. Values are data; see catalog/data/engines.yaml."""

import re
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import NamedTuple

STATE_PAGES_OF_PREFIXES = 2


class DeviceDefaults(NamedTuple):
    """What an engine's settings default to on devices of at least some memory."""

    min_memory_gib: float
    max_num_seqs: int
    max_num_batched_tokens: int
    except_kernels: str = ""
    """A kernel class whose devices stay in the class below (vLLM: A100)."""
    graph_sequences: int = 0
    """Largest batch that graphs are captured for, where the reserve depends on it."""


class OutsideTorch(NamedTuple):
    """Memory of one rank that PyTorch's allocator does not see: CUDA context, NCCL, custom all-reduce."""

    ranks: int
    """Tensor-parallel ranks, at least."""
    bytes: float
    bytes_per_hidden: float = 0.0
    least_capability: float = 0.0
    """Compute capability from which it holds (fused all-reduce workspaces exist on Hopper and later)."""


class Graphs(NamedTuple):
    """Memory of captured CUDA graphs: per layer, and buffers of the largest captured step."""

    bytes_per_layer: float
    bytes_per_expert_layer: float
    """In addition, where a layer has routed experts."""
    tokens: int
    """Largest step captured; smaller where max_num_seqs is."""
    mxfp4_tokens: int
    hidden: float
    """Hidden vectors kept per token of that step."""
    intermediate: float
    """Feed-forward intermediates (gate, up and product) kept per token of that step."""


class Mxfp4Kernel(NamedTuple):
    """How the kernel that an engine picks lays MXFP4 experts out: sides are rounded up to whole tiles."""

    least_capability: float = 0.0
    hidden_tile: int = 1
    intermediate_tile: int = 1
    """Of each rank's share."""
    inner_tile: int = 1
    """Of the side that is summed over, of the numbers alone."""
    scale_copies: int = 1
    """2 where the checkpoint's scales stay beside those in the kernel's order."""


class Reserve(NamedTuple):
    """What SGLang leaves free for activations and graphs when no fraction is given."""

    bytes: float
    bytes_per_token: float
    """Per token of a prefill chunk."""
    bytes_per_sequence: float
    """Per sequence of the largest captured graph."""
    bytes_per_rank: float
    least_bytes: float
    least_from_gib: float
    """Devices from this size on keep at least `least_bytes`."""


class RuleOfThumb(NamedTuple):
    """A classic shortcut, so that old figures can be reproduced."""

    ignores: str
    """What it leaves out, for the reader."""
    weights_factor: float = 1.0
    overhead_fraction: float = 0.0
    """Of the weights; at least `overhead_bytes`."""
    overhead_bytes: float = 0.0
    whole_gb: bool = False
    """Weights rounded to a whole GB."""
    every_head_cached: bool = False
    """2 x bytes x layers x hidden per token, as if every query head had keys and values of its own."""


@dataclass(frozen=True, slots=True, eq=False)
class MemoryPolicy:
    """The numbers of one engine's memory budget. `kind` names the arithmetic; serving_memory/budget.py holds it."""

    kind: str
    """budget (vLLM, TGI), static (SGLang), free (TensorRT-LLM), plain (llama.cpp, transformers, Neuron), rule"""
    utilization: float
    """The engine's own default of the fraction it may take."""
    defaults: tuple[DeviceDefaults, ...]
    """Widest device class first."""
    hidden_bytes: float = 0.0
    hidden_share: float = 0.0
    """What the driver reports less what the engine sees: a context, and page tables in proportion."""
    block_tokens: int = 16
    """Tokens of one page of the cache; 1 for a contiguous cache."""
    pages: bool = True
    """False reserves the full length for a fixed number of sequences."""
    grouped_layers: bool = False
    """Pages span equal groups of layers, and window layers keep only their window (vLLM's hybrid allocator)."""
    group_slack: float = 1.25
    """Kinds of layers whose counts differ by less share one group size, the larger."""
    state_pages: int = STATE_PAGES_OF_PREFIXES
    """Pages that a sequence keeps of every group of recurrent layers; 1 where no prefix is cached by default."""
    steps_in_flight: int = 1
    """Steps whose tokens a window layer keeps beside its window: 2 where the next one is scheduled ahead."""
    whole_images: bool = False
    """A step takes an image whole where its tokens attend both ways, so it is never shorter than the largest one."""
    keeps_windows: bool = False
    """Window layers keep only their window, in a cache of their own."""
    logit_bytes: float = 0.0
    """Sampler's peak per sequence and vocabulary entry, besides the logits in the model's own type."""
    logits_of_every_token: bool = False
    """Computes the logits of a whole step, not of one token per sequence (llama.cpp)."""
    hidden_states: float = 0.0
    """Copies of one step's hidden states alive beside the sampler."""
    residual_width: float = 4.0
    """Hidden vectors per token alive inside one layer."""
    profiles_model_len: bool = False
    """Profiles one prompt of full length (vLLM V0), not `max_num_batched_tokens`."""
    chunks_above: int = 0
    """Model length above which prompts are computed in chunks, whose profile samples nothing (vLLM V0)."""
    keeps_expert_buffers: bool = False
    """The fused experts' buffers outlive their layer."""
    outside_torch: tuple[OutsideTorch, ...] = ()
    """By tensor-parallel ranks, ascending."""
    outside_torch_pipeline_bytes: float | None = None
    """The same at TP1 where the pipeline has several stages."""
    graphs: Graphs | None = None
    graphs_in_budget: bool = False
    checks_model_len: bool = False
    """Refuses to start unless one sequence of `max_model_len` fits."""
    rotary_cache: bool = False
    """Keeps a cosine and sine table of every position on each rank."""
    rounds_allocations: bool = False
    """Weights come out of PyTorch's caching allocator."""
    mxfp4: tuple[Mxfp4Kernel, ...] = ()
    """Kernels of MXFP4 experts by compute capability, ascending."""
    embedding_on_host: bool = False
    """The token embedding is looked up on the CPU (llama.cpp)."""
    reserve: Reserve | None = None
    rule: RuleOfThumb | None = None

    def mxfp4_kernel(self, capability: float) -> Mxfp4Kernel | None:
        """The kernel of MXFP4 experts on a device of that compute capability."""
        return next((each for each in reversed(self.mxfp4) if capability >= each.least_capability), None)

    def seen(self, reported: float) -> float:
        """Bytes of a device that the engine counts with, of those that the driver reports."""
        return reported * (1 - self.hidden_share) - self.hidden_bytes

    def reported(self, seen: float) -> float:
        """The driver's figure of a device that the engine prints as `seen` bytes."""
        return (seen + self.hidden_bytes) / (1 - self.hidden_share)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Program:
    """What an engine is, whatever its version."""

    family: str
    """Engines of one family share messages, options and residuals of measured cases (Ollama is llama.cpp)."""
    launch: str = ""
    """Key of the command that starts it (estimator/advice/launch.py); empty is no server."""
    torch: bool = False
    """Allocates through PyTorch, whose words an out-of-memory error then has."""
    cache_formats: tuple[str, ...]
    """Formats of its cache worth comparing, widest first."""
    weight_ladder: tuple[str, ...]
    """Weight formats worth trying, widest first."""
    quantises: dict[str, str] = field(default_factory=dict)
    """Formats that it makes of 16-bit weights while it loads them -> how its option names them."""
    stands_in_on: tuple[str, ...] = ()
    """Kinds of devices on which it answers in the place of an engine that does not run there."""


@dataclass(frozen=True, slots=True, eq=False)
class EngineProfile:
    """One engine from a version on, up to the next profile of that engine."""

    id: str
    version: str
    """The first version it describes."""
    name: str
    speed: str
    """Key into the efficiency table's engine constants."""
    program: Program
    memory: MemoryPolicy
    tensor_parallel: tuple[int, ...] = ()
    """The only tensor-parallel degrees it runs; empty is any that the model allows."""
    tensor_parallel_of: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """The same by accelerator generation, where it differs."""
    architectures: tuple[str, ...] = ()
    """Model classes it has a recipe for; empty is every one."""
    pads_heads: bool = False
    """Adds idle query heads where the degree does not divide them (Neuron)."""
    device_kinds: tuple[str, ...] = ("gpu",)
    """Kinds of accelerator it runs on."""
    vendors: tuple[str, ...] = ()
    """Vendors it runs on; empty is any."""
    formats: tuple[str, ...] = ()
    """Weight formats it loads, by the beginning of their names; empty is every one but GGUF."""
    pipeline: bool = True
    expert_parallel: bool = True
    context_parallel: tuple[str, ...] = ()
    """Kinds of layers that models may have under decode context parallelism; empty where the engine has none of it."""
    offloads: bool = False
    """Keeps layers in host memory where the devices are too small for all of them."""
    source: str = ""
    as_of: str = ""
    note: str = ""


@lru_cache(maxsize=64)
def caching_prefixes(engine: EngineProfile) -> EngineProfile:
    """The same with its prefix cache turned on: states are kept at page borders, beside the one being written."""
    return replace(engine, memory=replace(engine.memory, state_pages=STATE_PAGES_OF_PREFIXES))


def version_key(version: str) -> tuple[int, ...]:
    """Leading numbers of a version, comparable: `0.20.1rc1.dev16` is (0, 20, 1)."""
    release = re.match(r"[vb]?([\d.]*)", version.strip()) if version else None
    numbers = [int(part) for part in release[1].split(".") if part] if release else []
    return tuple(numbers[:3])
