"""Break-even: rent against an API by the token, against committed terms by the hour, against buying by the month."""

from math import ceil
from typing import Annotated, NamedTuple

from estimator.bounds import Ge, Le
from estimator.cost.power import WATTS_PER_KILOWATT, owned_draw
from estimator.cost.quote import purchase_usd, quote
from estimator.hardware.devices import Accelerator, Machine
from estimator.hardware.prices import RegionPrices
from estimator.planning.mix import COMMITTED, break_even_hours
from estimator.records import record
from estimator.results import Evaluation
from estimator.scenario.scenario import Scenario
from estimator.scenario.workload import ServingWorkload
from estimator.units import HOURS_PER_MONTH, MILLION, SECONDS_PER_HOUR

Usd = Annotated[float, Ge(0), Le(1e6)]


@record(frozen=True, slots=True)
class ApiPrice:
    """What a hosted API asks for a million tokens."""

    usd_per_1m_input: Usd
    usd_per_1m_output: Usd
    provider: str = ""
    as_of: str = ""
    source: str = "typed"

    def usd_per_request(self, workload: ServingWorkload) -> float:
        tokens = workload.input_tokens * self.usd_per_1m_input + workload.output_tokens * self.usd_per_1m_output
        return tokens / MILLION


class AgainstApi(NamedTuple):
    """Break-even of a rented fleet, which grows by whole candidates, against an API that is paid by the request."""

    usd_per_copy_month: float
    requests_per_copy_month: float
    """What one candidate completes at most."""
    api_usd_per_request: float

    def rent(self, requests: float) -> float:
        """Rent of a month of as many candidates as carry `requests` requests [USD]."""
        return self.usd_per_copy_month * max(ceil(requests / self.requests_per_copy_month), 1)

    def api(self, requests: float) -> float:
        """The API's bill of a month with `requests` requests [USD]."""
        return self.api_usd_per_request * requests

    @property
    def requests(self) -> float | None:
        """Requests a month at which the API costs as much as one candidate; None where one does not carry them."""
        if not self.api_usd_per_request:
            return None
        crossing = self.usd_per_copy_month / self.api_usd_per_request
        return crossing if crossing <= self.requests_per_copy_month else None

    @property
    def always_from(self) -> float | None:
        """Requests a month from which renting never costs more; None where the API stays cheaper.

        With every further candidate the API may win for a while.
        """
        saved = self.requests_per_copy_month * self.api_usd_per_request
        if self.requests is None or saved <= self.usd_per_copy_month:
            return None
        copies = max(ceil(saved / (saved - self.usd_per_copy_month) - 1e-9) - 1, 1)  # the last to begin at a loss
        return copies * self.usd_per_copy_month / self.api_usd_per_request


class AgainstTerms(NamedTuple):
    """Break-even of committed price terms against the asked ones, in hours of use a month."""

    terms: str
    usd_per_hour: float
    hours_per_month: float
    """In use, from which the committed machine costs less; above 730 it never does."""
    price_kind: str
    price_as_of: str


class AgainstBuying(NamedTuple):
    """Break-even of renting accelerators against buying them, in months."""

    purchase_usd: float
    running_usd_per_month: float
    """Power at work."""
    rent_usd_per_month: float

    @property
    def months(self) -> float | None:
        """Months after which buying has cost less than renting; None where the power alone costs the rent."""
        saved = self.rent_usd_per_month - self.running_usd_per_month
        return self.purchase_usd / saved if saved > 0 else None

    def bought(self, months: float) -> float:
        return self.purchase_usd + self.running_usd_per_month * months

    def rented(self, months: float) -> float:
        return self.rent_usd_per_month * months


def against_api(row: Evaluation, workload: ServingWorkload, api: ApiPrice) -> AgainstApi | None:
    """The break-even of a candidate against an API; None where the candidate has no speed or no price."""
    speed, month = row.performance, row.cost.usd_per_month
    if speed is None or month is None:
        return None
    per_s = speed.possible_requests_per_s or speed.requests_per_s.typical
    return AgainstApi(month, per_s * SECONDS_PER_HOUR * HOURS_PER_MONTH, api.usd_per_request(workload))


def against_terms(
    machine: Machine, device: Accelerator, scenario: Scenario, prices: RegionPrices
) -> list[AgainstTerms]:
    """The break-even of every committed term that has a price, against on-demand; empty for owned hardware and without
    that price.
    """
    hourly = quote(machine, device, prices, "on-demand", scenario.ownership).price
    if hourly is None or machine.kind == "device" or hourly.kind == "own":
        return []
    quoted = ((terms, quote(machine, device, prices, terms, scenario.ownership).price) for terms in COMMITTED)
    return [
        AgainstTerms(
            terms=terms,
            usd_per_hour=price.usd_per_hour,
            hours_per_month=break_even_hours(price, hourly),
            price_kind=price.kind,
            price_as_of=price.as_of,
        )
        for terms, price in quoted
        if price
    ]


def against_buying(row: Evaluation, machine: Machine, device: Accelerator, scenario: Scenario) -> AgainstBuying | None:
    """The break-even of a candidate's rent against its accelerators bought, at their street price or the one asked, in
    a host of one's own; None where they are not sold, or the candidate has no rent.
    """
    month = row.cost.usd_per_month
    purchase = purchase_usd(device, machine.count, scenario.ownership)
    if month is None or purchase is None or machine.kind != "cloud":
        return None
    draw = owned_draw(device, machine.count, scenario.ownership)
    power = draw.working / WATTS_PER_KILOWATT * scenario.ownership.usd_per_kwh * HOURS_PER_MONTH if draw else 0.0
    machines = row.candidate.machines
    return AgainstBuying(machines * purchase, machines * power, month)
