"""Where a model can run at all, before any load is asked: bytes by format, engines that take it, what is not known."""

from collections.abc import Iterator
from typing import NamedTuple

from estimator.engines.memory_policy import RuleOfThumb
from estimator.engines.profiles import EngineProfile
from estimator.engines.support import loads, refusal, stand_in
from estimator.errors import InputError
from estimator.layout import Layout
from estimator.layouts.legal import layout_refusal
from estimator.models.formats import WeightFormat, find_weight_format, weight_format
from estimator.models.model import Model
from estimator.models.summary import text_tensors
from estimator.scenario.inventory import Inventory

FORMATS = ("bf16", "fp8", "int4-awq", "gguf-q8_0", "gguf-q4_k_m")
"""Formats worth comparing for any model."""
TYPICAL_DEVICES = {"gpu": "h100-sxm", "neuron": "trainium2", "hpu": "gaudi3"}
"""A device of each kind that lacks nothing an engine asks for."""


class FormatSize(NamedTuple):
    """Bytes of a model's weights in one format."""

    format: str
    bytes: float
    smallest_device: str
    """The accelerator of the least memory that holds the weights with a tenth to spare, under vLLM, or llama.cpp for
    GGUF; empty where none does."""


class EngineReach(NamedTuple):
    """Whether a serving engine takes a model at all, in its newest profile, or why not."""

    engine: str
    reason: str
    """Why not; empty where it does."""


def format_sizes(model: Model, inventory: Inventory) -> Iterator[FormatSize]:
    """The model's bytes in its own format and in the usual ones that it can have."""
    names = ["native", *FORMATS] if not model.unknown_weights else list(FORMATS)
    seen = set()
    for name in names:
        try:
            weights = model.weights(name)
        except InputError:
            continue
        if weights.id not in seen:
            seen.add(weights.id)
            size = sum(count * weights.bytes_of(tensor) for count, tensor in text_tensors(model.architecture))
            yield FormatSize(weights.id, size, _smallest_device(size, weights, inventory))


def _smallest_device(size: float, weights: WeightFormat, inventory: Inventory) -> str:
    engine = inventory.engine("llamacpp" if weights.id.startswith("gguf") else "vllm")
    holding = [
        each
        for each in inventory.accelerators.values()
        if size <= 0.9 * each.memory_usable_bytes and refusal(each, engine, weights) is None
    ]
    return min(holding, key=lambda each: (each.memory_usable_bytes, each.id)).id if holding else ""


def engines_for(model: Model, inventory: Inventory) -> Iterator[EngineReach]:
    """Every serving engine in its newest profile: whether it takes the model on a device that lacks no feature, or why
    not.
    """
    newest = {profile.id: profile for profile in inventory.engines if not isinstance(profile.memory, RuleOfThumb)}
    for engine in newest.values():
        yield EngineReach(engine.name, _why_not(model, engine, inventory))


def _why_not(model: Model, engine: EngineProfile, inventory: Inventory) -> str:
    kind = next((kind for kind in TYPICAL_DEVICES if kind in engine.device_kinds), "gpu")
    device = inventory.accelerators.get(TYPICAL_DEVICES[kind])
    if device is None:
        return "no device of its kind is catalogued"
    wide = weight_format(stand_in(engine, "bf16"))
    weights = wide if loads(engine, wide) else next(filter(None, map(find_weight_format, engine.formats)), wide)
    refused = layout_refusal(model, Layout(), 1, engine, device)
    reason = refusal(device, engine, weights, model.architecture) or (refused.reason if refused else "")
    return reason.removeprefix(f"{engine.name} from {engine.version}: ").removeprefix(f"{engine.name} ")


def unknowns(model: Model) -> Iterator[str]:
    """What is not known of a model's files, and which figures hang on it."""
    architecture = model.architecture
    if model.unknown_weights:
        yield f"its own weight format: {model.unknown_weights.reason}"
    if architecture.tower_missing and not model.tower_parameters:
        yield "parameters of its vision or audio tower"
    if architecture.mtp_missing:
        yield "parameters of its prediction modules"
    if not architecture.max_context:
        yield "its longest context"
    if architecture.vision_parameters and architecture.image_rule is None:
        yield "tokens of an image"
    if not model.licence:
        yield "its licence"
