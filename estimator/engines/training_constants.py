"""Measured constants of training stacks. Values are data: catalog/data/training.yaml."""

from collections.abc import Mapping
from typing import Annotated, Literal, NamedTuple

from estimator.bounds import Ge, Gt
from estimator.hardware.devices import Accelerator
from estimator.records import record

Bytes = Annotated[float, Ge(0)]
Factor = Annotated[float, Gt(0)]


class Platform(NamedTuple):
    """A family of devices that training stacks drive through one library, such as CUDA, ROCm or Neuron."""

    vendor: str
    kind: str
    devices: tuple[str, ...] = ()
    """Ids of the accelerators that it drives; empty where it drives all of the vendor's kind."""
    min_compute_capability: Factor | None = None
    """CUDA compute capability below which the current libraries carry no kernels."""
    framework: str | None = None
    """The stack that trains here in place of one that does not run on this platform."""
    methods: tuple[str, ...] = ()
    """Methods that run here; empty where all do."""
    computes: tuple[str, ...] = ()
    """Number formats that products run in here; empty where the device's own decide."""
    classes: tuple[str, ...] = ()
    """Model classes that the platform's libraries parallelise; empty where all are."""
    tensor_parallel: Mapping[str, tuple[int, ...]] = {}
    """Accelerator id -> tensor-parallel degrees that the compiler takes, least loss of speed first."""
    source: str = ""

    def drives(self, device: Accelerator) -> bool:
        """Whether the platform's libraries run on a device at all."""
        if device.vendor != self.vendor or device.kind != self.kind or "no-llm-stack" in device.tags:
            return False
        old = device.compute_capability < (self.min_compute_capability or 0.0)
        return not old and (not self.devices or device.id in self.devices)


class Framework(NamedTuple):
    """What one training stack can do, and how it keeps states, activations and logits; measured, see `source`."""

    id: str
    name: str
    bytes_per_logit: Bytes
    """Bytes per logit of the plain loss path; the fused and chunked paths cost the same everywhere."""
    overhead_bytes: Bytes
    """CUDA context and libraries of one process."""
    gradient_bytes: Bytes
    """Bytes per gradient under an fp32 master copy."""
    precision: str
    """How full training keeps its weights where nobody says otherwise."""
    adapter_precision: str
    """How adapters, their gradients and their states are kept."""
    loss: str
    """Loss path where nobody says otherwise."""
    stack: str
    """Key into the speed factors."""
    source: str
    patterns: tuple[str, ...] = ()
    """How sources spell the stack, lower case; the first pattern that matches decides."""
    platforms: tuple[str, ...] = ("cuda",)
    methods: tuple[str, ...] = ("full", "lora", "qlora", "dora")
    shardings: tuple[str, ...] = ("none", "zero1", "zero2", "zero3", "fsdp", "hybrid")
    """Ways to shard that it runs; the first that shards weights is its own."""
    splits: tuple[str, ...] = ()
    """Splits of the model that it runs: tp, pp, cp, ep."""
    offloads: tuple[str, ...] = ()
    """What it can move to the host: the optimizer's states, or parameters as well."""
    checkpointings: tuple[str, ...] = ("none", "full")
    """Kinds of activation checkpointing that it runs."""
    trains_in_fp16: bool = False
    """Whether it also trains in fp16 with a scaled loss, on devices without bf16 matrix products."""
    memory_model: Literal["parts", "rule-of-thumb"] = "parts"
    recipe: str = "axolotl"
    """The writer of starting configurations for adapters."""
    full_recipe: str = "torchtitan"
    """The writer of starting configurations for full training."""
    recipe_settings: Mapping[str, bool] = {}
    """Keys that its configuration always carries, with their values."""
    checkpointing: str = "full"
    """Kind of checkpointing on one device in a measured run whose source does not say."""
    checkpointing_sharded: str = "full"
    """Kind of checkpointing on several devices in a measured run whose source does not say."""
    sharding: str | None = None
    """Sharding of a measured run whose source does not say; None: whole under adapters, else weights sharded."""
    offload_moves: str = "optimizer"
    """What CPU offload moved in a measured run whose source does not say."""
    lora_targets: str = "q_proj,v_proj"
    """LoRA targets of a measured run whose source does not say."""
    prints_allocated: bool = False
    """Its printed peak is the allocator's, without CUDA context and libraries."""
    bytes_per_logit_quantised: Bytes | None = None
    """Bytes per logit of the plain loss path over a quantised base, where they differ."""
    activation_factor: Factor = 1.0
    low_precision_activation_factor: Factor = 1.0
    """Multiplies the activations where products run in 8 or 4 bits: their inputs are kept so."""
    recompute_factor: Factor = 1.0
    """Layers' worth of activations live while one is recomputed."""
    quantised_rest_bytes: Bytes = 2.0
    """Bytes per parameter of embedding, head and norms next to a quantised base."""
    quantised_extra_bytes: Bytes = 0.0
    """Bytes per quantised parameter on top of its format."""
    buckets: bool = True
    """ZeRO's communication buckets are memory of their own, not views of the gradients."""
    sharded_precision: str | None = None
    """How FSDP keeps trained weights, where that is not `precision`."""
    zero_precision: str | None = None
    """How ZeRO keeps trained weights, where that is not `precision`: DeepSpeed keeps fp32 ones of any it is given."""
    step_copies: Bytes = 0.0
    """Copies of the trained weights that the optimizer's step makes: 1 where it runs over lists of tensors."""
    frees_gradients: bool = False
    """Gradients are given back after a step of one micro-batch, so that none are there when the loss is computed."""
    live_activations: Factor = 1.0
    """Share of the activations' bytes that is live at once; the rest are blocks that PyTorch's allocator keeps while
    the device has room."""
    live_logits: Factor = 1.0
    """Share of the logits' bytes that is live at once; the rest are kept blocks as well."""
    budget: Factor | None = None
    """Share of the usable memory that may be planned to, where its kept blocks are told apart from what is live."""
    gathers_tables: bool = False
    """FSDP keeps embedding and head gathered through the whole step."""
    sharded_adapter_boundary_factor: Factor = 1.0
    """Multiplies the residual vectors that checkpointing keeps, where FSDP shards a frozen base under adapters."""
    accumulates_whole_gradients: bool = False
    """Gradients are accumulated unsharded between optimizer steps."""
    loads_whole_frozen: bool = False
    """Every rank quantises the whole frozen base on its device before FSDP shards it, so the peak is while it loads."""
    loads_whole_weights: bool = False
    """Sharded runs peak while a whole copy is loaded."""
    adapter_input_bytes: Bytes = 0.0
    """Bytes per element that enters an adapted matrix: dropout masks and copies."""
    pipeline_splits_micro_batches: bool = False
    """Under pipeline parallelism the micro-batch is cut into single sequences."""
    fused_experts: bool = False
    """Experts run as grouped products with a fused dispatch."""
    tuned_low_precision: bool = False
    """Products in 8 or 4 bits run in the vendor's tuned kernels."""
    overlaps_tensor_parallelism: bool = False
    """Its speed factor was measured on tensor-parallel runs: more ranks lose nothing more."""
    counts_tensor_parallelism: bool = False
    """Its speed factor was measured with the links of tensor parallelism: their time is in it."""

    @property
    def weight_sharding(self) -> str:
        """The training stack's own way to shard weights over devices; `none` where it has none."""
        return next((each for each in self.shardings if each in ("fsdp", "zero3")), "none")


class MemoryRules(NamedTuple):
    """Memory constants of training that are the same in every stack."""

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
    dora_output_bytes: Bytes
    """Bytes per element that leaves a matrix under DoRA: the base's and the adapter's output, and their product."""
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
    """Bandwidth per device between host and device, for offloaded parameters, where the device's own link allows it."""
    host_link_efficiency: Factor
    """Share of a device's own link that copies from and to the host reach."""
    host_staged_fractions: Mapping[int, Factor]
    """Number of devices -> share of a PCIe link that collectives of hundreds of MB reach through the host."""
    dequantised_bytes: Bytes
    """Memory traffic per quantised parameter and pass: unpacking to 16 bits, at the bandwidth of the device."""
    source: str

    def hardware_factor(self, device: Accelerator) -> str | None:
        """Name of the speed factor of a device or its kernel class; None where no run on it was measured."""
        return self.hardware.get(device.id) or self.hardware.get(device.kernels)


class RunRules(NamedTuple):
    """Time that a training run spends besides its steps: start, data, evaluation, checkpoints."""

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


@record(frozen=True, slots=True, eq=False)
class TrainingConstants:
    """Everything measured that a training estimate needs: platforms, stacks, memory, speed and run rules."""

    memory: MemoryRules
    speed: SpeedRules
    run: RunRules
    platforms: Mapping[str, Platform]
    frameworks: Mapping[str, Framework]
    aliases: Mapping[str, str]
    """Pattern of how sources print a model's name, lower case -> catalogue id."""

    def platform_of(self, device: Accelerator) -> str | None:
        """Id of the platform that drives a device; None where no training stack does."""
        return next((id for id, platform in self.platforms.items() if platform.drives(device)), None)

    def tensor_parallel_degrees(self, device: Accelerator) -> tuple[int, ...]:
        """Tensor-parallel degrees that a device's compiler takes; empty where any that divides the model will do."""
        id = self.platform_of(device)
        return self.platforms[id].tensor_parallel.get(device.id, ()) if id else ()

    def framework_on(self, device: Accelerator, framework: Framework) -> Framework:
        """The stack that trains on a device when `framework` is named: that one, else the platform's own where it does
        not run.
        """
        id = self.platform_of(device)
        other = self.platforms[id].framework if id and id not in framework.platforms else None
        return self.frameworks[other] if other else framework
