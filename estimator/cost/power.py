"""Electric power of a candidate, and the energy and cost of a token that follow."""

from typing import NamedTuple

from estimator.hardware.devices import Accelerator, Machine
from estimator.results import PerformanceReport, PowerReport
from estimator.scenario.workload import Ownership
from estimator.units import MILLION, SECONDS_PER_HOUR

WATTS_PER_KILOWATT = 1000


class Draw(NamedTuple):
    """Power that one machine draws, at work and idle, its accelerators and what stands around them [W]."""

    working: float
    """While it answers: accelerators at their limit, which prefill reaches. An upper bound: decode, which waits for
    memory, draws 137 to 300 of 700 W on an H200 (arXiv:2605.11999)."""
    idle: float

    def mean(self, busy: float) -> float:
        """Mean power over all hours, of which `busy` is the share at work [W]."""
        return self.idle + (self.working - self.idle) * busy


def rented_draw(machine: Machine, device: Accelerator) -> Draw | None:
    """Power of the accelerators of a rented machine; None where it is unknown. A rented host's power is not
    published.
    """
    if device.tdp_watts is None:
        return None
    return Draw(machine.count * device.tdp_watts, machine.count * device.idle_watts)


def owned_draw(device: Accelerator, count: float, ownership: Ownership) -> Draw | None:
    """Power of `count` owned devices under their limit, and of their host, times the room's PUE; None where it is
    unknown.
    """
    limit = min(filter(None, (ownership.power_limit_watts, device.tdp_watts)), default=None)
    if limit is None:
        return None
    idle = min(device.idle_watts, limit)
    host = ownership.host_watts
    return Draw((count * limit + host) * ownership.pue, (count * idle + host) * ownership.pue)


def power_report(
    draw: Draw | None, machines: int, busy: float, performance: PerformanceReport | None, usd_per_kwh: float | None
) -> PowerReport:
    """Power and energy of `machines` machines that work `busy` of the time, per token where the speed of that time is
    known.
    """
    if draw is None:
        return PowerReport()
    watts = machines * draw.mean(busy)
    if performance is None or performance.total_tokens_per_s.typical <= 0:
        return PowerReport(watts)
    tokens_per_s = performance.total_tokens_per_s.typical * (busy if usd_per_kwh is not None else 1.0)
    kwh = watts / tokens_per_s * MILLION / SECONDS_PER_HOUR / WATTS_PER_KILOWATT
    return PowerReport(
        watts=watts,
        kwh_per_1m_tokens=kwh,
        usd_per_1m_tokens=None if usd_per_kwh is None else kwh * usd_per_kwh,
        tokens_per_joule=tokens_per_s / watts if watts else None,
    )
