"""The latency view from hand-made figures."""

import re

import pytest
from syrupy.assertion import SnapshotAssertion

from estimator.advice.load_study import LoadStudy, Moment, SeenLoad
from estimator.results import Percentiles
from tui.draw.runs import rows_as_text, width
from tui.pages.latency import LatencyFacts, latency_page

SIZES = [(60, 17), (80, 21), (120, 21), (160, 47)]


def _seen(load: float, ttft_s: float, tpot_s: float) -> SeenLoad:
    first, token = (Percentiles(each, 0.9 * each, 1.6 * each, 2 * each, 3 * each) for each in (ttft_s, tpot_s))
    return SeenLoad(load, first, token)


STUDY = LoadStudy(
    unit="requests/s",
    loads=(
        _seen(2, 0.2, 0.02),
        _seen(5, 0.25, 0.024),
        _seen(10, 0.35, 0.03),
        _seen(16, 0.6, 0.045),
        _seen(19, 1.4, 0.07),
    ),
    asked=10.0,
    overloaded=False,
    knee=14.0,
    minute=tuple(Moment(at, 1.0, 20 + at % 7, at % 3, 40_000 + 900 * at) for at in range(60)),
    cache_tokens=120_000.0,
)
FACTS = LatencyFacts("2 x p5.48xlarge · 16xH100 · TP4", STUDY, most_ttft_s=1.0, most_tpot_s=None)


@pytest.mark.parametrize(("cells", "lines"), SIZES)
def test_latency_page(cells: int, lines: int, snapshot: SnapshotAssertion) -> None:
    rows = latency_page(FACTS, cells, lines)
    assert [width(row) for row in rows] == [cells] * lines
    assert rows_as_text(rows) == snapshot


def test_what_is_asked_beyond_the_highest_load_is_said() -> None:
    over = STUDY._replace(asked=40.0, overloaded=True, minute=STUDY.minute[:20])
    text = rows_as_text(latency_page(FACTS._replace(study=over), 100, 21))
    assert "asked 40 requests/s: overloaded" in text
    assert "one replica, 20.0s" in text


def test_what_has_no_schedule_says_so() -> None:
    rows = latency_page(FACTS._replace(study=None), 80, 21)
    assert "Nothing is replayed here" in rows_as_text(rows)
    assert len(rows) == 21


def test_one_token_has_no_gaps() -> None:
    single = STUDY._replace(loads=tuple(each._replace(tpot_s=Percentiles(0, 0, 0, 0, 0)) for each in STUDY.loads))
    assert "one token, no gap" in rows_as_text(latency_page(FACTS._replace(study=single), 80, 21))


@pytest.mark.parametrize(("ttft_s", "title"), [(0.004, "TTFT, ms"), (2.0, "TTFT, s")])
def test_times_are_drawn_in_a_unit_in_which_they_are_plain_numbers(ttft_s: float, title: str) -> None:
    study = STUDY._replace(loads=tuple(_seen(load, ttft_s * load, 0.004 * load) for load in (1.0, 4.0, 16.0)))
    text = rows_as_text(latency_page(FACTS._replace(study=study), 100, 21))
    assert title in text
    assert not re.search(r"\de[-+]?\d", text)
