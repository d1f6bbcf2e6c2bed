"""Figures of the estimator that are kept: whoever moves one sees it as a difference, and says why."""

import pytest

from catalog.load import Catalog
from scripts.figures import kept
from scripts.figures.kinds import KINDS, figures

QUESTIONS = [(kind, each) for kind in KINDS for each in kept.read(kind)]


@pytest.mark.parametrize(("kind", "before"), QUESTIONS, ids=[f"{kind}-{each.name}" for kind, each in QUESTIONS])
def test_a_kept_answer_has_the_figures_that_it_had(catalog: Catalog, kind: str, before: kept.Kept) -> None:
    moved = list(kept.differences(before.lines, figures(kind, catalog, before.question)))
    assert not moved, "\n".join(
        (
            f"{kind}.txt, {before.name}: {kept.asked(before.question)}",
            *moved,
            f"Where the change is meant, `{kept.COMMAND}` rewrites the files: review them as a difference.",
        )
    )


def test_every_room_that_answers_has_kept_questions() -> None:
    assert {kind for kind, _ in QUESTIONS} == set(KINDS)
    assert len(QUESTIONS) >= 350


def test_a_figure_that_moves_in_its_sixth_digit_by_more_than_rounding_is_named() -> None:
    before = ("row: fits; users 31", "speed: tpot_s 0.0123456~0.0234567; bound memory")
    rounded = ("row: fits; users 31", "speed: tpot_s 0.0123457~0.0234567; bound memory")
    moved = ("row: fits; users 31", "speed: tpot_s 0.0123459~0.0234567; bound memory")
    other_word = ("row: fits; users 31", "speed: tpot_s 0.0123456~0.0234567; bound latency")
    assert list(kept.differences(before, before)) == list(kept.differences(before, rounded)) == []
    for now in (moved, other_word):
        assert list(kept.differences(before, now)) == [f"- {before[1]}\n+ {now[1]}"]
    assert list(kept.differences(before, before[:1])) == [f"- {before[1]}\n+ speed: "]


def test_a_question_reads_back_as_it_was_written() -> None:
    question = {"model": "Qwen/Qwen3-8B", "engine_version": "0.20", "lora": "4", "concurrency": 8, "tpot_s": 0.05}
    question |= {"replayed": True}
    assert kept.pairs(kept.asked(question)) == question
