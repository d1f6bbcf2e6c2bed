"""Which reader understands which class: `@reads(LlamaForCausalLM="llama")` names the class and its model types."""

from collections.abc import Callable
from importlib import import_module
from typing import TypeVar

from estimator.models.architecture import Architecture
from estimator.models.hf_config.fields import Fields

Reader = Callable[[Fields], Architecture]
Value = TypeVar("Value")

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
    "encoders",
    "uploaded_encoders",
    "moe_variants",
    "hybrid_variants",
    "dense_variants",
    "classic_variants",
    "diffusion",
    "latent_variants",
    "shared_layers",
    "looped",
    "inner_text",
    "convolved",
    "encoder_variants",
    "late_interaction",
    "drafters",
    "llama_kin",
)
"""Modules with readers, the most asked-for first. One is imported when a class was not found in those before it:
a start reads one model, and every module costs it about a millisecond."""

CLASSES: dict[str, Reader] = {}
MODEL_TYPES: dict[str, str] = {}
"""model_type -> class, for configurations without `architectures`."""


def reads(**classes: str) -> Callable[[Reader], Reader]:
    """Registers a reader for these classes; each value lists the class's model types, separated by blanks."""

    def register(reader: Reader) -> Reader:
        def read(f: Fields) -> Architecture:
            return reader(f.completed())

        for class_name, model_types in classes.items():
            CLASSES[class_name] = read
            for model_type in model_types.split():
                MODEL_TYPES.setdefault(model_type, class_name)
        return reader

    return register


def class_named(f: Fields) -> str:
    """The class in `architectures`, or the one that `model_type` stands for; empty where neither is given."""
    if isinstance(f.config.get("architectures"), str):  # as some uploads write it
        return f.text("architectures")
    names = f.words("architectures") if f.has("architectures") else []
    if names:
        return names[0]
    model_type = f.text("model_type", default="")
    return _look_up(MODEL_TYPES, model_type) or model_type if model_type else ""


def find_reader(class_name: str) -> Reader | None:
    """The reader registered for exactly that class; None where there is none."""
    return _look_up(CLASSES, class_name)


def _look_up(table: dict[str, Value], key: str) -> Value | None:
    for module in READERS:
        if key in table:
            break
        import_module(f"estimator.models.hf_config.{module}")
    return table.get(key)
