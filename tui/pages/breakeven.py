"""Break-even as a chart and as sentences: renting beside an API, other terms, and buying."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from estimator.planning.breakeven import AgainstApi, AgainstBuying, AgainstTerms
from estimator.units import HOURS_PER_MONTH
from tui.draw import figures
from tui.draw.axes import decades
from tui.draw.labels import Label, place
from tui.draw.plot import plot, series_style, shape
from tui.draw.runs import Row, fit_row

STEPS = 96
"""Points of a curve; more than a terminal has columns for."""


def chart(cells: int, lines: int, against: AgainstApi, name: str) -> list[Row]:
    """The break-even chart: a month's cost over its requests, rent in steps of whole candidates, and the API.

    It is exactly `cells` wide.
    """
    if not against.api_usd_per_request:
        return [fit_row([(" The API costs nothing.", "dim")], cells)]
    crossing = against.usd_per_copy_month / against.api_usd_per_request
    most = 4 * max(crossing, against.requests_per_copy_month)
    least = min(crossing, against.requests_per_copy_month) / 10
    volumes = [least * (most / least) ** (step / STEPS) for step in range(STEPS + 1)]
    costs = [(against.rent(volume), against.api(volume)) for volume in volumes]
    low, high = min(min(pair) for pair in costs), max(max(pair) for pair in costs)
    drawn = plot(cells, lines - 1, decades(least, most), decades(low, high))
    drawn.grid()
    for series in (0, 1):
        points = [(volume, pair[series]) for volume, pair in zip(volumes, costs, strict=True)]
        for start, end in pairwise(points):
            drawn.line(start, end, series_style(series))
        drawn.canvas.text(*drawn.cell(*points[-1]), shape(series), series_style(series))
    labels = []
    if against.requests is not None:
        across, down = drawn.cell(against.requests, against.usd_per_copy_month)
        drawn.canvas.text(across, down, "✕", "warn")
        labels.append(
            Label(x=across, y=down, text=f"even at {figures.number(against.requests)}", style="warn", priority=9)
        )
    place(drawn.canvas, labels)
    legend: Row = [
        (f" {shape(0)} ", series_style(0)),
        ("rent  ", "text"),
        (f"{shape(1)} ", series_style(1)),
        (f"{name}  ", "text"),
    ]
    return [*drawn.rows("requests a month", "$ a month"), fit_row(legend, cells)]


def describe_api(against: AgainstApi, name: str, machine: str) -> str:
    """The break-even with an API in one sentence: from how many requests on renting costs no more."""
    per_request = f"{figures.usd(against.api_usd_per_request)} a request"
    if against.requests is None:
        full = against.usd_per_copy_month / against.requests_per_copy_month
        return f"{name} ({per_request}) stays cheaper: {machine} costs {figures.usd(full)} a request when it is full"
    rate = against.requests / HOURS_PER_MONTH / 60
    share = against.requests / against.requests_per_copy_month
    text = (
        f"{machine} costs less than {name} ({per_request}) from {figures.number(against.requests)} requests a month on "
        f"({figures.number(rate)} a minute, {share:.0%} of what it carries)"
    )
    if against.always_from is not None and against.always_from > against.requests_per_copy_month:
        text += f", whatever more it has to carry from {figures.number(against.always_from)} on"
    return text


def describe_terms(each: AgainstTerms) -> str:
    """The break-even with committed terms in one sentence: from how many hours a month they cost less than
    on-demand.
    """
    price = f"{each.terms} at {figures.usd(each.usd_per_hour)}/h ({each.price_kind}, {each.price_as_of})"
    if each.hours_per_month > HOURS_PER_MONTH:
        return f"{price} never pays beside on-demand"
    return f"{price} pays from {each.hours_per_month:.0f} of {HOURS_PER_MONTH} hours a month on"


def describe_buying(each: AgainstBuying) -> str:
    """The break-even with buying in one sentence: after how many months the accelerators are cheaper bought."""
    power = f"{figures.usd(each.running_usd_per_month)} of power a month"
    price = f"bought for {figures.usd(each.purchase_usd)} and {power}"
    if each.months is None:
        return f"{price} the accelerators never cost less than their rent"
    rent = f"{figures.usd(each.rent_usd_per_month)} of rent a month"
    return f"{price} the accelerators cost less than {rent} from month {each.months:.1f} on"


def sentences(
    named: Sequence[tuple[str, AgainstApi]], terms: Sequence[AgainstTerms], buying: AgainstBuying | None, machine: str
) -> Iterator[str]:
    """Every break-even that is known, a sentence each."""
    for name, against in named:
        yield describe_api(against, name, machine)
    for each in terms:
        yield describe_terms(each)
    if buying:
        yield describe_buying(buying)
