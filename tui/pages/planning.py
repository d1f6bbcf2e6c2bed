"""A plan as lines: replicas by hour, what to rent and why, when to scale, the runner-up."""

from collections.abc import Iterator, Sequence

from estimator.planning.autoscaling import Autoscaling
from estimator.planning.day import Demand
from estimator.planning.plan import Plan, SecondRegion
from estimator.units import quantity
from tui.draw import figures
from tui.draw.runs import wrap_text
from tui.pages.mixed_plan import paid_as
from tui.state.columns import plain_price

TITLES = ("machines", "layout", "replicas", "TTFT", "TPOT", "req/s", "$/h list", "$/month", "paid as")
BLOCKS = " ▁▂▃▄▅▆▇█"


def describe_hours(demand: Demand) -> str:
    """A plan's day in one line: what is kept free and spare, and how the load goes."""
    spare = f", {demand.spare} spare" if demand.spare else ""
    return (
        f"{demand.headroom:.0%} head-room{spare}, a day from {min(demand.hours):.0%} to 100% of the peak, "
        f"{demand.mean:.0%} on average"
    )


def plan_cells(plans: Sequence[Plan]) -> list[tuple[str, ...]]:
    """A table of plans under its titles, the one to take first."""
    return [TITLES, *map(_cells, plans)]


def _cells(plan: Plan) -> tuple[str, ...]:
    row, at = plan.row, plan.row.candidate
    speed, most = row.performance, max(hour.copies for hour in plan.hours)
    seconds = (speed.ttft_s.typical, speed.tpot_s.typical) if speed else (None, None)
    rate = None if speed is None else speed.requests_per_s.typical * plan.fleet.copies
    return (
        f"{most * at.machines} x {at.machine}",
        str(at.layout),
        str(most * at.replicas),
        figures.duration(seconds[0]),
        figures.duration(seconds[1]),
        figures.number(rate),
        plain_price(row),
        figures.usd(plan.usd_per_month.typical),
        paid_as(plan),
    )


def plan_lines(plans: Sequence[Plan], other: SecondRegion | None, cells: int) -> list[str]:
    """A plan in full as lines, and the runner-up after it."""
    first = plans[0]
    lines = [*_day_lines(first, cells), "", *_mix_lines(first), "", *_scaling_lines(first.autoscaling)]
    lines += ["", *_volume_lines(first)]
    if len(plans) > 1:
        lines.append(_runner_up(first, plans[1]))
    if other:
        lines.append(f"also stand in {other.region}, {figures.usd(other.usd_per_hour)} a machine hour: {other.why}")
    return [part for line in lines for part in (wrap_text(line, cells) if len(line) > cells else [line])]


def _day_lines(plan: Plan, cells: int) -> Iterator[str]:
    """Load and replicas by hour, a column an hour."""
    counts = [hour.replicas for hour in plan.hours]
    width = max(len(str(max(counts))), 2) + 1
    every = 1
    if 10 + 24 * width > cells:
        width, every = max(len(str(max(counts))), 2), 3
    label = 9 if 9 + 24 * width <= cells else 5
    loads = [hour.load for hour in plan.hours]
    bars = "".join(BLOCKS[max(round(load / max(loads) * (len(BLOCKS) - 1)), 1)].rjust(width) for load in loads)
    yield "load".ljust(label) + bars
    hours = (str(hour) if hour % every == 0 else "" for hour in range(len(counts)))
    yield "hour".ljust(label) + "".join(hour.rjust(width) for hour in hours)
    yield ("replicas" if label == 9 else "repl").ljust(label) + "".join(f"{count:>{width}}" for count in counts)


def _mix_lines(plan: Plan) -> Iterator[str]:
    """Each line of the first way to pay with its reason, the month, and the other ways."""
    machine = plan.row.candidate.machine
    for line in plan.mix.lines:
        old = ", an old price" if line.stale else ""
        usd = figures.usd(line.usd_per_month)
        yield f"{line.machines:>4} x {machine} {line.terms}: {usd} a month ({line.kind}{old}); {line.why}"
    low, typical, high = plan.usd_per_month
    yield f"a month: {figures.usd(typical)} expected (from {figures.usd(low)}), {figures.usd(high)} at worst"
    for mix in plan.mixes[1:4]:
        terms = " + ".join(f"{line.machines} {line.terms}" for line in mix.lines)
        why = "old price" if mix.stale else "can be taken away" if mix.interruptible else ""
        dear = f"{figures.usd(mix.usd_per_month.typical)} expected, {figures.usd(mix.usd_per_month.high)} at worst"
        yield f"     or {terms}: {dear}{f' ({why})' if why else ''}"


def _scaling_lines(policy: Autoscaling) -> Iterator[str]:
    start = policy.cold_start
    if policy.minimum == policy.maximum:
        yield f"no autoscaling: {quantity(policy.minimum, 'replica')} at every hour"
    else:
        yield (
            f"autoscale {policy.minimum} to {policy.maximum} replicas on {policy.metric}, target "
            f"{figures.number(policy.target)}; wait {figures.duration(policy.scale_out_cooldown_s)} after scaling out, "
            f"{figures.duration(policy.scale_in_cooldown_s)} before scaling in"
        )
    yield (
        f"a cold start takes {figures.duration(start.total_s)}: boot {figures.duration(start.boot_s)}, "
        f"download {figures.duration(start.download_s)}, load {figures.duration(start.load_s)}, "
        f"graphs {figures.duration(start.graph_capture_s)}"
    )


def _volume_lines(plan: Plan) -> Iterator[str]:
    usd = figures.usd(plan.usd_per_1m_tokens)
    at = ", ".join(f"{figures.usd(band.typical)} at {share:.0%}" for share, band in plan.usd_per_1m_tokens_at)
    yield f"{plan.utilization:.0%} of what runs is used: {usd} per 1M tokens ({at})"


def _runner_up(first: Plan, second: Plan) -> str:
    at, usd = second.row.candidate, second.usd_per_month.typical
    more = usd / first.usd_per_month.typical - 1
    most = max(hour.machines for hour in second.hours)
    why = " at an old price" if second.mix.stale else " that can be taken away" if second.mix.interruptible else ""
    place = "runner-up" if more >= 0 else "cheaper"
    return f"{place}: {most} x {at.machine}{why}, {figures.usd(usd)} a month ({more:+.0%})"
