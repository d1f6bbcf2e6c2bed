"""config.json to Architecture, by one small reader per family; what no reader understands is refused."""

from collections.abc import Mapping
from dataclasses import replace

from estimator.errors import InputError
from estimator.models.architecture import Architecture
from estimator.models.hf_config.fields import Fields
from estimator.models.hf_config.lookup import reader
from estimator.models.hf_config.registry import class_named

WAYS_ON = (
    "ways on: give its parameters by hand (total, hidden size, layers, heads, experts), "
    "point at a folder with safetensors for exact weight bytes, or describe it in a YAML of your own"
)


def _language_model_alone(config: Mapping[str, object]) -> Mapping[str, object]:
    """A configuration whose only section describes the language model, as one level: the outer fields win."""
    inner = config.get("text_config")
    has_towers = any(name.endswith("_config") and name != "text_config" for name in config)
    if not isinstance(inner, Mapping) or has_towers or "hidden_size" in config:
        return config
    outer = class_named(Fields(config))
    if outer and not outer.endswith(("ForCausalLM", "TextModel")):
        return config
    names = {name: config[name] for name in config if name != "text_config" and config[name] is not None}
    return {**inner, **names}


def read(config: Mapping[str, object]) -> Architecture:
    """The architecture that a config.json describes.

    Raises UnsupportedArchitecture for a class that no reader knows, InputError naming a field that is missing,
    impossible or not modelled.
    """
    config = _language_model_alone(Fields(config).config)
    class_name = class_named(Fields(config))
    if not class_name:
        raise InputError("architectures", "missing, and so is model_type; either names the model's class")
    if class_name == "LlamaForCausalLM" and config.get("draft_vocab_size"):
        class_name = "LlamaForCausalLMEagle3"  # as its authors' own uploads are named
    read_class = reader(class_name, f"no reader for this class; {WAYS_ON}")
    architecture = replace(read_class(Fields(config, class_name=class_name)), class_name=class_name)
    return _with_unread_towers(architecture, config)


TOWER_FIELDS = (
    "vision_config",
    "visual",
    "vision_tower",
    "mm_vision_tower",
    "vit_config",
    "audio_config",
    "speech_config",
    "mm_audio_tower",
)
"""Fields by which configurations describe or name an encoder of images or sound."""


def _with_unread_towers(architecture: Architecture, config: Mapping[str, object]) -> Architecture:
    """The architecture, with a remark where the class of a language model alone comes with an encoder beside it."""
    reads_towers = architecture.tower_missing or architecture.vision_parameters or architecture.encoder
    named = [name for name in TOWER_FIELDS if isinstance(config.get(name), str | Mapping) and config[name]]
    if reads_towers or not named:
        return architecture
    note = f"vision or audio towers are not counted: {named[0]} describes one that this class is not known to have"
    return replace(architecture, notes=(*architecture.notes, note), tower_missing=True)
