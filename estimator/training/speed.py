"""Speed of a training step: useful FLOPs over what the hardware reaches, plus what can not hide behind them.

tokens/s = MFU x peak / FLOPs per token; FLOPs per token are 6 N and three forward passes of attention for full
training, 4 N under adapters, whose frozen weights need no gradient (N: active parameters in matrix products).
Recomputation is not counted as useful work.
"""

import math
from functools import lru_cache
from typing import NamedTuple

from estimator.engines.training_constants import SpeedRules
from estimator.errors import InputError
from estimator.hardware.devices import Accelerator
from estimator.models.architecture import Architecture, Layer
from estimator.models.tensors import parameters
from estimator.results import Band, Part
from estimator.scenario.training_workload import TrainingWorkload
from estimator.training import network
from estimator.training.network import Links
from estimator.training.run import Run
from estimator.units import TERA

BLACKWELL = 10.0
"""Its first compute capability."""
FUSED_EXPERTS = 26.06
"""NVIDIA's stacks dispatch tokens to experts in fused kernels from this release on; what is asked today does."""


class Work(NamedTuple):
    """One architecture's work per token at one sequence length."""

    products: float
    """Active parameters in matrix products: the embedding is looked up."""
    attention_flops: float
    """Forward, causal."""
    total: float
    expert_width: int
    """Of what enters an expert; 0 without experts."""

    @property
    def moe(self) -> bool:
        return self.expert_width > 0

    def flops(self, adapters: bool) -> tuple[float, float]:
        """Useful FLOPs per token of products and of attention, forward and backward."""
        return (4.0 if adapters else 6.0) * self.products, 3.0 * self.attention_flops


@lru_cache(maxsize=512)
def work(architecture: Architecture, sequence_length: int) -> Work:
    """Work per token of sequences of that length."""
    products = architecture.active_parameters - parameters(architecture.embedding)
    if architecture.tied:
        products += parameters(architecture.head)
    attention = sum(
        group.count * group.layer.mixer.attention_flops(sequence_length)
        for group in (*architecture.groups, *architecture.encoder)
        if group.layer.mixer
    )
    return Work(
        products,
        attention / sequence_length,
        architecture.text_parameters,
        max((_expert_width(group.layer) for group in architecture.groups), default=0),
    )


def _expert_width(layer: Layer) -> int:
    experts = [tensor.inputs for tensor in layer.tensors if tensor.role == "expert" and tensor.split == "experts"]
    return experts[0] if experts else 0


class Padding(NamedTuple):
    """What a micro-batch of unpacked samples looks like."""

    positions: float
    """Per sequence, padded to the longest sample of the micro-batch."""
    useful: float
    """Share of the positions that hold tokens."""


def padding(workload: TrainingWorkload, micro_batch: int) -> Padding:
    """Sample lengths are taken as exponential: the longest of b samples is the mean times the b-th harmonic number."""
    if workload.packing:
        return Padding(workload.sequence_length, 1.0)
    mean = min(workload.mean_tokens, workload.sequence_length)
    harmonic = math.log(micro_batch) + 0.5772 + 0.5 / micro_batch if micro_batch > 1 else 1.0
    return Padding(min(mean * harmonic, workload.sequence_length), max(1 / harmonic, mean / workload.sequence_length))


def exponents(run: Run, device: Accelerator, release: float = FUSED_EXPERTS) -> dict[str, float]:
    """How much of each factor a run has: 1 where it simply applies, else halvings or doublings."""
    workload, setup, rules, stack = run.workload, run.setup, run.speed_rules, run.framework.stack
    of = work(run.architecture, workload.sequence_length)
    at = {rules.factor_of(device) or "": 1.0, f"stack {stack}": 1.0}
    tuned = stack == "megatron"
    older = device.compute_capability < BLACKWELL
    if workload.compute not in ("bf16", "fp32"):
        compute = "mxfp8" if of.moe and workload.compute == "nvfp4" else workload.compute
        before = rules.low_precision.get(f"{compute} before Blackwell") if older else None
        at[before or rules.low_precision[compute]] = 1.0
        if not tuned:
            at["low precision, untuned stack"] = 1.0
    if setup.checkpointing in ("full", "offloaded"):
        at["full checkpointing"] = 1.0
    if workload.adapters:
        at["adapters"] = 1.0
    if workload.method == "qlora":
        at["quantised base"] = 1.0
    if setup.tp > 1 and stack not in ("megatron", "neuron"):
        at["tensor parallel doubling"] = math.log2(setup.tp)
    if of.moe:
        at["mixture of experts"] = 1.0
        at["experts, width doubling"] = math.log2(of.expert_width / 4096)
        if not older:
            at["experts, newer than Hopper"] = 1.0
        if run.framework.fused_experts and release >= FUSED_EXPERTS:
            at["experts, fused dispatch"] = 1.0
        if setup.pp > 1:
            at["experts, pipeline"] = 1.0
    tokens = setup.micro_batch * padding(workload, setup.micro_batch).positions / setup.cp
    at["small micro-batch halving"] = max(math.log2(4096 / tokens), 0.0)
    at["short step halving"] = max(math.log2(16384 / (tokens * setup.accumulation / (setup.tp * setup.pp))), 0.0)
    at["small model halving"] = max(math.log2(3e9 / of.products), 0.0)
    return {name: exponent for name, exponent in at.items() if exponent and name in rules.factors}


def utilisation(at: dict[str, float], rules: SpeedRules) -> float:
    """The base times every factor."""
    mfu = rules.base_mfu
    for name, exponent in at.items():
        mfu *= rules.factors[name] ** exponent
    return mfu


def peak_flops(workload: TrainingWorkload, device: Accelerator) -> float:
    """The 16-bit peak that utilisation is counted against. Raises InputError where the device lacks the format."""
    if workload.compute == "fp32":
        return device.fp32_flops
    lacking = (workload.compute in ("fp8", "mxfp8") and not device.fp8_flops) or (
        workload.compute == "nvfp4" and not device.fp4_flops
    )
    if lacking:
        raise InputError("compute", f"{device.name} has no {workload.compute} matrix products")
    if not device.matrix_flops:
        raise InputError("accelerator", f"{device.name} has no 16-bit matrix products")
    return device.matrix_flops


class Step(NamedTuple):
    """Seconds of one optimizer step on one device, by part."""

    compute: float
    recompute: float
    """Included in the utilisation that compute is counted at; shown apart."""
    communication: float
    """What does not hide behind the products."""
    offload: float
    mfu: float
    tokens: float
    """Useful tokens of the step on this device."""
    factors: dict[str, float]

    @property
    def seconds(self) -> float:
        return self.compute + self.communication + self.offload


def step(run: Run, device: Accelerator, links: Links, release: float = FUSED_EXPERTS) -> Step:
    """One optimizer step. Raises InputError where the device can not run the number format."""
    workload, setup, rules = run.workload, run.setup, run.speed_rules
    of = work(run.architecture, workload.sequence_length)
    at = exponents(run, device, release)
    pad = padding(workload, setup.micro_batch)
    positions = setup.micro_batch * pad.positions * setup.accumulation / (setup.cp * setup.tp * setup.pp)
    products, attention = of.flops(workload.adapters)
    cost = rules.attention_cost.get(run.framework.stack, rules.attention_cost["default"])
    peak = peak_flops(workload, device)
    compute = positions * (products + cost * attention) / (peak * utilisation(at, rules))
    exchanged = network.communication_s(run, links)
    exposed = 0.0 if run.framework.stack == "neuron" else exchanged.exposed  # Neuron's factor was measured at TP 32
    communication = max(exchanged.hidden - rules.overlap * compute, 0.0) + exposed
    offload = _offload_s(run, of, links)
    seconds = compute + communication + offload
    return Step(
        compute=compute,
        recompute=compute * (1 - rules.factors["full checkpointing"]) if "full checkpointing" in at else 0.0,
        communication=communication,
        offload=offload,
        mfu=positions * (products + attention) / (peak * seconds),
        tokens=positions * pad.useful,
        factors=at,
    )


def _offload_s(run: Run, of: Work, links: Links) -> float:
    """The host's optimizer over all parameters its devices hold, and parameters streamed through the host link."""
    workload, setup, rules = run.workload, run.setup, run.speed_rules
    if setup.offload == "none":
        return 0.0
    held = of.total / (setup.tp * setup.pp)
    share = held / setup.shards if setup.sharding not in ("none", "zero1") else held
    on_host = share * min(links.devices_per_machine, setup.devices)
    seconds = (
        0.0
        if workload.adapters
        else on_host / (rules.cpu_adam_parameters_per_s * (links.vcpus or rules.reference_vcpus))
    )
    if setup.offload == "parameters":
        passes = 2 if workload.adapters else 3
        seconds += setup.accumulation * passes * 2.0 * held / rules.host_link_bytes_per_s
    return seconds


def band_of(run: Run, device: Accelerator) -> tuple[float, float]:
    """The band of the class of run."""
    rules = run.speed_rules
    if rules.factor_of(device) is None:
        return rules.bands["unmeasured hardware"]
    if run.architecture.is_moe:
        return rules.bands["experts"]
    return rules.bands.get(run.framework.stack, rules.bands["dense"])


def banded(value: float, band: tuple[float, float]) -> Band:
    """A speed with its band."""
    return Band(value * band[0], value, value * band[1])


def parts(run: Run, of: Step, device: Accelerator) -> tuple[Part, ...]:
    """Where the seconds of a step go, with workings."""
    rules = run.speed_rules
    factors = " x ".join(f"{rules.factors[name]:.2f} {name}" for name in of.factors)
    peak = peak_flops(run.workload, device) / TERA
    named = (
        ("compute", of.compute - of.recompute, f"{of.tokens:,.0f} tokens at {peak:,.0f} TFLOPS x {of.mfu:.1%} MFU"),
        ("recompute", of.recompute, "activations computed again for the backward pass"),
        ("communication", of.communication, "what does not hide behind the products"),
        ("offload", of.offload, "optimizer on the host, states over its link"),
    )
    working = f"{rules.base_mfu:.2f} x {factors}" if factors else f"{rules.base_mfu:.2f}"
    return tuple(
        Part(name, seconds, f"{text} ({working})" if name == "compute" else text)
        for name, seconds, text in named
        if seconds > 0
    )
