"""The constants of an engine class as one deployment is started: its release's chunks, templates, graphs, scheduler."""

from dataclasses import replace
from functools import lru_cache

from estimator.engines.memory_policy import device_defaults
from estimator.engines.speed_constants import EngineSpeed
from estimator.serving.deployment import Deployment

WITHOUT_TEMPLATE = frozenset({"GptOssForCausalLM"})
"""Classes whose requests are written in a format of their own (Harmony) and fill no chat template."""
LONGEST_CAPTURED_LATENT = 2048
"""Tokens of the longest captured prompt of latent attention (SGLang's piecewise_cuda_graph_max_tokens)."""

ARM64_HOST = 1.6
"""Time that an ARM server takes to launch kernels, over an x86 one: under TensorRT-LLM 1.0, whose steps of small
experts wait for their host, Qwen3-30B-A3B reaches 40,000 tokens/s on B200, 24,000 on GB200 (its docs/performance)."""


def started_speed(deployment: Deployment) -> EngineSpeed:
    """The constants of the deployment's engine class as its release, device and settings have it run."""
    speed = _with_templates(deployment.speed, deployment)
    speed = _launching(_waiting(speed, deployment), deployment)
    return _capturing_prompts(in_chunks(speed, _step_tokens(deployment)), deployment)


def _step_tokens(deployment: Deployment) -> int:
    """Most prompt tokens of one step: as asked for, as the engine's profile says of the device, else its class's own.

    The class's own also where the deployment's profile stands for another class, and where an engine has no chunks;
    llama.cpp's are micro-batches, of which prompts fill one after the other.
    """
    speed, profile, device = deployment.speed, deployment.engine, deployment.device
    own, asked = speed.prompts.chunk_tokens, deployment.settings.max_num_batched_tokens
    if not speed.scheduler.chunked and not profile.program.shares_chunks:
        return asked if asked and speed.prompts.batch_tokens else own
    if asked:
        return asked
    if deployment.efficiency.engines.get(profile.speed_on(device.vendor)) is not speed:
        return own
    return device_defaults(profile.memory, device).max_num_batched_tokens


@lru_cache(maxsize=256)
def in_chunks(speed: EngineSpeed, chunk_tokens: int) -> EngineSpeed:
    """The constants with prompts in chunks of that many tokens; the same value for the same chunk.

    A logical batch stays what it is, as long as one chunk fits into it.
    """
    prompts = speed.prompts
    if chunk_tokens == prompts.chunk_tokens:
        return speed
    return replace(speed, prompts=prompts._replace(chunk_tokens=chunk_tokens))


def _launching(speed: EngineSpeed, deployment: Deployment) -> EngineSpeed:
    """The constants with as many sequences in a step as asked for and, where no graphs are captured, with the host that
    launches every kernel.
    """
    settings = deployment.settings
    if settings.max_num_seqs:
        speed = replace(speed, max_batch=float(settings.max_num_seqs))
    if not settings.enforce_eager:
        return speed
    layer_us = max(speed.host.layer_us, eager_layer_us(deployment))
    return replace(speed, host=speed.host._replace(layer_us=layer_us, overlap=True))


def _with_templates(speed: EngineSpeed, deployment: Deployment) -> EngineSpeed:
    """The constants with what the engine's release takes for the chat template of each request."""
    template_ms = deployment.engine.template_ms
    if not template_ms or deployment.model.architecture.class_name in WITHOUT_TEMPLATE:
        return speed
    first = speed.first_token
    return replace(speed, first_token=first._replace(front_end_ms=first.front_end_ms + template_ms))


def _waiting(speed: EngineSpeed, deployment: Deployment) -> EngineSpeed:
    """The constants with what a release adds to a step that schedules only after the one before, where its class
    schedules while the device works.
    """
    if not deployment.engine.waits_for_host or not speed.host.overlap:
        return speed
    host = speed.host._replace(
        step_ms=speed.host.waiting_step_ms,
        sequence_us=speed.host.waiting_sequence_us,
        decode_ms=0.0,
        overlap=False,
    )
    return replace(speed, host=host, scheduler=speed.scheduler._replace(ahead=0))


def _capturing_prompts(speed: EngineSpeed, deployment: Deployment) -> EngineSpeed:
    """The constants with the longest prompt whose layers run in captured pieces, where the engine's release captures
    any: a chunk, less of latent attention; none on other vendors' devices, none beside drafts or an indexer.
    """
    mixers = [group.layer.mixer for group in deployment.model.architecture.groups if group.layer.mixer]
    captures = deployment.engine.captures_prompts and deployment.device.vendor == "nvidia"
    if not captures or deployment.settings.enforce_eager or deployment.draft_tokens:
        return speed
    if any(mixer.index_width for mixer in mixers):
        return speed
    tokens = speed.prompts.chunk_tokens
    if any(mixer.is_latent for mixer in mixers):
        tokens = min(tokens, LONGEST_CAPTURED_LATENT)
    return replace(speed, first_token=speed.first_token._replace(captured_tokens=tokens))


def eager_layer_us(deployment: Deployment) -> float:
    """Host time of launching the kernels of a mean layer one by one; routed experts take many, and ARM servers longer
    (chips whose host and device share memory, as GB10's and Apple's, are none).
    """
    host, architecture = deployment.speed.host, deployment.model.architecture
    routed = architecture.expert_layers / architecture.layers
    layer_us = (host.eager_layer_us or deployment.engine.program.eager_layer_us) + host.eager_experts_us * routed
    tags = deployment.device.tags
    return layer_us * ARM64_HOST if "arm64-host" in tags and "unified-memory" not in tags else layer_us
