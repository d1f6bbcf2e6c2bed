"""The region picker: AWS regions by id or by the name of their place."""

from collections.abc import Mapping

from estimator.printable import without_controls
from tui.draw.runs import Row, fit_row
from tui.screens.picker import Picker


class RegionPicker(Picker):
    """Returns a region's id."""

    PROMPT = "region: us-east-1, Frankfurt …"

    def __init__(self, regions: Mapping[str, str], current: str) -> None:
        super().__init__([f"{id} {name}" for id, name in regions.items()])
        self.cursor = next((at for at, name in enumerate(self.names) if name.split()[0] == current), 0)

    def line(self, name: str, cells: int, highlighted: bool) -> Row:
        id, _, place = name.partition(" ")
        return fit_row([(f"{id:<18}", "cursor" if highlighted else "text"), (without_controls(place), "dim")], cells)
