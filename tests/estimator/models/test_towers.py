"""Vision and audio towers: counted where their kind is known and described, else named as missing."""

from typing import Any

import pytest

from estimator.errors import InputError
from estimator.models.hf_config import read

VICUNA = {
    "model_type": "llama",
    "hidden_size": 4096,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 32,
    "intermediate_size": 11008,
    "vocab_size": 32064,
    "max_position_embeddings": 4096,
    "tie_word_embeddings": False,
}
CLIP = {
    "model_type": "clip_vision_model",
    "hidden_size": 1024,
    "intermediate_size": 4096,
    "num_hidden_layers": 24,
    "image_size": 336,
    "patch_size": 14,
}
LLAVA: dict[str, Any] = {
    "architectures": ["LlavaForConditionalGeneration"],
    "text_config": VICUNA,
    "vision_config": CLIP,
}
INTERN_VIT = {
    "model_type": "internvl_vision",
    "hidden_size": 1024,
    "intermediate_size": 4096,
    "num_hidden_layers": 24,
    "attention_bias": True,
    "image_size": [448, 448],
    "patch_size": [14, 14],
}


def test_llava_1_5_has_the_parameters_of_its_upload() -> None:
    assert read(LLAVA).parameters == 7_063_427_072


def test_several_feature_layers_widen_the_projector() -> None:
    two = read({**LLAVA, "vision_feature_layer": [-2, -5]})
    assert two.parameters - read(LLAVA).parameters == 1024 * 4096


@pytest.mark.parametrize("model_type", ["wormhole_vision_model", None])
def test_an_encoder_of_unknown_kind_is_named_as_missing(model_type: str | None) -> None:
    architecture = read({**LLAVA, "vision_config": {**CLIP, "model_type": model_type}})
    assert architecture.tower_missing
    assert architecture.vision_parameters == 0
    assert any("not counted" in note for note in architecture.notes)
    assert architecture.text_parameters == read(LLAVA).text_parameters


def test_a_field_that_the_tower_needs_is_named() -> None:
    without_patches = {name: value for name, value in CLIP.items() if name != "patch_size"}
    with pytest.raises(InputError) as refusal:
        read({**LLAVA, "vision_config": without_patches})
    assert refusal.value.field == "vision_config.patch_size"


def test_a_side_may_be_listed_as_two_equal_numbers() -> None:
    config = {"architectures": ["InternVLForConditionalGeneration"], "text_config": VICUNA, "vision_config": INTERN_VIT}
    listed, plain = read(config), read({**config, "vision_config": {**INTERN_VIT, "image_size": 448, "patch_size": 14}})
    assert listed.vision_parameters == plain.vision_parameters == 304_012_288 + 8192 + 4096 * 4097 + 4096 * 4097
    with pytest.raises(InputError, match="image_size"):
        read({**config, "vision_config": {**INTERN_VIT, "image_size": [448, 224]}})


QWEN2_7B = {
    "hidden_size": 3584,
    "num_hidden_layers": 28,
    "num_attention_heads": 28,
    "num_key_value_heads": 4,
    "intermediate_size": 18944,
    "vocab_size": 151666,
    "max_position_embeddings": 32768,
    "tie_word_embeddings": False,
}


@pytest.mark.parametrize("version", [2.6, "2.6"])
def test_the_language_model_of_minicpm_v_goes_by_its_version(version: Any) -> None:
    config = {**QWEN2_7B, "architectures": ["MiniCPMV"], "version": version, "vision_config": {"hidden_size": 1152}}
    architecture = read(config)
    assert architecture.text_parameters == read({**QWEN2_7B, "architectures": ["Qwen2ForCausalLM"]}).text_parameters
    assert architecture.tower_missing
    with pytest.raises(InputError) as refusal:
        read({**config, "version": 3.7})
    assert refusal.value.field == "version"


def test_a_model_that_switches_latent_attention_off_is_refused() -> None:
    """DeepSeek-VL2-Tiny is of DeepSeek-V2's class, with ordinary heads."""
    text = {"use_mla": False, "hidden_size": 1280, "num_attention_heads": 10, "kv_lora_rank": 512, "q_lora_rank": None}
    with pytest.raises(InputError) as refusal:
        read({"architectures": ["DeepseekVLV2ForCausalLM"], "language_config": text})
    assert refusal.value.field == "language_config.use_mla"
