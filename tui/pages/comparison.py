"""Comparing pins: their figures in groups, the ratio of each to the baseline's, and which pin does best."""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from estimator.advice.alternatives import token_cost, token_cost_band
from estimator.results import Band
from tui.draw import cells, figures
from tui.state import readings
from tui.state.answer import Answer
from tui.state.pins import Pins
from tui.state.readings import level_bounds

NO_LEVEL = "none asked"
SAME = 0.02
"""Relative difference below which two figures count as equal (engineering guess: what a reader would round away)."""


class Line(NamedTuple):
    """One line of the comparison: its title, and the figure that it reads off each pin's answer."""

    group: str
    title: str
    text: Callable[[Answer], str]
    figure: Callable[[Answer], float | None] | None = None
    """Compared with the baseline's; None where the text alone is."""
    better: Literal["low", "high", ""] = ""
    band: Callable[[Answer], Band | None] | None = None
    """Its 80 % band: figures within each other's bands are a tie."""
    working: str = ""
    """The working that explains it."""


class Compared(NamedTuple):
    """One cell of the comparison: the figure, how it stands to the baseline's, and whether it is the best of
    its line.
    """

    text: str
    delta: str = ""
    mark: str = ""
    """★ the best, ☆ as good within its band."""


def _row_text(read: Callable[..., str]) -> Callable[[Answer], str]:
    return lambda answer: read(answer.rows[0])


def _of_row(
    group: str,
    title: str,
    figure: Callable[..., float | None],
    show: Callable[[float], str],
    better: Literal["low", "high", ""] = "",
    band: Callable[..., Band | None] | None = None,
    working: str = "",
) -> Line:
    """A line whose figure is read off the pin's row."""
    return Line(
        group=group,
        title=title,
        text=lambda answer: figures.NOTHING if (value := figure(answer.rows[0])) is None else show(value),
        figure=lambda answer: figure(answer.rows[0]),
        better=better,
        band=(lambda answer: band(answer.rows[0])) if band else None,
        working=working,
    )


def _model(answer: Answer) -> str:
    return answer.session.scenario.model.rpartition("/")[2]


def _formats(answer: Answer) -> str:
    scenario = answer.session.scenario
    return f"{scenario.weights} kv {scenario.kv}"


def _engine(answer: Answer) -> str:
    scenario = answer.session.scenario
    return f"{scenario.engine}@{scenario.engine_version}" if scenario.engine_version else scenario.engine


def _load(answer: Answer) -> str:
    scenario = answer.session.scenario
    work, run = scenario.workload, scenario.training
    if run:
        return f"{figures.tokens(run.sequence_length)} x{run.global_batch}"
    return f"{figures.tokens(work.input_tokens)}→{figures.tokens(work.output_tokens)} {readings.load(work)}"


def _method(answer: Answer) -> str:
    run = answer.session.scenario.training
    return f"{run.method} {run.optimizer}" if run else ""


def _place(answer: Answer) -> str:
    scenario = answer.session.scenario
    return f"{scenario.region} {scenario.price_terms}" if scenario.deployment == "cloud" else scenario.deployment


def _state(answer: Answer) -> str:
    """Whether it fits, and what it misses."""
    row = answer.rows[0]
    if row.verdict != "fits":
        return readings.refusal(row)
    return ", ".join(readings.shortcomings(row, answer.session.scenario)) or "fits"


def _level(answer: Answer) -> str:
    return " ".join(level_bounds(answer.session.scenario.service_level)) or NO_LEVEL


def _trust(answer: Answer) -> str:
    row = answer.rows[0]
    band = row.training.tokens_per_s if row.training else row.performance.tpot_s if row.performance else None
    return f"class {row.confidence} {figures.spread_percent(band)}".strip()


def _month(answer: Answer) -> float | None:
    return answer.rows[0].cost.usd_per_month


_WHERE = (
    Line("", "devices", lambda answer: readings.devices(answer.rows[0], answer.inventory)),
    Line("", "model", _model),
)
SERVING = (
    *_WHERE,
    Line("", "formats", _formats),
    Line("", "layout", _row_text(readings.layout)),
    Line("", "engine", _engine),
    Line("", "load", _load),
    Line("", "level", _level),
    Line("", "place", _place),
    Line("", "state", _state),
    _of_row("memory", "users held", readings.users, figures.count, "high", working="users"),
    _of_row(
        "memory",
        "longest context",
        lambda row: float(row.memory.max_context_tokens) if row.memory else None,
        figures.tokens,
        "high",
    ),
    _of_row("memory", "memory in use", readings.memory_share, figures.percent, working="weights"),
    _of_row(
        "speed",
        "TTFT",
        readings.ttft,
        cells.wait_cell,
        "low",
        lambda row: row.performance.ttft_s if row.performance else None,
        "ttft",
    ),
    _of_row(
        "speed",
        "TPOT",
        readings.tpot,
        cells.seconds_cell,
        "low",
        lambda row: row.performance.tpot_s if row.performance else None,
        "tpot",
    ),
    _of_row(
        "speed",
        "a whole request",
        lambda row: row.performance.request_latency_s.typical if row.performance else None,
        figures.duration,
        "low",
        lambda row: row.performance.request_latency_s if row.performance else None,
        "latency",
    ),
    _of_row(
        "speed",
        "output tok/s",
        readings.throughput,
        figures.number,
        "high",
        lambda row: row.performance.output_tokens_per_s if row.performance else None,
        "throughput",
    ),
    _of_row("cost", "$/hour", readings.price, figures.usd, "low", working="usd_month"),
    Line(
        group="cost",
        title="$/month",
        text=lambda answer: figures.usd(_month(answer)),
        figure=_month,
        better="low",
        working="usd_month",
    ),
    _of_row(
        "cost",
        "$/Mtok",
        token_cost,
        figures.usd,
        "low",
        token_cost_band,
        "usd_request",
    ),
    _of_row(
        "cost",
        "$/request",
        lambda row: row.cost.usd_per_request.typical if row.cost.usd_per_request else None,
        figures.usd,
        "low",
        lambda row: row.cost.usd_per_request,
        "usd_request",
    ),
    Line("trust", "confidence", _trust),
)
TRAINING = (
    *_WHERE,
    Line("", "method", _method),
    Line("", "setup", _row_text(readings.setup)),
    Line("", "settings", _row_text(readings.run_settings)),
    Line("", "batch", _load),
    Line("", "place", _place),
    Line("", "state", _state),
    _of_row("memory", "peak of a device", readings.run_memory_share, figures.percent),
    _of_row(
        "speed",
        "tokens/s",
        readings.run_speed,
        figures.number,
        "high",
        lambda row: row.training.tokens_per_s if row.training else None,
    ),
    _of_row("speed", "MFU", readings.run_mfu, figures.percent, "high"),
    _of_row(
        "speed",
        "time",
        readings.run_hours,
        cells.hours_cell,
        "low",
        lambda row: row.training.hours if row.training else None,
    ),
    _of_row("cost", "$/hour", readings.price, figures.usd, "low"),
    _of_row(
        "cost",
        "$/run",
        readings.run_cost,
        figures.usd,
        "low",
        lambda row: row.training.usd if row.training else None,
    ),
    Line("trust", "confidence", _trust),
)


def lines_for(pins: Sequence[Answer | None]) -> tuple[Line, ...]:
    """The lines of a comparison of served models or training runs, without the words that all pins share."""
    return tuple(line for line in _all_lines(pins) if line.figure or line.group or not _alike(line, pins))


def common_words(pins: Sequence[Answer | None]) -> list[str]:
    """Words that all pins share: the model, the engine, the load …; nothing of a single pin."""
    known = [answer for answer in pins if answer is not None]
    shared = [line for line in _all_lines(pins) if not (line.figure or line.group) and _alike(line, pins)]
    words = [line.text(known[0]) for line in shared]
    return [word for word, line in zip(words, shared, strict=True) if (line.title, word) != ("level", NO_LEVEL)]


def distinct_labels(pins: Pins, answers: Sequence[Answer | None]) -> list[str]:
    """The pins' names; those of one name say after it what tells them apart: formats, layout, load, place …"""
    labels = []
    for pin, own in zip(pins, answers, strict=True):
        alike = [answer for other, answer in zip(pins, answers, strict=True) if other.label == pin.label and answer]
        words = [line.text(own) for line in lines_for(alike) if not (line.figure or line.group)] if own else []
        labels.append(" ".join((pin.label, ", ".join(words))).strip() if len(alike) > 1 else pin.label)
    return labels


def _all_lines(pins: Sequence[Answer | None]) -> tuple[Line, ...]:
    first = next((answer for answer in pins if answer is not None), None)
    return TRAINING if first is not None and first.session.scenario.training else SERVING


def _alike(line: Line, pins: Sequence[Answer | None]) -> bool:
    known = [answer for answer in pins if answer is not None]
    return len(known) > 1 and len({line.text(answer) for answer in known}) == 1


def compare_line(line: Line, pins: Sequence[Answer | None]) -> list[Compared]:
    """The cells of one line of the comparison, the first being the baseline; a pin that can not be asked any more has
    none.
    """
    marks = _marks(line, pins)
    base = pins[0] if pins else None
    return [
        Compared(figures.NOTHING)
        if answer is None
        else Compared(line.text(answer), _delta(line, base, answer) if at else "", marks[at])
        for at, answer in enumerate(pins)
    ]


def _delta(line: Line, base: Answer | None, answer: Answer) -> str:
    """`=`, `+14%` or `3.1×` against the baseline; `=` also where each lies within the other's band."""
    if base is None:
        return ""
    if line.text(base) == line.text(answer):
        return "="
    if line.figure is None:
        return ""
    old, new = line.figure(base), line.figure(answer)
    if not old or new is None:
        return ""
    ratio = new / old
    if abs(ratio - 1) < SAME or _tied(line, base, answer):
        return "="
    if 0.5 < ratio < 2:
        return f"{ratio - 1:+.0%}"
    return f"{figures.significant(ratio, 2)}×"


def _tied(line: Line, one: Answer, other: Answer) -> bool:
    """Whether each figure lies within the other's band."""
    a, b = (line.band(one), line.band(other)) if line.band else (None, None)
    return a is not None and b is not None and a.low <= b.typical <= a.high and b.low <= a.typical <= b.high


def _marks(line: Line, pins: Sequence[Answer | None]) -> list[str]:
    """★ on the best figure of a line, ☆ on those that can not be told from it; nothing where all are alike."""
    marks = [""] * len(pins)
    known = {
        at: figure
        for at, answer in enumerate(pins)
        if answer is not None and line.figure and (figure := line.figure(answer)) is not None
    }
    if not line.better or len(known) < 2:
        return marks
    choose = min if line.better == "low" else max
    best = choose(known, key=lambda at: known[at])
    top = pins[best]
    assert top is not None
    equal = [at for at, figure in known.items() if at != best and _equal(line, top, pins[at], known[best], figure)]
    if len(equal) + 1 == len(known):
        return marks
    marks[best] = "★"
    for at in equal:
        marks[at] = "☆"
    return marks


def _equal(line: Line, best: Answer, other: Answer | None, figure: float, than: float) -> bool:
    return other is not None and (abs(figure - than) <= SAME * abs(figure) or _tied(line, best, other))
