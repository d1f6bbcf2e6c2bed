"""The region picker: AWS regions by id or by the name of their place, with the price of the selected row in each."""

from collections.abc import Callable, Mapping
from functools import cache, partial

from estimator.cost.quote import Quote
from estimator.hardware.devices import Machine
from estimator.hardware.quotas import quota_bucket
from estimator.printable import without_controls
from estimator.scenario.placement import machine_named
from tui.draw.figures import usd
from tui.draw.table import Cell, Column
from tui.screens.page import Page
from tui.screens.table_picker import TablePicker
from tui.screens.terms import owned_text
from tui.state.calculator import Calculator
from tui.state.readings import is_owned

QuoteIn = Callable[[str], Quote]
"""Price of the selected row's machines in a region on the asked terms, or why there is none."""
COLUMNS = (
    Column("region", "region", 6, 0, "left"),
    Column("price", "$/h", 9, 0),
    Column("change", "", 5, 2),
    Column("place", "place", 5, 1, "left"),
)
MISSING = {"capacity_block_only": "capacity block", "not_offered": "not offered", "no_price": "no price"}


class RegionPicker(TablePicker):
    """A picker of AWS regions. Returns a region's id."""

    PROMPT = "region: us-east-1, Frankfurt …"

    def __init__(self, regions: Mapping[str, str], current: str, title: str, quote_in: QuoteIn | None) -> None:
        """Without a row that is looked at there is nothing to quote, and the regions stand alone."""
        super().__init__([f"{id} {name}" for id, name in regions.items()])
        self.cursor = next((at for at, name in enumerate(self.names) if name.split()[0] == current), 0)
        self.current, self.title_text, self.quote_in = current, title, quote_in and cache(quote_in)

    def subject(self) -> str:
        return self.title_text

    def columns(self) -> tuple[Column, ...]:
        return COLUMNS if self.quote_in else (COLUMNS[0], COLUMNS[-1])

    def values(self, name: str) -> Mapping[str, Cell]:
        id, _, place = name.partition(" ")
        if self.quote_in is None:
            return {"region": Cell(id), "place": Cell(without_controls(place), "dim")}
        state, quoted = self.quote_in(id)
        price, here = (each.usd_per_hour if each else None for each in (quoted, self.quote_in(self.current).price))
        text = usd(price) if price is not None else MISSING[state]
        change = f"{price / here - 1:+.0%}" if price is not None and here and id != self.current else ""
        change = "=" if change in ("+0%", "-0%") else change
        return {
            "region": Cell(id),
            "price": Cell(text, "" if price is not None else "dim"),
            "change": Cell(change, "dim" if change == "=" else "worse" if change.startswith("+") else "better"),
            "place": Cell(without_controls(place), "dim"),
        }


def quota_text(machine: Machine, machines: int) -> str:
    """The quota that machines need, as `2x g6e.xlarge: 8 vCPU of the quota "G and VT"`."""
    many = f"{machines}x " if machines > 1 else ""
    bucket = quota_bucket(machine)
    return f"{many}{machine.id}" + (f": {machine.vcpus * machines:,} vCPU of the quota “{bucket}”" if bucket else "")


def ask(page: Page, calculator: Calculator) -> None:
    """Asks for a region, with the price of the selected row in each."""
    answer = page.answer
    if answer is None:
        return
    quote_in = partial(calculator.quote_in, answer) if answer.selected else None
    scenario, title = answer.session.scenario, ""
    if row := answer.selected:
        title = quota_text(machine_named(row.candidate, answer.inventory), row.candidate.machines)
        title += f" {owned_text(row, 'in every region')}" if is_owned(row) else ""

    def take(region: str | None) -> None:
        if region:
            page.edit(lambda answer: answer.session.in_region(region.split()[0]))

    page.app.push_screen(RegionPicker(calculator.catalog.regions, scenario.region, title, quote_in), take)
