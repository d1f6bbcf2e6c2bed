"""Mixed pools as lines: what each kind of request runs on, its share of requests and of cost, and the blend."""

from collections.abc import Iterator

from estimator.planning.plan import Plan
from estimator.planning.pools import MixedPlan, PlannedPool, Pool
from tui.draw import figures
from tui.state import readings

TITLES = ("pool", "requests", "cost", "machines", "layout", "replicas", "$/month", "$/1M tokens", "paid as")


def mixed_cells(mixed: MixedPlan) -> list[tuple[str, ...]]:
    """A table of pools under its titles, in the order in which they are asked for."""
    return [TITLES, *(_cells(mixed, each) for each in mixed.pools)]


def asked_lines(mixed: MixedPlan) -> Iterator[str]:
    """What each pool asks for."""
    for each in mixed.pools:
        yield f"{each.pool.name}: {describe_pool(each.pool)}"


def pool_lines(mixed: MixedPlan) -> Iterator[str]:
    """Each pool and what carries it, for where a table has no room."""
    for each in mixed.pools:
        name, share, cost, machines, layout, _, month, token, paid = _cells(mixed, each)
        yield (
            f"{name}: {share} of requests, {cost} of cost: {machines} {layout}, {month} a month ({paid}), "
            f"{token} per 1M tokens; {describe_pool(each.pool)}"
        )


def month_lines(mixed: MixedPlan) -> Iterator[str]:
    """The month of all pools, and their blended cost."""
    low, typical, high = mixed.usd_per_month
    yield f"all pools: {figures.usd(typical)} expected (from {figures.usd(low)}), {figures.usd(high)} at worst a month"
    yield (
        f"blended: {figures.usd(mixed.usd_per_1m_tokens)} per 1M tokens, "
        f"{figures.usd(1000 * mixed.usd_per_request)} per 1,000 requests"
    )


def describe_pool(pool: Pool) -> str:
    """A pool's lengths and bounds, and whether it can wait."""
    work = pool.scenario.workload
    bounds = readings.level_bounds(pool.scenario.service_level) or ("no bound",)
    waits = ("spread over the day",) if pool.can_wait else ()
    return ", ".join((f"{work.input_tokens:,} → {work.output_tokens:,} tokens", *bounds, *waits))


def _cells(mixed: MixedPlan, part: PlannedPool) -> tuple[str, ...]:
    plan, at = part.plan, part.plan.row.candidate
    most = max(hour.copies for hour in plan.hours)
    return (
        part.pool.name,
        f"{part.pool.share:.0%}",
        f"{mixed.share_of_cost(part):.0%}",
        f"{most * at.machines} x {at.machine}",
        str(at.layout),
        str(most * at.replicas),
        figures.usd(plan.usd_per_month.typical),
        figures.usd(plan.usd_per_1m_tokens),
        paid_as(plan),
    )


def paid_as(plan: Plan) -> str:
    """The terms of a plan's first way to pay; a star is an old price."""
    return " + ".join(f"{line.machines} {line.terms}{'*' if line.stale else ''}" for line in plan.mix.lines)
