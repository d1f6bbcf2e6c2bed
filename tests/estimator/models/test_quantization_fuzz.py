"""Mutated quantisation sections end in one line or in a format of finite widths, and a mutated number counts."""

import copy
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from estimator.errors import InputError
from estimator.models.architecture import Architecture
from estimator.models.formats import WeightFormat
from estimator.models.quantization import METHODS, read_quantization
from estimator.models.quantization.exceptions import tensor_classes
from tests.estimator.models.test_architecture import model

SECTIONS: dict[str, dict[str, Any]] = {
    "gptq": {
        "quant_method": "gptq", "bits": 4, "group_size": 128, "lm_head": False, "dynamic": {"-:.*down.*": {}},
        "modules_in_block_to_quantize": [["self_attn.q_proj"], ["mlp.up_proj", "mlp.down_proj"]],
    },
    "auto-round": {
        "quant_method": "auto-round", "bits": 4, "group_size": 128, "data_type": "int",
        "extra_config": {"lm_head": {"bits": 8}, "model.layers.*.mlp.up_proj": {"bits": 16}},
    },
    "hqq": {
        "quant_method": "hqq", "skip_modules": ["lm_head"],
        "quant_config": {"weight_quant_params": {"nbits": 4, "group_size": 64}, "scale_quant_params": None},
    },
    "mlx": {"bits": 4, "group_size": 64, "mode": "affine", "lm_head": {"bits": 8, "group_size": 64}},
    "exl3": {"quant_method": "exl3", "bits": 4.0, "head_bits": 6},
    "aqlm": {
        "quant_method": "aqlm", "in_group_size": 8, "out_group_size": 1, "num_codebooks": 1, "nbits_per_codebook": 16,
        "linear_weights_not_to_quantize": ["lm_head"],
    },
    "vptq": {
        "quant_method": "vptq",
        "config_for_layers": {
            "model.layers.0.self_attn.q_proj": {
                "vector_lens": [-1, 8], "num_centroids": [-1, 256], "num_res_centroids": [-1, -1], "group_num": 1,
            }
        },
    },
    "quark": {
        "quant_method": "quark", "exclude": ["lm_head"],
        "global_quant_config": {"weight": {"dtype": "int4", "qscheme": "per_group", "group_size": 32}},
        "layer_quant_config": {"*v_proj": {"weight": {"dtype": "fp8_e4m3"}}},
    },
    "torchao": {
        "quant_method": "torchao", "include_input_output_embeddings": False,
        "quant_type": {"default": {"_type": "Int4WeightOnlyConfig", "_data": {"group_size": 64}}},
    },
    "compressed": {
        "quant_method": "compressed-tensors", "ignore": ["lm_head"], "format": "pack-quantized",
        "config_groups": {
            "group_0": {"targets": ["Linear"], "weights": {"num_bits": 4, "type": "int", "group_size": 64}},
        },
        "sparsity_config": {"format": "dense"},
    },
    "modelopt": {"quant_algo": "W4A16_AWQ", "group_size": 128, "exclude_modules": ["lm_head"]},
    "fp8": {"quant_method": "fp8", "weight_block_size": [128, 128], "ignored_layers": ["lm_head"]},
}  # fmt: skip
NASTY = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 300), st.just(10**30), st.floats(), st.text(max_size=8),
    st.sampled_from(["re:.*", "*", "re:(", "-:", "int8", "mxfp4", "layers.0"]),
    st.lists(st.one_of(st.integers(-2, 70_000), st.text(max_size=5), st.none()), max_size=4),
    st.dictionaries(st.text(max_size=5), st.integers(0, 9), max_size=2), st.just({"weight": {}}), st.just([[]]),
)  # fmt: skip


def outcome(section: dict[str, Any], architecture: Architecture) -> WeightFormat | str:
    """The format, or the one line that refuses it."""
    try:
        return read_quantization(section, architecture)
    except InputError as error:
        return str(error)


def places(section: Any) -> list[tuple[dict[str, Any], str]]:
    """Every field of a section and of those inside it."""
    if not isinstance(section, dict):
        return []
    inner = [place for value in section.values() for place in places(value)]
    return [(section, key) for key in section] + inner


@settings(deadline=None, max_examples=200)
@given(data=st.data())
def test_mutated_sections_end_in_one_line_or_in_finite_widths(data: st.DataObject) -> None:
    architecture = model("meta-llama/Llama-3.1-8B").architecture
    section = copy.deepcopy(SECTIONS[data.draw(st.sampled_from(sorted(SECTIONS)))])
    for _ in range(data.draw(st.integers(1, 3))):
        owner, key = data.draw(st.sampled_from(places(section)), label="place")
        action = data.draw(st.sampled_from(["replace", "remove", "rename"]))
        value = owner.pop(key, None)
        if action == "replace":
            owner[key] = copy.deepcopy(data.draw(NASTY))
        elif action == "rename":
            owner[data.draw(st.text(max_size=6))] = value
        if not section:
            return
    weights = outcome(section, architecture)
    if isinstance(weights, str):
        assert weights.isprintable()
        return
    for tensor in tensor_classes(architecture):
        assert 0 < weights.bits_of(tensor) <= 64
        assert math.isfinite(weights.bytes_of(tensor))
    assert weights.name.isprintable()


@pytest.mark.parametrize(
    ("name", "path", "value"),
    [
        ("gptq", ("bits",), 8),
        ("gptq", ("group_size",), 32),
        ("gptq", ("lm_head",), True),
        ("gptq", ("modules_in_block_to_quantize",), [["self_attn.q_proj"]]),
        ("gptq", ("dynamic",), {"-:.*up.*": {}}),
        ("auto-round", ("bits",), 2),
        ("auto-round", ("data_type",), "mx_fp"),
        ("auto-round", ("extra_config", "lm_head", "bits"), 4),
        ("hqq", ("quant_config", "weight_quant_params", "nbits"), 2),
        ("hqq", ("quant_config", "weight_quant_params", "group_size"), 128),
        ("hqq", ("quant_config", "scale_quant_params"), {"nbits": 8}),
        ("mlx", ("bits",), 6),
        ("mlx", ("lm_head",), False),
        ("exl3", ("bits",), 3.5),
        ("exl3", ("head_bits",), 8),
        ("aqlm", ("num_codebooks",), 2),
        ("aqlm", ("in_group_size",), 16),
        ("quark", ("global_quant_config", "weight", "group_size"), 128),
        ("quark", ("layer_quant_config", "*v_proj", "weight", "dtype"), "mxfp4"),
        ("torchao", ("quant_type", "default", "_data", "group_size"), 32),
        ("torchao", ("include_input_output_embeddings",), True),
        ("compressed", ("config_groups", "group_0", "weights", "num_bits"), 8),
        ("compressed", ("sparsity_config", "format"), "sparse-24-bitmask"),
        ("modelopt", ("group_size",), 64),
        ("fp8", ("weight_block_size",), [64, 64]),
        ("fp8", ("ignored_layers",), ["lm_head", "mlp"]),
    ],
)
def test_a_number_that_matters_moves_the_bytes(name: str, path: tuple[str, ...], value: Any) -> None:
    architecture = model("meta-llama/Llama-3.1-8B").architecture
    changed = copy.deepcopy(SECTIONS[name])
    owner = changed
    for step in path[:-1]:
        owner = owner[step]
    owner[path[-1]] = value
    before, after = (
        [read_quantization(section, architecture).bits_of(tensor) for tensor in tensor_classes(architecture)]
        for section in (SECTIONS[name], changed)
    )
    assert before != after


@pytest.mark.parametrize("method", METHODS)
def test_a_method_alone_is_a_format_or_one_line(method: str) -> None:
    weights = outcome({"quant_method": method}, model("meta-llama/Llama-3.1-8B").architecture)
    assert weights.startswith("quantization_config") if isinstance(weights, str) else weights.bits <= 16
