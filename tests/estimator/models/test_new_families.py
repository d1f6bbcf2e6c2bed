"""Families of 2025 and 2026 against published totals, and the cache their layers keep."""

from typing import Any

import pytest

from estimator.errors import InputError
from estimator.models.architecture import Architecture
from estimator.models.hf_config import read

RWKV7 = {"vocab_size": 65536, "head_dim": 64, "tie_word_embeddings": False}
GROK_2 = {
    "hidden_size": 8192,
    "intermediate_size": 32768,
    "moe_intermediate_size": 16384,
    "num_hidden_layers": 64,
    "num_attention_heads": 64,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "num_local_experts": 8,
    "num_experts_per_tok": 2,
    "residual_moe": True,
    "vocab_size": 131072,
    "max_position_embeddings": 131072,
    "tie_word_embeddings": False,
}
LAGUNA = {
    "hidden_size": 2048,
    "intermediate_size": 8192,
    "moe_intermediate_size": 512,
    "shared_expert_intermediate_size": 512,
    "num_hidden_layers": 8,
    "num_attention_heads": 48,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "num_experts": 16,
    "num_experts_per_tok": 2,
    "vocab_size": 1000,
    "sliding_window": 512,
    "layer_types": ["full_attention", "sliding_attention", "sliding_attention", "sliding_attention"] * 2,
}
WHISPER_LARGE_V3 = {
    "d_model": 1280,
    "num_mel_bins": 128,
    "encoder_layers": 32,
    "encoder_attention_heads": 20,
    "encoder_ffn_dim": 5120,
    "decoder_layers": 32,
    "decoder_attention_heads": 20,
    "decoder_ffn_dim": 5120,
    "vocab_size": 51866,
    "max_source_positions": 1500,
    "max_target_positions": 448,
}


def architecture(class_name: str, config: dict[str, Any], **fields: Any) -> Architecture:
    return read({**config, **fields, "architectures": [class_name]})


@pytest.mark.parametrize(
    ("hidden", "layers", "decay", "rate", "value", "gate", "parameters"),
    [
        (768, 12, 64, 64, 32, 128, 191_034_624),
        (2048, 24, 96, 96, 64, 256, 1_527_404_544),
        (2560, 32, 96, 96, 64, 320, 2_947_735_040),
    ],
)
def test_rwkv7_has_the_parameters_of_its_paper(
    hidden: int, layers: int, decay: int, rate: int, value: int, gate: int, parameters: int
) -> None:
    """arXiv:2503.14456, table of the World3 models."""
    model = architecture(
        "RWKV7ForCausalLM",
        RWKV7,
        hidden_size=hidden,
        num_hidden_layers=layers,
        decay_low_rank_dim=decay,
        a_low_rank_dim=rate,
        v_low_rank_dim=value,
        gate_low_rank_dim=gate,
    )
    assert model.parameters == parameters
    assert model.cache_elements(100_000) == 0
    assert model.sequence_state_bytes() == layers * 4 * (hidden * 64 + 2 * hidden)


def test_grok_2_has_270_billion_parameters_of_which_each_token_uses_two_experts() -> None:
    model = architecture("Grok1ForCausalLM", GROK_2)
    assert round(model.parameters / 1e9) == 270
    assert model.parameters - model.active_parameters == 64 * 6 * 3 * 8192 * 16384
    with pytest.raises(InputError, match="residual_moe"):
        architecture("Grok1ForCausalLM", GROK_2, residual_moe=False)


def test_laguna_caches_its_windowed_layers_apart() -> None:
    model = architecture("LagunaForCausalLM", LAGUNA)
    width = 2 * 8 * 128
    assert model.cache_elements(512) == 8 * 512 * width
    assert model.cache_elements(10_512) == (2 * 10_512 + 6 * 512) * width


def test_laguna_may_have_heads_of_their_own_number_in_each_layer() -> None:
    plain, more = architecture("LagunaForCausalLM", LAGUNA), [48, 64, 64, 64] * 2
    wider = architecture("LagunaForCausalLM", LAGUNA, num_attention_heads_per_layer=more)
    assert wider.parameters - plain.parameters == 6 * 16 * (2 * 128 * 2048 + 2048)
    assert wider.cache_elements(1000) == plain.cache_elements(1000)
    with pytest.raises(InputError, match="num_attention_heads_per_layer"):
        architecture("LagunaForCausalLM", LAGUNA, num_attention_heads_per_layer=[48] * 5)


def test_whisper_large_v3_has_1543_million_parameters() -> None:
    model = architecture("WhisperForConditionalGeneration", WHISPER_LARGE_V3)
    assert model.parameters == 1_543_490_560
    assert sum(group.count for group in model.encoder) == 32
    assert model.max_context == 448


def test_cross_attention_of_whisper_keeps_the_encoder_output_once() -> None:
    model = architecture("WhisperForConditionalGeneration", WHISPER_LARGE_V3)
    cross = sum(group.count * group.layer.mixer.cross_width for group in model.groups if group.layer.mixer)
    assert cross == 32 * 2 * 1280
    assert model.cache_elements(1) == 32 * 2 * 1280
