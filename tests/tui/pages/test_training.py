"""A training run's pages from hand-made figures."""

import pytest
from syrupy.assertion import SnapshotAssertion

from estimator.layout import TrainingSetup
from estimator.results import Band, Part, TrainingMemory, TrainingReport
from estimator.units import GIB
from tui.draw.runs import rows_as_text, width
from tui.pages.training import training_memory_page, training_speed_page


def banded(value: float) -> Band:
    return Band(0.85 * value, value, 1.2 * value)


MEMORY = TrainingMemory(
    device_bytes=40 * 10**9,
    usable_bytes=40 * GIB,
    budget_bytes=36.8 * GIB,
    peak_bytes=banded(25.1 * GIB),
    weights_bytes=16.4 * GIB,
    gradients_bytes=0.0,
    optimizer_bytes=0.0,
    adapters_bytes=0.2 * GIB,
    activations_bytes=3.2 * GIB,
    logits_bytes=0.1 * GIB,
    gathered_bytes=3.2 * GIB,
    overhead_bytes=2 * GIB,
    parts=(
        Part("weights", 16.4 * GIB, "70.55 B parameters, frozen, 16-bit over 8 (fsdp)"),
        Part("adapters", 0.2 * GIB, "207,093,760 parameters with gradients and states"),
        Part("activations", 3.2 * GIB, "2,048 tokens x 1,636 KiB, checkpointing full"),
        Part("logits", 0.1 * GIB, "2,048 tokens x 128,256 x 0.5 B, fused loss"),
        Part("gathered", 3.2 * GIB, "layers gathered ahead"),
        Part("overhead", 2.0 * GIB, "CUDA context and libraries, NCCL"),
    ),
)
RUN = TrainingReport(
    setup=TrainingSetup(dp=8, sharding="fsdp"),
    memory=MEMORY,
    trainable_parameters=207_093_760,
    tokens_per_s_per_device=banded(372.8),
    tokens_per_s=banded(2982.6),
    step_s=banded(10.99),
    mfu=0.342,
    step=(
        Part("compute", 9.79, "4,096 tokens at 312 TFLOPS x 34.2% MFU"),
        Part("recompute", 1.2, "activations computed again for the backward pass"),
    ),
    hours=banded(2.963),
    usd=banded(65.06),
    run=(
        Part("steps", 10_058, "30,000,000 tokens / 2,983 tokens/s"),
        Part("start-up", 600, "boot, image, model download"),
    ),
    notes=("longest sequence at this micro-batch: 9,253 tokens",),
)
HEADING = "p4d.24xlarge · 8xA100-40 · FSDP8"
SIZES = [(60, 17), (80, 21), (160, 47)]


@pytest.mark.parametrize(("cells", "lines"), SIZES)
def test_training_memory(cells: int, lines: int, snapshot: SnapshotAssertion) -> None:
    rows = training_memory_page(HEADING, "a device has 40.0 GiB", RUN, cells, lines, cursor=2)
    assert [width(row) for row in rows] == [cells] * lines
    assert rows_as_text(rows) == snapshot


@pytest.mark.parametrize(("cells", "lines"), SIZES)
def test_training_speed(cells: int, lines: int, snapshot: SnapshotAssertion) -> None:
    rows = training_speed_page(HEADING, "class A", RUN, cells, lines)
    assert [width(row) for row in rows] == [cells] * lines
    assert rows_as_text(rows) == snapshot


def test_a_run_that_does_not_fit_says_by_how_much() -> None:
    tight = RUN._replace(memory=MEMORY._replace(budget_bytes=20.0 * GIB))
    assert "✗ 5.10 GiB short on each device" in rows_as_text(training_memory_page(HEADING, "", tight, 80, 21))
