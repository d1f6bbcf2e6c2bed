"""Pinning: the selected row of an answer becomes a pin of its session, or stops being one."""

from dataclasses import replace

from estimator.errors import InputError
from tui.state.answer import Answer
from tui.state.pins import MOST_PINS, Pin
from tui.state.session import Session


def pin_of(answer: Answer) -> Pin:
    """The selected row with its scenario, as a pin. Raises InputError where no row is shown."""
    row = answer.selected
    if row is None:
        raise InputError("pin", "no row is shown; esc clears the filter")
    at = row.candidate
    if at.machine in answer.inventory.machines:
        return Pin(answer.session.scenario, at.machine)
    return Pin(
        scenario=answer.session.scenario,
        machine=at.machine,
        accelerator=at.accelerator,
        count=int(at.accelerators / at.machines),
    )


def toggle_pin(answer: Answer) -> Session:
    """The session with the selected row pinned, or no longer. Raises InputError for what can not be compared."""
    session, pin = answer.session, pin_of(answer)
    same = [each for each in session.pins if replace(each, name="") == pin]
    if same:
        return session.with_pins(tuple(each for each in session.pins if each not in same))
    if len(session.pins) >= MOST_PINS:
        raise InputError("pin", f"{MOST_PINS} are compared at most; d on 5 Compare drops one")
    if any(bool(each.scenario.training) != bool(pin.scenario.training) for each in session.pins):
        kind = "a training run" if pin.scenario.training else "a served model"
        raise InputError("pin", f"{kind} is not compared with the pins: it has other figures; d on 5 Compare drops one")
    return session.with_pins((*session.pins, pin))
