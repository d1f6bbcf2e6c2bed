"""The session: what is asked and how it is looked at, as one frozen value with verbs; undo is a list of them."""

from dataclasses import field, replace
from typing import NamedTuple

from estimator.checks import check
from estimator.errors import InputError
from estimator.models.formats import WEIGHT_FORMATS
from estimator.records import record
from estimator.scenario.scenario import Scenario
from estimator.scenario.traffic import MOST_REQUESTS
from estimator.scenario.training_workload import METHODS, OPTIMIZERS, TrainingWorkload
from estimator.scenario.workload import ServingWorkload
from tui.state.pins import Pin, Pins

VIEWS = ("instances", "accelerators", "recommended")
WEIGHT_CYCLE = ("bf16", "fp8", "int8", "int4-awq", "mxfp4", "nvfp4")
CACHE_CYCLE = ("bf16", "fp8")
MOST_TOKENS = 10_000_000
MOST_USERS = 1_000_000
MOST_USED = 8
"""Models that are remembered as used."""
KEPT = 200
"""Scenarios that undo remembers."""


@record(frozen=True, slots=True)
class Session:
    """One session: the scenario, and how its leaderboard is looked at."""

    scenario: Scenario = field(default_factory=Scenario)
    screen: str = "leaderboard"
    view: str = "instances"
    filter: str = ""
    sort: str = ""
    """Column that orders the rows; empty is the ranking's own order."""
    reverse: bool = False
    column: str = ""
    """Key of the leaderboard's column under the column cursor; empty where none is chosen."""
    serving_columns: str = ""
    """Keys of the columns that are shown of a service, in their order; empty shows all there is room for."""
    training_columns: str = ""
    """Keys of the columns that are shown of a training run, in their order."""
    selection: str = ""
    """Machine of the selected row; empty, or one that is not shown, selects the first."""
    follow: bool = False
    """Whether the leaderboard's cursor stays with the selected row through edits: it was moved there."""
    run: TrainingWorkload = field(default_factory=TrainingWorkload)
    """The last training run, for when one comes back to it."""
    pins: Pins = ()
    """Rows kept for comparison; undo leaves them alone."""
    used: tuple[str, ...] = ()
    """Models that were asked about, the last one first."""
    unknown: tuple[tuple[str, str], ...] = ()
    """Keys of its file that this program does not know, with their values as JSON: they are written back."""

    @property
    def task(self) -> str:
        """The task that is asked: `serve` or `train`."""
        return "train" if self.scenario.training else "serve"

    # What is asked. Every verb raises InputError for a value out of bounds.

    def with_scenario(self, scenario: Scenario) -> "Session":
        parts = (scenario.workload, scenario.service_level, scenario.settings, scenario.placement, scenario.training)
        for part in parts:
            if part is not None:
                check(part)
        return replace(self, scenario=scenario, run=scenario.training or self.run)

    def with_model(self, model: str, native_weights: str = "") -> "Session":
        """The session with another model; one that is published quantised is asked for as published."""
        published = native_weights if native_weights in WEIGHT_FORMATS and native_weights != "bf16" else ""
        scenario = replace(self.scenario, model=model, weights=published or self.scenario.weights)
        used = dict.fromkeys((model, self.scenario.model, *self.used))
        return replace(self, scenario=scenario, used=tuple(used)[:MOST_USED])

    def with_weights(self, weights: str) -> "Session":
        return replace(self, scenario=replace(self.scenario, weights=weights))

    def with_cache(self, kv: str) -> "Session":
        return replace(self, scenario=replace(self.scenario, kv=kv))

    def with_workload(self, workload: ServingWorkload) -> "Session":
        return self.with_scenario(replace(self.scenario, workload=workload))

    def with_input_tokens(self, tokens: int) -> "Session":
        return self.with_workload(replace(self.scenario.workload, input_tokens=tokens))

    def with_users(self, users: int) -> "Session":
        return self.with_workload(replace(self.scenario.workload, concurrency=users))

    def in_region(self, region: str) -> "Session":
        return replace(self, scenario=replace(self.scenario, region=region))

    def with_price_terms(self, terms: str) -> "Session":
        return replace(self, scenario=replace(self.scenario, price_terms=terms))

    def with_training(self, training: TrainingWorkload | None) -> "Session":
        """The session with a training run, or a service where it is None; another task begins at the top."""
        changed = replace(self, scenario=replace(self.scenario, training=training), run=training or self.run)
        return changed if bool(training) == bool(self.scenario.training) else changed.from_the_top()

    def serve_or_train(self) -> "Session":
        """The session with the other task; a run comes back with the settings it had."""
        return self.with_training(None if self.scenario.training else self.run)

    def without_points(self) -> "Session":
        """The session without the user's own measurements. Raises InputError where there are none."""
        if not self.scenario.calibrations:
            raise InputError("measured points", "there are none; n on the performance page takes one")
        return replace(self, scenario=replace(self.scenario, calibrations=()))

    def next_weights(self, possible: tuple[str, ...] = WEIGHT_CYCLE) -> "Session":
        """The session with the next weight format of those that are possible; of a training run, the next method."""
        training = self.scenario.training
        if training:
            return self.with_training(replace(training, method=_after(training.method, METHODS)))
        return self.with_weights(_after(self.scenario.weights, possible))

    def next_cache(self) -> "Session":
        """The session with the next cache format; of a training run, the next optimizer."""
        training = self.scenario.training
        if training:
            return self.with_training(replace(training, optimizer=_after(training.optimizer, OPTIMIZERS)))
        return self.with_cache(_after(self.scenario.kv, CACHE_CYCLE))

    def more_users(self) -> "Session":
        return self._with_load(2)

    def fewer_users(self) -> "Session":
        return self._with_load(0.5)

    def more_input(self) -> "Session":
        return self._with_length(2)

    def less_input(self) -> "Session":
        return self._with_length(0.5)

    def _with_length(self, factor: float) -> "Session":
        """Input tokens, or the sequence length of a training run."""
        training = self.scenario.training
        tokens = training.sequence_length if training else self.scenario.workload.input_tokens
        tokens = max(1, min(MOST_TOKENS, int(tokens * factor)))
        if training:
            return self.with_training(replace(training, sequence_length=tokens))
        return self.with_input_tokens(tokens)

    def _with_load(self, factor: float) -> "Session":
        """Users, requests per second or of a burst, or the global batch of a training run."""
        workload, training = self.scenario.workload, self.scenario.training
        if training:
            batch = max(1, min(MOST_USERS, int(training.global_batch * factor)))
            return self.with_training(replace(training, global_batch=batch))
        if workload.requests_per_second is not None:
            rate = min(1e6, workload.requests_per_second * factor)
            return self.with_workload(replace(workload, requests_per_second=rate))
        if workload.kind == "burst":
            requests = max(1, min(MOST_REQUESTS, int((workload.requests or 1) * factor)))
            return self.with_workload(replace(workload, requests=requests))
        return self.with_users(max(1, min(MOST_USERS, int(workload.concurrency * factor))))

    # What is looked at.

    def on_screen(self, screen: str) -> "Session":
        return replace(self, screen=screen)

    def from_the_top(self) -> "Session":
        """The session with the cursor on the first row, where it stays until it is moved."""
        return replace(self, selection="", follow=False)

    def in_view(self, view: str) -> "Session":
        """The session in another view of the leaderboard, from the top."""
        return replace(self.from_the_top(), view=view)

    def next_view(self) -> "Session":
        return self.in_view(_after(self.view, VIEWS))

    def filtered(self, text: str) -> "Session":
        return replace(self, filter=text)

    def sorted_by(self, column: str, reverse: bool = False) -> "Session":
        """The session in another order, from the top."""
        return replace(self.from_the_top(), sort=column, reverse=reverse)

    @property
    def columns(self) -> str:
        """Keys of the columns that were chosen for the task; none shows all."""
        return self.training_columns if self.scenario.training else self.serving_columns

    def with_columns(self, keys: str) -> "Session":
        """The session with other columns of the task, in another order."""
        if self.scenario.training:
            return replace(self, training_columns=keys)
        return replace(self, serving_columns=keys)

    def at_column(self, column: str) -> "Session":
        """The session with the column cursor on another column, or on none."""
        return replace(self, column=column)

    def reversed(self) -> "Session":
        """The session with the order of its rows the other way round, from the top."""
        return replace(self.from_the_top(), reverse=not self.reverse)

    def selecting(self, machine: str) -> "Session":
        """The session with the cursor moved to a row, which it follows from now on."""
        return replace(self, selection=machine, follow=True)

    def about(self, machine: str) -> "Session":
        """The session with a page about one row: it stays with that row, while the leaderboard's cursor does as
        before.
        """
        return replace(self, selection=machine)

    def with_pins(self, pins: Pins) -> "Session":
        return replace(self, pins=pins)

    def opening(self, pin: Pin) -> "Session":
        """The session with a pin's scenario again, and the cursor on its row."""
        return replace(self, scenario=pin.scenario, run=pin.scenario.training or self.run).selecting(pin.machine)

    def with_cursor_of(self, other: "Session") -> "Session":
        return replace(self, selection=other.selection, follow=other.follow)


class History(NamedTuple):
    """The present session, and the scenarios and pins before and after it."""

    now: Session
    past: tuple[Session, ...] = ()
    future: tuple[Session, ...] = ()

    def to(self, session: Session) -> "History":
        """The history moved on to a session; a change of the scenario or of the pins is a step that can be undone."""
        if session.scenario == self.now.scenario and session.pins == self.now.pins:
            return self._replace(now=session)
        return History(session, (*self.past[-KEPT:], self.now))

    def undone(self) -> "History":
        if not self.past:
            return self
        return History(self._as_seen(self.past[-1]), self.past[:-1], (self.now, *self.future))

    def redone(self) -> "History":
        if not self.future:
            return self
        return History(self._as_seen(self.future[0]), (*self.past, self.now), self.future[1:])

    def _as_seen(self, session: Session) -> Session:
        return replace(self.now, scenario=session.scenario, pins=session.pins)


def _after(value: str, cycle: tuple[str, ...]) -> str:
    """The next of a cycle; a value outside it leads to the first."""
    return cycle[(cycle.index(value) + 1) % len(cycle)] if value in cycle else cycle[0]
