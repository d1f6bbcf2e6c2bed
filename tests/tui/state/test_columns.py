"""One declaration a column: what it orders by is what the JSON holds, and its title is whole when it sorts."""

from functools import reduce

import pytest

from catalog.load import load
from estimator import documents
from estimator.results import Evaluation
from estimator.scenario.scenario import Scenario
from estimator.scenario.training_workload import TrainingWorkload
from tui.draw.runs import rows_as_text
from tui.draw.table import fit_columns, header_row
from tui.state.calculator import Calculator
from tui.state.columns import SERVING, TRAINING, BoardColumn, columns_of
from tui.state.session import Session

SCENARIOS = (Scenario(), Scenario(training=TrainingWorkload()))


@pytest.mark.parametrize("scenario", SCENARIOS, ids=["serving", "training"])
def test_a_column_orders_by_the_figure_that_json_holds(scenario: Scenario) -> None:
    rows = Calculator(load()).answer(Session(scenario=scenario)).board.rows
    columns = [column for column in columns_of(scenario) if column.json_key]
    assert columns
    for row in rows:
        for column in columns:
            figure = (column.bound_figure or column.figure)(row)
            assert figure == pytest.approx(in_json(row, column)) if figure is not None else True, column.key


def in_json(row: Evaluation, column: BoardColumn) -> object:
    value = reduce(
        lambda section, key: section[key] if section else None,
        column.json_key.split("."),
        documents.document(row),
    )
    return value["typical"] if isinstance(value, dict) else value


@pytest.mark.parametrize("columns", [SERVING, TRAINING], ids=["serving", "training"])
@pytest.mark.parametrize("cells", [56, 60, 76, 96, 110, 136])
def test_a_title_is_whole_under_every_order(columns: tuple[BoardColumn, ...], cells: int) -> None:
    shown = fit_columns([column.cell for column in columns], cells)
    for column in shown:
        titles = rows_as_text([header_row(shown, cells, column.key)])
        assert column.title in titles
        assert titles.count("▲") == 1
