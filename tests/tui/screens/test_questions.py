"""What users ask is answered in three keys or fewer once the model is chosen; `docs/questions.md` shows how."""

import pytest

from catalog.load import load
from scripts.questions_page import MOST_KEYS, QUESTIONS, Question, answered
from tui.state.calculator import Calculator

CALCULATOR = Calculator(load())


def test_all_thirty_are_asked() -> None:
    assert [question.number for question in QUESTIONS] == list(range(1, 31))


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: f"{question.number}")
async def test_a_question_is_answered(question: Question) -> None:
    assert len(question.pressed) <= MOST_KEYS
    shown, answer = await answered(question, CALCULATOR)
    for words in question.shows(answer):
        assert words in shown, (words, shown)
