"""Measured constants of training stacks. Values are data: catalog/data/training.yaml."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, NamedTuple

from estimator.bounds import Ge, Gt
from estimator.hardware.devices import Accelerator

Bytes = Annotated[float, Ge(0)]
Factor = Annotated[float, Gt(0)]


class Framework(NamedTuple):
    """How one training stack keeps states, activations and logits; measured, see `source`."""

    id: str
    name: str
    precision: str = "bf16-mixed"
    """How full training keeps its weights where nobody says otherwise."""
    adapter_precision: str = "fp32"
    """How adapters, their gradients and their states are kept."""
    checkpointing: str = "full"
    """Kind of checkpointing on one device where nobody says otherwise."""
    checkpointing_sharded: str = "full"
    """Kind of checkpointing on several devices where nobody says otherwise."""
    loss: str = "plain"
    """Loss path where nobody says otherwise."""
    stack: str = "hf"
    """Key into the speed factors."""
    fused_experts: bool = False
    """Experts run as grouped products with a fused dispatch."""
    bytes_per_logit: Bytes = 12.0
    """Bytes per logit of the plain loss path; the fused and chunked paths cost the same everywhere."""
    bytes_per_logit_quantised: Bytes | None = None
    """Bytes per logit of the plain loss path over a quantised base, where they differ."""
    lora_targets: str = "q_proj,v_proj"
    """LoRA targets of a measured run whose source does not say."""
    activation_factor: Factor = 1.0
    low_precision_activation_factor: Factor = 1.0
    """Multiplies the activations where products run in 8 or 4 bits: their inputs are kept so."""
    recompute_factor: Factor = 1.0
    """Layers' worth of activations live while one is recomputed."""
    quantised_rest_bytes: Bytes = 2.0
    """Bytes per parameter of embedding, head and norms next to a quantised base."""
    quantised_extra_bytes: Bytes = 0.0
    """Bytes per quantised parameter on top of its format."""
    gradient_bytes: Bytes = 2.0
    """Bytes per gradient under an fp32 master copy."""
    buckets: bool = True
    """ZeRO's communication buckets are memory of their own, not views of the gradients."""
    accumulates_whole_gradients: bool = False
    """Gradients are accumulated unsharded between optimizer steps."""
    loads_whole_weights: bool = False
    """Sharded runs peak while a whole copy is loaded."""
    adapter_input_bytes: Bytes = 0.0
    """Bytes per element that enters an adapted matrix: dropout masks and copies."""
    prints_allocated: bool = False
    """Its printed peak is the allocator's, without CUDA context and libraries."""
    offloads: str = "optimizer"
    """What its CPU offload moves: the optimizer's states, or parameters too."""
    overhead_bytes: Bytes = 1073741824.0
    patterns: tuple[str, ...] = ()
    """How sources spell the stack, lower case; the first pattern that matches decides."""
    source: str = ""


class MemoryRules(NamedTuple):
    """Memory constants that hold in every stack."""

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
    """Most bytes that ZeRO's communication buckets take."""
    in_backward_saving: Factor
    """Share of the gradients that stepping in the backward pass saves."""
    embedding_bytes_per_parameter: Bytes
    """Bytes per parameter of embeddings trained together with adapters: gradient, master and states."""
    multi_device_bytes: Bytes
    """Bytes of NCCL per process of a run over several devices."""
    budget: Factor
    """Share of the usable memory that may be planned to."""
    known_band: tuple[float, float]
    unknown_band: tuple[float, float]
    source: str


class SpeedRules(NamedTuple):
    """Model FLOP/s utilisation as a base times factors, and what a step waits for besides its products."""

    base_mfu: Factor
    factors: Mapping[str, Factor]
    """Factors of the base, by name; each is raised to how much of it a run has."""
    hardware: Mapping[str, str]
    """Accelerator id, or kernel class -> name of its factor."""
    attention_cost: Mapping[str, Factor]
    """By stack: time of a causal attention FLOP over that of a matrix-product FLOP."""
    low_precision: Mapping[str, str]
    """Number format (also `fp8 before Blackwell`) -> name of its factor."""
    bands: Mapping[str, tuple[float, float]]
    """Class of run -> actual over predicted speed, low and high, of 80 % of published runs."""
    overlap: Factor
    """Share of the compute time under which communication hides."""
    network_efficiency: Factor
    """Bus bandwidth over a machine's network bandwidth."""
    reference_network_bytes_per_s: Factor
    """Network of one machine in the published clusters that the factors come from."""
    reference_link_bytes_per_s: Factor
    """Bus bandwidth inside the machines of the published clusters."""
    cpu_adam_parameters_per_s: Factor
    """Parameters stepped per second and vCPU, with states in host memory."""
    reference_vcpus: int
    """vCPUs of the published hosts; taken where a machine's are not known."""
    host_link_bytes_per_s: Factor
    """Bandwidth per device between host and device, for offloaded parameters."""
    source: str

    def hardware_factor(self, device: Accelerator) -> str | None:
        """Name of the speed factor of a device or its kernel class; None where no run on it was measured."""
        return self.hardware.get(device.id) or self.hardware.get(device.kernels)


class RunRules(NamedTuple):
    """Time that a run spends besides its steps."""

    start_up_s: Bytes
    """Boot, image, model download and first batch."""
    compile_s: Bytes
    """Ahead-of-time compilation on Neuron."""
    checkpoint_interval_s: Factor
    storage_bytes_per_s: Factor
    """Writing a checkpoint, per machine."""
    interruptions_per_month: Mapping[str, float]
    """Interruptions a month of one machine, by the Spot Advisor's class."""
    default_interruption: str
    source: str


@dataclass(frozen=True, slots=True, eq=False)
class TrainingConstants:
    """Everything measured that training needs."""

    memory: MemoryRules
    speed: SpeedRules
    run: RunRules
    frameworks: Mapping[str, Framework]
    aliases: Mapping[str, str]
    """Pattern of how sources print a model's name, lower case -> catalogue id."""
