"""Measured constants of training stacks. Values are data; see catalog/data/training.yaml."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, NamedTuple

from estimator.bounds import Ge, Gt
from estimator.hardware.devices import Accelerator
from estimator.models.shapes import Shape

Bytes = Annotated[float, Ge(0)]
Factor = Annotated[float, Gt(0)]


class Framework(NamedTuple):
    """How one training stack keeps states, activations and logits."""

    id: str
    name: str
    precision: str = "bf16-mixed"
    """Of full training, where a source does not say."""
    adapter_precision: str = "fp32"
    """Of adapters, their gradients and their states."""
    checkpointing: str = "full"
    """Where a source does not say, on one device."""
    checkpointing_sharded: str = "full"
    """Where a source does not say, on several."""
    loss: str = "plain"
    """Where a source does not say."""
    stack: str = "hf"
    """Key into the speed factors."""
    fused_experts: bool = False
    """Experts run as grouped products with a fused dispatch."""
    bytes_per_logit: Bytes = 12.0
    """Of the plain loss path; the fused and chunked paths are the same everywhere."""
    bytes_per_logit_quantised: Bytes | None = None
    """The same over a quantised base, where it differs."""
    lora_targets: str = "q_proj,v_proj"
    """Where a source does not say."""
    activation_factor: Factor = 1.0
    low_precision_activation_factor: Factor = 1.0
    """On top, where products run in 8 or 4 bits: their inputs are kept so."""
    recompute_factor: Factor = 1.0
    """Layers' worth of activations live while one is recomputed."""
    quantised_rest_bytes: Bytes = 2.0
    """Per parameter of embedding, head and norms beside a quantised base."""
    quantised_extra_bytes: Bytes = 0.0
    """Per quantised parameter, beside its format."""
    gradient_bytes: Bytes = 2.0
    """Per parameter, under an fp32 master copy."""
    buckets: bool = True
    """ZeRO's communication buckets are memory of their own, not views of the gradients."""
    accumulates_whole_gradients: bool = False
    """Gradients are accumulated unsharded between optimizer steps."""
    loads_whole_weights: bool = False
    """Sharded runs peak while a whole copy is loaded."""
    adapter_input_bytes: Bytes = 0.0
    """Per element that enters an adapted matrix: dropout masks and copies."""
    prints_allocated: bool = False
    """Its printed peak is the allocator's, without CUDA context and libraries."""
    offloads: str = "optimizer"
    """What its CPU offload moves: the optimizer's states, or parameters too."""
    overhead_bytes: Bytes = 1073741824.0
    patterns: tuple[str, ...] = ()
    """How sources spell it, lower case; the first pattern found decides."""
    source: str = ""


class MemoryRules(NamedTuple):
    """What holds in every stack."""

    fused_bytes_per_logit: Bytes
    chunked_bytes_per_logit: Bytes
    upcast_bytes_per_logit: Bytes
    selective_factor: Factor
    """Share of a layer's activations that selective checkpointing keeps."""
    offloaded_factor: Factor
    """Layers' worth of activations live with checkpoints on the host."""
    context_parallel_factor: Factor
    """Activations under context parallelism: ring buffers."""
    tensor_parallel_elements: Bytes
    """Hidden vectors per token that every tensor-parallel rank holds whole: gathered inputs, unreduced outputs."""
    bucket_bytes_per_parameter: Bytes
    bucket_bytes: Bytes
    """Most that ZeRO's communication buckets take."""
    in_backward_saving: Factor
    """Share of the gradients that stepping in the backward pass saves."""
    embedding_bytes_per_parameter: Bytes
    """Gradient, master and states of embeddings trained beside adapters."""
    multi_device_bytes: Bytes
    """NCCL, per process of a run over several devices."""
    budget: Factor
    """Share of the usable memory that may be planned to."""
    known_band: tuple[float, float]
    unknown_band: tuple[float, float]
    source: str


class SpeedRules(NamedTuple):
    """Model FLOP/s utilisation as a base times factors, and what a step waits for beside its products."""

    base_mfu: Factor
    factors: Mapping[str, Factor]
    """What multiplies the base, by name; each is raised to how much of it a run has."""
    hardware: Mapping[str, str]
    """Accelerator id, or generation -> the factor that speaks of it."""
    attention_cost: Mapping[str, Factor]
    """By stack: time of a causal attention FLOP over that of a matrix-product FLOP."""
    low_precision: Mapping[str, str]
    """Number format, also as `fp8 before Blackwell` -> factor."""
    bands: Mapping[str, tuple[float, float]]
    """By class of run: actual over predicted, 80 %."""
    overlap: Factor
    """Share of the compute time under which communication hides."""
    network_efficiency: Factor
    """Bus bandwidth over a machine's network bandwidth."""
    reference_network_bytes_per_s: Factor
    """Of one machine in the published clusters that the factors come from."""
    reference_link_bytes_per_s: Factor
    """Bus bandwidth inside their machines."""
    cpu_adam_parameters_per_s: Factor
    """Per vCPU, with states in host memory."""
    reference_vcpus: int
    """Of the hosts of those clusters; taken where a machine's are not known."""
    host_link_bytes_per_s: Factor
    """Per device, for offloaded parameters."""
    source: str

    def factor_of(self, device: Accelerator) -> str | None:
        """The factor that speaks of a device; None where no run on it was measured."""
        return self.hardware.get(device.id) or self.hardware.get(device.generation)


class RunRules(NamedTuple):
    """What a run spends beside its steps."""

    start_up_s: Bytes
    """Boot, image, model download and first batch."""
    compile_s: Bytes
    """Ahead-of-time compilation on Neuron."""
    checkpoint_interval_s: Factor
    storage_bytes_per_s: Factor
    """Writing a checkpoint, per machine."""
    interruptions_per_month: Mapping[str, float]
    """By the Spot Advisor's class."""
    default_interruption: str
    source: str


@dataclass(frozen=True, slots=True, eq=False)
class TrainingConstants:
    """Everything measured that training needs."""

    memory: MemoryRules
    speed: SpeedRules
    run: RunRules
    frameworks: Mapping[str, Framework]
    shapes: Mapping[str, Shape]
    aliases: Mapping[str, str]
    """Pattern of how sources print a model's name, lower case -> catalogue id."""
