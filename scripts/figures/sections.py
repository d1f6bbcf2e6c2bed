"""Sections of an answer as lines: where it runs, memory, speed, cost, a training run, a board."""

from collections.abc import Iterator, Mapping

from estimator.ranking.rank import recommended
from estimator.results import CostReport, Evaluation, MemoryReport, OperatorTime, PerformanceReport, TrainingReport
from scripts.figures.text import item, items, line, written

ROWS = 12
"""Rows of a board that are kept."""
OF_THE_DEVICE = ("device_bytes", "usable_bytes", "kv_cache_bytes", "weights", "notes")
OF_THE_SPEED = ("tokens_per_s_per_user", "output_tokens_per_s_per_replica", "prefill", "decode", "percentiles")
OF_THE_RATE = ("total_tokens_per_s", "requests_per_s")
OF_THE_PRICE = ("power", "usd_per_1k_tokens", "tokens_per_usd", "price_as_of", "price_age_days", "price_kind")
OF_THE_BILL = ("usd_per_1m_input_tokens", "usd_per_1m_output_tokens", "usd_per_request")
"""Figures that others make, by what they come from."""


def candidate(row: Evaluation) -> Iterator[str]:
    """Where a row runs, its verdict and class, and how it is placed among the others."""
    at = row.candidate
    place = f"{at.machines} x {at.machine}, {at.accelerators:g} x {at.accelerator}, {at.layout} x {at.replicas}"
    facts = (
        row.verdict,
        row.confidence,
        item("spare", at.spare),
        item("users", row.max_users),
        item("shortage", row.shortage),
        "holds the load" if row.holds_load else "",
        "within its level" if row.meets_service_level else "",
        *(items(row.level_times) if row.level_times else ()),
        item("fits with", row.suggestion),
    )
    yield from line("row", (place, *facts))
    if row.reason != row.shortage:
        yield from line("says", (row.reason or "",))


def memory(report: MemoryReport | None) -> Iterator[str]:
    """Bytes by purpose, and what they hold."""
    if report:
        yield from line("memory", items(report, *OF_THE_DEVICE))
        yield from line("weights", map(written, report.weights))


def speed(report: PerformanceReport | None) -> Iterator[str]:
    """Latencies, throughput and what they are made of."""
    if report:
        yield from line("speed", items(report, *OF_THE_SPEED, typical=OF_THE_RATE))
        for name in ("prefill", "decode"):
            yield from line(name, map(written, merged(getattr(report, name))))
        if report.percentiles:
            yield from line("seen", items(report.percentiles))


def merged(operators: tuple[OperatorTime, ...]) -> tuple[OperatorTime, ...]:
    """Operators of one name and bound as one."""
    sums: dict[tuple[str, str], OperatorTime] = {}
    for each in operators:
        key = each.name, each.bound
        sums[key] = each._replace(seconds=each.seconds + sums[key].seconds) if key in sums else each
    return tuple(sums.values())


def cost(report: CostReport) -> Iterator[str]:
    """The bill, and the power behind it."""
    yield from line("cost", items(report, *OF_THE_PRICE, typical=OF_THE_BILL))
    yield from line("power", items(report.power, "tokens_per_joule"))


def training(report: TrainingReport | None) -> Iterator[str]:
    """A run's settings, memory, step and hours, each with its parts."""
    if report:
        yield from line("setup", items(report.setup))
        peak = (item(name, getattr(report.memory, name)) for name in ("budget_bytes", "peak_bytes", "host_bytes"))
        yield from line("memory", (*peak, *map(written, report.memory.parts)))
        yield from line("run", items(report, "setup", "memory", "step", "run", "notes"))
        yield from line("step", map(written, report.step))
        yield from line("hours", map(written, report.run))


def board(rows: tuple[Evaluation, ...]) -> Iterator[str]:
    """The first rows of a board in their order, and the two short lists."""
    for number, row in enumerate(rows[:ROWS], 1):
        at, speed = row.candidate, row.performance
        figures: Mapping[str, object] = {
            "spare": at.spare,
            "users": row.max_users,
            "$/h": row.cost.price_usd_per_hour,
            "$/1M": row.cost.usd_per_1m_tokens and row.cost.usd_per_1m_tokens.typical,
            "ttft": speed and speed.ttft_s.typical,
            "tpot": speed and speed.tpot_s.typical,
            "hours": row.training and row.training.hours.typical,
            "score": row.score and row.score.total,
        }
        words = (
            f"{at.machines} x {at.machine} {at.layout} x {at.replicas}",
            row.verdict,
            row.confidence,
            "" if row.holds_load else "short",
            "" if row.meets_service_level else "slow",
            "best value" if row.best_value else "",
            "tie" if row.tie else "",
            item("dominated by", row.dominated_by),
        )
        yield from line(f"{number}", (*words, *(item(name, value) for name, value in figures.items())))
    for name, short in zip(("single", "several"), recommended(rows), strict=True):
        yield from line(name, (row.candidate.machine for row in short))
