"""Which devices, engines, number formats and models go together. The rules are data: `exclusions` in engines.yaml."""

from fnmatch import fnmatchcase
from functools import lru_cache

from estimator.engines.profiles import EngineProfile, Exclusion, version_key
from estimator.hardware.devices import Accelerator
from estimator.layout import Layout
from estimator.models.architecture import Architecture
from estimator.models.formats import WeightFormat
from estimator.models.mlps import MixtureOfExperts
from estimator.models.model import Model

NEXT_BEST = {"fp8": "gguf-q8_0", "int8": "gguf-q8_0", "bf16": "fp16", "fp16": "fp16", "fp32": "fp32"}
"""What llama.cpp is asked for in place of a format it has no file type for; anything narrower is its 4-bit mix."""
FOUR_BIT_MIX = "gguf-q4_k_m"
FILE_TYPES = {"mxfp4": "gguf-mxfp4", "mxfp4-linear": FOUR_BIT_MIX}
"""Uploads that a GGUF file holds in a type of its own: beside MXFP4 experts all else is Q8_0, not 16-bit (gpt-oss-120b
is 63.4 GB at ggml-org, 65.2 at OpenAI)."""
CUT_BLOCKS = "experts cut inside a block"
"""A feature of a layout: ranks that divide the experts of a block-quantised checkpoint within a block of scales."""


@lru_cache(maxsize=4096)
def refusal(
    device: Accelerator, engine: EngineProfile, weights: WeightFormat, architecture: Architecture | None = None
) -> str | None:
    """Why this engine does not serve that format, or that model, on the device; None where it does."""
    if "no-llm-stack" in device.tags:
        return f"{device.name} is supported by no serving engine"
    if not device.matrix_flops:
        return unknown_speed(device)
    if device.kind not in engine.device_kinds:
        return f"{engine.name} on {device.name} is not modelled here"
    if engine.vendors and device.vendor not in engine.vendors:
        return f"{engine.name} does not run on {device.name}"
    if not loads(engine, weights):
        return f"{engine.name} does not load {weights.name}"
    features = model_features(architecture) if architecture else frozenset()
    class_name = architecture.class_name if architecture else ""
    for exclusion in exclusions(engine):
        if applies(exclusion, device, weights) and _names(exclusion, features, class_name):
            return f"{engine.name} from {engine.version}: {_reason(exclusion, device, weights)}"
    return None


def unknown_speed(device: Accelerator) -> str:
    """Why nothing can be timed on a device of which no peak in 16 or 32 bits is catalogued."""
    return f"no peak of matrix products is catalogued for {device.name} (dense_tflops)"


def drafter_refusal(device: Accelerator, engine: EngineProfile, model: Model) -> str | None:
    """Why this engine does not run the model's drafter on the device; None where it does, or where there is none."""
    drafter = model.draft_model
    reason = refusal(device, engine, drafter.checkpoint, drafter.architecture) if drafter else None
    return f"{drafter.id}, which drafts: {reason}" if drafter and reason else None


def layout_exclusion(
    engine: EngineProfile, device: Accelerator, weights: WeightFormat, architecture: Architecture, layout: Layout
) -> str | None:
    """Why an engine can not divide the model's quantised blocks as a layout asks; None where it can."""
    if not cuts_blocks(architecture, weights, layout):
        return None
    for exclusion in exclusions(engine):
        if CUT_BLOCKS in exclusion.features and applies(exclusion, device, weights):
            return f"{engine.name} from {engine.version}: {_reason(exclusion, device, weights)}"
    return None


@lru_cache(maxsize=64)
def exclusions(engine: EngineProfile) -> tuple[Exclusion, ...]:
    """The exclusions of an engine that hold for the versions of this profile."""
    version = version_key(engine.version)
    return tuple(
        each
        for each in engine.program.exclusions
        if version >= version_key(each.since) and (not each.before or version < version_key(each.before))
    )


def applies(exclusion: Exclusion, device: Accelerator, weights: WeightFormat) -> bool:
    """Whether an exclusion is about such a device and format, whatever the model."""
    if exclusion.vendors and device.vendor not in exclusion.vendors:
        return False
    if exclusion.generations and device.generation not in exclusion.generations:
        return False
    if exclusion.formats and not any(fnmatchcase(weights.id, name) for name in exclusion.formats):
        return False
    if exclusion.below_capability:
        return 0 < device.compute_capability < exclusion.below_capability
    return True


def _names(exclusion: Exclusion, features: frozenset[str], class_name: str) -> bool:
    """Whether an exclusion that names features or classes of models is about such a model."""
    if exclusion.features:
        return bool(features & set(exclusion.features)) and class_name not in exclusion.except_classes
    return True


def _reason(exclusion: Exclusion, device: Accelerator, weights: WeightFormat) -> str:
    what = weights.name if exclusion.formats else "the engine"
    if exclusion.features:
        return exclusion.reason
    if exclusion.below_capability:
        has = f"{device.name} has {device.compute_capability:g}"
        return f"{what} needs compute capability {exclusion.below_capability:g}, {has}{_why(exclusion)}"
    on = f" on {device.vendor.upper()} devices" if exclusion.vendors else ""
    on = f" on {device.name}" if exclusion.generations else on
    return f"{what} is not supported{on}{_why(exclusion)}"


def _why(exclusion: Exclusion) -> str:
    return f" ({exclusion.reason})" if exclusion.reason else ""


@lru_cache(maxsize=1024)
def model_features(architecture: Architecture) -> frozenset[str]:
    """Features of a model that an engine may lack: encoders that its decoder attends to, images that it attends to, one
    pass over a text in the place of generation; `any class` is of every model, for engines that list what they read.
    """
    crosses = any(group.layer.mixer and group.layer.mixer.cross_width for group in architecture.groups)
    if architecture.encodes:
        return frozenset({"any class", "one pass"})
    if architecture.encoder:
        return frozenset({"any class", "encoder-decoder"})
    return frozenset({"any class", "cross-attention"} if crosses else {"any class"})


def cuts_blocks(architecture: Architecture, weights: WeightFormat, layout: Layout) -> bool:
    """Whether tensor parallelism alone divides an expert's intermediate side within a block of scales."""
    outputs = weights.block[0]
    if layout.ep > 1 or outputs <= 1:
        return False
    sides = {
        group.layer.mlp.intermediate for group in architecture.groups if isinstance(group.layer.mlp, MixtureOfExperts)
    }
    return any(side % (layout.tp * outputs) for side in sides)


def loads(engine: EngineProfile, weights: WeightFormat) -> bool:
    """Whether the engine reads checkpoints of that format; GGUF is read only where it is listed."""
    if engine.formats:
        return weights.id.startswith(engine.formats)
    return not weights.id.startswith("gguf")


def stand_in(engine: EngineProfile, weights: str) -> str:
    """The weight format that an engine of GGUF files is asked for, where it answers in the place of one that does not
    run there as well.
    """
    if "gguf" not in engine.formats:
        return weights
    weights = FILE_TYPES.get(weights, weights)
    if not weights.startswith(engine.formats):
        return NEXT_BEST.get(weights.partition("-")[0], FOUR_BIT_MIX)
    return weights
