"""Formats of published checkpoints, tensor by tensor: bits worked out from the packers' own layouts."""

from typing import Any

import pytest

from estimator.errors import InputError
from estimator.models.formats import WeightFormat, find_weight_format, weight_format
from estimator.models.model import read_model
from estimator.models.quantization import quantization_section, read_quantization
from estimator.models.tensors import Tensor
from tests.estimator.models.test_architecture import model

Q_PROJ = Tensor("q_proj", "attention", 4096, 4096)
K_PROJ = Tensor("k_proj", "attention", 1024, 4096, ways=8)
V_PROJ = Tensor("v_proj", "attention", 1024, 4096, ways=8)
UP_PROJ = Tensor("up_proj", "mlp", 14336, 4096)
DOWN_PROJ = Tensor("down_proj", "mlp", 4096, 14336, split="rows")
HEAD = Tensor("lm_head", "head", 128_256, 4096)
EMBEDDING = Tensor("embed_tokens", "embedding", 128_256, 4096)
EXPERT_UP = Tensor("up_proj", "expert", 2048, 7168, copies=256, split="experts")
MATRIX = 4096 * 4096


def llama(config: dict[str, Any]) -> WeightFormat:
    return read_quantization(config, model("meta-llama/Llama-3.1-8B").architecture)


def gptq(**more: Any) -> dict[str, Any]:
    return {"quant_method": "gptq", "bits": 4, "group_size": 128, **more}


@pytest.mark.parametrize(
    ("config", "bits"),
    [
        ({"quant_method": "hqq", "quant_config": {"weight_quant_params": {"nbits": 4, "group_size": 64}}}, 4.5),
        ({"quant_method": "hqq", "quant_config": {"weight_quant_params": {"nbits": 3, "group_size": 64}}}, 3.2 + 0.5),
        (
            {
                "quant_method": "hqq",
                "quant_config": {
                    "weight_quant_params": {"nbits": 2, "group_size": 16},
                    "scale_quant_params": {"nbits": 8, "group_size": 128},
                    "zero_quant_params": {"nbits": 8, "group_size": 128},
                },
            },
            2 + 16 / 16,
        ),
        ({"bits": 4, "group_size": 64}, 4.5),
        ({"bits": 8, "group_size": 64}, 8.5),
        ({"bits": 3, "group_size": 32}, 4.0),
        ({"bits": 4, "group_size": 32, "mode": "mxfp4"}, 4.25),
        ({"quant_method": "exl2", "bits": 4.65, "head_bits": 6}, 4.65),
        ({"quant_method": "exl3", "bits": 3.0, "head_bits": 6}, 3 + 32 / 4096),
        (
            {"quant_method": "aqlm", "in_group_size": 8, "num_codebooks": 1, "nbits_per_codebook": 16},
            2 + 16 / 4096 + 16 * 65536 * 8 / MATRIX,
        ),
        (
            {"quant_method": "aqlm", "in_group_size": 8, "num_codebooks": 2, "nbits_per_codebook": 8},
            2 + 16 / 4096 + 2 * 16 * 256 * 8 / MATRIX,
        ),
        ({"quant_method": "eetq", "weights": "int8"}, 8 + 16 / 4096),
        ({"quant_method": "quanto", "weights": "int4"}, 4 + 32 / 128),
        ({"quant_method": "bitnet", "quantization_mode": "offline"}, 2 + 16 / MATRIX),
        ({"quant_method": "bitnet", "quantization_mode": "online"}, 16),
        ({"quant_method": "fp_quant", "forward_dtype": "mxfp4"}, 4.25),
        ({"quant_method": "gptq", "bits": 2, "group_size": 64}, 2 + 18 / 64 + 32 / 4096),
        ({"quant_method": "gptq", "bits": 3, "group_size": 128}, 3 + 19 / 128 + 32 / 4096),
        ({"quant_algo": "W4A8_AWQ", "group_size": 128}, 4 + 16 / 128),
        ({"quant_algo": "MXFP4"}, 4.25),
        ({"quant_method": "torchao", "quant_type": "int4_weight_only", "quant_type_kwargs": {"group_size": 64}}, 4.5),
        (
            {
                "quant_method": "torchao",
                "quant_type": {"default": {"_type": "Int4WeightOnlyConfig", "_data": {"group_size": 32}}},
            },
            5.0,
        ),
        ({"quant_method": "torchao", "quant_type": "float8_weight_only"}, 8),
        ({"quant_method": "auto-round", "bits": 4, "data_type": "nv_fp", "group_size": 16}, 4.5),
        ({"quant_method": "auto-round", "bits": 4, "data_type": "mx_fp", "group_size": 32}, 4.25),
        ({"quant_method": "auto-round", "bits": 2, "group_size": 32}, 2 + 18 / 32),
        ({"quant_method": "quark", "global_quant_config": {"weight": {"dtype": "fp8_e4m3"}}}, 8),
        (
            {
                "quant_method": "quark",
                "global_quant_config": {"weight": {"dtype": "uint4", "qscheme": "per_group", "group_size": 128}},
            },
            4 + 20 / 128,
        ),
        (
            {
                "quant_method": "quark",
                "global_quant_config": {
                    "weight": {"dtype": "fp4", "qscheme": "per_group", "group_size": 32, "scale_format": "e8m0"}
                },
            },
            4.25,
        ),
    ],
)
def test_bits_of_an_attention_projection(config: dict[str, Any], bits: float) -> None:
    assert llama(config).bits_of(Q_PROJ) == pytest.approx(bits, abs=1e-4)


def test_gptq_dynamic_overrides_by_expression_and_the_first_that_matches_counts() -> None:
    overrides = {
        "-:.*down_proj.*": {},
        "+:.*\\.(?:0|1|2|3)\\..*v_proj.*": {"bits": 8, "group_size": 32},
        ".*v_proj.*": {"bits": 8, "group_size": 64},
    }
    weights = llama(gptq(dynamic=overrides))
    assert weights.bits_of(DOWN_PROJ) == 16
    first, rest = (8 + 24 / group + 32 / 1024 for group in (32, 64))
    assert weights.bits_of(V_PROJ) == pytest.approx(first / 8 + rest * 7 / 8, abs=1e-6)
    for untouched in (Q_PROJ, K_PROJ, UP_PROJ):
        assert weights.bits_of(untouched) == pytest.approx(4 + 20 / 128 + 32 / untouched.outputs, abs=1e-6)


def test_gptq_quantises_only_the_modules_that_are_listed() -> None:
    weights = llama(gptq(modules_in_block_to_quantize=[["mlp.up_proj", "mlp.gate_proj"], ["mlp.down_proj"]]))
    assert weights.bits_of(UP_PROJ) < 5
    assert weights.bits_of(Q_PROJ) == 16


def test_gptq_says_whether_the_head_is_quantised() -> None:
    assert llama(gptq(lm_head=True)).bits_of(HEAD) < 5
    assert llama(gptq(lm_head=False)).bits_of(HEAD) == 16


def test_auto_round_overrides_by_module_and_by_expression() -> None:
    extra = {
        "model.layers.5.self_attn.q_proj": {"bits": 16, "data_type": "fp"},
        "model.layers.*.mlp.down_proj": {"bits": 8, "group_size": 128},
        "lm_head": {"bits": 4, "group_size": 64},
    }
    weights = llama({"quant_method": "auto-round", "bits": 4, "group_size": 128, "extra_config": extra})
    int4 = 4 + 20 / 128
    assert weights.bits_of(Q_PROJ) == pytest.approx(int4 + (16 - int4) / 32, abs=1e-6)
    assert weights.bits_of(DOWN_PROJ) == pytest.approx(8 + 24 / 128, abs=1e-6)
    assert weights.bits_of(HEAD) == pytest.approx(4 + 20 / 64, abs=1e-6)


@pytest.mark.parametrize(
    "spelled",
    [
        {"ignored_layers": ["lm_head", "model.layers.0.self_attn.q_proj"]},
        {"modules_to_not_convert": ["lm_head", "model.layers.0.self_attn.q_proj"]},
        {"ignore": ["lm_head", "re:.*layers\\.0\\.self_attn\\.q_proj"]},
    ],
)
def test_fp8_leaves_out_what_is_listed_in_every_spelling(spelled: dict[str, Any]) -> None:
    weights = llama({"quant_method": "fp8", **spelled})
    assert weights.bits_of(Q_PROJ) == pytest.approx(8 + 8 / 32, abs=1e-3)
    assert weights.bits_of(UP_PROJ) == pytest.approx(8, abs=1e-3)


def test_a_suffix_of_two_names_matches_in_every_layer() -> None:
    weights = llama({"quant_method": "fp8", "modules_to_not_convert": ["self_attn.v_proj"]})
    assert (weights.bits_of(V_PROJ), weights.bits_of(Q_PROJ)) == (16, pytest.approx(8, abs=1e-3))


def test_a_wildcard_means_the_fused_name_only_where_it_spells_it() -> None:
    only_v = llama({"quant_method": "fp8", "ignore": ["re:.*v_proj.*"]})
    assert (only_v.bits_of(V_PROJ), only_v.bits_of(Q_PROJ)) == (16, pytest.approx(8, abs=1e-3))
    fused = llama({"quant_method": "fp8", "ignore": ["re:.*qkv_proj.*"]})
    assert (fused.bits_of(V_PROJ), fused.bits_of(Q_PROJ)) == (16, 16)


def test_hqq_by_kind_of_layer_leaves_out_what_it_does_not_name() -> None:
    settings = {
        "self_attn.q_proj": {"weight_quant_params": {"nbits": 4, "group_size": 64}},
        "mlp.up_proj": {"weight_quant_params": {"nbits": 2, "group_size": 64}},
    }
    weights = llama({"quant_method": "hqq", "quant_config": settings})
    assert [weights.bits_of(each) for each in (Q_PROJ, UP_PROJ, DOWN_PROJ)] == [4.5, 2.5, 16]


def test_mlx_quantises_embedding_and_head_and_overrides_by_module() -> None:
    weights = llama(
        {"bits": 4, "group_size": 64, "model.layers.0.mlp.down_proj": {"bits": 8, "group_size": 64}, "lm_head": False}
    )
    assert (weights.bits_of(EMBEDDING), weights.bits_of(HEAD)) == (4.5, 16)
    assert weights.bits_of(DOWN_PROJ) == pytest.approx(4.5 + 4 / 32)


def test_exl_keeps_the_head_at_its_own_width_and_the_embedding_16_bit() -> None:
    weights = llama({"quant_method": "exl3", "bits": 2.5, "head_bits": 8})
    assert (weights.bits_of(HEAD), weights.bits_of(EMBEDDING)) == (8, 16)


def test_vptq_reads_every_layer_by_itself() -> None:
    def layer(residual: int) -> dict[str, Any]:
        return {
            "vector_lens": [-1, 8],
            "num_centroids": [-1, 65536],
            "num_res_centroids": [-1, residual],
            "enable_norm": False,
        }

    layers = {f"model.layers.{n}.self_attn.q_proj": layer(256) for n in range(32)}
    layers |= {f"model.layers.{n}.mlp.up_proj": layer(-1) for n in range(32)}
    weights = llama({"quant_method": "vptq", "config_for_layers": layers})
    assert weights.bits_of(Q_PROJ) == pytest.approx(24 / 8 + 16 * 8 * (65536 + 256) / MATRIX)
    assert weights.bits_of(UP_PROJ) == pytest.approx(16 / 8 + 16 * 8 * 65536 / UP_PROJ.parameters)
    assert weights.bits_of(DOWN_PROJ) == 16


def test_two_of_four_sparse_files_store_half_the_weights_and_a_mask() -> None:
    group = {"group_0": {"targets": ["Linear"], "weights": {"num_bits": 8, "type": "float", "strategy": "channel"}}}
    sparse = {"quant_method": "compressed-tensors", "config_groups": group, "ignore": ["lm_head"]}
    sparse["sparsity_config"] = {"format": "sparse-24-bitmask", "sparsity_structure": "2:4"}
    assert llama(sparse).bits_of(Q_PROJ) == pytest.approx(4 + 1, abs=1e-3)


def test_groups_that_name_modules_leave_the_others_16_bit() -> None:
    groups = {
        "group_0": {
            "targets": ["re:.*down_proj"],
            "weights": {"num_bits": 4, "type": "int", "strategy": "group", "group_size": 128},
        }
    }
    weights = llama({"quant_method": "compressed-tensors", "config_groups": groups, "ignore": ["lm_head"]})
    assert weights.bits_of(DOWN_PROJ) == pytest.approx(4 + 16 / 128)
    assert weights.bits_of(UP_PROJ) == 16


def test_w4afp8_has_int4_experts_and_fp8_blocks() -> None:
    weights = read_quantization(
        {"quant_method": "w4afp8", "group_size": 128}, model("deepseek-ai/DeepSeek-V3").architecture
    )
    assert weights.bits_of(EXPERT_UP) == pytest.approx(4 + 16 / 128)
    assert weights.bits_of(Tensor("o_proj", "attention", 7168, 16384, split="rows")) == pytest.approx(8, abs=0.01)


def test_a_format_that_is_not_understood_still_gives_parameters_and_named_formats() -> None:
    config = {**CONFIG, "quantization_config": {"quant_method": "squeezellm", "wbits": 4}}
    unknown = read_model("x", {"config": config})
    assert unknown.architecture.text_parameters == read_model("y", {"config": CONFIG}).architecture.text_parameters
    with pytest.raises(InputError, match="'squeezellm' is not understood"):
        unknown.weights("native")
    assert unknown.weights("int4-awq").id == "int4-awq"


def test_a_format_that_is_not_understood_goes_by_the_bytes_of_its_files() -> None:
    config = {**CONFIG, "quantization_config": {"quant_method": "squeezellm", "wbits": 4}}
    plain = read_model("y", {"config": CONFIG})
    linear = 2 * sum(t.parameters for t in plain.architecture.groups[0].layer.tensors if t.inputs > 1)
    files = 2 * (plain.architecture.parameters - linear) + linear * 5 // 8
    weights = read_model("x", {"config": config, "published": {"stored_bytes": files}}).weights("native")
    assert weights.bits == pytest.approx(5, rel=1e-6)
    assert weights.bits_of(EMBEDDING) == 16


def test_the_section_is_found_under_every_name() -> None:
    section = {"bits": 4, "group_size": 64}
    for config in ({"quantization": section}, {"text_config": {"quantization_config": section}}):
        assert quantization_section(config) == section
    assert quantization_section({"quantization_config": {}}) is None


@pytest.mark.parametrize("name", ["int3-hqq", "int4-mlx-g32", "int8-gptq-channel", "int2-gptq", "int6-mlx"])
def test_a_format_of_integers_is_found_by_its_own_id(name: str) -> None:
    assert weight_format(name).id == name


def test_what_is_no_width_or_no_packer_is_no_format() -> None:
    for name in ("int9-gptq", "int4-gptq-g0", "int4-nobody", "int0-hqq"):
        assert find_weight_format(name) is None


CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 128,
    "vocab_size": 1000,
    "max_position_embeddings": 2048,
    "tie_word_embeddings": False,
}
