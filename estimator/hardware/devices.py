"""Accelerators, the links between them, and the machines that hold them. Peaks are dense, per datasheet."""

from typing import Annotated, NamedTuple

from estimator.bounds import Ge, Gt
from estimator.records import record


@record(frozen=True, slots=True, eq=False)
class Accelerator:
    """One device as software sees it: a GPU, a Neuron chip, a TPU, an Apple SoC or a CPU socket."""

    id: str
    name: str
    label: str
    """Short, for table cells: A100-40, RTXPRO6000."""
    vendor: str
    kind: str
    """gpu, neuron, tpu, apple, cpu, other"""
    generation: str
    """Its architecture, as the vendor names it: ampere, hopper, cdna4, trainium2; empty where unknown."""
    kernels: str
    """Key of its kernel constants in efficiency.yaml; `generic` where nothing like it was measured."""
    memory_sold_gb: Annotated[float, Ge(0)]
    memory_usable_bytes: Annotated[int, Ge(0)]
    """What the driver reports (nvidia-smi); 0 for a CPU socket, whose memory is the host's."""
    bandwidth_bytes_per_s: Annotated[float, Gt(0)]
    l2_bytes: Annotated[float, Ge(0)] = 0.0
    """Cache between its memory and all of its cores; 0 where none is stated."""
    fp32_flops: float = 0.0
    tf32_flops: float = 0.0
    fp16_flops: float = 0.0
    bf16_flops: float = 0.0
    fp8_flops: float = 0.0
    int8_flops: float = 0.0
    fp4_flops: float = 0.0
    int4_flops: float = 0.0
    """Dense peaks in FLOP/s; 0 where the device lacks the format."""
    fabric: str = "none"
    compute_capability: float = 0.0
    tdp_watts: float | None = None
    idle_watts: float = 0.0
    release_year: int | None = None
    list_price_usd: float | None = None
    cores: int = 1
    """Devices that software addresses inside one chip (NeuronCores)."""
    tags: tuple[str, ...] = ()
    """Plain facts that code asks for: no-llm-stack, no-flash-attention, no-bf16, arm64-host, unified-memory."""
    aliases: tuple[str, ...] = ()
    """Names that drivers and benchmarks print: H100-80GB-HBM3, NVIDIA A10G."""
    confidence: str = "high"
    note: str = ""
    source: str = ""
    as_of: str = ""

    @property
    def matrix_flops(self) -> float:
        """Dense peak of matrix products [FLOP/s]: in bfloat16, else in float16, else in float32."""
        return self.bf16_flops or self.fp16_flops or self.fp32_flops


class AllReduce(NamedTuple):
    """Measured constants of an all-reduce: alpha [s] and bandwidth [byte/s] by number of devices.

    Over n devices it takes (alpha^q + (2(n-1)/n x bytes / bandwidth)^q)^(1/q) seconds.
    """

    alpha_s: float
    bandwidth_bytes_per_s: float
    q: float


@record(frozen=True, slots=True, eq=False)
class Fabric:
    """The links between the accelerators of one machine, as measured collectives."""

    id: str
    name: str
    link_bytes_per_s: Annotated[float, Ge(0)]
    """One direction, per device; 0 where a machine has one device."""
    all_reduce: dict[int, AllReduce]
    """Constants over 2, 4, 8 (…) devices; empty where there is nothing to reduce over."""
    source: str = ""


@record(frozen=True, slots=True, eq=False)
class Machine:
    """One rentable instance type, a host of one's own, or a stand-alone device."""

    id: str
    family: str
    accelerator: str
    count: Annotated[float, Gt(0)]
    """Accelerators in it; below 1 for a fractional share (g6f)."""
    fabric: str
    vcpus: int
    memory_bytes: int
    """Host RAM."""
    kind: str = "cloud"
    """cloud, host (CPU only) or device (stand-alone accelerator)"""
    cards: tuple[str, ...] = ()
    """Every accelerator of a machine whose accelerators are not alike; `accelerator` is then the largest."""
    fast_domain: int = 1
    """Accelerators that share the fast fabric."""
    network_bytes_per_s: float = 0.0
    network_text: str = ""
    efa: bool = False
    nvme_bytes: int = 0
    cpu_architecture: str = "x86_64"
    memory_bandwidth_bytes_per_s: float = 0.0
    """Host memory bandwidth, where known (CPU hosts)."""
    purchase: tuple[str, ...] = ()
    """on-demand, spot, capacity-block"""
    end_of_life: bool = False
    note: str = ""
    source: str = ""
    as_of: str = ""
