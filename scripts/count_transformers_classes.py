"""Writes tests/data/transformers_classes.json: parameters of every language class of transformers, by default config.

Needs torch and transformers, which the project itself does not: run it in an environment of their own,
`python scripts/count_transformers_classes.py`. Each class is built on the meta device, so that no memory is taken, and
every stored element is counted once: parameters, tied ones once, and the buffers that its checkpoint holds.
"""

import json
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers.models.auto import modeling_auto

OUT = Path(__file__).parents[1] / "tests" / "data" / "transformers_classes.json"
TASKS = (
    "CAUSAL_LM",
    "MASKED_LM",
    "SEQ_TO_SEQ_CAUSAL_LM",
    "SEQUENCE_CLASSIFICATION",
    "TOKEN_CLASSIFICATION",
    "QUESTION_ANSWERING",
    "TEXT_ENCODING",
    "RETRIEVAL",
    "IMAGE_TEXT_TO_TEXT",
    "MULTIMODAL_LM",
    "SPEECH_SEQ_2_SEQ",
)
WITHOUT_TENSORS = (
    "transformers_version", "_name_or_path", "architectures", "dtype", "return_dict", "output_hidden_states",
    "output_attentions", "problem_type", "id2label", "label2id", "use_cache", "bos_token_id", "eos_token_id",
    "pad_token_id", "decoder_start_token_id", "sep_token_id", "chunk_size_feed_forward", "initializer_range",
    "attention_dropout", "hidden_dropout", "attention_probs_dropout_prob", "hidden_dropout_prob", "rms_norm_eps",
    "layer_norm_eps", "hidden_act", "classifier_dropout", "pretraining_tp", "is_decoder", "torchscript",
)  # fmt: skip
"""Fields that change no tensor: left out of the table to keep it small."""

IDLE_BUFFERS = {"slope_rate", "query_decay", "key_decay", "diagonal_decay", "beta", "eps"}
"""Buffers that are registered as persistent, and that uploads do not hold (MiniMax, Apertus)."""


USUAL_LABELS = 2


def classes() -> Iterator[tuple[str, str]]:
    """Class and model type of every language class, each once."""
    seen = set()
    text_types = set()
    for task in TASKS:
        for model_type, names in getattr(modeling_auto, f"MODEL_FOR_{task}_MAPPING_NAMES").items():
            text_types.add(model_type)
            for name in (names,) if isinstance(names, str) else names:
                if name not in seen:
                    seen.add(name)
                    yield name, model_type
    for model_type, names in modeling_auto.MODEL_MAPPING_NAMES.items():
        for name in (names,) if isinstance(names, str) else names:
            if model_type in text_types and name not in seen:
                seen.add(name)
                yield name, model_type


def stored_elements(*models: torch.nn.Module) -> int:
    """Elements of a checkpoint of these modules: each parameter once, and each persistent buffer."""
    parameters = {id(each): each.numel() for model in models for each in model.parameters()}
    for module in (module for model in models for module in model.modules()):
        idle = module._non_persistent_buffers_set | IDLE_BUFFERS
        persistent = {name: each for name, each in module._buffers.items() if name not in idle}
        parameters |= {id(each): each.numel() for each in persistent.values() if each is not None}
    return sum(parameters.values())


def language_elements(model: torch.nn.Module) -> int | None:
    """Elements of the language model inside a model with towers, its head included; None where there is none."""
    modules = [(name.split(".")[-1], each) for name, each in model.named_modules()]
    inside = [each for name, each in modules if name in ("language_model", "text_model")]
    heads = [each for name, each in modules if name in ("lm_head", "score")]
    return stored_elements(inside[0], *heads[:1]) if inside else None


def plain(value: Any) -> Any:
    """A configuration as its file holds it, without the fields that change no tensor."""
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items() if key not in WITHOUT_TENSORS}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def main() -> None:
    """Counts every class; what cannot be built by default is listed with its reason."""
    warnings.filterwarnings("ignore")
    transformers.logging.set_verbosity_error()
    configs: dict[str, Any] = {}
    counted: list[list[Any]] = []
    unbuilt: dict[str, str] = {}
    for name, model_type in classes():
        try:
            model_class = getattr(transformers, name)
            config = model_class.config_class()
            with torch.device("meta"):
                model = model_class(config)
            model_type = config.model_type
            counted.append([name, model_type, stored_elements(model), language_elements(model)])
            configs[model_type] = plain(config.to_dict())
            if config.num_labels != USUAL_LABELS:
                configs[model_type]["num_labels"] = config.num_labels
        except Exception as error:  # a class without a default of its own
            unbuilt[name] = f"{type(error).__name__}: {error}"[:120].splitlines()[0]
        print(name, model_type, counted[-1][2] if counted else "", file=sys.stderr)
    lines = [f'"transformers": {json.dumps(transformers.__version__)}']
    for title, rows in (("classes", counted), ("unbuilt", list(unbuilt.items())), ("configs", list(configs.items()))):
        text = ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows)
        lines.append(f'"{title}": [\n{text}\n]')
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
