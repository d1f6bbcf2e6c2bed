"""A deployment in one layout, compiled into the step of its engine."""

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache, partial
from math import gcd, inf
from typing import NamedTuple

from estimator.engines.memory_policy import DeviceDefaults, device_defaults
from estimator.engines.speed_constants import FREE_HOST, Efficiency, EngineSpeed
from estimator.engines.spreads import LOAD_KINDS, LoadKind, Spreads
from estimator.engines.support import unknown_speed
from estimator.errors import InputError
from estimator.hardware.devices import Accelerator
from estimator.layout import Layout
from estimator.layouts.legal import divisors
from estimator.layouts.rank_work import rank_work
from estimator.models.prediction import module_weights, prediction_module
from estimator.results import CONFIDENCES, Confidence
from estimator.scenario.scenario import TOP_P
from estimator.serving.deployment import Deployment
from estimator.serving.speed.admission import admission
from estimator.serving.speed.gemm_formats import peak_flops
from estimator.serving.speed.gpu import gpu_operators
from estimator.serving.speed.host import host_link_bytes_per_s, stored_bytes
from estimator.serving.speed.host_attention import attending_cpu, host_attention
from estimator.serving.speed.llama_cpp import llama_cpp_operators
from estimator.serving.speed.neuron import neuron_operators
from estimator.serving.speed.operators import Operators
from estimator.serving.speed.proposal import Proposal
from estimator.serving.speed.started import eager_layer_us, in_chunks, started_speed
from estimator.serving.speed.step import Step
from estimator.units import GB, MICROSECOND, MILLISECOND

PIPELINE_HOP_US = 10.0
"""Hand-over between pipeline stages of a GPU engine, without the activations' own time on the link (guess: two
kernel launches)."""
TOWER_COMPUTE = 0.4
"""Share of the 16-bit peak that a tower's products reach (engineering guess: as long prompts of small models do)."""


@lru_cache(maxsize=8192)
def compile_step(deployment: Deployment, layout: Layout) -> Step:
    """The step of a deployment's engine in a layout; what is kept in host memory takes turns with the device.

    Raises InputError for a device whose peak is not known.
    """
    if not deployment.device.matrix_flops:
        raise InputError("accelerator", unknown_speed(deployment.device))
    step = _device_step(deployment, layout)
    if layout.host and deployment.host:
        step = _with_host_part(step, deployment, layout, deployment.host)
    if deployment.cache_host:
        step = _with_host_cache(step, deployment, layout, deployment.cache_host)
    return step


def _with_host_part(step: Step, deployment: Deployment, layout: Layout, host: Accelerator) -> Step:
    """The step with the part of some layers that the layout leaves in host memory."""
    link, fraction = host_link_bytes_per_s(deployment.fabric), layout.host / step.layers
    if layout.host_part == "weights":
        return step.with_weights_on_host(sum(stored_bytes(each) for each in step.operators.rows) * fraction, link)
    cpu = _host_operators(deployment, host)
    if layout.host_part == "experts":
        return step.with_experts_on_host(cpu, layout.host / deployment.model.architecture.expert_layers, link)
    return step.with_layers_on_host(cpu, fraction, link)


def _with_host_cache(step: Step, deployment: Deployment, layout: Layout, host: Accelerator) -> Step:
    """The step with the cache in host memory; layers that the CPU runs anyway hand nothing over."""
    share = min(deployment.host_share(layout), 1.0)
    cpu, stage_cpu = (_host_operators(deployment, attending_cpu(host, share / ways)) for ways in (1, layout.pp))
    on_host = layout.host / step.layers if layout.host_part == "layers" else 0.0
    return step.with_cache_on_host(cpu, stage_cpu, host_attention(deployment, 1 - on_host))


def _host_operators(deployment: Deployment, host: Accelerator) -> Operators:
    """The operators as if every layer ran on the CPU."""
    return _device_step(deployment._replace(device=host, machine_devices=0), Layout()).operators


def _device_step(deployment: Deployment, layout: Layout) -> Step:
    """The step as if every layer ran on the deployment's device."""
    architecture, runtime = deployment.model.architecture, _runtime(deployment)
    confidence = _confidence(deployment, layout, runtime.confidence)
    operators = rank_operators(deployment, Layout(tp=layout.tp, ep=layout.ep, dp=layout.dp))
    speed = runtime.speed
    if deployment.engine.program.shares_chunks:
        speed = in_chunks(speed, max(speed.prompts.chunk_tokens // layout.dp, 1))
    return Step(
        operators=operators,
        rereads=any(attention.readers > 1 for attention in operators.decode_attention),
        layers=architecture.layers,
        expert_layers=architecture.expert_layers,
        layout=layout,
        hop_s=runtime.hop_s,
        hop_s_per_row=(layout.pp - 1) * architecture.hidden * 2 / max(deployment.fabric.link_bytes_per_s, GB),
        pipeline=runtime.pipeline,
        stall=deployment.efficiency.pipeline_stall,
        speed=speed,
        engine=runtime.engine,
        confidence=confidence,
        spreads=runtime.spreads[confidence],
        peak_flops_per_s=runtime.peak_flops_per_s,
        peak_bytes_per_s=deployment.device.bandwidth_bytes_per_s,
        network_gb_s=deployment.efficiency.network.bandwidth_gb_s,
        proposing_s=partial(_proposing_s, deployment, layout),
        host_step_s=runtime.host_step_s,
        host_decode_s=runtime.host_decode_s,
        host_sequence_s=runtime.host_sequence_s,
        overlaps=speed.host.overlap,
        admission_s=runtime.admission_s,
        tower_s_per_patch=runtime.tower_s_per_patch / layout.tp,
        decode_factor=runtime.decode_factor,
        prefill_factor=runtime.prefill_factor,
        graph_sequences=runtime.defaults.captured(layout.tp * layout.dp) or inf,
        launch_s=runtime.launch_s,
        admission=admission(deployment.engine, deployment.settings, layout, speed.prompts.chunk_tokens),
        least_batch=float(runtime.compiled_batch),
        compiled_tokens=runtime.compiled_tokens,
    )


class Runtime(NamedTuple):
    """What the steps of all layouts of one deployment share."""

    engine: str
    """Key of the engine class."""
    speed: EngineSpeed
    """Its constants as this engine is started."""
    confidence: Confidence
    spreads: Mapping[Confidence, Mapping[LoadKind, Spreads]]
    hop_s: float
    """Fixed time of handing over to one pipeline stage."""
    pipeline: float
    """Relative cost of running stages side by side over prompts."""
    host_step_s: float
    """Seconds that scheduling, sampling and launching add to every step."""
    host_decode_s: float
    """Seconds that they add to every step that decodes."""
    host_sequence_s: float
    """Seconds that they add for each sequence."""
    admission_s: float
    """Seconds that a step loses by admitting prompts."""
    launch_s: float
    """Seconds in which the host launches a step that is no captured graph."""
    compiled_batch: int
    """Sequences that a decode step was compiled for, where that is stated of an engine that compiles it; else 1."""
    compiled_tokens: int
    """Tokens of each of them; 0 where they are not stated, or nothing is compiled."""
    defaults: DeviceDefaults
    """Settings that the engine starts with on the device."""
    tower_s_per_patch: float
    """Seconds of one patch in the tower, on one rank alone."""
    peak_flops_per_s: float
    """Dense datasheet peak of one device for the weight format."""
    decode_factor: float
    """Seconds of decode steps over the prediction: the user's own measurement."""
    prefill_factor: float
    """Seconds of prompts over the prediction: the user's own measurement."""


@lru_cache(maxsize=1024)
def _runtime(deployment: Deployment) -> Runtime:
    device, efficiency = deployment.device, deployment.efficiency
    engine, speed = efficiency.engine_name(deployment.speed), started_speed(deployment)
    own = efficiency.calibration(device, engine)
    llama_cpp = efficiency.llama_cpp if speed.runtime == "llama.cpp" else None
    host, layers = speed.host, deployment.model.architecture.layers
    step_ms, sequence_us = host.step_ms, host.sequence_us
    if deployment.settings.sampling == TOP_P:
        step_ms, sequence_us = step_ms + host.top_p_step_ms, sequence_us + host.top_p_sequence_us
        sequence_us += host.candidate_ns * deployment.model.architecture.vocabulary / 1000
    return Runtime(
        engine=engine,
        speed=speed,
        confidence=deployment.confidence,
        spreads={
            each: _spreads(efficiency, engine, each, bool(own and own.timed), bool(deployment.draft_tokens))
            for each in CONFIDENCES
        },
        hop_s=(llama_cpp.device_us if llama_cpp else PIPELINE_HOP_US) * MICROSECOND,
        pipeline=llama_cpp.pipeline if llama_cpp else 0.0,
        host_step_s=step_ms * MILLISECOND + host.layer_us * MICROSECOND * layers,
        host_decode_s=host.decode_ms * MILLISECOND,
        host_sequence_s=sequence_us * MICROSECOND,
        admission_s=host.admission_layer_ms * MILLISECOND * layers,
        launch_s=eager_layer_us(deployment) * MICROSECOND * layers,
        compiled_batch=(deployment.settings.max_num_seqs if speed.scheduler.compiled else None) or 1,
        compiled_tokens=(deployment.settings.max_model_len if speed.scheduler.compiled else None) or 0,
        defaults=device_defaults(deployment.engine.memory, device),
        tower_s_per_patch=_tower_s_per_patch(deployment),
        peak_flops_per_s=peak_flops(deployment.weights, device),
        decode_factor=own.decode if own else 1.0,
        prefill_factor=own.prefill if own else 1.0,
    )


@lru_cache(maxsize=512)
def _spreads(
    efficiency: Efficiency, engine: str, confidence: Confidence, timed: bool, drafting: bool
) -> Mapping[LoadKind, Spreads]:
    """Bands of every kind of load; narrower where the user timed the engine on the device, wider where drafts speed it
    up.
    """
    spreads = {kind: efficiency.spreads(engine, kind, confidence) for kind in LOAD_KINDS}
    if timed:
        spreads = {kind: Spreads(*(each.calibrated for each in known)) for kind, known in spreads.items()}
    if drafting:
        spreads = {kind: known.drafting(efficiency.draft_gain) for kind, known in spreads.items()}
    return spreads


def _proposing_s(
    deployment: Deployment, layout: Layout, sequences: float, context: float, drafts: int, launch_s: float
) -> float:
    proposal = _proposal(deployment, layout)
    return proposal.seconds(sequences, context, drafts, launch_s) if proposal else 0.0


@lru_cache(maxsize=4096)
def _proposal(deployment: Deployment, layout: Layout) -> Proposal | None:
    """What proposes tokens on the ranks of one pipeline stage: the model's drafter, else its own prediction module.

    None where tokens are looked up, which takes no pass.
    """
    drafter = deployment.model.drafter
    if drafter is None:
        model, weights = prediction_module(deployment.model), module_weights(deployment.weights)
        ranks = layout._replace(pp=1, host=0)
    elif drafter.model is None:
        return None
    else:
        model, weights = drafter.model, drafter.model.checkpoint
        ranks = Layout(tp=gcd(layout.tp, divisors(model.architecture).heads or layout.tp))
    without_host = deployment._replace(
        model=model, weights=weights, speed=_without_host(deployment.speed), draft_tokens=0, host=None
    )
    return Proposal(compile_step(without_host, ranks), block=model.architecture.drafts == "block")


@lru_cache(maxsize=64)
def _without_host(speed: EngineSpeed) -> EngineSpeed:
    """The constants without what the CPU adds to a step."""
    return replace(speed, host=FREE_HOST)


def _tower_s_per_patch(deployment: Deployment) -> float:
    """Every parameter of the tower once for each patch, in 16 bit; attention among the patches is left out."""
    flops = 2 * deployment.model.tower_parameters
    return flops / (deployment.device.matrix_flops * TOWER_COMPUTE) if flops else 0.0


@lru_cache(maxsize=8192)
def rank_operators(deployment: Deployment, layout: Layout) -> Operators:
    """The operators of one rank, all pipeline stages together: layouts that differ in stages alone share them."""
    work = rank_work(deployment.model.architecture, layout)
    match deployment.speed.runtime:
        case "llama.cpp":
            return llama_cpp_operators(work, layout, deployment)
        case "neuron":
            return neuron_operators(work, layout, deployment)
        case _:
            return gpu_operators(work, layout, deployment)


def _confidence(deployment: Deployment, layout: Layout, confidence: Confidence) -> Confidence:
    """The deployment's own class; at most B across machines, under decode context parallelism or with adapters, C for
    one pass over texts.

    One model's cases are all that was measured of the first two, one paper's of adapters.
    """
    if deployment.model.architecture.encodes:
        return "C"
    spans_machines = 0 < deployment.machine_devices < layout.devices
    extended = spans_machines or deployment.settings.dcp > 1 or deployment.adapters is not None
    if confidence == "A" and extended:
        return "B"
    return confidence
