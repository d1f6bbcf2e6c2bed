"""Which reader understands which class: `@reads(LlamaForCausalLM="llama")` names the class and its model types."""

from collections.abc import Callable
from importlib import import_module
from typing import TypeVar

from estimator.architecture import Architecture
from estimator.hf_config.fields import Fields

Reader = Callable[[Fields], Architecture]
Found = TypeVar("Found")

READERS = (
    "dense",
    "gemma",
    "classic",
    "moe",
    "shared_experts",
    "windowed_moe",
    "latent",
    "hybrid",
    "state_space",
    "encoder_decoder",
    "multimodal",
)
"""Modules with readers, the most asked-for first. One is imported when a class was not found in those before it:
a start reads one model, and every module costs it about a millisecond."""

CLASSES: dict[str, Reader] = {}
MODEL_TYPES: dict[str, str] = {}
"""model_type -> class, for configurations without `architectures`."""


def reads(**classes: str) -> Callable[[Reader], Reader]:
    """Registers a reader for these classes; each value lists the class's model types, separated by blanks."""

    def register(reader: Reader) -> Reader:
        for class_name, model_types in classes.items():
            CLASSES[class_name] = reader
            for model_type in model_types.split():
                MODEL_TYPES.setdefault(model_type, class_name)
        return reader

    return register


def reader(class_name: str) -> Reader | None:
    """The reader of that class; None where there is none."""
    return _look_up(CLASSES, class_name)


def class_of_type(model_type: str) -> str | None:
    """The class that a `model_type` stands for."""
    return _look_up(MODEL_TYPES, model_type)


def _look_up(table: dict[str, Found], key: str) -> Found | None:
    for module in READERS:
        if key in table:
            break
        import_module(f"estimator.hf_config.{module}")
    return table.get(key)
