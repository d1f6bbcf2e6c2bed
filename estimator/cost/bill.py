"""Unit costs from prices: USD per hour, request, million tokens and month."""

from datetime import date
from typing import Any

from estimator.cost.power import owned_draw, power_report, rented_draw
from estimator.cost.quote import Quote, quote
from estimator.hardware.prices import Price, RegionPrices, price_age_days, price_stale
from estimator.layout import Layout
from estimator.results import Band, Candidate, CostReport, Evaluation, PerformanceReport
from estimator.scenario.nodes import Node
from estimator.scenario.scenario import Scenario
from estimator.scenario.workload import ServingWorkload
from estimator.units import HOURS_PER_MONTH, MILLION, SECONDS_PER_HOUR


def bill(
    node: Node,
    machines: int,
    scenario: Scenario,
    prices: RegionPrices,
    performance: PerformanceReport | None = None,
) -> CostReport:
    """What `machines` of these machines cost under the scenario's terms, and a token where the speed is known."""
    machine, device, ownership = node.machine, node.device, scenario.ownership
    hourly = quote(machine, device, prices, scenario.price_terms, ownership)
    sold_gb = device.memory_sold_gb * node.devices * machines
    report = cost_report(hourly, machines, sold_gb, performance, scenario.workload, prices.asked_on)
    if machine.kind != "device":
        busy = min(performance.utilization, 1.0) if performance and performance.utilization else 1.0
        power = power_report(rented_draw(machine, device), machines, busy, performance, None)
        return report._replace(power=power)
    draw, busy = owned_draw(device, machine.count, ownership), ownership.utilization
    power = power_report(draw, machines, busy, performance, ownership.usd_per_kwh)
    month = report.usd_per_month
    return report._replace(power=power, usd_per_month=None if month is None else month * busy)


def not_supported(node: Node, reason: str, scenario: Scenario, prices: RegionPrices) -> Evaluation:
    """The evaluation of a machine that can not be asked at all: what it costs, and why it is no answer."""
    machine = node.machine
    return Evaluation(
        candidate=Candidate(
            machine=machine.id,
            machines=1,
            accelerator=machine.accelerator,
            accelerators=machine.count,
            layout=Layout(),
            replicas=0,
        ),
        verdict="not_supported",
        reason=reason,
        confidence="C",
        memory=None,
        performance=None,
        cost=bill(node, 1, scenario, prices),
        meets_service_level=False,
        holds_load=False,
    )


def cost_report(
    hourly: Quote,
    machines: int,
    memory_sold_gb: float,
    performance: PerformanceReport | None,
    workload: ServingWorkload,
    today: date | None = None,
) -> CostReport:
    """Unit costs of a candidate of `machines` machines with `memory_sold_gb` accelerator memory in all.

    `usd_per_1m_tokens` is the cost to compare by: input and output together, $/request over the tokens of a request.
    The split into input and output goes by the device time that prefill and decode take, so that unit costs times
    volumes equal the bill; a slow prefill moves cost from the output to the input side. `today` ages the price.
    """
    if hourly.price is None:
        return CostReport(hourly.state)
    price = hourly.price
    usd_per_hour = machines * price.usd_per_hour
    unit_costs = {}
    if performance is not None and performance.requests_per_s.low > 0:
        unit_costs = _unit_costs(usd_per_hour, price, performance, workload)
    return CostReport(
        price_state=hourly.state,
        price_usd_per_hour=usd_per_hour,
        price_low_usd_per_hour=machines * price.low if price.low is not None else None,
        price_high_usd_per_hour=machines * price.high if price.high is not None else None,
        price_kind=price.kind,
        price_as_of=price.as_of or None,
        price_age_days=price_age_days(price, today) if today and price.as_of else None,
        price_stale=price_stale(price, today) if today else None,
        usd_per_month=usd_per_hour * HOURS_PER_MONTH,
        usd_per_hour_per_gb=usd_per_hour / memory_sold_gb if memory_sold_gb else None,
        **unit_costs,
    )


def _unit_costs(
    usd_per_hour: float, price: Price, performance: PerformanceReport, workload: ServingWorkload
) -> dict[str, Any]:
    """Costs of a request and of tokens by their fields in a report, where anything is completed."""
    per_request = _over_price_range(performance.requests_per_s.reciprocal(usd_per_hour / SECONDS_PER_HOUR), price)
    per_million = _over_price_range(usd_per_1m_tokens(usd_per_hour, performance), price)
    prefill = performance.prefill_time_share
    costs = {
        "usd_per_request": per_request,
        "usd_per_1m_tokens": per_million,
        "usd_per_1k_tokens": per_million.times(1000 / MILLION),
        "tokens_per_usd": per_million.reciprocal(MILLION),
        "usd_per_1m_input_tokens": per_request.times(prefill * MILLION / workload.prompt_tokens),
    }
    if not performance.one_pass:
        costs["usd_per_1m_output_tokens"] = per_request.times((1 - prefill) * MILLION / workload.output_tokens)
    return costs


def _over_price_range(cost: Band, price: Price) -> Band:
    """A cost at the typical price, with its band widened to the lowest and the highest price."""
    low, high = price.low or price.usd_per_hour, price.high or price.usd_per_hour
    return Band(cost.low * low / price.usd_per_hour, cost.typical, cost.high * high / price.usd_per_hour)


def usd_per_1m_tokens(usd_per_hour: float, performance: PerformanceReport) -> Band:
    """Cost of a million tokens, input and output together in the asked mix [USD]: an hour's price over an hour's
    tokens.
    """
    return performance.total_tokens_per_s.reciprocal(usd_per_hour / SECONDS_PER_HOUR * MILLION)
