"""Completion and the manual page say what the verbs take."""

import subprocess
from pathlib import Path

import pytest

from scripts.shell_files import SHARE, files
from tui.options.options import OPTIONS
from tui.verbs import VERBS

BASH = SHARE / "bash-completion" / "completions" / "llmcalc-tui"


@pytest.mark.parametrize("name", files())
def test_a_file_is_as_the_verbs_are(name: str) -> None:
    """`make docs` writes it."""
    assert (SHARE / name).read_text(encoding="utf-8") == files()[name]


def completed(words: str) -> set[str]:
    """What bash offers for the last word of a command line."""
    program = f"""source {BASH}
COMP_WORDS=({words} ""); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); COMPREPLY=()
_shtab_llmcalc_tui; printf '%s\\n' "${{COMPREPLY[@]}}" """
    return set(subprocess.run(["bash", "-c", program], capture_output=True, text=True, check=True).stdout.split())


def test_bash_offers_verbs_and_the_values_of_an_option() -> None:
    assert set(VERBS) <= completed("llmcalc-tui")
    assert set(OPTIONS["price-terms"].choices) <= completed("llmcalc-tui rank --price-terms")


def test_the_manual_names_every_option_of_a_scenario() -> None:
    page = (SHARE / "man" / "man1" / "llmcalc-tui.1").read_text(encoding="utf-8").replace("\\-", "-")
    assert [name for name in OPTIONS if f"\\fB--{name}\\fR" not in page] == []
    assert {line for line in page.splitlines() if line.startswith(".")} <= set(page.splitlines())


def test_they_go_where_shells_and_man_look() -> None:
    import tomllib

    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
    shipped = {path for paths in project["tool"]["setuptools"]["data-files"].values() for path in paths}
    assert shipped == {f"share/{name}" for name in files()}
