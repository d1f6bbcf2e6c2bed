"""Which weight formats a model can have, and which one a scenario starts with when the model changes."""

from estimator.errors import Refusal
from estimator.models.formats import find_weight_format, weight_format
from estimator.models.misnomers import misnomer
from estimator.models.model import Model

SIXTEEN_BIT = ("bf16", "fp16")


def format_refusal(model: Model, name: str) -> Refusal | None:
    """Why the model can not have its weights in the format of that name; None where it can.

    A format that would quantise no tensor of the model is its 16-bit form under a false name. Raises InputError for an
    unknown name.
    """
    if name == "native":
        return model.unknown_weights
    if name == model.native_weights:
        return None
    return misnomer(model.architecture, weight_format(name))


def starting_weights(model: Model, current: str) -> str:
    """The format that a scenario asks for when the model changes and no format is named.

    A quantised upload is asked for as published; a 16-bit one keeps the format asked for before, where it can have it.
    A 32-bit one is loaded in 16 bits, as engines do unless told otherwise (vLLM `_resolve_auto_dtype`: fp16 for models
    that pool, else bf16 where the device has it).
    """
    if model.native_weights == "fp32":
        return "fp16" if model.architecture.encodes else "bf16"
    if model.native_weights in SIXTEEN_BIT or model.unknown_weights:
        return current if current != "native" and not format_refusal(model, current) else model.architecture.dtype
    return model.native_weights if find_weight_format(model.native_weights) else "native"
