"""How an engine spends a device's memory: one class per way of budgeting. Values are data (catalog/data/engines.yaml).

A `kind` in the data chooses the class; `estimator/serving/memory` holds the arithmetic.
"""

from typing import Literal, NamedTuple

from estimator.hardware.devices import Accelerator
from estimator.records import record
from estimator.units import GIB


class DeviceDefaults(NamedTuple):
    """What an engine's settings default to on devices of at least some memory."""

    min_memory_gib: float
    max_num_seqs: int
    max_num_batched_tokens: int
    except_devices: str = ""
    """Devices whose id starts like this stay in the class below (vLLM: A100 by its name, so that an A800 does not)."""
    except_unified: bool = False
    """So do NVIDIA's devices of unified memory, whose size the driver's library does not tell (vLLM: GB10, Jetson)."""
    graph_sequences: int = 0
    """Largest batch that graphs are captured for, where the profile says so; 0 is any."""
    graph_sequences_of_four: int = 0
    """Largest such batch from four tensor-parallel ranks on; 0 is as below four."""

    def holds(self, device: Accelerator) -> bool:
        """Whether a device is of this class."""
        if self.except_devices and device.id.startswith(self.except_devices):
            return False
        if self.except_unified and device.vendor == "nvidia" and "unified-memory" in device.tags:
            return False
        return device.memory_usable_bytes >= self.min_memory_gib * GIB

    def captured(self, tp: int) -> int:
        """Largest batch that graphs are captured for on `tp` ranks; 0 is any."""
        return self.graph_sequences_of_four if tp >= 4 and self.graph_sequences_of_four else self.graph_sequences


class OutsideTorch(NamedTuple):
    """Memory of one rank that PyTorch's allocator does not see: CUDA context, NCCL, custom all-reduce."""

    bytes: float
    bytes_per_hidden: float = 0.0
    """For each element of the model's hidden width."""
    ranks: int = 1
    """Tensor-parallel ranks and attention copies together, at least."""
    stages: int = 1
    """Pipeline stages, at least."""
    least_capability: float = 0.0
    """Compute capability from which it holds (fused all-reduce workspaces exist on Hopper and later)."""
    peer_links: bool = False
    """Only between devices with links of their own (NVLink): over PCIe the buffers lie in the host's memory."""
    compiling: bool = False
    """Only of a start that compiles: kernels are loaded to be tuned."""


class CudaGraphs(NamedTuple):
    """Memory of captured CUDA graphs: per layer, and buffers of the largest captured step."""

    bytes_per_layer: float
    bytes_per_expert_layer: float
    """In addition, where a layer has routed experts."""
    step_tokens: int
    """Largest step captured; smaller where max_num_seqs is."""
    mxfp4_step_tokens: int
    """Largest step captured for models with MXFP4 experts."""
    hidden_vectors: float
    """Vectors of the hidden width kept per token of that step."""
    intermediate_vectors: float
    """Feed-forward intermediates (gate, up and product) kept per token of that step."""


class Mxfp4Kernel(NamedTuple):
    """How the kernel that an engine picks lays MXFP4 experts out: sides are rounded up to whole tiles."""

    least_capability: float = 0.0
    hidden_tile: int = 1
    intermediate_tile: int = 1
    """Share of each rank."""
    inner_tile: int = 1
    """Tile of the side that is summed over, of the numbers alone."""
    scale_copies: int = 1
    """2 where the checkpoint's scales stay beside those in the kernel's order."""


class StaticReserve(NamedTuple):
    """What SGLang leaves free for activations and graphs when no fraction is given."""

    bytes: float
    bytes_per_token: float
    """Per token of a prefill chunk."""
    bytes_per_sequence: float
    """Per sequence of the largest captured graph."""
    bytes_per_rank: float
    bytes_per_replica_sequence: float
    """Per sequence of that graph and attention replica, where there are several replicas."""
    many_sequences: int
    """Graphs of more sequences keep half as much again for each replica."""
    least_bytes: float
    least_from_gib: float
    """Devices from this size on keep at least `least_bytes`."""
    draft_head_bytes: float
    """For a head, or the model's own modules, that proposes tokens."""
    draft_model_bytes: float
    """For a smaller model that does."""


@record(frozen=True, slots=True, eq=False, kw_only=True)
class Blocks:
    """Policy of a cache in blocks of some tokens, which sequences take as they grow. Every layer keeps every token."""

    kind: Literal["blocks"]
    block_tokens: int


@record(frozen=True, slots=True, eq=False, kw_only=True)
class HybridBlocks:
    """Policy of vLLM's hybrid allocator: pages span equal groups of layers, and window layers keep only their
    window.
    """

    kind: Literal["hybrid-blocks"]
    block_tokens: int
    group_slack: float
    """Kinds of layers whose counts differ by less share one group size, the larger."""
    state_pages: int
    """Pages that a sequence keeps of every group of recurrent layers; 1 where no prefix is cached by default."""
    steps_in_flight: int
    """Steps whose tokens a window layer keeps beside its window: 2 where the next one is scheduled ahead."""


@record(frozen=True, slots=True, eq=False, kw_only=True)
class Slots:
    """Policy of a contiguous cache: the full length of every slot is reserved, for a fixed number of sequences."""

    kind: Literal["slots"]
    keeps_windows: bool = False
    """Window layers keep only their window, in a cache of their own (llama.cpp)."""


@record(frozen=True, slots=True, eq=False, kw_only=True)
class Shares:
    """Policy of SGLang's hybrid models: pools of fixed shares, by token for layers that keep every token, by token for
    window layers, and by sequence for recurrent states. Whichever is scarcer decides how many sequences run.
    """

    kind: Literal["shares"]
    state_ratio: float
    """Bytes of the recurrent states' pool over those of the others (--mamba-full-memory-ratio)."""
    states: int
    """Recurrent states that a sequence takes: its own, and those that the prefix cache keeps of it."""
    window_ratio: float
    """Tokens of the window layers' pool over those of the others' (--swa-full-tokens-ratio)."""
    windowed: tuple[str, ...]
    """Classes of models whose window layers have a pool of their own; those of others keep every token."""


CachePolicy = Blocks | HybridBlocks | Slots | Shares


@record(frozen=True, slots=True, eq=False, kw_only=True)
class Loading:
    """What an engine makes of a checkpoint's tensors while loading them."""

    rotary_table: bool = False
    """Keeps a cosine and sine table of every position on each rank."""
    rounds_allocations: bool = False
    """Weights come out of PyTorch's caching allocator."""
    embedding_on_host: bool = False
    """The token embedding is looked up on the CPU (llama.cpp)."""
    mxfp4: tuple[Mxfp4Kernel, ...] = ()
    """Kernels of MXFP4 experts by compute capability, ascending."""

    def mxfp4_kernel(self, capability: float) -> Mxfp4Kernel | None:
        """The kernel of MXFP4 experts on a device of that compute capability."""
        return next((each for each in reversed(self.mxfp4) if capability >= each.least_capability), None)


@record(frozen=True, slots=True, eq=False, kw_only=True)
class ActivationPeak:
    """Rules for the peak of one step's activations, as an engine measures or plans it when it starts."""

    logit_bytes: float
    """Sampler's peak per sequence and vocabulary entry, besides the logits in the model's own type."""
    hidden_states: float
    """Copies of one step's hidden states alive beside the sampler."""
    residual_vectors: float
    """Vectors of the hidden width per token alive inside one layer."""
    logits_of_every_token: bool = False
    """Computes the logits of a whole step, not of one token per sequence (llama.cpp)."""
    gathers_logits: bool = False
    """Every rank's share of the logits stands beside those that it gathers from all (TGI)."""
    keeps_layer_buffers: bool = False
    """Counts the memory that is free, not the peak in use: what the allocator keeps of the widest layer stands beside
    the sampler (TGI)."""
    profiles_model_len: bool = False
    """Profiles one prompt of full length (vLLM V0), not `max_num_batched_tokens`."""
    chunks_above: int = 0
    """Model length above which prompts are computed in chunks, whose profile samples nothing (vLLM V0)."""
    keeps_expert_buffers: bool = False
    """The fused experts' buffers outlive their layer."""
    compiles_embedding: bool = False
    """While it measures a first start's peak, the engine tunes kernels with inputs it makes up: the embedding."""
    compiles_head: bool = False
    """An untied LM head as well."""
    profiles_images: bool = False
    """The start's profile encodes as many of the largest images as a step takes, one at least, and keeps what they
    became beside the pass through the language model (vLLM from 0.8)."""
    deep_video_tokens: int = 0
    """Tokens of the longest video that it makes up for towers with a deep stack (vLLM 0.11 to 0.16), whose vectors it
    keeps without encoding as many."""
    whole_images: bool = False
    """A step takes an image whole where its tokens attend both ways, so it is never shorter than the largest one."""


@record(frozen=True, slots=True, eq=False, kw_only=True)
class EnginePolicy:
    """What the memory budget of every engine is made of, whatever its way of dividing the device."""

    utilization: float
    """The engine's own default of the fraction it may take."""
    defaults: tuple[DeviceDefaults, ...]
    """Widest device class first."""
    cache: CachePolicy
    loading: Loading
    activations: ActivationPeak
    outside_torch: tuple[OutsideTorch, ...]
    """The last one that holds counts."""
    graphs: CudaGraphs | None = None
    driver_reserved_bytes: float = 0.0
    """Memory that nvidia-smi reports but the engine can not allocate: the CUDA context."""
    driver_reserved_fraction: float = 0.0
    """The part of it that grows with the device: page tables."""

    def visible_bytes(self, reported_bytes: float) -> float:
        """Memory of a device that the engine counts with, from what the driver reports [bytes]."""
        return reported_bytes * (1 - self.driver_reserved_fraction) - self.driver_reserved_bytes

    def reported_bytes(self, visible_bytes: float) -> float:
        """Memory that the driver reports of a device, from the total that the engine prints [bytes]."""
        return (visible_bytes + self.driver_reserved_bytes) / (1 - self.driver_reserved_fraction)


@record(frozen=True, slots=True, eq=False, kw_only=True)
class FractionOfDevice(EnginePolicy):
    """The budget of vLLM and TGI: a fraction of the whole device, less everything that is measured at start-up."""

    kind: Literal["fraction-of-device"]
    graphs_in_budget: bool = False
    """CUDA graphs come out of the budget (vLLM from 0.20), not out of what it leaves."""
    except_dense: bool = False
    """But for models without routed experts: vLLM's second model runner, which serves these, reserves nothing."""
    checks_model_len: bool = False
    """Refuses to start unless one sequence of `max_model_len` fits."""


@record(frozen=True, slots=True, eq=False, kw_only=True)
class StaticFraction(EnginePolicy):
    """The budget of SGLang: weights and cache inside a fraction of what is free at start, everything else outside."""

    kind: Literal["static-fraction"]
    reserve: StaticReserve


@record(frozen=True, slots=True, eq=False, kw_only=True)
class FractionOfFree(EnginePolicy):
    """The budget of TensorRT-LLM and vLLM on Gaudi: the cache takes a fraction of what is free once all is loaded."""

    kind: Literal["fraction-of-free"]
    graph_share: float = 0.0
    """Share of that fraction which stays for captured graphs."""


@record(frozen=True, slots=True, eq=False, kw_only=True)
class WholeDevice(EnginePolicy):
    """The budget of llama.cpp, transformers and Neuron: they allocate what they need, up to the whole device."""

    kind: Literal["whole-device"]


@record(frozen=True, slots=True, eq=False, kw_only=True)
class RuleOfThumb:
    """A classic sizing shortcut as a budget, so that old figures can be reproduced. It counts with the memory
    as sold.
    """

    kind: Literal["rule-of-thumb"]
    utilization: float
    defaults: tuple[DeviceDefaults, ...]
    cache: Blocks
    ignores: str
    """What it leaves out, for the reader."""
    weights_factor: float = 1.0
    overhead_fraction: float = 0.0
    """Share of the weights; at least `overhead_bytes`."""
    overhead_bytes: float = 0.0
    whole_gb: bool = False
    """Weights rounded to a whole GB."""
    every_head_cached: bool = False
    """2 x bytes x layers x hidden per token, as if every query head had keys and values of its own."""

    def visible_bytes(self, reported_bytes: float) -> float:
        """Memory of a device that a rule of thumb counts with: all of it, since it knows of no driver [bytes]."""
        return reported_bytes


MemoryPolicy = FractionOfDevice | StaticFraction | FractionOfFree | WholeDevice | RuleOfThumb


def device_defaults(policy: MemoryPolicy, device: Accelerator, image_tokens: int = 0) -> DeviceDefaults:
    """An engine's default settings on a device, by its memory and name."""
    defaults = next((each for each in policy.defaults if each.holds(device)), policy.defaults[-1])
    takes_images_whole = not isinstance(policy, RuleOfThumb) and policy.activations.whole_images
    if takes_images_whole and defaults.max_num_batched_tokens < image_tokens:
        return defaults._replace(max_num_batched_tokens=image_tokens)
    return defaults
