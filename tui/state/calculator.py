"""From a session to its answer: the one place of the application that ranks."""

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from estimator.errors import InputError
from estimator.results import Evaluation, Leaderboard
from tui.state.answer import Answer
from tui.state.measurements import Measurements
from tui.state.pins import Pin
from tui.state.remedies import Remedies
from tui.state.session import Session
from tui.state.view import rows_of

if TYPE_CHECKING:
    from catalog.load import Catalog
    from estimator.cost.quote import Quote
    from estimator.hardware.prices import RegionPrices
    from estimator.models.model import Model
    from estimator.scenario.scenario import Scenario

# What ranks is imported where it does: the last frame is on the screen before (15 ms).


class Calculator:
    """Answers sessions from the catalogue, and keeps the models read so far."""

    def __init__(self, catalog: "Catalog | None" = None) -> None:
        """`catalog`: None reads the packaged one, with the user's files over it, when it is first asked."""
        if catalog is not None:
            self.catalog = catalog
        self.resolved: dict[str, Model] = {}
        self._pinned: dict[Pin, Answer] = {}

    @cached_property
    def catalog(self) -> "Catalog":
        """What answers are made from."""
        from catalog.load import load

        return load()

    @cached_property
    def measurements(self) -> Measurements:
        """The shipped measurements; read when a panel asks."""
        return Measurements(self.catalog)

    def take(self, catalog: "Catalog") -> None:
        """Answers from another catalogue from now on; models that were read stay."""
        self.catalog = catalog
        self._pinned.clear()

    def model(self, name: str) -> "Model":
        """A model of the catalogue, of this session or on disk. Raises InputError for what would have to be fetched."""
        if name not in self.resolved:
            from catalog.sources.resolve import at_hand

            self.resolved[name] = at_hand(name, self.catalog)
        return self.resolved[name]

    def asked_model(self, scenario: "Scenario") -> "Model":
        """The scenario's model with what drafts for it, both at hand. Raises InputError for what would be fetched."""
        from estimator.models.drafter import drafting

        return drafting(self.model(scenario.model), scenario.workload.draft_model, self.model)

    def knows(self, name: str) -> bool:
        """Whether a model is there at once, without reading files or asking the Hub."""
        if name in self.resolved:
            return True
        try:
            return bool(self.catalog.model_id(name))
        except InputError:
            return False

    def answer(self, session: Session, last: Answer | None = None) -> Answer:
        """The answer to a session: ranked where what is asked changed; another look only rearranges the rows. Raises
        InputError.
        """
        inventory = self.catalog.inventory
        if last is not None and _asked(last.session) == _asked(session):
            answer = last._replace(session=session, problem="")
        else:
            model = self.asked_model(session.scenario)
            prices = self.catalog.prices(session.scenario.region)
            board = self.rank(session, model, prices)
            before = _rows_by_machine(last) if last and _comparable(last.session, session) else {}
            remedies = Remedies(model, session.scenario, inventory, prices)
            answer = Answer(
                session=session,
                model=model,
                inventory=inventory,
                board=board,
                rows=(),
                prices=prices,
                api_prices=lambda: self.catalog.api_prices,
                elsewhere=lambda: self.catalog.elsewhere,
                before=before,
                measurements=self.measurements,
                remedies=remedies,
                pinned=self.pinned,
            )
        if last is None or answer.board is not last.board or _looked(last.session) != _looked(session):
            answer = answer._replace(rows=rows_of(session, answer.board, inventory))
        selected = answer.selected
        if last is not None and selected is last.selected and answer.board is last.board:
            return answer
        return answer._replace(detail=self.detail(answer, selected) if selected else None)

    def rank(self, session: Session, model: "Model", prices: "RegionPrices") -> Leaderboard:
        """The leaderboard of a session: every machine of the deployment; in the accelerators view also devices and CPU
        hosts.

        Recommendations stand on prices to decide by.
        """
        from estimator.ranking import rank as ranking

        inventory = self.catalog.inventory
        prices = prices.for_decisions() if session.view == "recommended" else prices
        everything = session.view == "accelerators" and session.scenario.deployment == "cloud"
        machines = inventory.machines.values() if everything else None
        return ranking.rank(model, session.scenario, inventory, prices, machines)

    def pinned(self, pin: Pin) -> Answer:
        """The answer of a pin's own scenario, its row alone. Raises InputError where it can not be asked any more."""
        if pin not in self._pinned:
            from estimator.ranking import rank as ranking
            from estimator.scenario.placement import devices

            session = Session(scenario=pin.scenario)
            model, prices = self.asked_model(pin.scenario), self.catalog.prices(pin.scenario.region)
            inventory = self.catalog.inventory
            machine = inventory.machines.get(pin.machine) or devices(pin.accelerator, pin.count, inventory)
            board = ranking.rank(model, pin.scenario, inventory, prices, [machine], detail=True, replayed=True)
            if not board.rows:
                raise InputError(pin.machine, "is not offered for this scenario")
            self._pinned[pin] = Answer(
                session=session,
                model=model,
                inventory=inventory,
                board=board,
                rows=board.rows[:1],
                prices=prices,
                measurements=self.measurements,
                detail=board.rows[0],
            )
        return self._pinned[pin]

    def quote_in(self, answer: Answer, region: str) -> "Quote":
        """The selected row's machines in another region on the asked terms, priced together; or why not."""
        from estimator.cost.quote import Quote, quote
        from estimator.scenario.placement import machine_named

        row = answer.selected
        if row is None:
            return Quote("not_offered")
        machine = machine_named(row.candidate, answer.inventory)
        device, scenario = answer.inventory.accelerators[row.candidate.accelerator], answer.session.scenario
        asked = quote(machine, device, self.catalog.prices(region), scenario.price_terms, scenario.ownership)
        if asked.price is None:
            return asked
        together = asked.price.usd_per_hour * row.candidate.machines
        return asked._replace(price=asked.price._replace(usd_per_hour=together))

    def detail(self, answer: Answer, row: Evaluation) -> Evaluation:
        """A row of the board in full."""
        from estimator.ranking import rank as ranking

        scenario = answer.session.scenario
        replayed = bool(scenario.service_level)  # without one no page shows what only a replay knows
        full = ranking.in_full(row, answer.model, scenario, self.catalog.inventory, answer.prices, replayed)
        suggestion = answer.remedies.of(row) if answer.remedies else None
        return full._replace(suggestion=suggestion or None)


def _comparable(before: Session, now: Session) -> bool:
    """Whether the figures of two sessions differ by an edit worth marking: not the same scenario, not another model."""
    one, other = before.scenario, now.scenario
    return one != other and one.model == other.model and before.task == now.task


def _asked(session: Session) -> tuple[object, str]:
    return session.scenario, session.view


def _looked(session: Session) -> tuple[object, ...]:
    """What decides which rows of a board are shown, and in which order."""
    return session.scenario, session.view, session.filter, session.sort, session.reverse


def _rows_by_machine(answer: Answer) -> Mapping[str, Evaluation]:
    return {row.candidate.machine: row for row in answer.board.rows}
