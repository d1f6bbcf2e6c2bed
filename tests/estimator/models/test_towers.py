"""Vision and audio towers: counted where their kind is known and described, else named as missing."""

from typing import Any

import pytest

from estimator.errors import InputError
from estimator.models.hf_config import read
from tests.estimator.models.sections import CLIP

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


DEEPSEEK_OCR: dict[str, Any] = {
    "architectures": ["DeepseekOCRForCausalLM"],
    "language_config": {
        "architectures": ["DeepseekV2ForCausalLM"],
        "first_k_dense_replace": 1,
        "hidden_size": 1280,
        "intermediate_size": 6848,
        "kv_lora_rank": None,
        "max_position_embeddings": 8192,
        "moe_intermediate_size": 896,
        "n_routed_experts": 64,
        "n_shared_experts": 2,
        "num_attention_heads": 10,
        "num_experts_per_tok": 6,
        "num_hidden_layers": 12,
        "num_key_value_heads": 10,
        "q_lora_rank": None,
        "qk_nope_head_dim": 0,
        "qk_rope_head_dim": 0,
        "topk_method": "greedy",
        "use_mla": False,
        "v_head_dim": 0,
        "vocab_size": 129280,
    },
    "projector_config": {"input_dim": 2048, "n_embed": 1280, "projector_type": "linear"},
    "vision_config": {
        "width": {
            "clip-l-14-224": {"heads": 16, "image_size": 224, "layers": 24, "patch_size": 14, "width": 1024},
            "sam_vit_b": {"downsample_channels": [512, 1024], "heads": 12, "layers": 12, "width": 768},
        },
    },
}


def test_deepseek_ocr_has_ordinary_heads_and_the_parameters_of_its_upload() -> None:
    """DeepSeek-V2's class without latent attention; the upload's 13,344,427,016 float32 bytes hold 257 integers too."""
    architecture = read(DEEPSEEK_OCR)
    assert architecture.parameters == (13_344_427_016 - 257 * 8) / 4 == 3_336_106_240
    assert architecture.cache_elements(1) == 2 * 10 * 128 * 12


QWEN_VL = {
    "architectures": ["QWenLMHeadModel"],
    "hidden_size": 4096,
    "intermediate_size": 22016,
    "kv_channels": 128,
    "num_attention_heads": 32,
    "num_hidden_layers": 32,
    "vocab_size": 151936,
    "visual": {"heads": 16, "layers": 48, "mlp_ratio": 4.9231, "output_dim": 4096, "patch_size": 14, "width": 1664},
}


def test_qwen_vl_shares_its_class_with_qwen_and_has_a_tower_too() -> None:
    """Qwen-VL-Chat is published with 9,656,935,168 parameters."""
    assert read(QWEN_VL).parameters == 9_656_935_168
    assert read({**QWEN_VL, "visual": None}).parameters == 7_721_324_544


@pytest.mark.parametrize("field", ["vision_config", "mm_vision_tower", "audio_config"])
def test_a_tower_beside_the_class_of_a_language_model_is_named_as_missing(field: str) -> None:
    plain = {**VICUNA, "architectures": ["LlamaForCausalLM"]}
    described = read({**plain, field: "openai/clip-vit-large-patch14" if "tower" in field else {"hidden_size": 1024}})
    assert described.tower_missing
    assert field in described.notes[-1]
    assert described.text_parameters == read(plain).parameters
    assert not read({**plain, field: None}).tower_missing
