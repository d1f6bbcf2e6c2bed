"""Autoscaling: which metric starts and stops replicas, and how long a new one takes to answer."""

from typing import NamedTuple

from estimator.hardware.devices import Machine
from estimator.results import Evaluation

BOOT_S = 60.0
"""From the request of a machine to a running host; EC2 GPU images take one to two minutes (engineering guess)."""
DOWNLOAD_SHARE = 0.5
"""Share of the network that a download from object storage fills (engineering guess)."""
LOAD_BYTES_PER_S = 1.5e9
"""Weights from local disk into one device: logs of vLLM show 1 to 3 GB/s a device (engineering guess within)."""
COMPILE_S = 40.0
"""torch.compile of vLLM without its cache: 30 to 60 s in its logs; engines without it start sooner."""
CAPTURE_S = 20.0
"""CUDA graphs over the default batch sizes: 10 to 30 s in logs of vLLM and SGLang."""
LEAST_SCALE_IN_S = 300.0
"""Default of AWS Application Auto Scaling and of the Kubernetes autoscaler's stabilization window."""


class ColdStart(NamedTuple):
    """Seconds from asking for a machine to its first answer, part by part."""

    boot_s: float
    download_s: float
    load_s: float
    graph_capture_s: float

    @property
    def total_s(self) -> float:
        return sum(self)


class Autoscaling(NamedTuple):
    """A policy that starts and stops replicas with the load: metric, target, cooldowns and range."""

    metric: str
    target: float
    """Figure of the metric for each replica: scale out above it."""
    minimum: int
    """Replicas."""
    maximum: int
    scale_out_cooldown_s: float
    """As long as a new replica takes to answer: until then the metric says nothing new."""
    scale_in_cooldown_s: float
    cold_start: ColdStart


def cold_start(row: Evaluation, machine: Machine) -> ColdStart:
    """How long one machine takes until it answers, part by part; owned machines are up and hold the weights already."""
    layout = row.candidate.layout
    per_device = row.memory.weights_bytes if row.memory else 0.0
    stored = per_device * layout.devices
    graphs = row.memory is not None and row.memory.cuda_graph_bytes > 0
    rented = machine.kind != "device"
    network = machine.network_bytes_per_s * DOWNLOAD_SHARE
    return ColdStart(
        boot_s=BOOT_S if rented else 0.0,
        download_s=stored / network if rented and network else 0.0,
        load_s=per_device / LOAD_BYTES_PER_S,
        graph_capture_s=COMPILE_S + CAPTURE_S if graphs else 0.0,
    )


def autoscaling(row: Evaluation, machine: Machine, headroom: float, copies: tuple[int, ...]) -> Autoscaling:
    """The autoscaling policy of a fleet whose copies by hour are known.

    Requests in flight (running and waiting) follow the load at once; utilization of a GPU is near 100 % at any load.
    """
    start = cold_start(row, machine)
    in_flight = row.performance.concurrency if row.performance else 0.0
    return Autoscaling(
        metric="requests in flight per replica",
        target=in_flight * (1 - headroom),
        minimum=min(copies) * row.candidate.replicas,
        maximum=max(copies) * row.candidate.replicas,
        scale_out_cooldown_s=start.total_s,
        scale_in_cooldown_s=max(LEAST_SCALE_IN_S, 2 * start.total_s),
        cold_start=start,
    )
