"""Sections that state only what differs from their class: read as the class reads them, and said so."""

import json
from pathlib import Path
from typing import Any

import pytest

from estimator.models.hf_config import read
from estimator.models.hf_config.section_defaults import TEXT, VISION
from tests.estimator.models.sections import CLIP

CLASSES = json.loads((Path(__file__).parents[2] / "data" / "transformers_classes.json").read_text(encoding="utf-8"))
CONFIGS: dict[str, dict[str, Any]] = dict(CLASSES["configs"])
SIGLIP = {
    "hidden_size": 1152,
    "image_size": 896,
    "intermediate_size": 4304,
    "model_type": "siglip_vision_model",
    "num_attention_heads": 16,
    "num_hidden_layers": 27,
    "patch_size": 14,
    "vision_use_head": False,
}
GEMMA_3_4B = {
    "architectures": ["Gemma3ForConditionalGeneration"],
    "text_config": {
        "hidden_size": 2560,
        "intermediate_size": 10240,
        "model_type": "gemma3_text",
        "num_hidden_layers": 34,
        "sliding_window": 1024,
    },
    "vision_config": SIGLIP,
}
LLAVA_1_5_7B = {
    "architectures": ["LlavaForConditionalGeneration"],
    "text_config": {
        "architectures": ["LlamaForCausalLM"],
        "max_position_embeddings": 4096,
        "model_type": "llama",
        "vocab_size": 32064,
    },
    "vision_config": CLIP,
}
LLAVA_NEXT_MISTRAL = {
    "architectures": ["LlavaNextForConditionalGeneration"],
    "text_config": {
        "architectures": ["MistralForCausalLM"],
        "intermediate_size": 14336,
        "max_position_embeddings": 32768,
        "model_type": "mistral",
        "num_key_value_heads": 8,
        "sliding_window": None,
        "vocab_size": 32064,
    },
    "vision_config": CLIP,
}
QWEN2_VL_7B = {
    "architectures": ["Qwen2VLForConditionalGeneration"],
    "hidden_size": 3584,
    "intermediate_size": 18944,
    "max_position_embeddings": 32768,
    "num_attention_heads": 28,
    "num_hidden_layers": 28,
    "num_key_value_heads": 4,
    "tie_word_embeddings": False,
    "vision_config": {"in_chans": 3, "model_type": "qwen2_vl", "spatial_patch_size": 14},
    "vocab_size": 152064,
}


@pytest.mark.parametrize(
    ("config", "published"),
    [
        (GEMMA_3_4B, 4_300_079_472),
        (LLAVA_1_5_7B, 7_063_427_072),
        (LLAVA_NEXT_MISTRAL, 7_566_747_648),
        (QWEN2_VL_7B, 8_291_375_616),
    ],
    ids=["gemma-3-4b", "llava-1.5-7b", "llava-1.6-mistral-7b", "qwen2-vl-7b"],
)
def test_an_upload_that_leaves_fields_to_its_class_has_its_published_parameters(
    config: dict[str, Any], published: int
) -> None:
    architecture = read(config)
    assert architecture.parameters == published
    assert any("as the class has it" in note for note in architecture.notes)


def test_what_is_taken_from_the_class_is_named_with_its_value() -> None:
    (note,) = read(GEMMA_3_4B).notes
    assert note.startswith("not in text_config")
    assert "num_key_value_heads 4" in note
    assert "hidden_size" not in note


def test_a_null_is_no_absent_field() -> None:
    """The window that Mistral's class has is switched off by null, and is there without it."""
    inner = dict(LLAVA_NEXT_MISTRAL["text_config"])  # type: ignore[call-overload]
    assert read(LLAVA_NEXT_MISTRAL).cache_elements(30_000) == 30_000 * 65_536
    del inner["sliding_window"]
    assert read({**LLAVA_NEXT_MISTRAL, "text_config": inner}).cache_elements(30_000) == 4_096 * 65_536


@pytest.mark.parametrize("model_type", sorted(TEXT))
def test_the_table_holds_what_transformers_holds(model_type: str) -> None:
    assert TEXT[model_type] == {name: CONFIGS[model_type][name] for name in TEXT[model_type]}


def test_the_table_of_towers_holds_what_transformers_holds() -> None:
    tower = CONFIGS["qwen2_vl"]["vision_config"]
    own = VISION["Qwen2VLForConditionalGeneration"]
    assert own == {name: tower[name] for name in own}
