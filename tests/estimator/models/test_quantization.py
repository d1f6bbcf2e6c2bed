"""`quantization_config` of published checkpoints: bits of a linear layer, and what stays 16-bit."""

from typing import Any

import pytest

from estimator.errors import InputError
from estimator.models.quantization import quantization_section, read_quantization
from estimator.models.tensors import Tensor
from tests.estimator.models.test_architecture import model

LINEAR = Tensor("q_proj", "attention", 4096, 4096)


def group(**weights: Any) -> dict[str, Any]:
    return {
        "quant_method": "compressed-tensors",
        "config_groups": {"group_0": {"targets": ["Linear"], "weights": weights}},
    }


def torchao(kind: str, width: str, granularity: dict[str, Any]) -> dict[str, Any]:
    """A scheme as torchao serialises its objects, types among them."""
    scheme = {
        "_type": "Int8DynamicActivationIntxWeightConfig",
        "_data": {"weight_dtype": {"_type": kind, "_data": width}, "weight_granularity": granularity},
    }
    return {"quant_method": "torchao", "quant_type": {"default": scheme}}


def test_chatglm_writes_its_bits_beside_its_sizes_and_zero_for_none() -> None:
    assert quantization_section({"model_type": "chatglm", "quantization_bit": 0}) is None
    with pytest.raises(InputError, match="packs 4 or 8 bits"):
        read_quantization(quantization_section({"quantization_bit": 3}) or {}, model("meta-llama/Llama-3.1-8B"))


@pytest.mark.parametrize(
    ("config", "bits"),
    [
        ({"quant_method": "fp8", "weight_block_size": [128, 128]}, 8 + 32 / 16384),
        ({"quant_method": "fp8", "activation_scheme": "static"}, 8),
        ({"quant_method": "fbgemm_fp8"}, 8),
        ({"quant_method": "awq", "bits": 4, "group_size": 128, "zero_point": True}, 4 + 20 / 128),
        ({"quant_method": "gptq", "bits": 4, "group_size": 128, "desc_act": True}, 4 + 20 / 128 + 32 / 4096),
        ({"quant_method": "gptq", "bits": 8, "group_size": -1}, 8 + 24 / 4096 + 32 / 4096),
        ({"quant_method": "auto-round", "bits": 4, "group_size": 128, "sym": True}, 4 + 20 / 128),
        ({"quant_method": "bitsandbytes", "load_in_8bit": True}, 8 + 32 / 4096),
        ({"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_quant_type": "nf4"}, 4.5),
        (
            {"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_use_double_quant": True},
            4 + 8 / 64 + 32 / (64 * 256),
        ),
        ({"quant_method": "modelopt", "quant_algo": "NVFP4", "group_size": 16}, 4.5),
        ({"quantization": {"quant_algo": "FP8", "kv_cache_quant_algo": "FP8"}}, 8),
        (group(num_bits=8, type="int", strategy="channel"), 8 + 16 / 4096),
        (group(num_bits=8, type="float", strategy="channel"), 8),
        (group(num_bits=4, type="int", strategy="group", group_size=32, symmetric=True), 4.5),
        (group(num_bits=4, type="float", strategy="group", group_size=32), 4.25),
        (group(num_bits=4, type="float", strategy="tensor_group", group_size=16), 4.5),
        ({"load_in_4bit": True, "load_in_8bit": False, "bnb_4bit_quant_type": "nf4"}, 4.5),
        ({"quant_method": "AWQ", "bits": 4, "group_size": 64}, 4 + 20 / 64),
        ({"quant_method": "cpu_awq", "bits": 4, "group_size": 128}, 4 + 20 / 128),
        ({"quant_method": "w8a8_int8"}, 8 + 16 / 4096),
        (quantization_section({"model_type": "chatglm", "quantization_bit": 4}), 4 + 16 / 4096),
        ({"quant_method": "w8a8_fp8"}, 8),
        ({"quant_method": "higgs", "bits": 3, "p": 2, "group_size": 256}, 3 + 16 / 256),
        ({"quant_method": "fouroversix", "dtype": "nvfp4"}, 4.5),
        ({"quant_method": "fouroversix", "dtype": "nvfp4", "weight_dtype": "mxfp4"}, 4.25),
        (torchao("torch.dtype", "int4", {"_type": "PerGroup", "_data": {"group_size": 64}}), 8 + 24 / 64),
        (torchao("torch.dtype", "int8", {"_type": "PerAxis", "_data": {"axis": 0}}), 8 + 24 / 4096),
    ],
)
def test_bits_of_a_linear_layer(config: dict[str, Any], bits: float) -> None:
    found = read_quantization(config, model("meta-llama/Llama-3.1-8B").architecture)
    assert found.bits_of(LINEAR) == pytest.approx(bits, abs=1e-5)
    assert found.bits_of(Tensor("embed_tokens", "embedding", 128_256, 4096)) == 16


def test_a_target_may_name_the_class_of_embeddings_beside_linear_layers() -> None:
    config = group(num_bits=8, type="int", strategy="channel")
    config["config_groups"]["group_0"]["targets"] = ["Linear", "Embedding"]
    found = read_quantization(config, model("meta-llama/Llama-3.1-8B").architecture)
    assert found.bits_of(LINEAR) == pytest.approx(8 + 16 / 4096)
    assert found.bits_of(Tensor("embed_tokens", "embedding", 128_256, 4096)) < 8.1
    assert found.bits_of(Tensor("lm_head", "head", 128_256, 4096)) < 8.1


def test_embeddings_may_be_the_only_target_of_a_group() -> None:
    config = group(num_bits=4, type="int", strategy="group", group_size=128)
    config["config_groups"]["group_1"] = {
        "targets": ["Embedding"],
        "weights": {"num_bits": 8, "type": "int", "strategy": "channel"},
    }
    found = read_quantization({**config, "ignore": ["lm_head"]}, model("meta-llama/Llama-3.1-8B").architecture)
    assert found.bits_of(LINEAR) == pytest.approx(4 + 16 / 128)
    assert 8 <= found.bits_of(Tensor("embed_tokens", "embedding", 128_256, 4096)) < 8.1


def test_a_list_by_layer_is_averaged_over_the_layers() -> None:
    architecture = model("meta-llama/Llama-3.1-8B").architecture
    kept = [f"model.layers.{layer}.mlp.down_proj" for layer in range(8)]
    found = read_quantization({"quant_method": "fp8", "modules_to_not_convert": ["lm_head", *kept]}, architecture)
    assert found.bits_of(Tensor("down_proj", "mlp", 4096, 14336)) == pytest.approx(16 / 4 + 8 * 3 / 4, abs=1e-3)
    assert found.bits_of(Tensor("up_proj", "mlp", 14336, 4096)) == pytest.approx(8, abs=1e-3)


def test_kimi_k2_5_quantises_its_routed_experts_only() -> None:
    weights = model("moonshotai/Kimi-K2.5").checkpoint
    assert weights.kind_bits("attention", "o_proj") == weights.kind_bits("shared_expert", "up_proj") == 16
    assert weights.kind_bits("expert", "up_proj") == 4.5


def test_a_role_asked_for_as_a_whole_has_the_bits_that_its_tensors_take() -> None:
    """What multiplies queries, keys and values at once reads 16-bit attention where every projection is left so."""
    assert model("moonshotai/Kimi-K2.5").checkpoint.kind_bits("attention") == 16
    section = {"quant_method": "fp8", "modules_to_not_convert": ["lm_head", "k_proj", "v_proj"]}
    weights = read_quantization(section, model("meta-llama/Llama-3.1-8B").architecture)
    narrow, wide = 2 * 4096 * 4096, 2 * 1024 * 4096
    assert weights.kind_bits("attention") == pytest.approx((8 * narrow + 16 * wide) / (narrow + wide), abs=1e-4)
    assert weights.kind_bits("attention", "k_proj") == 16
    assert weights.kind_bits("attention", "q_proj") == pytest.approx(8, abs=1e-4)


@pytest.mark.parametrize(
    "config", [{"quant_method": "aqlm"}, {"quant_method": "awq", "bits": 5}, {"quant_algo": "W3A3"}, {}]
)
def test_what_is_not_understood_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="quantization_config"):
        read_quantization(config, model("meta-llama/Llama-3.1-8B").architecture)
