"""Attention on the CPU beside weights on a device: what every layer hands over the link, and back."""

from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from estimator.hardware.devices import Accelerator
from estimator.layout import Layout
from estimator.layouts.rank_work import rank_work
from estimator.models.mixers import Mixer
from estimator.scenario.nodes import share_of
from estimator.serving.deployment import Deployment
from estimator.serving.speed.host import host_link_bytes_per_s
from estimator.serving.speed.llama_cpp import SUM_BYTES
from estimator.serving.speed.operators import Detail
from estimator.units import MICROSECOND


class HandOver(NamedTuple):
    """Queries, keys and values that cross from the device to the CPU, and outputs that cross back, of all layers."""

    latency_s: float
    """Fixed time of handing over, there and back."""
    row_bytes: float
    """Bytes of one token that cross."""
    bytes_per_s: float

    @property
    def name(self) -> str:
        return "to the host and back"

    def seconds(self, rows: float) -> float:
        return self.latency_s + rows * self.row_bytes / self.bytes_per_s

    def detail(self, rows: float) -> Detail:
        moved = rows * self.row_bytes
        moving_s = moved / self.bytes_per_s
        return self.name, self.seconds(rows), "network" if moving_s > self.latency_s else "latency", 0.0, moved


@lru_cache(maxsize=1024)
def attending_cpu(host: Accelerator, share: float) -> Accelerator:
    """An engine's share of the CPU as attention uses it: its vector units, for its matrix units multiply weights only
    (ggml-cpu/amx: products with tensors of the AMX buffer).
    """
    return replace(share_of(host, share), bf16_flops=0.0, fp16_flops=0.0)


def host_attention(deployment: Deployment, fraction: float) -> HandOver:
    """What attention and states of a `fraction` of the layers hand over where the CPU holds the cache.

    Each layer hands over twice, which costs what handing over to another device does (llama.cpp's scheduler copies and
    waits alike for every backend).
    """
    work = rank_work(deployment.model.architecture, Layout())
    kept = [(mixer, times * fraction) for mixer, times in work.mixers if exchanged_elements(mixer, work.hidden)]
    return HandOver(
        latency_s=2 * sum(times for _, times in kept) * deployment.efficiency.llama_cpp.device_us * MICROSECOND,
        row_bytes=SUM_BYTES * sum(times * exchanged_elements(mixer, work.hidden) for mixer, times in kept),
        bytes_per_s=host_link_bytes_per_s(deployment.fabric),
    )


def exchanged_elements(mixer: Mixer, hidden: int) -> float:
    """Elements of one token that cross for a layer: of attention queries and outputs, and the keys and values that it
    caches; of a recurrent layer all that is projected from the hidden state, and what is projected back to it.
    """
    if mixer.query_heads:
        cached = mixer.growing_width + mixer.window_width + mixer.index_width
        return mixer.query_heads * mixer.decode_head_width + cached
    if not (mixer.state_elements or mixer.conv_state_elements):
        return 0
    projections = [each for each in mixer.tensors if each.role == "attention"]
    there = sum(each.copies * each.outputs for each in projections if each.inputs == hidden and each.split != "rows")
    return there + sum(each.copies * each.inputs for each in projections if each.split == "rows")
