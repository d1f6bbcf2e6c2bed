"""Rules that name modules: bits of a whole checkpoint against the sum over its modules, written out by hand."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from estimator.errors import InputError
from estimator.models.model import read_model
from estimator.models.quantization import quantization_section, read_quantization
from estimator.models.summary import text_tensors
from tests.estimator.models.test_architecture import model

LLAMA, LAYERS, VOCABULARY = "meta-llama/Llama-3.1-8B", 32, 128_256
SHAPES = {
    "self_attn.q_proj": (4096, 4096),
    "self_attn.k_proj": (1024, 4096),
    "self_attn.v_proj": (1024, 4096),
    "self_attn.o_proj": (4096, 4096),
    "mlp.gate_proj": (14336, 4096),
    "mlp.up_proj": (14336, 4096),
    "mlp.down_proj": (4096, 14336),
}
NORMS = (2 * LAYERS + 1) * 4096

Bytes = Callable[[int, int], float]


def sixteen(outputs: int, inputs: int) -> float:
    return 2 * outputs * inputs


def fp8(outputs: int, inputs: int) -> float:
    return outputs * inputs + 4


def blocks(outputs: int, inputs: int) -> float:
    return outputs * inputs + 4 * (outputs // 128) * (inputs // 128)


def nvfp4(outputs: int, inputs: int) -> float:
    return outputs * inputs * (1 / 2 + 1 / 16)


def gptq(bits: int, group: int) -> Bytes:
    return lambda outputs, inputs: outputs * inputs * (bits + (16 + bits) / group) / 8 + 4 * inputs


def sparse(outputs: int, inputs: int) -> float:
    return outputs * inputs * (1 + 1 / 8)


def modules() -> Iterator[tuple[str, int, int]]:
    for layer in range(LAYERS):
        yield from ((f"model.layers.{layer}.{name}", *shape) for name, shape in SHAPES.items())
    yield "model.embed_tokens", VOCABULARY, 4096
    yield "lm_head", VOCABULARY, 4096


def by_hand(stored: Callable[[str], Bytes]) -> float:
    return 2 * NORMS + sum(stored(name)(outputs, inputs) for name, outputs, inputs in modules())


def as_read(section: dict[str, Any]) -> float:
    architecture = model(LLAMA).architecture
    weights = read_quantization(section, architecture)
    return sum(count * weights.bytes_of(tensor) for count, tensor in text_tensors(architecture))


def outside(name: str) -> bool:
    return "layers" not in name


def edges(name: str) -> bool:
    return bool(re.match(r"model\.layers\.(0|31)\.", name))


def middle(name: str) -> bool:
    return bool(re.match(r"model\.layers\.(9|1[0-9]|20)\.mlp\.", name))


GPTQ = {"quant_method": "gptq", "bits": 4, "group_size": 128, "desc_act": False, "sym": True}
ATTENTION = {name for name in SHAPES if name.startswith("self_attn")}
LISTED = {
    f"model.layers.{layer}.{name}": {"quant_algo": "FP8"} if name in ATTENTION else {"quant_algo": "W4A16_NVFP4"}
    for layer in range(LAYERS)
    for name in SHAPES
}
MIXED = {"quant_method": "modelopt", "quant_algo": "MIXED_PRECISION", "ignore": ["lm_head"]}
FLOAT8 = {"num_bits": 8, "type": "float", "dynamic": False}
FLOAT4 = {"num_bits": 4, "type": "float", "group_size": 16, "dynamic": False}


def listed(attention: Bytes) -> Callable[[str], Bytes]:
    return lambda name: sixteen if outside(name) else attention if "self_attn" in name else nvfp4


def without(algorithm: str) -> dict[str, Any]:
    return {name: {"quant_algo": algorithm} if "self_attn" in name else own for name, own in LISTED.items()}


def grouped(**narrow: Any) -> dict[str, Any]:
    attention = sorted(name for name in LISTED if "self_attn" in name)
    groups = {
        "group_0": {"weights": FLOAT8, "targets": attention},
        "group_1": {"weights": narrow, "targets": sorted(LISTED.keys() - set(attention))},
    }
    return {**MIXED, "config_groups": groups}


@pytest.mark.parametrize(
    ("section", "stored"),
    [
        pytest.param(
            {
                **GPTQ,
                "dynamic": {
                    r"+:model\.layers\.(9|1[0-9]|20)\.mlp\..*": {"bits": 8, "group_size": 32},
                    r"-:model\.layers\.(0|31)\..*": {},
                },
            },
            lambda name: sixteen if outside(name) or edges(name) else gptq(8, 32) if middle(name) else gptq(4, 128),
            id="two lists of layers do not overlap",
        ),
        pytest.param(
            {**GPTQ, "dynamic": {"lm_head": {"bits": 8}}},
            lambda name: sixteen if outside(name) else gptq(4, 128),
            id="GPTQModel quantises no head without lm_head",
        ),
        pytest.param(
            {**GPTQ, "lm_head": True, "dynamic": {"lm_head": {"bits": 8, "group_size": 64}}},
            lambda name: sixteen if "embed" in name else gptq(8, 64) if outside(name) else gptq(4, 128),
            id="GPTQModel's head by its own entry",
        ),
        pytest.param({**MIXED, "quantized_layers": LISTED}, listed(fp8), id="ModelOpt layer by layer"),
        pytest.param(
            {**MIXED, "quantized_layers": without("FP8_BLOCK_SCALES")}, listed(blocks), id="ModelOpt in blocks"
        ),
        pytest.param(
            {**MIXED, "quantized_layers": without("UNQUANTIZED")}, listed(sixteen), id="ModelOpt leaves listed ones"
        ),
        pytest.param(
            {**MIXED, "ignore": [], "quantized_layers": {**LISTED, "lm_head": {"quant_algo": "NVFP4"}}},
            lambda name: nvfp4 if name == "lm_head" else listed(fp8)(name),
            id="ModelOpt lists the head",
        ),
        pytest.param(grouped(**FLOAT4), listed(fp8), id="ModelOpt's groups of numbers"),
        pytest.param(grouped(quant_algo="W4A16_NVFP4"), listed(fp8), id="ModelOpt's groups of algorithms"),
        pytest.param(
            {"ignore": ["lm_head"], "config_groups": {"group_0": {"weights": FLOAT4, "targets": ["Linear"]}}},
            lambda name: sixteen if outside(name) else nvfp4,
            id="groups without a method",
        ),
        pytest.param(
            {"quant_method": "fp8", "weight_block_size": [128, 128], "modules_to_convert": ["model.embed_tokens"]},
            lambda name: sixteen if name == "lm_head" else blocks,
            id="tables that are converted too",
        ),
        pytest.param(
            {
                "quant_method": "compressed-tensors",
                "sparsity_config": {"format": "sparse-24-bitmask", "targets": ["re:.*mlp.*"], "ignore": ["lm_head"]},
            },
            lambda name: sparse if ".mlp." in name else sixteen,
            id="sparse where targeted",
        ),
        pytest.param(
            {
                "quant_method": "compressed-tensors",
                "ignore": ["lm_head"],
                "sparsity_config": {
                    "format": "sparse-24-bitmask",
                    "targets": ["Linear"],
                    "ignore": ["lm_head", "re:.*self_attn.*"],
                },
            },
            lambda name: sparse if ".mlp." in name else sixteen,
            id="dense where ignored",
        ),
        pytest.param(
            {
                "quant_method": "gemma",
                "num_bits": 4,
                "modules_to_not_convert": ["lm_head"],
                "module_quant_configs": {r"mlp\.down_proj": {"num_bits": 8}, r"layers\.3\.": {"num_bits": 2}},
            },
            lambda name: (
                sixteen
                if outside(name)
                else lambda outputs, inputs: (
                    outputs * inputs * (8 if "down" in name else 2 if ".layers.3." in name else 4) / 8 + 4 * outputs
                )
            ),
            id="Gemma's widths by expression",
        ),
    ],
)
def test_bytes_of_a_checkpoint_are_the_sum_over_its_modules(
    section: dict[str, Any], stored: Callable[[str], Bytes]
) -> None:
    assert as_read(section) == pytest.approx(by_hand(stored), rel=1e-5)


@pytest.mark.parametrize(
    ("section", "bits"),
    [
        ({"quant_method": "auto_awq", "bits": 4, "group_size": 64}, 4 + 20 / 64),
        ({"quant_method": "modelopt_mxfp8", "quant_algo": "MXFP8"}, 8.25),
        ({"quant_method": "modelopt_fp8", "quant_algo": "fp8_pb_wo"}, 8 + 32 / 128**2),
        ({"quant_method": "nvfp4"}, 4.5),
        ({"quant_method": "metal", "bits": 8, "group_size": 32}, 8 + 32 / 32),
        ({"quant_method": "sinq", "nbits": 3, "group_size": 128}, 3.2 + 32 / 128 + 16 / 4096),
        ({"quant_method": "blockwise_int8", "weight_block_size": [128, 64]}, 8 + 32 / (128 * 64)),
    ],
)
def test_methods_by_their_newer_names(section: dict[str, Any], bits: float) -> None:
    architecture = model(LLAMA).architecture
    [projection, *_] = [t for _, t in text_tensors(architecture) if t.name == "q_proj"]
    assert read_quantization(section, architecture).bits_of(projection) == pytest.approx(bits, abs=1e-5)


def test_a_method_may_stand_alone_as_text() -> None:
    """What it leaves open is the method's default; text that names no method is an unknown format, not 16 bits."""
    assert quantization_section({"quantization_config": "awq"}) == {"quant_method": "awq"}
    llama = {
        "architectures": ["LlamaForCausalLM"], "hidden_size": 512, "intermediate_size": 1408, "num_hidden_layers": 2,
        "num_attention_heads": 8, "num_key_value_heads": 8, "vocab_size": 1000,
    }  # fmt: skip
    odd = read_model("odd", {"config": {**llama, "quantization_config": "q4f16_1"}})
    assert odd.unknown_weights
    assert odd.architecture.parameters > 0


def test_experts_alone_are_in_int8() -> None:
    weights = read_quantization({"quant_method": "experts_int8"}, model("Qwen/Qwen3-30B-A3B").architecture)
    assert weights.kind_bits("expert") == pytest.approx(8 + 16 / 4096)
    assert weights.kind_bits("attention") == 16


@pytest.mark.parametrize(
    ("section", "field"),
    [
        ({"quant_method": "gemma", "num_bits": 3}, "num_bits"),
        ({"quant_method": "metal", "bits": 6}, "bits"),
        ({"quant_method": "modelopt", "quant_algo": "MIXED_PRECISION", "config_groups": {}}, "config_groups"),
        ({"quant_method": "blockwise_int8"}, "weight_block_size"),
    ],
)
def test_what_these_methods_can_not_have_is_refused_by_its_field(section: dict[str, Any], field: str) -> None:
    with pytest.raises(InputError, match=field):
        read_quantization(section, model(LLAMA).architecture)
