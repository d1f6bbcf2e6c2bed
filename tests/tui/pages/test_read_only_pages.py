"""Pages about a model that only reads speak of a pass and of waiting, never of decoding."""

import pytest

from catalog.load import load
from estimator.scenario.scenario import Scenario
from estimator.scenario.workload import ServingWorkload
from tui.draw.runs import rows_as_text
from tui.pages.candidate import limits, strip
from tui.pages.facts import bench_of, memory_facts
from tui.pages.memory import memory_page
from tui.pages.performance import performance_page
from tui.pages.speed_facts import performance_facts
from tui.state.answer import Answer
from tui.state.calculator import Calculator
from tui.state.session import Session


@pytest.fixture(scope="module")
def answer() -> Answer:
    workload = ServingWorkload(input_tokens=2048, concurrency=16)
    return Calculator(load()).answer(Session(Scenario(model="BAAI/bge-m3", weights="fp16", workload=workload)))


def test_a_row_says_what_limits_a_pass(answer: Answer) -> None:
    row = answer.detail
    assert row is not None
    assert limits(row).startswith("pass: ")
    assert "queue" in limits(row)  # four of sixteen texts fit a pass
    assert "decode" not in rows_as_text(strip(row, answer.session.scenario, None, answer.inventory, 80))


@pytest.mark.parametrize(("cells", "lines"), [(80, 20), (160, 45)])
def test_the_performance_page_has_no_decode_step(answer: Answer, cells: int, lines: int) -> None:
    row = answer.rows[0]
    for view in ("roofline", "curve", "layouts"):
        page = rows_as_text(performance_page(performance_facts(answer, row), view, cells, lines))
        assert "decode" not in page
    assert "● pass" in rows_as_text(performance_page(performance_facts(answer, row), "roofline", 80, 20))


def test_where_one_text_fits_any_number_waits(answer: Answer) -> None:
    study = bench_of(answer, answer.rows[0])
    assert study.holds(4096, 8192)
    page = rows_as_text(memory_page(memory_facts(answer, answer.rows[0]), 80, 20, 0))
    assert "[●]" in page
    assert "[·]" not in page
