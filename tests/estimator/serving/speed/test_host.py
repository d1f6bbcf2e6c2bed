"""Weights in host memory: from how many tokens of a step on they are copied to the device."""

from dataclasses import replace

import pytest

from estimator.serving.speed.ggml_product import GgmlProduct
from estimator.serving.speed.host import COPIED_FROM_ROWS, HostOperator, host_operator
from estimator.serving.speed.operators import Elementwise

CPU = Elementwise(name="mlp", times=1, latency_s=0.0, row_bytes=1e6, bytes_per_s=1e9)
"""A millisecond a token."""
DEVICE = replace(CPU, bytes_per_s=1e11)


@pytest.mark.parametrize(("rows", "copies"), [(1, False), (31, False), (32, True), (33, True)])
def test_from_32_tokens_on_as_in_llama_cpp_s_offload_op(rows: int, copies: bool) -> None:
    assert COPIED_FROM_ROWS == 32
    assert HostOperator(CPU, DEVICE, copy_s=0.001).copies(rows) is copies


def test_weights_that_take_longer_to_copy_than_the_cpu_computes_stay() -> None:
    slow = HostOperator(CPU, DEVICE, copy_s=0.1)
    assert not slow.copies(64)
    assert slow.seconds(64) == pytest.approx(0.064)
    assert slow.copies(128)
    assert slow.seconds(128) == pytest.approx(0.1 + 0.00128)


def test_a_prompt_waits_for_llama_cpp_s_dense_layers_to_cross_the_link() -> None:
    device = GgmlProduct(
        name="layers", times=1, latency_s=0.0, flops=1e9, weight_bytes=1e10, flops_per_s=1e14, bytes_per_s=1e12
    )
    moved = host_operator(replace(device, flops_per_s=1e11), device, fraction=0.5, link_bytes_per_s=25e9)
    assert moved.copies(512)
    assert moved.seconds(512) == pytest.approx(0.2, rel=0.05)
