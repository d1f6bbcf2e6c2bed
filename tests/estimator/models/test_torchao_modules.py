"""torchao with a scheme for each module: `FqnToConfig` of torchao 0.14 and `ModuleFqnToConfig` before it.

Shapes as transformers' TorchAoConfig writes them into config.json.
"""

from typing import Any

import pytest

from estimator.errors import InputError
from estimator.models.architecture import Architecture
from estimator.models.quantization import read_quantization
from estimator.models.tensors import Tensor
from tests.estimator.models.test_architecture import model

INT4 = {"_type": "Int4WeightOnlyConfig", "_version": 1, "_data": {"group_size": 128}}
INT8 = {"_type": "Int8WeightOnlyConfig", "_version": 1, "_data": {}}
QUERY, UP = Tensor("q_proj", "attention", 4096, 4096), Tensor("up_proj", "mlp", 4096, 14336)


@pytest.fixture(scope="module")
def architecture() -> Architecture:
    return model("meta-llama/Llama-3.1-8B").architecture


def by_module(modules: dict[str, Any], name: str = "FqnToConfig", key: str = "fqn_to_config") -> dict[str, Any]:
    return {"quant_method": "torchao", "quant_type": {"default": {"_type": name, "_data": {key: modules}}}}


@pytest.mark.parametrize(
    ("name", "key"), [("FqnToConfig", "fqn_to_config"), ("ModuleFqnToConfig", "module_fqn_to_config")]
)
def test_the_default_holds_for_all_modules_that_have_no_scheme_of_their_own(
    architecture: Architecture, name: str, key: str
) -> None:
    weights = read_quantization(by_module({"_default": INT4, r"re:.*\.mlp\..*": INT8}, name, key), architecture)
    assert weights.bits_of(QUERY) == pytest.approx(4 + 32 / 128)
    assert weights.bits_of(UP) == pytest.approx(8 + 16 / 4096, rel=1e-3)


def test_without_a_default_the_other_modules_stay_in_16_bits(architecture: Architecture) -> None:
    weights = read_quantization(by_module({r"re:.*\.mlp\..*": INT8}), architecture)
    assert weights.bits_of(QUERY) == 16
    assert weights.bits_of(UP) == pytest.approx(8 + 16 / 4096, rel=1e-3)


def test_a_module_without_a_scheme_stays_in_16_bits(architecture: Architecture) -> None:
    weights = read_quantization(by_module({"_default": INT4, r"re:.*\.mlp\..*": None}), architecture)
    assert weights.bits_of(UP) == 16
    assert weights.bits_of(QUERY) == pytest.approx(4.25)


def test_one_scheme_as_an_object_may_take_the_embeddings_too(architecture: Architecture) -> None:
    embedding = Tensor("embed_tokens", "embedding", 128_256, 4096)
    config = {"quant_method": "torchao", "quant_type": {"default": INT8}}
    apart = read_quantization(config, architecture)
    with_them = read_quantization(config | {"include_input_output_embeddings": True}, architecture)
    assert apart.bits_of(embedding) == 16
    assert with_them.bits_of(embedding) < 9


@pytest.mark.parametrize(
    ("packing", "bits"),
    [
        ("unpacked_to_int8", 8 + 24 / 32),
        ({"_type": "IntxPackingFormat", "_data": "UNPACKED_TO_INT8"}, 8 + 24 / 32),
        ({"_type": "IntxPackingFormat", "_data": "OPAQUE_TORCHAO_AUTO"}, 4 + 32 / 32),
    ],
)
def test_integers_take_a_byte_each_unless_packed_for_a_processor(
    architecture: Architecture, packing: object, bits: float
) -> None:
    data = {"weight_dtype": "int4", "intx_packing_format": packing}
    config = {"quant_method": "torchao", "quant_type": {"default": {"_type": "IntxWeightOnlyConfig", "_data": data}}}
    assert read_quantization(config, architecture).bits_of(QUERY) == pytest.approx(bits)


@pytest.mark.parametrize("modules", [{}, {f"model.layers.{at}.mlp": INT8 for at in range(2000)}])
def test_no_module_and_more_than_a_model_has_are_refused(architecture: Architecture, modules: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"expected one to \d+ modules"):
        read_quantization(by_module(modules), architecture)
