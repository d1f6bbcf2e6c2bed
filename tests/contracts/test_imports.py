"""What each part may load, looked at in a fresh interpreter."""

import subprocess
import sys

import pytest

PURE = {"textual", "rich", "pydantic", "yaml"}


def modules_after(code: str) -> set[str]:
    """Every module that a fresh interpreter holds after running the code."""
    script = f"{code}\nimport sys\nprint(*sys.modules, file=sys.stderr)"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(run.stderr.split())


def loaded_by(code: str) -> set[str]:
    """Top-level modules that a fresh interpreter holds after running the code."""
    return {name.partition(".")[0] for name in modules_after(code)}


@pytest.mark.parametrize(
    "module", ["estimator.ranking.rank", "estimator.models.hf_config", "estimator.scenario.scenario"]
)
def test_the_estimator_is_pure(module: str) -> None:
    assert not loaded_by(f"import {module}") & (PURE | {"catalog", "tui"})


def test_the_catalogue_knows_no_interface() -> None:
    assert not loaded_by("import catalog.load, catalog.sources.resolve") & {
        "textual",
        "rich",
        "tui",
        "huggingface_hub",
        "pynvml",
    }


@pytest.mark.parametrize("argv", [("rank", "--limit", "1"), ("model", "7B"), ("estimate", "--format", "json")])
def test_headless_verbs_load_neither_textual_nor_parsers(argv: tuple[str, ...]) -> None:
    code = f"from tui.cli import main\nassert main({argv!r}) == 0"
    loaded_by(code)  # a first run may have to build the catalogue's cache
    assert not loaded_by(code) & {"textual", "rich", "pydantic", "huggingface_hub", "yaml"}


def test_a_ranking_as_json_loads_nothing_that_draws_a_table_or_replays_a_burst() -> None:
    loaded = modules_after("from tui.cli import main\nassert main(('rank', '--format', 'json', '--limit', '1')) == 0")
    assert not loaded & {"tui.cli.text_output", "tui.draw.table", "estimator.serving.load.finite_run", "statistics"}
