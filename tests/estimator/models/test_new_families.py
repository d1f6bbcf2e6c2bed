"""Families of 2025 and 2026 against published totals, and the cache their layers keep."""

from typing import Any

import pytest

from estimator.errors import InputError
from estimator.models.architecture import Architecture
from estimator.models.hf_config import read
from estimator.models.quantization import read_quantization
from estimator.models.summary import text_tensors

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


def test_gates_of_laguna_are_of_one_kind() -> None:
    """Newer files list them layer by layer beside the one word."""
    listed = architecture("LagunaForCausalLM", LAGUNA, gating="per-head", gating_types=["per_head"] * 8)
    assert listed.parameters == architecture("LagunaForCausalLM", LAGUNA).parameters
    with pytest.raises(InputError, match="gating_types"):
        architecture("LagunaForCausalLM", LAGUNA, gating="per-head", gating_types=["per_head"] * 7 + ["per_element"])


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


LLADA = {
    "d_model": 4096,
    "n_layers": 32,
    "n_heads": 32,
    "n_kv_heads": 32,
    "mlp_hidden_size": 12288,
    "embedding_size": 126464,
    "weight_tying": False,
    "block_type": "llama",
    "include_bias": False,
    "max_sequence_length": 4096,
}
DREAM = {
    "hidden_size": 3584,
    "num_hidden_layers": 28,
    "num_attention_heads": 28,
    "num_key_value_heads": 4,
    "intermediate_size": 18944,
    "vocab_size": 152064,
    "max_position_embeddings": 131072,
    "tie_word_embeddings": False,
}


@pytest.mark.parametrize(
    ("class_name", "config", "parameters"),
    [("LLaDAModelLM", LLADA, 8_015_581_184), ("DreamModel", DREAM, 7_615_616_512)],
)
def test_a_diffusion_model_is_counted_and_keeps_no_cache(
    class_name: str, config: dict[str, Any], parameters: int
) -> None:
    model = architecture(class_name, config)
    assert model.parameters == parameters
    assert model.cache_elements(1000) == 0
    assert not model.generates


ERNIE_VL_TEXT = {
    "hidden_size": 2560,
    "intermediate_size": 12288,
    "num_hidden_layers": 28,
    "num_attention_heads": 20,
    "num_key_value_heads": 4,
    "vocab_size": 103424,
    "moe_intermediate_size": [1536, 512],
    "moe_num_experts": [64, 64],
    "moe_num_shared_experts": 2,
    "moe_k": 6,
    "moe_layer_start_index": [1, 1],
    "use_bias": False,
}


def test_text_does_not_visit_the_experts_for_images() -> None:
    model = architecture("Ernie4_5_VLMoeTextModel", ERNIE_VL_TEXT)
    image_experts = 27 * 64 * 3 * 2560 * 512
    text_experts = 27 * 58 * 3 * 2560 * 1536
    assert model.parameters - model.active_parameters == image_experts + text_experts
    narrower = architecture("Ernie4_5_VLMoeTextModel", ERNIE_VL_TEXT, moe_intermediate_size=[1536, 256])
    assert narrower.active_parameters == model.active_parameters
    assert model.parameters - narrower.parameters == image_experts // 2
    with pytest.raises(InputError, match="moe_intermediate_size"):
        architecture("Ernie4_5_VLMoeTextModel", ERNIE_VL_TEXT, moe_intermediate_size=[1536, 512, 256])


MIMO = {
    "hidden_size": 4096,
    "intermediate_size": 16384,
    "moe_intermediate_size": 2048,
    "num_hidden_layers": 6,
    "num_attention_heads": 64,
    "num_key_value_heads": 4,
    "head_dim": 192,
    "v_head_dim": 128,
    "n_routed_experts": 256,
    "num_experts_per_tok": 8,
    "vocab_size": 152576,
    "max_position_embeddings": 262144,
    "n_shared_experts": None,
}


def test_mimo_is_the_same_by_words_and_by_numbers() -> None:
    """The upload marks layers by number; transformers writes the same model by words."""
    by_number = {
        "hybrid_layer_pattern": [0, 1, 1, 1, 1, 0],
        "moe_layer_freq": [0, 1, 1, 1, 1, 1],
        "swa_num_attention_heads": 64,
        "swa_num_key_value_heads": 8,
        "swa_head_dim": 192,
        "swa_v_head_dim": 128,
        "sliding_window": 128,
    }
    kinds = ["full_attention", *["sliding_attention"] * 4, "full_attention"]
    by_word = {"layer_types": kinds, "mlp_layer_types": ["dense", *["sparse"] * 5], "sliding_window": 128}
    numbers = architecture("MiMoV2FlashForCausalLM", MIMO, **by_number)
    words = architecture("MiMoV2FlashForCausalLM", MIMO, **by_word)
    assert words.parameters == numbers.parameters
    for tokens in (1, 100, 100_000):
        assert words.cache_elements(tokens) == numbers.cache_elements(tokens)


MIMO_V2_6_FLASH = {
    "hidden_size": 4096,
    "num_hidden_layers": 48,
    "num_attention_heads": 64,
    "num_key_value_heads": 4,
    "head_dim": 192,
    "v_head_dim": 128,
    "swa_num_attention_heads": 64,
    "swa_num_key_value_heads": 8,
    "swa_head_dim": 192,
    "swa_v_head_dim": 128,
    "add_swa_attention_sink_bias": True,
    "sliding_window": 128,
    "hybrid_layer_pattern": [0 if layer in (0, 5, 11, 17, 23, 29, 35, 41, 47) else 1 for layer in range(48)],
    "moe_layer_freq": [0] + [1] * 47,
    "intermediate_size": 16384,
    "moe_intermediate_size": 2048,
    "n_routed_experts": 256,
    "num_experts_per_tok": 8,
    "vocab_size": 152576,
    "tie_word_embeddings": False,
}


def test_mimo_v2_6_flash_stores_its_experts_in_160_859_947_008_bytes() -> None:
    """Bytes of type U8 over the headers of MiMo-V2.6-Flash-RL: MXFP4 numbers and a scale for each 32 of them."""
    section = {"quant_method": "fp8", "weight_block_size": [128, 128], "store_dtype": "mxfp4", "mxfp4_block_size": 32}
    mimo = architecture("MiMoV2ForCausalLM", MIMO_V2_6_FLASH)
    weights = read_quantization(section, mimo)
    experts = [(count, tensor) for count, tensor in text_tensors(mimo) if tensor.role == "expert"]
    assert sum(count * weights.bytes_of(tensor) for count, tensor in experts) == 160_859_947_008


LING_2_5_1T = {
    "hidden_size": 8192,
    "intermediate_size": 18432,
    "num_hidden_layers": 80,
    "num_attention_heads": 64,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "num_experts": 256,
    "num_shared_experts": 1,
    "num_experts_per_tok": 8,
    "moe_intermediate_size": 2048,
    "first_k_dense_replace": 4,
    "moe_router_enable_expert_bias": True,
    "use_qk_norm": True,
    "layer_group_size": 8,
    "q_lora_rank": 1536,
    "kv_lora_rank": 512,
    "qk_nope_head_dim": 128,
    "qk_rope_head_dim": 64,
    "v_head_dim": 128,
    "vocab_size": 157184,
}


def test_ling_2_5_keeps_ten_latent_layers_and_a_state_in_seventy() -> None:
    """11.25 KiB a token, 70 layers of lightning attention and 63 billion active parameters, as its makers say."""
    ling = architecture("BailingMoeV2_5ForCausalLM", LING_2_5_1T)
    cache = sum(group.count * group.layer.mixer.growing_width for group in ling.groups if group.layer.mixer)
    assert 2 * cache == 11.25 * 1024
    assert ling.state_elements == 70 * 64 * 128 * 128
    assert ling.active_parameters == pytest.approx(63e9, rel=0.02)


def test_ling_2_5_has_the_modules_of_its_own_code() -> None:
    """Ring-V2.5's modeling_bailing_moe_v2_5.py with its defaults, summed by hand for one layer of each kind."""
    sizes = {
        "hidden_size": 2048,
        "num_attention_heads": 16,
        "head_dim": 128,
        "layer_group_size": 5,
        "q_lora_rank": None,
    }
    small = architecture("BailingMoeV2_5ForCausalLM", LING_2_5_1T, **sizes, num_hidden_layers=7)
    kinds = {type(group.layer.mixer).__name__: group.layer.mixer for group in small.groups if group.layer.mixer}
    lightning = 2048 * 3 * 2048 + 2 * 128 + 2048 * 2048 + 2048 + 2048 * 2048
    assert sum(tensor.parameters for tensor in kinds["LightningAttention"].tensors) == lightning
    latent = 2048 * 16 * 192 + 2048 * (512 + 64) + 512 + 512 * 16 * 256 + 16 * 128 * 2048
    assert sum(tensor.parameters for tensor in kinds["LatentAttention"].tensors) == latent
    latent_layers = sum(group.count for group in small.groups if group.layer.mixer is kinds["LatentAttention"])
    assert latent_layers == 3, "the fifth, and both after the last whole group"
