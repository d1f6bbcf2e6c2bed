"""config.json -> Architecture: one small reader per family; what no reader understands is refused."""

from collections.abc import Mapping
from dataclasses import replace

from estimator.architecture import Architecture
from estimator.errors import InputError, UnsupportedArchitecture
from estimator.hf_config import (
    classic,
    dense,
    encoder_decoder,
    gemma,
    hybrid,
    latent,
    moe,
    multimodal,
    shared_experts,
    state_space,
    windowed_moe,
)
from estimator.hf_config.fields import Fields
from estimator.hf_config.registry import CLASSES, MODEL_TYPES

READERS = (
    dense,
    gemma,
    classic,
    moe,
    shared_experts,
    windowed_moe,
    latent,
    hybrid,
    state_space,
    encoder_decoder,
    multimodal,
)
"""Every module with readers; importing them registers the classes."""

WAYS_ON = (
    "ways on: give its parameters by hand (total, hidden size, layers, heads, experts), "
    "point at a folder with safetensors for exact weight bytes, or describe it in a YAML of your own"
)


def read(config: Mapping[str, object]) -> Architecture:
    """The architecture that a config.json describes.

    Raises UnsupportedArchitecture for a class that no reader knows, InputError naming a field that is missing,
    impossible or not modelled.
    """
    class_name = class_of(Fields(config))
    return replace(CLASSES[class_name](Fields(config, class_name=class_name)), class_name=class_name)


def class_of(f: Fields) -> str:
    """The class in `architectures`, or the one that `model_type` stands for."""
    named = f.words("architectures") if f.has("architectures") else []
    if named and named[0] in CLASSES:
        return named[0]
    model_type = f.text("model_type", default="")
    if not named and model_type in MODEL_TYPES:
        return MODEL_TYPES[model_type]
    if not named and not model_type:
        raise InputError("architectures", "missing, and so is model_type; either names the model's class")
    unknown = named[0] if named else model_type
    raise UnsupportedArchitecture(_printable(unknown), f"no reader for this class; {WAYS_ON}")


def _printable(name: str) -> str:
    return ascii(name[:80])[1:-1]
