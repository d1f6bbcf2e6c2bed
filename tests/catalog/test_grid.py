"""A grid answered on all cores: in order, each point what `rank` says of it, refusals in their places."""

from dataclasses import replace
from itertools import islice, product

import pytest

from catalog import questions
from catalog.grid import CHUNK, Grid, answers, by_keyword, sweep
from catalog.load import Catalog
from catalog.questions import rank, scenario
from estimator.errors import InputError
from estimator.scenario.scenario import Scenario


@pytest.fixture(scope="module")
def base(catalog: Catalog) -> Scenario:
    return scenario(catalog, model="Qwen/Qwen3-8B", instance="g6e.xlarge")


def test_every_point_is_what_the_leaderboard_says(catalog: Catalog, base: Scenario) -> None:
    axes = {"weights": ("bf16", "fp8"), "concurrency": (1, 64), "input_tokens": (100, 4000)}
    points = list(sweep(base, axes, processes=1))
    assert [tuple(point.values.values()) for point in points] == list(product(*axes.values()))
    for point in points:
        assert point.row == rank(catalog, scenario(catalog, base, **point.values)).rows[0]


def test_axes_that_build_on_each_other_are_set_in_their_order(catalog: Catalog, base: Scenario) -> None:
    """The model comes before the weights, whatever is said first: it would set its own format over them."""
    axes = {"weights": ("int8",), "model": ("meta-llama/Llama-3.1-8B", "Qwen/Qwen3-4B")}
    for point in sweep(base, axes, processes=1):
        assert point.row == rank(catalog, scenario(catalog, base, **point.values)).rows[0]


def test_a_drafter_of_each_point_drafts_for_it(catalog: Catalog, base: Scenario) -> None:
    drafting = scenario(catalog, base, draft_tokens=3, accepted_tokens=2.0, draft_model="Qwen/Qwen3-0.6B")
    axes = {"draft_model": ("Qwen/Qwen3-0.6B", "Qwen/Qwen3-1.7B"), "concurrency": (1, 8)}
    for point in sweep(drafting, axes, processes=1):
        assert point.row == rank(catalog, scenario(catalog, drafting, **point.values)).rows[0]


def test_a_model_by_its_short_name_is_read_once_for_all_points(base: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    reads, resolve = [], questions.resolve
    monkeypatch.setattr(questions, "resolve", lambda *asked: reads.append(asked[0]) or resolve(*asked))
    short = replace(base, model="qwen3-8b")
    assert len(list(sweep(short, {"concurrency": range(1, 9), "weights": ("bf16", "fp8")}, processes=1))) == 16
    assert reads == ["qwen3-8b"]


def test_what_can_not_be_asked_stands_in_its_place(base: Scenario) -> None:
    points = list(sweep(base, {"weights": ("fp8", "fp99", "bf16")}, processes=1))
    assert [point.row is None for point in points] == [False, True, False]
    assert "unknown format 'fp99'" in points[1].refusal


def test_two_processes_give_the_same_in_the_same_order(catalog: Catalog, base: Scenario) -> None:
    axes = {"concurrency": range(1, 5), "input_tokens": range(1, CHUNK // 4 + 20)}
    grid = Grid(base, axes, by_keyword)
    assert grid.size > CHUNK
    shared = list(sweep(base, axes, processes=2))
    assert len(shared) == grid.size
    for at in (0, CHUNK - 1, CHUNK, grid.size - 1):
        assert shared[at] == next(answers(catalog, grid, range(at, at + 1)))


def test_a_reader_that_leaves_ends_the_work(base: Scenario) -> None:
    points = sweep(base, {"concurrency": range(1, 1001), "input_tokens": range(1, 1001)}, processes=2)
    assert len(list(islice(points, 3))) == 3
    points.close()  # returns at once: a million points would take minutes


@pytest.mark.parametrize("axes", [{"concurrency": ()}, {"concurrency": range(10_000), "input_tokens": range(100_000)}])
def test_no_values_and_too_many_are_refused(base: Scenario, axes: dict[str, range]) -> None:
    with pytest.raises(InputError):
        next(iter(sweep(base, axes)))
