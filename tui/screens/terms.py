"""The terms of price side by side: what the selected row costs under each, how old that is, from when it pays."""

from collections.abc import Sequence
from datetime import date

from estimator.cost.terms import TermsOffer, offers
from estimator.hardware.prices import Price, price_age_days
from estimator.scenario.placement import machine_named
from tui.draw.figures import usd
from tui.draw.runs import Row, fit_row
from tui.draw.table import Cell, Column, fit_columns, header_row, table_row
from tui.screens.page import Page
from tui.screens.picker import Picker
from tui.state.readings import instance

COLUMNS = (
    Column("terms", "terms", 15, 0, "left"),
    Column("price", "$/h", 9, 0),
    Column("change", "", 6, 1),
    Column("range", "low–high", 15, 3),
    Column("age", "price of", 17, 0),
    Column("even", "pays from", 16, 2),
)
MISSING = {"capacity_block_only": "capacity block only", "not_offered": "not offered here", "no_price": "no price"}


class TermsPicker(Picker):
    """Returns the chosen terms."""

    PROMPT = "price terms: spot, savings …"

    def __init__(self, offers: Sequence[TermsOffer], current: str, title: str, today: date) -> None:
        self.offers = {each.terms: each for each in offers}
        super().__init__(list(self.offers), current)
        self.now, self.title_text, self.today = current, title, today

    def heading(self, cells: int) -> list[Row]:
        return [fit_row([(self.title_text, "bold")], cells), header_row(fit_columns(COLUMNS, cells), cells)]

    def line(self, name: str, cells: int, highlighted: bool) -> Row:
        offer = self.offers[name]
        title = Cell(f"{name}{' ‹' if name == self.now else ''}", "cursor" if highlighted else "text")
        if offer.price is None:
            width = COLUMNS[0].width
            return fit_row([(f"{title.text:<{width}}", title.style), (f" {MISSING[offer.state]}", "dim")], cells)
        ratio, even = offer.against_on_demand, offer.break_even_hours
        change = f"{ratio - 1:+.0%}" if ratio and name != "on-demand" else ""
        values = {
            "terms": title,
            "price": Cell(usd(offer.price.usd_per_hour), "bold"),
            "change": Cell(change, "better" if ratio and ratio < 1 else "worse"),
            "range": Cell(_range(offer.price), "dim"),
            "age": Cell(_age(offer, self.today), "warn" if offer.stale else "dim"),
            "even": Cell(_pays(even), "text"),
        }
        return table_row(fit_columns(COLUMNS, cells), values, cells)

    def status(self) -> str:
        notes = [f"{each.terms} {each.note}" for each in self.offers.values() if each.note]
        if any(each.stale for each in self.offers.values()):
            notes.append("! old price")
        return " · ".join(notes)


def _range(price: Price) -> str:
    """The least and the most that zones ask; empty where all ask one price."""
    if price.low is None or price.high is None or price.low == price.high:
        return ""
    return f"{usd(price.low)}–{usd(price.high)}"


def _age(offer: TermsOffer, today: date) -> str:
    """`2025-04-04 604d !`: the day of the price, its age, and a mark where that matters."""
    assert offer.price
    return f"{offer.price.as_of} {price_age_days(offer.price, today)}d{' !' if offer.stale else '  '}"


def _pays(hours: float | None) -> str:
    """From how many hours a month a commitment is cheaper than on-demand."""
    if hours is None:
        return ""
    return f"{hours:.0f} h/month" if hours < 730 else "never"


def ask(page: Page) -> None:
    """Asks for terms of price, with the selected row's under each."""
    answer = page.answer
    row = answer.selected if answer else None
    if answer is None or row is None:
        page.say("no row is shown; esc clears the filter")
        return
    scenario, machine = answer.session.scenario, machine_named(row.candidate, answer.inventory)
    device = answer.inventory.accelerators[row.candidate.accelerator]
    sheet = offers(machine, device, answer.prices, scenario.ownership, row.candidate.machines)
    title = f"{instance(row)} in {answer.prices.region}" if machine.kind != "device" else f"{instance(row)}, owned"

    def take(terms: str | None) -> None:
        if terms:
            page.edit(lambda answer: answer.session.with_price_terms(terms))

    page.app.push_screen(TermsPicker(sheet, scenario.price_terms, title, date.today()), take)
