"""The region picker: AWS regions by id or by the name of their place, with the price of the selected row in each."""

from collections.abc import Callable, Mapping
from functools import cache

from estimator.printable import without_controls
from tui.draw.figures import usd
from tui.draw.runs import Row, fit_row
from tui.screens.picker import Picker

PriceIn = Callable[[str], float | None]
"""Price of the selected machine in a region [USD/hour]; None where it has none on the asked terms."""


class RegionPicker(Picker):
    """Returns a region's id."""

    PROMPT = "region: us-east-1, Frankfurt …"

    def __init__(self, regions: Mapping[str, str], current: str, machine: str, price_in: PriceIn) -> None:
        super().__init__([f"{id} {name}" for id, name in regions.items()])
        self.cursor = next((at for at, name in enumerate(self.names) if name.split()[0] == current), 0)
        self.current, self.machine, self.price_in = current, machine, cache(price_in)

    def heading(self, cells: int) -> list[Row]:
        return [fit_row([(f"{'region':<16}{self.machine + ' $/h':>22}{'':>7}  place", "title")], cells)]

    def line(self, name: str, cells: int, highlighted: bool) -> Row:
        id, _, place = name.partition(" ")
        price, here = self.price_in(id), self.price_in(self.current)
        text = usd(price) if price is not None else "not offered"
        change = f"{price / here - 1:+.0%}" if price is not None and here and id != self.current else ""
        change = "=" if change in ("+0%", "-0%") else change
        return fit_row(
            [
                (f"{id:<16}", "cursor" if highlighted else "text"),
                (f"{text:>22}", "text" if price is not None else "dim"),
                (f"{change:>7}", "dim" if change == "=" else "worse" if change.startswith("+") else "better"),
                (f"  {without_controls(place)}", "dim"),
            ],
            cells,
        )
