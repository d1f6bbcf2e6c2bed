"""A measured point of one's own: paste a benchmark's result, see the factor, take it with enter."""

from dataclasses import replace

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.widgets import Static, TextArea

from estimator.advice.study import Study
from estimator.engines.speed_constants import Calibration
from estimator.errors import InputError
from estimator.printable import without_controls
from estimator.scenario.scenario import Scenario
from estimator.serving.load.calibration import MOST_POINTS, calibration, parse
from estimator.serving.memory.start_log import StartLog, compare_start, read_start_log
from tui.fault import describe_internal_error
from tui.screens.modal import Modal

ASK = "Paste what `vllm bench serve` or `sglang.bench_serving` printed, its JSON, or an engine's start-up log."


def scenario_point(scenario: Scenario, accelerator: str, engine: str) -> Calibration:
    """The point that a scenario holds of an engine class on an accelerator; one that corrects nothing where none."""
    empty = Calibration(accelerator=accelerator, engine=engine)
    points = [each for each in scenario.calibrations if each[:2] == empty[:2]]
    return points[-1] if points else empty


def point_text(point: Calibration) -> str:
    """What a measured point corrects, in words."""
    times = f"decode x{point.decode:.2f}, prefill x{point.prefill:.2f}"
    reserve = f"reserve {point.reserve_gib:+.2f} GiB"
    return ", ".join([*([times] if point.timed else []), *([reserve] if point.reserve_gib else [])]) or times


def start_text(log: StartLog) -> str:
    """A start-up beside the budget, figure by figure, and the reserve that follows."""
    lines = [f"{each.name} {each.printed_gib:.2f} for {each.predicted_gib:.2f}" for each in log.lines]
    return f"✓ GiB printed for expected: {', '.join(lines)} · reserve {log.reserve_gib:+.2f} GiB"


class Measure(Modal[Scenario | None]):
    """A modal that takes a measurement. Returns the scenario with the point, or None."""

    CSS_PATH = "measure.tcss"
    BINDINGS = [  # noqa: RUF012
        Binding("escape", "dismiss(None)", "Close", show=False, priority=True),
        Binding("enter", "take", "Take it", show=False, priority=True),
    ]

    def __init__(self, study: Study) -> None:
        super().__init__()
        self.study = study
        self.taken: Scenario | None = None

    def compose(self) -> ComposeResult:
        area = TextArea(soft_wrap=False, show_line_numbers=False)
        device, engine = self.study.node.device, self.study.engine
        area.border_title = f"measured on {device.label or device.id} with {engine.name}"
        area.border_subtitle = "enter takes it · esc closes"
        yield area
        self.taken, said = self.reading("")
        yield Static(without_controls(said), id="reading", markup=False)

    @on(TextArea.Changed)
    def read(self, event: TextArea.Changed) -> None:
        try:
            self.taken, said = self.reading(event.text_area.text)
        except Exception as error:  # whatever is pasted gets one line
            self.taken, said = None, f"✗ {describe_internal_error(error)}"
        self.query_one("#reading", Static).update(without_controls(said))

    def reading(self, pasted: str) -> tuple[Scenario | None, str]:
        """The scenario with the pasted point, and what the point says; or why it is refused."""
        scenario, step, device = self.study.scenario, self.study.step, self.study.node.device
        others = tuple(
            each for each in scenario.calibrations if (each.accelerator, each.engine) != (device.id, step.engine)
        )
        if not pasted.strip():
            if others == scenario.calibrations:
                return None, ASK
            factors = point_text(scenario_point(scenario, device.id, step.engine))
            return replace(scenario, calibrations=others), f"{ASK} Nothing pasted, enter forgets the point: {factors}."
        own = scenario_point(scenario, device.id, step.engine)
        try:
            if figures := read_start_log(pasted):
                log = compare_start(figures, self.study.memory, own.reserve_gib)
                point = own._replace(reserve_gib=log.reserve_gib)
                return replace(scenario, calibrations=(*others, point)[-MOST_POINTS:]), start_text(log)
            measured = parse(pasted)
            point = calibration(measured, step, device.id, self.study.replicas)._replace(reserve_gib=own.reserve_gib)
        except InputError as error:
            return None, f"✗ {error.complaint}"
        lengths = f"{measured.input_tokens:,} → {measured.output_tokens:,} x{measured.concurrency:.4g}"
        factors = f"decode takes {point.decode:.2f} x, prefill {point.prefill:.2f} x what was predicted"
        return replace(scenario, calibrations=(*others, point)[-MOST_POINTS:]), f"✓ {lengths}: {factors}"

    def action_take(self) -> None:
        if self.taken is not None:
            self.dismiss(self.taken)
