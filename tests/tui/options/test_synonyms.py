"""Other tools' words lead to our options: on the command line, in a session file and in the palette."""

import pytest

from estimator.errors import InputError
from estimator.scenario.scenario import Scenario
from tui.cli import main
from tui.options.options import OPTIONS, with_option
from tui.options.synonyms import SYNONYMS, meant
from tui.screens.palette import typed_option


@pytest.mark.parametrize("word", SYNONYMS)
def test_every_word_leads_to_an_option_and_is_none_itself(word: str) -> None:
    assert SYNONYMS[word] in OPTIONS
    assert word not in OPTIONS


def test_a_word_is_answered_with_our_option_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rank", "--users", "5"]) == 2
    assert capsys.readouterr().err == "llmcalc-tui: --users: no such option or argument; did you mean --concurrency?\n"


def test_a_session_file_is_answered_alike() -> None:
    with pytest.raises(InputError, match="qps: no such option; did you mean requests-per-second"):
        with_option(Scenario(), "qps", "5")


def test_what_is_no_synonym_is_compared_by_its_spelling() -> None:
    assert meant("--regoin", ("--region", "--tpot"))[0] == "--region"
    assert meant("--zzzz", ("--region", "--tpot")) == ()


def test_the_palette_takes_the_word_and_its_value() -> None:
    entry = typed_option("users 64")
    assert entry is not None
    assert entry.title == "concurrency 64"
