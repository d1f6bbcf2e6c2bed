"""Which reader understands which class: `@reads(LlamaForCausalLM="llama")` names the class and its model types."""

from collections.abc import Callable

from estimator.architecture import Architecture
from estimator.hf_config.fields import Fields

Reader = Callable[[Fields], Architecture]

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
