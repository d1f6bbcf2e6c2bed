"""Schemes of each quantiser that few checkpoints use: bits of a linear layer, and what is refused by its field."""

import re
from typing import Any

import pytest

from estimator.errors import InputError
from estimator.models.architecture import Architecture
from estimator.models.quantization import read_quantization
from estimator.models.tensors import Tensor
from tests.estimator.models.test_architecture import model

LINEAR = Tensor("q_proj", "attention", 4096, 4096)


@pytest.fixture(scope="module")
def architecture() -> Architecture:
    return model("meta-llama/Llama-3.1-8B").architecture


def torchao(kind: str, **arguments: Any) -> dict[str, Any]:
    return {"quant_method": "torchao", "quant_type": kind, "quant_type_kwargs": arguments}


def quark(**weight: Any) -> dict[str, Any]:
    return {"quant_method": "quark", "global_quant_config": {"weight": weight}}


def compressed(**weights: Any) -> dict[str, Any]:
    groups = {"group_0": {"targets": ["Linear"], "weights": weights}}
    return {"quant_method": "compressed-tensors", "config_groups": groups}


def vptq(**layer: Any) -> dict[str, Any]:
    layer = {"vector_lens": [-1, 8], "num_centroids": [-1, 65_536], "num_res_centroids": [-1, 256], **layer}
    return {"quant_method": "vptq", "config_for_layers": {"model.layers.0.self_attn.q_proj": layer}}


def gptq_file(checkpoint_format: str) -> dict[str, Any]:
    return {"quant_method": "gptq", "bits": 4, "group_size": 128, "checkpoint_format": checkpoint_format}


NVFP4_ATTENTION = {f"model.layers.{n}.self_attn.q_proj": {"quant_algo": "NVFP4"} for n in range(32)}


@pytest.mark.parametrize(
    ("config", "bits"),
    [
        (torchao("int4_weight_only"), 4 + (16 + 16) / 128),  # a 16-bit scale and zero point a group
        (torchao("int4_weight_only", group_size=32), 4 + 32 / 32),
        (torchao("int8_weight_only"), 8 + 16 / 4096),
        (torchao("int8_weight_only", group_size=64), 8 + 32 / 64),
        (torchao("int8_dynamic_activation_int8_weight"), 8 + 16 / 4096),
        (torchao("int8_dynamic_activation_int4_weight"), 4 + 32 / 32),
        (torchao("uintx_weight_only", weight_dtype="torch.uint3"), 3 + 32 / 64),
        (torchao("float8_weight_only"), 8),
        (torchao("float8_static_activation_float8_weight"), 8),
        (torchao("float8_dynamic_activation_int4_weight"), 4 + 32 / 128),
        (torchao("int4_dynamic_activation_int4_weight"), 4 + 20 / 4096),
        (torchao("mxfp8"), 8.25),
        (torchao("nvfp4_inference"), 4.5),
        (torchao("intx_weight_only", weight_dtype="int4", intx_packing_format="OPAQUE_ATEN_KLEIDIAI"), 4 + 32 / 32),
        (quark(dtype="int8"), 8 + 16 / 4096),
        (quark(dtype="fp6_e2m3", qscheme="per_group", group_size=32), 6.25),
        (quark(dtype="bfloat16"), 16),
        (quark(dtype="int4", qscheme="per_group", group_size=128), 4 + 16 / 128),
        (quark(dtype="uint4", qscheme="per_group", group_size=128), 4 + 20 / 128),
        (quark(dtype="uint4", qscheme="per_group", group_size=128, symmetric=True), 4 + 16 / 128),
        ({"quant_method": "hqq", "quant_config": {"nbits": 4, "group_size": 64}}, 4 + 32 / 64),
        ({"quant_method": "eetq", "weights": "int8"}, 8 + 16 / 4096),
        ({"quant_method": "quanto", "weights": "float8"}, 8),
        ({"quant_method": "auto-round", "bits": 8, "data_type": "mx_fp"}, 8.25),
        ({"quant_method": "auto-round", "bits": 4, "data_type": "mx_fp"}, 4.25),
        ({"quant_method": "fp_quant", "forward_dtype": "mxfp4"}, 4.25),
        (quark(dtype="fp8_e4m3", qscheme="per_block", block_size=[128, 128]), 8 + 32 / 128**2),
        (quark(dtype="int8") | {"layer_type_quant_config": {"Linear": {"weight": {"dtype": "fp4"}}}}, 4.25),
        (torchao("MXFPInferenceConfig"), 8.25),
        (torchao("MXDynamicActivationMXWeightConfig", weight_dtype="torch.float4_e2m1fn_x2"), 4.25),
        (compressed(num_bits=16, type="float"), 16),
        (compressed(num_bits=4, strategy="channel") | {"format": "int-quantized"}, 8 + 16 / 4096),
        (compressed(num_bits=4, strategy="channel") | {"format": "pack-quantized"}, 4 + 16 / 4096),
        ({"quant_method": "modelopt", "quant_algo": None, "kv_cache_quant_algo": "FP8"}, 16),
        ({"quant_method": "modelopt", "quant_algo": None, "quantized_layers": NVFP4_ATTENTION}, 4.5),
        (compressed(num_bits=8, type="float"), 8),
        (compressed(num_bits=8, type="float", strategy="block"), 8 + 32 / (128 * 128)),
        (compressed(num_bits=8, type="float", strategy="block", block_structure=[64, 32]), 8 + 32 / (64 * 32)),
        (compressed(num_bits=8, type="float", strategy="group", group_size=32), 8.25),
        (compressed(num_bits=4, type="float", strategy="tensor_group", group_size=16), 4.5),
        (compressed(num_bits=4, type="float", group_size=32), 4.25),
        (compressed(num_bits=8, strategy="channel"), 8 + 16 / 4096),
        (compressed(num_bits=8, strategy="channel", symmetric=False), 8 + 24 / 4096),
        (compressed(num_bits=4, group_size=32), 4 + 16 / 32),
        (compressed(num_bits=4, group_size=128), 4 + 16 / 128),
        (compressed(num_bits=4, group_size=128, symmetric=False), 4 + 20 / 128),
        (compressed(num_bits=3, group_size=64), 32 / 10 + 16 / 64),
        (vptq(), (16 + 8) / 8),
    ],
)
def test_bits_of_a_linear_layer(architecture: Architecture, config: dict[str, Any], bits: float) -> None:
    weights = read_quantization(config, architecture)
    stored = weights.bits_of(LINEAR)
    if config["quant_method"] == "vptq":  # one of 32 layers, and its codebooks beside the indices
        assert 16 * 31 / 32 < stored < 16
    else:
        assert stored == pytest.approx(bits, abs=1e-3)


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (
            torchao("int8_weight_only", granularity={"_type": "PerBlock"}, group_size=0)
            | {"quant_type": "int4_weight_only"},
            "_type: 'PerBlock': expected PerGroup, PerAxis or PerRow",
        ),
        (torchao("int5_something"), "int5_something"),
        (quark(dtype="posit8"), "this number format is not understood"),
        ({"quant_method": "quark"}, "global_quant_config"),
        ({"quant_method": "quark", "layer_quant_config": {str(n): {} for n in range(400)}}, "more than"),
        (quark(dtype="int8") | {"layer_type_quant_config": {"Conv1d": {}}}, "Conv1d.*expected Linear alone"),
        (gptq_file("marlin_24"), "checkpoint_format: 'marlin_24'"),
        ({"quant_method": "eetq", "weights": "int4"}, "expected int8"),
        ({"quant_method": "quanto", "weights": "int3"}, "expected one of int8, float8, int2, int4"),
        ({"quant_method": "gptq", "bits": 5, "group_size": 128}, "expected 2, 3, 4 or 8"),
        ({"quant_method": "exl3", "bits": 40.0}, "bits: 40.0: expected 1 to 8"),
        (vptq(num_centroids=[]), "expected a list that ends in a whole number"),
        (vptq(num_centroids=[1]), "expected a vector length and two centroids or more"),
        ({"quant_method": "vptq", "config_for_layers": {}}, "expected one to"),
        ({"quant_method": "fp8", "weight_block_size": [128]}, "expected two whole numbers"),
        ({"quant_method": "fp8", "weight_block_size": ["x", 1]}, "expected a whole number"),
        (
            {"quant_method": "modelopt", "quant_algo": "MIXED_PRECISION", "quantized_layers": {}},
            "quantized_layers.*expected one to",
        ),
        (
            {"quant_method": "compressed-tensors", "config_groups": {str(n): {} for n in range(400)}},
            "more than .* groups",
        ),
        ({"quant_method": "mlx", "bits": 5, "group_size": 32, "mode": "mxfp4"}, "mode"),
    ],
)
def test_what_no_quantiser_writes_is_refused_by_its_field(
    architecture: Architecture, config: dict[str, Any], reason: str
) -> None:
    with pytest.raises(InputError) as refused:
        read_quantization(config, architecture)
    assert refused.value.field.startswith("quantization_config"), refused.value
    assert re.search(reason, str(refused.value)), refused.value


def test_quark_layers_without_a_rule_for_all_leave_the_others_16_bit(architecture: Architecture) -> None:
    config = {"quant_method": "quark", "layer_quant_config": {"*q_proj": {"weight": {"dtype": "int8"}}, "*k_proj": {}}}
    weights = read_quantization(config, architecture)
    assert weights.bits_of(LINEAR) == pytest.approx(8, abs=0.01)
    assert weights.bits_of(Tensor("k_proj", "attention", 1024, 4096)) == 16
    assert weights.bits_of(Tensor("up_proj", "mlp", 14336, 4096)) == 16


def test_hqq_may_quantise_each_kind_of_layer_its_own_way(architecture: Architecture) -> None:
    scheme = {"weight_quant_params": {"nbits": 4, "group_size": 64}}
    weights = read_quantization({"quant_method": "hqq", "quant_config": scheme}, architecture)
    assert weights.bits_of(LINEAR) == pytest.approx(4.5, abs=0.01)


def test_auto_round_may_name_the_blocks_it_quantises(architecture: Architecture) -> None:
    config = {"quant_method": "auto-round", "bits": 4, "group_size": 128, "block_name_to_quantize": "model.h"}
    weights = read_quantization(config, architecture)
    assert weights.bits_of(LINEAR) == 16
    config["block_name_to_quantize"] = "model.layers"
    assert read_quantization(config, architecture).bits_of(LINEAR) < 5


def test_exceptions_that_could_not_be_followed_are_refused(architecture: Architecture) -> None:
    many = {"quant_method": "fp8", "modules_to_not_convert": [f"*.{n}.x*" for n in range(65)]}
    with pytest.raises(InputError, match="more exceptions than can be followed"):
        read_quantization(many, architecture)


def test_a_glob_is_fitted_part_by_part(architecture: Architecture) -> None:
    config = {"quant_method": "fp8", "modules_to_not_convert": ["model.layers.*.self_attn.q*", "*.mlp.*x*"]}
    weights = read_quantization(config, architecture)
    assert weights.bits_of(LINEAR) == 16
    assert weights.bits_of(Tensor("up_proj", "mlp", 14336, 4096)) == pytest.approx(8, abs=1e-5)
