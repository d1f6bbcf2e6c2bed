"""The filter line, the fuzzy search and the views of a leaderboard."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from estimator.errors import InputError
from tests.tui.board import PlainCalculator
from tui.fuzzy import matching_positions
from tui.state.session import Session
from tui.state.view import next_sort, rows_of, sort_rows, sortable

CALCULATOR = PlainCalculator()
BOARD = CALCULATOR.answer(Session()).board
INVENTORY = CALCULATOR.catalog.inventory


def kept(text: str) -> list[str]:
    return [row.candidate.machine for row in rows_of(Session().filtered(text), BOARD, INVENTORY)]


def test_every_word_must_be_there() -> None:
    assert kept("nvidia p5 fits") == ["p5.48xlarge", "p5e.48xlarge"]
    assert kept("L40S") == ["g6e.12xlarge"]
    assert kept("short") == ["p5.4xlarge", "g6.12xlarge", "g5.xlarge"]
    assert kept("us-east best") == ["g7e.12xlarge"]
    assert kept("eu-central") == []


def test_a_minus_leaves_out() -> None:
    assert "g6e.12xlarge" not in kept("fits -g6")
    assert kept("capacity -p5e") == []


@pytest.mark.parametrize(
    ("bound", "machines"),
    [
        ("tpot<6ms", ["p6-b200.48xlarge", "p5e.48xlarge"]),
        ("tpot<0.006s", ["p6-b200.48xlarge", "p5e.48xlarge"]),
        ("$<=10.49 fits", ["g6e.12xlarge"]),
        ("users>=1k", ["p6-b200.48xlarge", "p5e.48xlarge"]),
        ("mem>60% fits", ["g6.48xlarge"]),
        ("devices=2", ["g7e.12xlarge"]),
    ],
)
def test_a_bound_keeps_what_lies_within(bound: str, machines: list[str]) -> None:
    assert kept(bound) == machines


def test_a_bound_still_being_typed_keeps_everything() -> None:
    assert len(kept("tpot<")) == len(BOARD.rows)


@pytest.mark.parametrize("text", ["speed<3", "tpot<fast", "tpot<5kg", "$<nan", "users>1e9x"])
def test_a_bound_that_means_nothing_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="filter"):
        kept(text)


@settings(deadline=None, max_examples=100)
@given(st.text(max_size=300))
def test_any_text_filters_or_is_refused(text: str) -> None:
    with suppress(InputError):
        assert set(kept(text)) <= {row.candidate.machine for row in BOARD.rows}


@pytest.mark.parametrize("reverse", [False, True])
def test_what_does_not_fit_stays_at_the_bottom_in_every_order(reverse: bool) -> None:
    session = Session()
    seen = []
    while True:
        session = session.sorted_by(next_sort(session, sortable(session)), reverse)
        if not session.sort:
            break
        seen.append(session.sort)
        fits = [row.verdict == "fits" for row in sort_rows(list(BOARD.rows), session.sort, reverse)]
        assert fits == sorted(fits, reverse=True)
    assert seen[:2] == ["instance", "devices"]


NAMES = ["meta-llama/Llama-3.3-70B-Instruct", "meta-llama/Llama-3.1-8B", "openai/gpt-oss-20b", "openai/gpt-oss-120b"]


def test_words_are_found_before_scattered_letters_and_short_names_first() -> None:
    assert [NAMES[at] for at in matching_positions("llama 8b", NAMES)] == ["meta-llama/Llama-3.1-8B"]
    assert [NAMES[at] for at in matching_positions("gpt oss", NAMES)] == ["openai/gpt-oss-20b", "openai/gpt-oss-120b"]
    assert NAMES[matching_positions("l33i", NAMES)[0]] == "meta-llama/Llama-3.3-70B-Instruct"
    assert matching_positions("zzz", NAMES) == []
    assert matching_positions("  ", NAMES) == [0, 1, 2, 3]


@settings(deadline=None, max_examples=100)
@given(st.text(max_size=40))
def test_a_search_never_finds_a_name_twice(query: str) -> None:
    positions = matching_positions(query, NAMES)
    assert len(set(positions)) == len(positions)
