"""One candidate in full: the one that is named, or the best of the leaderboard."""

import argparse
from collections.abc import Iterator
from textwrap import dedent
from typing import TYPE_CHECKING

from catalog.load import Catalog, load
from catalog.questions import Question
from estimator import documents
from estimator.results import Evaluation
from tui.cli import json_output, question, status, table_output, text_output
from tui.draw import figures
from tui.options.options import given_options

if TYPE_CHECKING:
    from estimator.advice.savings import Advice

SHOWN = 6
"""Changes in text; JSON has all."""

CELLS = 100
"""Width of the lines about measured cases."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    question.add_arguments(parser)
    parser.add_argument("--format", choices=table_output.FORMS, default="text")


def run(arguments: argparse.Namespace) -> int:
    from estimator.ranking import rank as ranking

    catalog = load()
    asked = question.ask(arguments, catalog)
    row = ranking.evaluate(*asked)
    changes = _advice(asked, row, catalog) if arguments.format in ("json", "text") else []
    if arguments.format == "json":
        advised = [_record(asked, each) for each in changes]
        print(json_output.document({**documents.document(row), "advice": advised}))
    elif arguments.format == "text":
        text = text_output.estimate(asked.scenario, row, _note(asked, row)) + _advice_text(asked, changes)
        print("\n\n".join((text, *_measured(asked, row, catalog))))
    else:
        print(table_output.records([documents.document(row)], arguments.format))
    return status.of([row])


def _note(asked: Question, row: Evaluation) -> str | None:
    """What the weight format takes; nothing of a training run, nor where an engine stands in that stores its own."""
    from estimator.models.conversion import conversion

    weights = asked.scenario.weights
    stands_in = asked.inventory.accelerators[row.candidate.accelerator].kind != "gpu" and not weights.startswith("gguf")
    return None if asked.scenario.training or stands_in else conversion(asked.model.native_weights, weights)


def _advice(asked: Question, row: Evaluation, catalog: Catalog) -> "list[Advice]":
    """One change each that makes the row cheaper, faster or roomier; nothing of a training run."""
    from estimator.advice.savings import advice

    if asked.scenario.training or row.performance is None:
        return []
    return advice(asked.study(row), row, catalog.quality)


def _measured(asked: Question, row: Evaluation, catalog: Catalog) -> Iterator[str]:
    """The measured case nearest to each latency and to the throughput, with our error; of text that is written."""
    if row.performance is None or asked.scenario.training or not asked.model.architecture.generates:
        return
    from estimator.advice.provenance import origin
    from tui.draw.runs import rows_as_text
    from tui.pages.working import near_rows
    from tui.state.measurements import Measurements

    if taken := origin(row.candidate.accelerator, asked.scenario, row.confidence, asked.inventory):
        yield f"class {row.confidence}: {taken}"
    measurements, study = Measurements(catalog), asked.study(row)
    for figure in ("ttft", "tpot", "throughput"):
        near = measurements.near(study, figure)
        if near:
            yield dedent(rows_as_text(near_rows(near, CELLS)))


def _record(asked: Question, each: "Advice") -> dict[str, object]:
    return {
        "change": each.change,
        "option": _options(asked, each),
        "usd_per_1m_tokens": each.usd_per_1m_tokens,
        "ms": each.ms,
        "users": each.users,
        "quality": each.quality.text if each.quality else None,
        "quality_source": each.quality.source if each.quality else None,
    }


def _options(asked: Question, each: "Advice") -> str:
    """What to say on the command line for a change."""
    before, after = given_options(asked.scenario), given_options(each.scenario)
    return " ".join(f"--{name} {value}" for name, value in after.items() if before.get(name) != value)


def _advice_text(asked: Question, changes: "list[Advice]") -> str:
    """The changes that save most, with what they do to time, users and quality."""
    if not changes:
        return ""
    titles = ("what else", "$/1M tokens", "a request", "users", "quality of answers")
    rows = [
        (
            _options(asked, each),
            figures.NOTHING if each.usd_per_1m_tokens is None else _usd_change(each.usd_per_1m_tokens),
            figures.NOTHING if each.ms is None else f"{each.ms:+,.0f} ms",
            f"{each.users:+,}",
            each.quality.text if each.quality else "",
        )
        for each in changes[:SHOWN]
    ]
    return "\n\n" + text_output.aligned([titles, *rows], left=(0, 4))


def _usd_change(usd: float) -> str:
    """A difference in dollars with its sign: `-0.12`, `+0.00371`."""
    return f"{'-' if usd < 0 else '+'}{figures.usd(abs(usd)).removeprefix('$')}"
