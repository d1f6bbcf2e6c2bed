"""config.json -> Architecture: one small reader per family; what no reader understands is refused."""

from collections.abc import Mapping
from dataclasses import replace

from estimator.architecture import Architecture
from estimator.errors import InputError, UnsupportedArchitecture
from estimator.hf_config.fields import Fields
from estimator.hf_config.registry import Reader, class_of_type, reader

WAYS_ON = (
    "ways on: give its parameters by hand (total, hidden size, layers, heads, experts), "
    "point at a folder with safetensors for exact weight bytes, or describe it in a YAML of your own"
)


def read(config: Mapping[str, object]) -> Architecture:
    """The architecture that a config.json describes.

    Raises UnsupportedArchitecture for a class that no reader knows, InputError naming a field that is missing,
    impossible or not modelled.
    """
    class_name, read_class = reader_of(Fields(config))
    return replace(read_class(Fields(config, class_name=class_name)), class_name=class_name)


def reader_of(f: Fields) -> tuple[str, Reader]:
    """The class in `architectures`, or the one that `model_type` stands for, and its reader."""
    named = f.words("architectures") if f.has("architectures") else []
    model_type = "" if named else f.text("model_type", default="")
    if not named and not model_type:
        raise InputError("architectures", "missing, and so is model_type; either names the model's class")
    class_name = named[0] if named else class_of_type(model_type) or model_type
    found = reader(class_name)
    if found is None:
        shown = ascii(class_name[:80])[1:-1]
        raise UnsupportedArchitecture(shown, f"no reader for this class; {WAYS_ON}")
    return class_name, found
