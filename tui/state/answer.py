"""What every page draws: the session, its model, and what they rank to, as one frozen value."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from estimator.hardware.prices import RegionPrices
from estimator.results import Evaluation, Leaderboard
from tui.state.pins import Pin
from tui.state.session import Session
from tui.tabs import BASE

if TYPE_CHECKING:
    from estimator.hardware.elsewhere import Rental
    from estimator.models.model import Model
    from estimator.planning.breakeven import ApiPrice
    from estimator.scenario.inventory import Inventory
    from tui.state.measurements import Measurements
    from tui.state.remedies import Remedies


class Answer(NamedTuple):
    """The answer that every page draws: replaced whole on every edit and bound down from the app to its widgets."""

    session: Session
    model: "Model"
    inventory: "Inventory"
    board: Leaderboard
    rows: tuple[Evaluation, ...]
    """The rows of the session's view, filtered and in its order."""
    prices: RegionPrices = RegionPrices("", {})
    """Prices of the session's region: pages judge variations of the selected row with them."""
    api_prices: "Callable[[], Mapping[str, ApiPrice]] | None" = None
    """What hosted APIs ask for their tokens, by name; read when a panel asks."""
    elsewhere: "Callable[[], Sequence[Rental]] | None" = None
    """What other clouds ask for machines; read when a panel asks."""
    before: Mapping[str, Evaluation] = {}
    """The rows by machine as they were before the last change of the scenario; empty after none."""
    measurements: "Measurements | None" = None
    """The shipped measurements; read when a panel asks."""
    remedies: "Remedies | None" = None
    """The changes that would make rows fit that do not."""
    detail: Evaluation | None = None
    """The selected row with the time of every operator."""
    pinned: "Callable[[Pin], Answer] | None" = None
    """The answer of a pin's own scenario, worked out once. Raises InputError where it can not be asked any more."""
    problem: str = ""
    """✗ and why the last edit was refused, the rest being the last valid answer; or ✓ and what was done."""

    @property
    def selected(self) -> Evaluation | None:
        """The row under the cursor; None where no row is shown."""
        return self.rows[self.cursor] if self.rows else None

    @property
    def cursor(self) -> int:
        """Place of the selected row among the rows; on the leaderboard the first, until the cursor was moved."""
        session = self.session
        if session.follow or session.screen != BASE:
            for at, row in enumerate(self.rows):
                if row.candidate.machine == session.selection:
                    return at
        return 0

    @property
    def best(self) -> Evaluation | None:
        """The row with the Best Value badge; None where no row has it."""
        return next((row for row in self.board.rows if row.best_value), None)
