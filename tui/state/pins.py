"""Pins: rows kept for comparison, each a machine with its whole scenario, and the verbs that change their list."""

from collections.abc import Mapping
from dataclasses import replace

from estimator.records import record
from estimator.scenario.scenario import Scenario

MOST_PINS = 8
"""Letters that a comparison has, and shapes and colours that its chart can tell apart."""
LETTERS = "ABCDEFGH"


@record(frozen=True, slots=True)
class Pin:
    """One pin, a column of the comparison: a machine with its whole scenario."""

    scenario: Scenario
    machine: str
    accelerator: str = ""
    """With `count`, the devices of a machine that is no instance type."""
    count: int = 0
    name: str = ""
    """The user's own; empty names it by its machine."""

    @property
    def label(self) -> str:
        return self.name or self.machine


Pins = tuple[Pin, ...]


def moved_pin(pins: Pins, at: int, by: int) -> Pins:
    """The list of pins with one of them moved by some places; the first is the baseline."""
    to = at + by
    if not (0 <= at < len(pins) and 0 <= to < len(pins)):
        return pins
    order = list(pins)
    order.insert(to, order.pop(at))
    return tuple(order)


def dropped_pin(pins: Pins, at: int) -> Pins:
    """The list of pins without one of them."""
    return pins[:at] + pins[at + 1 :]


def renamed_pin(pins: Pins, at: int, name: str) -> Pins:
    """The list of pins with a name of the user's own for one of them; an empty one names it by its machine."""
    return tuple(replace(pin, name=name.strip()[:40]) if index == at else pin for index, pin in enumerate(pins))


def pin_marks(pins: Pins, scenario: Scenario) -> Mapping[str, str]:
    """Marks of pinned machines: ● where one is pinned with this scenario, ○ where it is with another one only."""
    marks = {pin.machine: "○" for pin in pins}
    return marks | {pin.machine: "●" for pin in pins if pin.scenario == scenario}
