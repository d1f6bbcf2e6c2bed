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
from estimator.training.network import Links, frozen_bytes_on
from estimator.training.run import Run
from estimator.training.weights import rank_parameters
from estimator.units import GIGA, TERA

BLACKWELL = 10.0
"""First compute capability of Blackwell."""
FULL_MICRO_BATCH_TOKENS = 4096
"""Tokens of a micro-batch that fill a device; engineering guess, the loss below it is fitted."""
FULL_STEP_TOKENS = 16_384
"""Tokens of a step per device that hide its fixed costs; engineering guess, the loss below it is fitted."""
FULL_MODEL_PARAMETERS = 3e9
"""Parameters whose matrices fill a device; engineering guess, the loss below it is fitted."""
USUAL_EXPERT_WIDTH = 4096
"""Elements that enter an expert, from which wider and narrower ones are counted; the slope is fitted."""
EULER_MASCHERONI = 0.5772
"""The harmonic numbers less the logarithm, in the limit."""
FUSED_EXPERTS = 26.06
"""Release from which NVIDIA's stacks dispatch tokens to experts in fused kernels; what is asked today has it."""
ADAPTER_RECOMPUTE = math.log(6 / 4) / math.log(8 / 6)
"""Exponent of checkpointing under adapters: a forward pass more is a half of their work, and a third of full work."""


class TokenWork(NamedTuple):
    """Work per token of training one architecture at one sequence length: FLOPs and parameters in products."""

    product_parameters: float
    """Active parameters in matrix products: the embedding is looked up."""
    attention_flops: float
    """FLOPs of the forward pass of attention per token, causal."""
    total_parameters: float
    expert_width: int
    """Elements that enter an expert; 0 without experts."""

    @property
    def moe(self) -> bool:
        """Whether the architecture has routed experts."""
        return self.expert_width > 0

    def flops(self, adapters: bool) -> tuple[float, float]:
        """Useful FLOPs per token of products and of attention, forward and backward."""
        return (4.0 if adapters else 6.0) * self.product_parameters, 3.0 * self.attention_flops


@lru_cache(maxsize=512)
def work_per_token(architecture: Architecture, sequence_length: int) -> TokenWork:
    """FLOPs and parameters per token of training on sequences of that length."""
    products = architecture.active_parameters + architecture.repeated_parameters - parameters(architecture.embedding)
    if architecture.tied:
        products += parameters(architecture.head)
    attention = sum(
        group.count * group.layer.mixer.attention_flops(sequence_length)
        for group in (*architecture.groups, *architecture.encoder)
        if group.layer.mixer
    )
    return TokenWork(
        product_parameters=products,
        attention_flops=attention / sequence_length,
        total_parameters=architecture.text_parameters,
        expert_width=max((_expert_width(group.layer) for group in architecture.groups), default=0),
    )


def _expert_width(layer: Layer) -> int:
    experts = [tensor.inputs for tensor in layer.tensors if tensor.role == "expert" and tensor.split == "experts"]
    return experts[0] if experts else 0


class Padding(NamedTuple):
    """How much of a micro-batch of unpacked samples is padding."""

    positions: float
    """Positions computed per sequence, padded to the longest sample of the micro-batch."""
    useful: float
    """Share of the positions that hold tokens."""


def padding(workload: TrainingWorkload, micro_batch: int) -> Padding:
    """How much of a micro-batch of unpacked samples is padding.

    Sample lengths are taken as exponential: the longest of b samples is the mean times the b-th harmonic number.
    """
    if workload.packing:
        return Padding(workload.sequence_length, 1.0)
    mean = min(workload.mean_tokens, workload.sequence_length)
    harmonic = math.log(micro_batch) + EULER_MASCHERONI + 0.5 / micro_batch if micro_batch > 1 else 1.0
    return Padding(min(mean * harmonic, workload.sequence_length), max(1 / harmonic, mean / workload.sequence_length))


def factor_exponents(run: Run, device: Accelerator, release: float = FUSED_EXPERTS) -> dict[str, float]:
    """Exponent of each speed factor that applies to a run: 1 where it simply applies, else halvings or doublings."""
    workload, setup, rules = run.workload, run.setup, run.speed_rules
    work = work_per_token(run.architecture, workload.sequence_length)
    exponent_of = {rules.hardware_factor(device) or "": 1.0, f"stack {run.framework.stack}": 1.0}
    older = device.compute_capability < BLACKWELL
    if workload.compute not in ("bf16", "fp32"):
        compute = "mxfp8" if work.moe and workload.compute == "nvfp4" else workload.compute
        before = rules.low_precision.get(f"{compute} before Blackwell") if older else None
        exponent_of[before or rules.low_precision[compute]] = 1.0
        if not run.framework.tuned_low_precision:
            exponent_of["low precision, untuned stack"] = 1.0
    if setup.checkpointing in ("full", "offloaded"):
        exponent_of["full checkpointing"] = ADAPTER_RECOMPUTE if workload.adapters else 1.0
    if workload.adapters:
        exponent_of["adapters"] = 1.0
    if workload.method == "dora":
        exponent_of["DoRA"] = 1.0
    if setup.tp > 1 and not run.framework.overlaps_tensor_parallelism:
        exponent_of["tensor parallel doubling"] = math.log2(setup.tp)
    if work.moe:
        exponent_of["mixture of experts"] = 1.0
        exponent_of["experts, width doubling"] = math.log2(work.expert_width / USUAL_EXPERT_WIDTH)
        if not older:
            exponent_of["experts, newer than Hopper"] = 1.0
        if run.framework.fused_experts and release >= FUSED_EXPERTS:
            exponent_of["experts, fused dispatch"] = 1.0
        if setup.pp > 1:
            exponent_of["experts, pipeline"] = 1.0
    tokens = setup.micro_batch * padding(workload, setup.micro_batch).positions / setup.cp
    exponent_of["small micro-batch halving"] = max(math.log2(FULL_MICRO_BATCH_TOKENS / tokens), 0.0)
    per_device = tokens * setup.accumulation / (setup.tp * setup.pp)
    exponent_of["short step halving"] = max(math.log2(FULL_STEP_TOKENS / per_device), 0.0)
    exponent_of["small model halving"] = max(math.log2(FULL_MODEL_PARAMETERS / work.product_parameters), 0.0)
    return {name: exponent for name, exponent in exponent_of.items() if exponent and name in rules.factors}


def utilisation(exponents: dict[str, float], rules: SpeedRules) -> float:
    """Model FLOP/s utilisation: the base times every factor raised to its exponent (all fitted on published runs)."""
    mfu = rules.base_mfu
    for name, exponent in exponents.items():
        mfu *= rules.factors[name] ** exponent
    return mfu


def peak_flops(workload: TrainingWorkload, device: Accelerator) -> float:
    """The 16-bit peak of a device that a run's utilisation is counted against [FLOP/s].

    Raises InputError where the device lacks the asked format.
    """
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


class TrainingStep(NamedTuple):
    """One optimizer step on one device, and where its seconds go."""

    compute_s: float
    recompute_s: float
    """Seconds of `compute_s` that checkpointing spends on the forward pass again; shown apart."""
    dequantise_s: float
    """Seconds that unpacking a quantised base takes."""
    communication_s: float
    """Seconds that do not hide behind the products."""
    offload_s: float
    mfu: float
    flops: float
    """Work of the step on this device without recomputation [FLOP]: padding with it, attention at what it costs."""
    tokens: float
    """Useful tokens of the step on this device."""
    exponents: dict[str, float]
    """Speed factors that applied, each with its exponent."""

    @property
    def seconds(self) -> float:
        """Seconds of the whole optimizer step."""
        return self.compute_s + self.dequantise_s + self.communication_s + self.offload_s


def training_step(run: Run, device: Accelerator, links: Links, release: float = FUSED_EXPERTS) -> TrainingStep:
    """The time of one optimizer step: useful FLOPs over peak x MFU, and what does not overlap with them.

    Raises InputError where the device can not run the number format.
    """
    workload, setup, rules = run.workload, run.setup, run.speed_rules
    work = work_per_token(run.architecture, workload.sequence_length)
    exponents = factor_exponents(run, device, release)
    padded = padding(workload, setup.micro_batch)
    positions = setup.micro_batch * padded.positions * setup.accumulation / (setup.cp * setup.tp * setup.pp)
    products, attention = work.flops(workload.adapters)
    attention_cost = rules.attention_cost.get(run.framework.stack, rules.attention_cost["default"])
    peak = peak_flops(workload, device)
    flops = positions * (products + attention_cost * attention)
    compute_s = flops / (peak * utilisation(exponents, rules))
    communication = network.communication_time(run, links)
    exposed_s = 0.0 if run.framework.counts_tensor_parallelism else communication.exposed_s
    communication_s = max(communication.overlappable_s - rules.overlap * compute_s, 0.0) + exposed_s
    offload_s = _offload_s(run, work, links)
    dequantise_s = _dequantise_s(run, device)
    recomputed = 1 - rules.factors["full checkpointing"] ** exponents.get("full checkpointing", 0.0)
    seconds = compute_s + dequantise_s + communication_s + offload_s
    return TrainingStep(
        compute_s=compute_s,
        recompute_s=compute_s * recomputed,
        dequantise_s=dequantise_s,
        communication_s=communication_s,
        offload_s=offload_s,
        mfu=positions * (products + attention) / (peak * seconds),
        flops=flops,
        tokens=positions * padded.useful,
        exponents=exponents,
    )


def _dequantise_s(run: Run, device: Accelerator) -> float:
    """Seconds of a step that unpacking the frozen base to 16 bits takes: once a pass, whatever the micro-batch."""
    if run.workload.method != "qlora":
        return 0.0
    setup = run.setup
    parameters = rank_parameters(run.architecture, setup.tp, setup.pp, setup.ep).linear
    passes = setup.accumulation * (3 if setup.checkpointing in ("full", "offloaded") else 2)
    return passes * parameters * run.speed_rules.dequantised_bytes / device.bandwidth_bytes_per_s


def _offload_s(run: Run, work: TokenWork, links: Links) -> float:
    """The host's optimizer over all parameters its devices hold, and parameters streamed through the host link."""
    workload, setup, rules = run.workload, run.setup, run.speed_rules
    if setup.offload == "none":
        return 0.0
    on_rank = work.total_parameters / (setup.tp * setup.pp)
    share = on_rank / setup.shards if setup.sharding not in ("none", "zero1") else on_rank
    on_host = share * min(links.devices_per_machine, setup.devices)
    vcpus = links.vcpus or rules.reference_vcpus
    seconds = 0.0 if workload.adapters else on_host / (rules.cpu_adam_parameters_per_s * vcpus)
    if setup.offload == "parameters":
        passes = 2 if workload.adapters else 3
        stored = frozen_bytes_on(run) if workload.adapters else network.WIRE_BYTES * on_rank
        seconds += setup.accumulation * passes * stored / links.host_bytes_per_s
    return seconds


def band_of(run: Run, device: Accelerator) -> tuple[float, float]:
    """Low and high of actual over predicted speed for this class of run (80 % of published runs), without unit."""
    rules = run.speed_rules
    if rules.hardware_factor(device) is None:
        return rules.bands["unmeasured hardware"]
    if run.architecture.is_moe:
        return rules.bands["experts"]
    return rules.bands.get(run.framework.stack, rules.bands["dense"])


def banded(value: float, band: tuple[float, float]) -> Band:
    """A predicted figure with its low and high, from a band of actual over predicted."""
    return Band(value * band[0], value, value * band[1])


def _power(exponent: float) -> str:
    """An exponent behind its base, left out where it is 1."""
    return "" if exponent == 1 else f"^{exponent:.3g}"


def step_parts(run: Run, step: TrainingStep, device: Accelerator) -> tuple[Part, ...]:
    """Seconds of an optimizer step by activity, with workings."""
    rules, tokens = run.speed_rules, step.tokens
    peak, reached = peak_flops(run.workload, device) / TERA, utilisation(step.exponents, rules)
    factors = [f"{rules.factors[name]:g}{_power(exponent)} {name}" for name, exponent in step.exponents.items()]
    product, less = " x ".join((f"{rules.base_mfu:g}", *factors)), ", less recompute" if step.recompute_s else ""
    compute = (
        f"{tokens:,.0f} tokens x {step.flops / tokens / GIGA:,.4g} GFLOP / ({peak:,.4g} TFLOP/s x {reached:.2%})"
        f"{less}; {reached:.2%} = {product}"
    )
    parts = (
        Part("compute", step.compute_s - step.recompute_s, compute),
        Part("recompute", step.recompute_s, "activations computed again for the backward pass"),
        Part("unpacking", step.dequantise_s, "the quantised base to 16 bits, once a pass"),
        Part("communication", step.communication_s, "what does not hide behind the products"),
        Part("offload", step.offload_s, "optimizer on the host, states over its link"),
    )
    return tuple(part for part in parts if part.value > 0)
