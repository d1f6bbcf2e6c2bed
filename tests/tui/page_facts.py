"""Pages' facts made by hand, so that their pictures do not move with constants or prices."""

from estimator.layout import Layout
from estimator.results import (
    Band,
    Candidate,
    CostReport,
    Evaluation,
    MemoryReport,
    OperatorTime,
    Part,
    PerformanceReport,
)
from estimator.serving.memory.cache import LayerKind
from estimator.units import GIB
from tui.draw.curve import OperatingPoint
from tui.draw.roofline import Point, Roof
from tui.pages.memory import MemoryFacts, Switch
from tui.pages.memory_parts import Usage, reasons
from tui.pages.performance import PerformanceFacts
from tui.pages.solver import Capacity

REPORT = MemoryReport(
    device_bytes=48 * 10**9,
    usable_bytes=round(44.99 * GIB),
    visible_bytes=44.53 * GIB,
    budget_bytes=0.9 * 44.53 * GIB,
    weights_bytes=16.91 * GIB,
    activation_bytes=1.96 * GIB,
    runtime_bytes=2.17 * GIB,
    cuda_graph_bytes=0.91 * GIB,
    cuda_graphs_in_budget=False,
    left_bytes=19.04 * GIB,
    kv_cache_bytes=19.04 * GIB,
    utilization=0.9,
    kv_bytes_per_token=40_960,
    kv_capacity_tokens=499_000,
    max_concurrency=195.0,
    max_context_tokens=131_072,
    request_bytes=2560 * 40_960,
    weights=(
        Part("attention, 8-bit", 3.1 * GIB),
        Part("mlp, 8-bit", 12.83 * GIB),
        Part("embedding, 16-bit", 0.98 * GIB),
    ),
)
USAGE = Usage(REPORT, 16, 2560)
MEMORY = MemoryFacts(
    heading="g6e.12xlarge · 4xL40S · TP4",
    aside="per device 45.0 GiB usable of 48 GB",
    usage=USAGE,
    reasons=reasons(USAGE, 4, "vLLM", 1024, 8192),
    kinds=[LayerKind(80, 512)],
    kinds_note="divided over 4 ranks",
    fits=lambda users, context: users * context <= 499_000,
    longest=131_072,
    asked=(16, 2560),
    switches=[
        Switch(", .", "utilization", "0.90"),
        Switch("{ }", "sequences", "1,024"),
        Switch("< >", "chunk", "8,192"),
        Switch("c", "cache", "bf16"),
    ],
    solved_users=(1, 4, 16, 64),
    capacities=[
        Capacity("bf16", (131_072, 124_750, 31_187, 7_796), 195),
        Capacity("fp8", (131_072, 131_072, 62_375, 15_593), 390),
    ],
    before=Usage(
        REPORT._replace(activation_bytes=1.5 * GIB, kv_cache_bytes=19.5 * GIB, request_bytes=2560 * 42_000), 16, 2560
    ),
    advice=[("KV cache in fp8", "195 → 390 users, time per token -2%"), ("memory utilization 0.95", "195 → 216 users")],
)


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
    cost = CostReport("priced", 21.96, usd_per_1m_tokens=banded(6.1 * tpot_s / 0.024))
    verdict, reason = ("fits", None) if fits else ("does_not_fit", "32.1 GiB short")
    return Evaluation(candidate, verdict, reason, "A", None, speed if fits else None, cost)  # type: ignore[arg-type]


PERFORMANCE = PerformanceFacts(
    heading="p4d.24xlarge · 8xA100-40 · TP8",
    aside="class A · 16 users",
    roofs=[Roof("A100 bf16", 312e12, 1555e9)],
    points=[
        Point("prefill", 800, 180e12),
        Point("decode 1", 1.9, 1.6e12),
        Point("decode 16", 28, 19e12),
        Point("decode 118", 140, 70e12),
    ],
    other_roofs=[Roof("L40S fp8", 733e12, 864e9)],
    other_points=[Point("L40S 16", 28, 15e12)],
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
    before=(0.41, 0.031),
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
