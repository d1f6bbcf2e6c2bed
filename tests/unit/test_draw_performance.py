"""The performance page from hand-made figures."""

import pytest
from syrupy.assertion import SnapshotAssertion

from estimator.evaluation import Band, Candidate, CostReport, Evaluation, OperatorTime, PerformanceReport
from estimator.parallelism import Layout
from tui.draw.curve import OperatingPoint
from tui.draw.performance_page import VIEWS, PerformanceFacts, performance_page
from tui.draw.roofline import Point, Roof
from tui.draw.runs import plain, width


def banded(value: float) -> Band:
    return Band(0.84 * value, value, 1.28 * value)


def on_layout(tp: int, replicas: int, tpot_s: float, fits: bool = True) -> Evaluation:
    speed = PerformanceReport(
        concurrency=16 / replicas,
        ttft_s=banded(4 * tpot_s),
        tpot_s=banded(tpot_s),
        request_latency_s=banded(512 * tpot_s),
        tokens_per_s_per_user=banded(1 / tpot_s),
        output_tokens_per_s_per_replica=banded(16 / replicas / tpot_s),
        output_tokens_per_s=banded(16 / tpot_s),
        total_tokens_per_s=banded(80 / tpot_s),
        requests_per_s=banded(16 / 512 / tpot_s),
        prefill_bound="compute",
        decode_bound="memory",
        prefill_time_share=0.2,
    )
    candidate = Candidate("p4d.24xlarge", 1, "a100-40gb", 8, Layout(tp), replicas)
    cost = CostReport("priced", 21.96, usd_per_1m_output_tokens=banded(6.1 * tpot_s / 0.024))
    verdict, reason = ("fits", None) if fits else ("does_not_fit", "32.1 GiB short")
    return Evaluation(candidate, verdict, reason, "A", None, speed if fits else None, cost)  # type: ignore[arg-type]


FACTS = PerformanceFacts(
    heading="p4d.24xlarge · 8xA100-40 · TP8",
    aside="class A · 16 users",
    roofs=[Roof("A100 bf16", 312e12, 1555e9)],
    points=[
        Point("prefill", 800, 180e12),
        Point("decode 1", 1.9, 1.6e12),
        Point("decode 16", 28, 19e12),
        Point("decode 118", 140, 70e12),
    ],
    prefill=[
        OperatorTime("mlp", 0.041, "compute"),
        OperatorTime("attention projections", 0.019, "compute"),
        OperatorTime("attention", 0.012, "compute"),
        OperatorTime("all-reduce", 0.018, "network"),
        OperatorTime("elementwise", 0.006, "memory"),
        OperatorTime("LM head", 0.0004, "memory"),
    ],
    decode=[
        OperatorTime("mlp", 0.011, "memory"),
        OperatorTime("attention projections", 0.005, "memory"),
        OperatorTime("attention", 0.0022, "latency"),
        OperatorTime("all-reduce", 0.004, "latency"),
        OperatorTime("elementwise", 0.0011, "latency"),
        OperatorTime("LM head", 0.0009, "memory"),
    ],
    ttft_s=banded(0.41),
    tpot_s=banded(0.024),
    prefill_bound="compute",
    decode_bound="memory",
    operating=[
        OperatingPoint(users, 1 / (0.02 + 0.0003 * users), users / (0.02 + 0.0003 * users), users < 100)
        for users in (1, 2, 4, 8, 16, 32, 64, 118)
    ],
    users=16,
    least_per_user=20,
    layouts=[on_layout(2, 4, 0.05, fits=False), on_layout(4, 2, 0.031), on_layout(8, 1, 0.024)],
    chosen_layout="TP8",
)
SIZES = [(60, 17), (80, 21), (120, 21), (120, 37), (160, 47)]


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize(("cells", "lines"), SIZES)
def test_performance_page(view: str, cells: int, lines: int, snapshot: SnapshotAssertion) -> None:
    rows = performance_page(FACTS, view, cells, lines)
    assert [width(row) for row in rows] == [cells] * lines
    assert plain(rows) == snapshot


def test_a_candidate_that_holds_no_load_says_so() -> None:
    assert "No load fits" in plain(performance_page(FACTS._replace(operating=()), "curve", 80, 21))
