"""Bytes of one matrix in every format, from how the format's own tool lays numbers, scales and zero points out."""

from math import prod

import pytest

from estimator.models.formats import cache_format, weight_format
from estimator.models.formats.base import WeightFormat
from estimator.models.formats.gguf import BLOCK_BITS, has_super_blocks
from estimator.models.formats.integers import integer_format
from estimator.models.tensors import Role, Tensor

OUTPUTS, INPUTS = 1024, 4096
NUMBERS = OUTPUTS * INPUTS
SUPER_BLOCK, BLOCK = 256, 32
GGML = {
    "q4_0": (BLOCK, 18), "q4_1": (BLOCK, 20), "q5_0": (BLOCK, 22), "q5_1": (BLOCK, 24), "q8_0": (BLOCK, 34),
    "iq4_nl": (BLOCK, 18), "mxfp4": (BLOCK, 17), "q2_k": (SUPER_BLOCK, 84), "q3_k": (SUPER_BLOCK, 110),
    "q4_k": (SUPER_BLOCK, 144), "q5_k": (SUPER_BLOCK, 176), "q6_k": (SUPER_BLOCK, 210), "iq1_s": (SUPER_BLOCK, 50),
    "iq1_m": (SUPER_BLOCK, 56), "iq2_xxs": (SUPER_BLOCK, 66), "iq2_xs": (SUPER_BLOCK, 74), "iq2_s": (SUPER_BLOCK, 82),
    "iq3_xxs": (SUPER_BLOCK, 98), "iq3_s": (SUPER_BLOCK, 110), "iq4_xs": (SUPER_BLOCK, 136), "tq1_0": (SUPER_BLOCK, 54),
    "tq2_0": (SUPER_BLOCK, 66),
}  # fmt: skip
"""Weights of a block and its bytes: GGML_QUANT_SIZES of gguf-py."""


def matrix(role: Role = "mlp", name: str = "down_proj", inputs: int = INPUTS) -> Tensor:
    return Tensor(name, role, OUTPUTS, inputs)


def scales(block: tuple[int, int], bits: float) -> float:
    """Bits of all scales of the matrix; 0 is a whole side."""
    return bits * prod(side / (each or side) for side, each in zip((OUTPUTS, INPUTS), block, strict=True))


@pytest.mark.parametrize(
    ("name", "number_bits", "beside"),
    [
        ("bf16", 16, 0),
        ("fp16", 16, 0),
        ("fp32", 32, 0),
        ("fp8", 8, 32),
        ("fp8-mlp", 8, 32),
        ("fp8-block", 8, scales((128, 128), 32)),
        ("int8", 8, scales((1, 0), 16)),
        ("int8-wo", 8, scales((1, 0), 16)),
        ("int8-bnb", 8, scales((1, 0), 32)),
        ("int8-gptq", 8, scales((1, 128), 16 + 8) + 32 * INPUTS),  # scale, zero point, group of each input
        ("int4-gptq", 4, scales((1, 128), 16 + 4) + 32 * INPUTS),
        ("int4-awq", 4, scales((1, 128), 16 + 4)),
        ("int4-g32", 4, scales((1, 32), 16)),
        ("int4-mlx", 4, scales((1, 64), 16 + 16)),  # scale and bias
        ("int4-torchao", 4, scales((1, 128), 16 + 16)),
        ("int4-quanto", 4, scales((1, 128), 16 + 16)),
        ("int4-hqq", 4, scales((1, 64), 16 + 16)),
        ("int3-hqq", 32 / 10, scales((1, 64), 16 + 16)),  # ten to a word
        ("int3-packed", 32 / 10, scales((1, 128), 16)),
        ("int5-packed", 32 / 6, scales((1, 128), 16)),
        ("int6-packed", 32 / 5, scales((1, 128), 16)),
        ("int7-packed", 32 / 4, scales((1, 128), 16)),
        ("int4-packed", 4, scales((1, 128), 16)),
        ("int4-autoround", 4, scales((1, 128), 16 + 4)),
        ("int3-gptq", 3, scales((1, 128), 16 + 3) + 32 * INPUTS),
        ("int3-awq", 3, scales((1, 128), 16 + 3)),
        ("int4-mlx-g32", 4, scales((1, 32), 16 + 16)),
        ("int8-gptq-channel", 8, scales((1, 0), 16 + 8) + 32 * INPUTS),
        ("nvfp4", 4, scales((1, 16), 8)),
        ("nvfp4-mlp", 4, scales((1, 16), 8)),
        ("nvfp4-fp8", 4, scales((1, 16), 8)),
        ("mxfp8", 8, scales((1, 32), 8)),
        ("nf4", 4, scales((1, 64), 32)),
        ("nf4-dq", 4, scales((1, 64), 8 + 32 / 256)),  # a second scale for 256 first ones
        ("exl2-4.0bpw", 4, 0),
        ("exl2-5.0bpw", 5, 0),
    ],
)
def test_a_matrix_takes_its_numbers_and_what_stands_beside_them(name: str, number_bits: float, beside: float) -> None:
    assert 8 * weight_format(name).bytes_of(matrix()) == pytest.approx(NUMBERS * number_bits + beside)


def test_experts_alone_are_mxfp4() -> None:
    mx = weight_format("mxfp4")
    assert mx.bytes_of(matrix("expert")) == NUMBERS * 17 / 32
    assert mx.bytes_of(matrix("attention", "q_proj")) == mx.bytes_of(matrix()) == 2 * NUMBERS


@pytest.mark.parametrize("name", ["fp8-mlp", "nvfp4-mlp"])
def test_attention_stays_in_16_bit_where_the_name_says_so(name: str) -> None:
    assert weight_format(name).bytes_of(matrix("attention", "q_proj")) == 2 * NUMBERS


@pytest.mark.parametrize(
    "name", ["fp8", "fp8-block", "int8", "int4-awq", "int4-gptq", "int8-gptq", "nvfp4", "nf4", "nf4-dq"]
)
@pytest.mark.parametrize("role", ["embedding", "head", "norm", "router"])
def test_what_is_no_linear_layer_stays_in_16_bit(name: str, role: Role) -> None:
    assert weight_format(name).bytes_of(matrix(role)) == 2 * NUMBERS


def test_nvfp4_with_fp8_attention_keeps_the_gates_of_a_delta_net_in_16_bit() -> None:
    mixed = weight_format("nvfp4-fp8")
    assert (
        mixed.bytes_of(matrix("attention", "in_proj_a"))
        == mixed.bytes_of(matrix("attention", "in_proj_b"))
        == 2 * NUMBERS
    )
    assert mixed.bytes_of(matrix("attention", "q_proj")) == NUMBERS
    assert mixed.bytes_of(matrix("head", "lm_head")) == NUMBERS * 4.5 / 8


def test_nvfp4_with_the_last_eighth_of_the_mlps_in_fp8() -> None:
    mixed = weight_format("nvfp4-fp8-channel")
    assert mixed.bytes_of(matrix()) == pytest.approx(NUMBERS * (7 * 4.5 + 8) / 8 / 8)
    assert mixed.bytes_of(matrix("head", "lm_head")) == mixed.bytes_of(matrix("attention", "q_proj")) == NUMBERS


def test_exllama_stores_the_head_in_six_bits() -> None:
    assert weight_format("exl2-4.0bpw").bytes_of(matrix("head", "lm_head")) == NUMBERS * 6 / 8


def test_mlx_stores_embedding_and_head_like_every_matrix() -> None:
    mlx = weight_format("int4-mlx")
    assert mlx.bytes_of(matrix("embedding")) == mlx.bytes_of(matrix("head")) == mlx.bytes_of(matrix())


@pytest.mark.parametrize("kind", sorted(GGML))
def test_a_block_of_ggml_takes_its_bytes(kind: str) -> None:
    weights, block_bytes = GGML[kind]
    assert BLOCK_BITS[kind] == 8 * block_bytes / weights


def test_every_type_of_ggml_that_is_known_has_a_block() -> None:
    assert BLOCK_BITS.keys() - GGML.keys() == {"f32", "f16", "bf16"}


@pytest.mark.parametrize(
    ("kind", "instead"),
    [("q4_k_s", "q5_0"), ("q5_k_s", "q5_1"), ("q6_k", "q8_0"), ("q2_k_s", "iq4_nl"), ("iq4_xs", "iq4_nl")],
)
def test_rows_that_are_no_super_blocks_fall_back(kind: str, instead: str) -> None:
    """llama.cpp: tensor_type_fallback of src/llama-quant.cpp; 288 is a multiple of 32, not of 256."""
    weights = weight_format(f"gguf-{kind}")
    assert weights.bits_of(matrix("attention", "q_proj", 288)) == BLOCK_BITS[instead]
    assert weights.bits_of(matrix("attention", "q_proj")) < BLOCK_BITS[instead]


def test_types_of_blocks_of_32_do_not_fall_back() -> None:
    for kind in ("q4_0", "q5_1", "q8_0", "iq4_nl", "bf16"):
        assert weight_format(f"gguf-{kind}").bits_of(matrix("attention", "q_proj", 288)) == BLOCK_BITS[kind]


@pytest.mark.parametrize(
    ("name", "packed"),
    [("q4_k_m", True), ("iq3_xxs", True), ("tq1_0", True), ("iq4_nl", False), ("q8_0", False), ("bf16", False)],
)
def test_super_blocks_are_k_iq_and_ternary_types(name: str, packed: bool) -> None:
    assert has_super_blocks(weight_format(f"gguf-{name}")) is packed


@pytest.mark.parametrize(
    ("name", "kernel"), [("bf16", "16"), ("q8_0", "i8"), ("q6_k", "i8"), ("q5_k_s", "i4"), ("q4_0", "i4")]
)
def test_formats_of_ggml_run_on_the_kernels_of_their_width(name: str, kernel: str) -> None:
    assert weight_format(f"gguf-{name}").kernel == kernel


@pytest.mark.parametrize(("bits", "kernel"), [(8, "i8"), (7, "i8"), (6, "i4"), (2, "i4")])
def test_integers_up_to_six_bits_run_on_four_bit_kernels(bits: int, kernel: str) -> None:
    assert integer_format(bits, "mlx").kernel == kernel


def test_bits_of_a_large_matrix_count_its_scales() -> None:
    block: WeightFormat = weight_format("fp8-block")
    assert block.bits == 8 + 32 / (128 * 128)
    assert weight_format("int8").bits == 8 + 16 / 4096
    assert weight_format("bf16").bits == 16
    assert weight_format("gguf-q4_k_m").bits == 4.8944


@pytest.mark.parametrize(
    ("name", "head", "bits"),
    [("bf16", 64, 16), ("fp8", 64, 8), ("fp32", 64, 32), ("int8", 128, 8.25), ("int8", 64, 8.5), ("int8", 256, 8.125),
     ("q8_0", 64, 8.5), ("q4_0", 64, 4.5), ("nvfp4", 64, 4.5)],
)  # fmt: skip
def test_an_element_of_the_cache_takes_its_bits_and_its_share_of_the_scale(name: str, head: int, bits: float) -> None:
    assert cache_format(name).bits_of(head) == pytest.approx(bits)
