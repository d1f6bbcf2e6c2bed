"""Checkpoints that store their routed experts in another format than the rest: bits and published file sizes."""

from typing import Any

import pytest

from estimator.errors import InputError
from estimator.models.formats import WeightFormat, format_in_name
from estimator.models.quantization import read_quantization
from estimator.models.summary import text_tensors
from tests.estimator.models.test_architecture import model

BLOCKS = {"quant_method": "fp8", "activation_scheme": "dynamic", "weight_block_size": [128, 128]}


def stored_gb(model_id: str, weights: WeightFormat) -> float:
    tensors = text_tensors(model(model_id).architecture)
    return sum(count * weights.bytes_of(tensor) for count, tensor in tensors) / 1e9


def expert_bits(config: dict[str, Any]) -> float:
    return read_quantization(config, model("MiniMaxAI/MiniMax-M2.5").architecture).kind_bits("expert", "up_proj")


@pytest.mark.parametrize(
    "spelled",
    [
        {"routed_experts_quant_method": "mxfp4", "routed_experts_group_size": 32},
        {"store_dtype": "mxfp4", "mxfp4_block_size": 32},
        {"expert_dtype": "fp4"},
    ],
)
def test_an_fp8_section_names_the_format_of_its_experts_in_three_spellings(spelled: dict[str, Any]) -> None:
    weights = read_quantization({**BLOCKS, **spelled}, model("MiniMaxAI/MiniMax-M2.5").architecture)
    assert weights.id == "fp8-block"
    assert weights.kind_bits("expert", "up_proj") == 4.25
    assert weights.kind_bits("attention", "q_proj") == weights.bits


def test_experts_in_fp8_are_as_the_rest() -> None:
    assert expert_bits({**BLOCKS, "expert_dtype": "fp8_e4m3"}) == expert_bits(BLOCKS)


@pytest.mark.parametrize(
    ("spelled", "field"),
    [
        ({"expert_dtype": "int3"}, "expert_dtype"),
        ({"store_dtype": "mxfp4", "mxfp4_block_size": 16}, "mxfp4_block_size"),
    ],
)
def test_another_format_of_experts_is_refused_by_its_field(spelled: dict[str, Any], field: str) -> None:
    with pytest.raises(InputError, match=field):
        expert_bits({**BLOCKS, **spelled})


def test_what_modelopt_leaves_of_an_fp8_checkpoint_stays_fp8() -> None:
    """nvidia/DeepSeek-V4-Flash-NVFP4: 168 GB of files, of which its MTP layer, left in MXFP4, takes 3.5."""
    converted = {f"layers.{n}.ffn.experts": {"quant_algo": "NVFP4", "group_size": 16} for n in range(43)}
    config = {
        **BLOCKS,
        "quant_algo": "MIXED_PRECISION",
        "quantized_layers": converted,
        "ignore": ["*.attn.*", "*.ffn.shared_experts.*", "head", "mtp.*"],
    }
    weights = read_quantization(config, model("deepseek-ai/DeepSeek-V4-Flash").architecture)
    assert weights.kind_bits("attention", "wq_b") == weights.bits
    assert weights.kind_bits("expert", "up_proj") == 4.5
    assert stored_gb("deepseek-ai/DeepSeek-V4-Flash", weights) == pytest.approx(168 - 3.5, rel=0.005)


def test_gemma_4_keeps_its_experts_beside_the_mlp_that_a_list_leaves_out() -> None:
    """nvidia/Gemma-4-26B-A4B-NVFP4 leaves every layer's `mlp*`, `router*` and `self_attn*` 16-bit."""
    parts = ("mlp*", "router*", "self_attn*")
    ignored = [f"model.language_model.layers.{n}.{part}" for n in range(30) for part in parts]
    config = {"quant_algo": "NVFP4", "group_size": 16, "exclude_modules": ["lm_head", *ignored]}
    architecture = model("google/gemma-4-26B-A4B-it").architecture
    weights = read_quantization(config, architecture)
    assert weights.kind_bits("expert", "gate_proj") == 4.5
    assert weights.kind_bits("mlp", "gate_proj") == 16
    only_experts = {**config, "exclude_modules": [f"model.language_model.layers.{n}.experts*" for n in range(30)]}
    assert read_quantization(only_experts, architecture).kind_bits("expert", "gate_proj") == 16


@pytest.mark.parametrize(
    ("name", "format_id"),
    [
        ("Qwen/Qwen3-Next-80B-A3B-Instruct-FP8", "fp8-block"),
        ("zai-org/GLM-5.1-FP8", "fp8-block"),
        ("stepfun-ai/Step-3.5-Flash-FP8", "fp8-block"),
        ("RedHatAI/Qwen3-8B-FP8-block", "fp8-block"),
        ("RedHatAI/Qwen3-8B-FP8-dynamic", "fp8"),
        ("nvidia/Qwen3-8B-FP8", "fp8"),
        ("zai-org/GLM-4.5-FP8", "fp8"),
    ],
)
def test_uploads_whose_makers_scale_blocks_are_read_so_by_name(name: str, format_id: str) -> None:
    assert format_in_name(name) == format_id
