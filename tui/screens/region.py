"""The region picker: AWS regions by id or by the name of their place, with the price of the selected row in each."""

from collections.abc import Callable, Mapping
from functools import cache

from estimator.cost.quote import Quote
from estimator.hardware.devices import Machine
from estimator.hardware.quotas import quota_bucket
from estimator.printable import without_controls
from tui.draw.figures import usd
from tui.draw.runs import Row, fit_row
from tui.screens.picker import Picker

QuoteIn = Callable[[str], Quote]
"""Price of the selected row's machines in a region on the asked terms, or why there is none."""
MISSING = {"capacity_block_only": "capacity block", "not_offered": "not offered", "no_price": "no price"}


class RegionPicker(Picker):
    """A picker of AWS regions. Returns a region's id."""

    PROMPT = "region: us-east-1, Frankfurt …"

    def __init__(self, regions: Mapping[str, str], current: str, title: str, quote_in: QuoteIn) -> None:
        super().__init__([f"{id} {name}" for id, name in regions.items()])
        self.cursor = next((at for at, name in enumerate(self.names) if name.split()[0] == current), 0)
        self.current, self.title_text, self.quote_in = current, title, cache(quote_in)

    def heading(self, cells: int) -> list[Row]:
        titles = f"{'region':<16}{'$/h':>15}{'':>7}  place"
        return [fit_row([(self.title_text, "bold")], cells), fit_row([(titles, "title")], cells)]

    def line(self, name: str, cells: int, highlighted: bool) -> Row:
        id, _, place = name.partition(" ")
        state, quoted = self.quote_in(id)
        price, here = (each.usd_per_hour if each else None for each in (quoted, self.quote_in(self.current).price))
        text = usd(price) if price is not None else MISSING[state]
        change = f"{price / here - 1:+.0%}" if price is not None and here and id != self.current else ""
        change = "=" if change in ("+0%", "-0%") else change
        return fit_row(
            [
                (f"{id:<16}", "cursor" if highlighted else "text"),
                (f"{text:>15}", "text" if price is not None else "dim"),
                (f"{change:>7}", "dim" if change == "=" else "worse" if change.startswith("+") else "better"),
                (f"  {without_controls(place)}", "dim"),
            ],
            cells,
        )


def quota_text(machine: Machine, machines: int) -> str:
    """The quota that machines need, as `2x g6e.xlarge: 8 vCPU of the quota "G and VT"`."""
    many = f"{machines}x " if machines > 1 else ""
    bucket = quota_bucket(machine)
    return f"{many}{machine.id}" + (f": {machine.vcpus * machines:,} vCPU of the quota “{bucket}”" if bucket else "")
