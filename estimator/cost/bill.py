"""Prices into unit costs: $/h, $/request, $/1M tokens, $/month."""

from typing import NamedTuple

from estimator.hardware.devices import Accelerator, Machine
from estimator.hardware.prices import InstancePrices, Price, RegionPrices
from estimator.layout import Layout
from estimator.results import Band, Candidate, CostReport, Evaluation, PerformanceReport, PriceState
from estimator.scenario.nodes import Node
from estimator.scenario.scenario import Scenario
from estimator.scenario.workload import Ownership, ServingWorkload
from estimator.units import HOURS_PER_MONTH, MILLION, SECONDS_PER_HOUR


class Quote(NamedTuple):
    """What one machine costs under the asked terms, or why that is unknown."""

    state: PriceState
    price: Price | None = None


NO_PRICE = Quote("no_price")


def quote(machine: Machine, device: Accelerator, prices: RegionPrices, terms: str, ownership: Ownership) -> Quote:
    """The price of one machine for an hour: rented where it is an instance type, owned where it is a card or a Mac."""
    if machine.kind == "device":
        return owned(device, machine.count, ownership)
    offered = prices.quotes.get(machine.id)
    if offered is None:
        return Quote("not_offered")
    price = offered.quote(terms) or stand_in(offered, terms)
    if price:
        return Quote("priced", price)
    if offered.capacity_block and not offered.on_demand and not offered.spot:
        return Quote("capacity_block_only")
    return NO_PRICE


def stand_in(offered: InstancePrices, terms: str) -> Price | None:
    """EC2 Instance Savings Plans cost what standard reserved instances of the same term do; marked as an estimate."""
    reserved = {"savings-1y": offered.reserved_1y, "savings-3y": offered.reserved_3y}.get(terms)
    return reserved._replace(kind="estimate") if reserved else None


def owned(device: Accelerator, count: float, ownership: Ownership) -> Quote:
    """Hardware price written off over its life, plus the power it draws at its limit."""
    card_usd = ownership.hardware_usd or device.list_price_usd
    if card_usd is None:
        return NO_PRICE
    watts = ownership.power_limit_watts or device.tdp_watts or 0.0
    write_off = card_usd / (ownership.amortization_years * 12 * HOURS_PER_MONTH)
    power = watts / 1000 * ownership.usd_per_kwh
    return Quote("priced", Price(count * (write_off + power), "estimate", device.as_of, source=device.source))


def bill(
    node: Node,
    machines: int,
    scenario: Scenario,
    prices: RegionPrices,
    performance: PerformanceReport | None = None,
) -> CostReport:
    """What `machines` of these machines cost under the scenario's terms, and a token where the speed is known."""
    asked = quote(node.machine, node.device, prices, scenario.price_terms, scenario.ownership)
    sold_gb = node.device.memory_sold_gb * node.devices * machines
    return cost(asked, machines, sold_gb, performance, scenario.workload)


def not_supported(node: Node, reason: str, scenario: Scenario, prices: RegionPrices) -> Evaluation:
    """A machine that can not be asked at all: what it costs, and why."""
    machine = node.machine
    candidate = Candidate(machine.id, 1, machine.accelerator, machine.count, Layout(), 0)
    return Evaluation(candidate, "not_supported", reason, "C", None, None, bill(node, 1, scenario, prices), False)


def cost(
    asked: Quote, machines: int, memory_sold_gb: float, performance: PerformanceReport | None, workload: ServingWorkload
) -> CostReport:
    """Unit costs of a candidate of `machines` machines with `memory_sold_gb` accelerator memory in all.

    The hour is split between input and output tokens by the device time that prefill and decode take, so unit costs
    times volumes equal the bill.
    """
    if asked.price is None:
        return CostReport(asked.state)
    price = asked.price
    per_hour = machines * price.usd_per_hour
    report = CostReport(
        asked.state,
        per_hour,
        machines * price.low if price.low is not None else None,
        machines * price.high if price.high is not None else None,
        price.kind,
        price.as_of,
        usd_per_month=per_hour * HOURS_PER_MONTH,
        usd_per_hour_per_gb=per_hour / memory_sold_gb if memory_sold_gb else None,
    )
    if performance is None or performance.requests_per_s.low <= 0:
        return report
    per_request = inverse(performance.requests_per_s, per_hour / SECONDS_PER_HOUR)
    prefill = performance.prefill_time_share
    return report._replace(
        usd_per_request=per_request,
        usd_per_1m_input_tokens=per_request.times(prefill * MILLION / workload.input_tokens),
        usd_per_1m_output_tokens=per_request.times((1 - prefill) * MILLION / workload.output_tokens),
    )


def inverse(rate: Band, numerator: float) -> Band:
    """`numerator` / rate: the low cost comes with the high rate."""
    return Band(numerator / rate.high, numerator / rate.typical, numerator / rate.low)
