"""One candidate in full: the one that is named, or the best of the leaderboard."""

import argparse
from collections.abc import Iterator
from textwrap import dedent

from catalog.questions import Question
from estimator import documents
from estimator.results import Evaluation
from tui.cli import json_output, question, status, table_output, text_output

CELLS = 100
"""Width of the lines about measured cases."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    question.add_arguments(parser)
    parser.add_argument("--format", choices=table_output.FORMS, default="text")


def run(arguments: argparse.Namespace) -> int:
    from estimator.ranking import rank as ranking

    asked = question.ask(arguments)
    row = ranking.evaluate(*asked)
    if arguments.format == "json":
        print(json_output.document(documents.document(row)))
    elif arguments.format == "text":
        print("\n\n".join((text_output.estimate(asked.scenario, row, _note(asked, row)), *_measured(asked, row))))
    else:
        print(table_output.records([documents.document(row)], arguments.format))
    return status.of([row])


def _note(asked: Question, row: Evaluation) -> str | None:
    """What the weight format takes; nothing of a training run, nor where an engine stands in that stores its own."""
    from estimator.models.conversion import conversion

    weights = asked.scenario.weights
    stands_in = asked.inventory.accelerators[row.candidate.accelerator].kind != "gpu" and not weights.startswith("gguf")
    return None if asked.scenario.training or stands_in else conversion(asked.model.native_weights, weights)


def _measured(asked: Question, row: Evaluation) -> Iterator[str]:
    """The measured case nearest to each latency and to the throughput, with our error on it; of text that is written."""
    if row.performance is None or asked.scenario.training or not asked.model.architecture.generates:
        return
    from catalog.load import load
    from estimator.advice.study import Study
    from tui.draw.runs import rows_as_text
    from tui.pages.working import near_rows
    from tui.state.measurements import Measurements

    measurements = Measurements(load())
    study = Study(
        candidate=row.candidate,
        scenario=asked.scenario,
        model=asked.model,
        inventory=asked.inventory,
        prices=asked.prices,
    )
    for figure in ("ttft", "tpot", "throughput"):
        near = measurements.near(study, figure)
        if near:
            yield dedent(rows_as_text(near_rows(near, CELLS)))
