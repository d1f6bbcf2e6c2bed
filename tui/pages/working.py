"""A figure's working as rows: the formula, the numbers put into it, where they come from."""

import re
from collections.abc import Callable

from estimator.accuracy.nearest import Near
from estimator.accuracy.score import text
from estimator.advice.workings import Unit, Working
from tui.draw.figures import amount, count, duration, number, size, usd
from tui.draw.runs import Row, hang, pointer, wrap_text

SIGNS = {"*": "×", "/": "÷", "-": "−"}
SHOWN: dict[Unit, Callable[[float], str]] = {
    "bytes": size,
    "tokens": count,
    "requests": amount,
    "seconds": duration,
    "per second": lambda value: f"{number(value)}/s",
    "usd": usd,
    "fraction": lambda value: f"{value:.1%}",
    "number": amount,
}


def working_rows(working: Working, cells: int, chosen: bool = False) -> list[Row]:
    """A working as rows: title and value, the formula in words, the same in numbers, the source."""
    value = SHOWN[working.unit](working.value)
    rows: list[Row] = [[pointer(chosen), (working.title, "title"), ("  ", "text"), (value, "bold")]]
    for start, words, style in (
        ("= ", _signed(working.formula), "text"),
        ("= ", substituted(working), "accent"),
        ("  ", working.source, "dim"),
    ):
        for line in wrap_text(words, cells - 6):
            rows.append([(f"    {start}", "dim"), (line, style)])
            start = "  "
    return rows


def near_rows(near: Near, cells: int) -> list[Row]:
    """Rows about the nearest measured case, and our error on it."""
    row, score = near.row, near.score
    if score.predicted is None:
        return []
    devices = f"{text(row, 'accelerator_count') or text(row, 'tp') or '1'}x{text(row, 'accelerator_id')}"
    lengths = f"{text(row, 'input_tokens') or '?'}→{text(row, 'output_tokens') or '?'} x{text(row, 'concurrency')}"
    model = text(row, "model_id").rpartition("/")[2]
    case = f"{model} {text(row, 'weight_format')} on {devices}, {text(row, 'engine')}, {lengths}"
    unit = score.metric.removeprefix("output_").replace("_per_", "/").replace("_", " ")
    figures = f"{number(score.measured)} {unit} measured, {number(score.predicted)} predicted: {score.error:+.0%}"
    kind = "nearest measured case" if near.same_model else "nearest measured case, of another model"
    kind += "" if near.same_device else ", on a kindred device"
    style = "good" if abs(score.error) < 0.2 else "warn"
    rows: list[Row] = [[("      ", "dim"), (line, "dim")] for line in wrap_text(f"{kind}:", cells - 6)]
    rows = [*rows[:-1], *hang([*rows[-1], (" ", "dim")], figures, style, cells)]
    rows += [[("      ", "dim"), (line, "dim")] for line in wrap_text(f"{case}; {text(row, 'source')}", cells - 6)]
    return rows


def substituted(working: Working) -> str:
    """A working's formula with each name replaced by its number and unit."""
    text = working.formula
    names = sorted({term.name: term for term in working.terms}.values(), key=lambda term: -len(term.name))
    for index, term in enumerate(names):
        text = text.replace(term.name, f"\0{index}\0")
    text = _signed(text)
    for index, term in enumerate(names):
        text = text.replace(f"\0{index}\0", SHOWN[term.unit](term.value))
    return text


def _signed(formula: str) -> str:
    """Mathematical signs where an operator stands between blanks; names keep their hyphens."""
    return re.sub(r"(?<= )[-*/](?= )", lambda match: SIGNS[match[0]], formula)
