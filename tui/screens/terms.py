"""Price terms side by side: what the selected row costs under each, how old that is, from when it pays."""

from collections.abc import Mapping, Sequence

from estimator.cost.offers import Offer, offers
from estimator.hardware.elsewhere import cheapest_elsewhere
from estimator.hardware.prices import Price
from estimator.results import Evaluation
from estimator.scenario.placement import machine_named
from estimator.units import HOURS_PER_MONTH
from tui.draw.figures import usd
from tui.draw.table import Cell, Column
from tui.screens.page import Page
from tui.screens.table_picker import TablePicker
from tui.state.answer import Answer
from tui.state.readings import instance, is_owned, missing_price

COLUMNS = (
    Column("terms", "terms", 14, 0, "left"),
    Column("price", "$/h", 8, 0),
    Column("change", "", 5, 1),
    Column("range", "low–high", 8, 4),
    Column("age", "price of", 8, 2),
    Column("even", "pays from", 9, 3),
)
MISSING = {"capacity_block_only": "capacity block only", "not_offered": "not offered here", "no_price": "no price"}
COMMITTED = frozenset({"reserved-1y", "reserved-3y", "savings-1y", "savings-3y"})
"""Terms that are paid for every hour of a month, used or not."""
PROVIDERS = 3
"""Other clouds that are named, the cheapest ones."""


class TermsPicker(TablePicker):
    """A picker of price terms. Returns the chosen ones."""

    PROMPT = "price terms: spot, savings …"
    WIDTH = 110

    def __init__(
        self,
        listed: Sequence[Offer],
        current: str,
        title: str,
        machines: int = 1,
        owned: bool = False,
        elsewhere: str = "",
    ) -> None:
        """An `owned` machine has one price, on any terms; `elsewhere` says what other clouds ask."""
        self.offers = {each.terms: each for each in listed}
        self.now, self.title_text, self.machines, self.owned = current, title, machines, owned
        self.elsewhere = elsewhere
        super().__init__(list(self.offers), current)

    def subject(self) -> str:
        return self.title_text

    def called(self, name: str) -> str:
        return name

    def columns(self) -> tuple[Column, ...]:
        return COLUMNS

    def values(self, name: str) -> Mapping[str, Cell]:
        offer = self.offers[name]
        title = Cell(f"{name}{' ‹' if name == self.now else ''}")
        if offer.price is None:
            return {"terms": title, "price": Cell(MISSING[offer.state], "dim")}
        ratio = offer.share_of_on_demand
        change = f"{ratio - 1:+.0%}" if ratio and name != "on-demand" and not self.owned else ""
        return {
            "terms": title,
            "price": Cell(usd(offer.price.usd_per_hour * self.machines), "bold"),
            "change": Cell(change, "better" if ratio and ratio < 1 else "worse"),
            "range": Cell(_range(offer.price, self.machines), "dim"),
            "age": Cell(_age(offer), "warn" if offer.stale else "dim"),
            "even": Cell("" if self.owned else _pays(offer)),
        }

    def detail(self, name: str, cells: int) -> str:
        own = super().detail(name, cells) if super().detail_lines(cells) else ""
        return " · ".join(filter(None, (own, self.elsewhere)))

    def detail_lines(self, cells: int) -> int:
        return self.DETAIL if self.elsewhere else super().detail_lines(cells)

    def status(self) -> str:
        notes = [f"{each.terms} taken back: {each.interruption}" for each in self.offers.values() if each.interruption]
        return " · ".join([*notes, *(["* old price"] if any(each.stale for each in self.offers.values()) else [])])


def elsewhere_text(answer: Answer, row: Evaluation) -> str:
    """What the cheapest of other clouds ask for an hour of as many of a row's accelerators; empty where none does."""
    at = row.candidate
    rentals = cheapest_elsewhere(answer.elsewhere(), at.accelerator)[:PROVIDERS] if answer.elsewhere else ()
    asked = (f"{usd(each.usd_per_device_hour * at.accelerators)} {each.provider} {each.as_of}" for each in rentals)
    return f"elsewhere {', '.join(asked)}" if rentals else ""


def owned_text(row: Evaluation, everywhere: str) -> str:
    """Where an owned machine's one price holds, or what would give it one."""
    return f"owned: {missing_price(row)[0] or f'one price {everywhere}'}"


def _range(price: Price, machines: int) -> str:
    """The least and the most that zones ask; empty where all ask one price."""
    if price.low is None or price.high is None or price.low == price.high:
        return ""
    return f"{usd(price.low * machines)}–{usd(price.high * machines)}"


def _age(offer: Offer) -> str:
    """`2025-04-04 604d*`: the day of the price, its age, and a mark where that matters."""
    day = offer.price.as_of if offer.price else ""
    age = f" {offer.age_days}d" if offer.age_days is not None else ""
    return f"{day}{age}{'*' if offer.stale else ' '}"


def _pays(offer: Offer) -> str:
    """From how many hours a month a commitment is cheaper than on-demand."""
    if offer.terms not in COMMITTED or offer.share_of_on_demand is None:
        return ""
    hours = offer.share_of_on_demand * HOURS_PER_MONTH
    return f"{hours:.0f} h/month" if hours < HOURS_PER_MONTH else "never"


def ask(page: Page) -> None:
    """Asks for terms of price, with the selected row's under each."""
    answer = page.answer
    row = answer.selected if answer else None
    if answer is None or row is None:
        page.say("no row is shown; esc clears the filter")
        return
    scenario, machine = answer.session.scenario, machine_named(row.candidate, answer.inventory)
    device = answer.inventory.accelerators[row.candidate.accelerator]
    listed = offers(machine, device, answer.prices, scenario.ownership)
    owned = is_owned(row)
    where = owned_text(row, "on any terms") if owned else f"in {answer.prices.region}"

    def take(terms: str | None) -> None:
        if terms:
            page.edit(lambda answer: answer.session.with_price_terms(terms))

    picker = TermsPicker(
        listed,
        scenario.price_terms,
        f"{instance(row)} {where}",
        machines=row.candidate.machines,
        owned=owned,
        elsewhere="" if owned else elsewhere_text(answer, row),
    )
    page.app.push_screen(picker, take)
