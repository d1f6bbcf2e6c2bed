"""The Python surface: its page runs as written, its names are there, and it says what the headless verbs say."""

import doctest
import json
import subprocess
import sys
from pathlib import Path

import pytest

import catalog as catalog_package
import estimator
from catalog import compare, estimate, scenario
from catalog.load import Catalog
from estimator import InputError, document, flat
from estimator.scenario.keywords import PARTS, part_of
from tui.cli import main

PAGE = Path(__file__).parents[2] / "docs" / "library.md"


def test_the_page_runs_as_written() -> None:
    result = doctest.testfile(str(PAGE), module_relative=False, optionflags=doctest.ELLIPSIS)
    assert result.attempted > 15
    assert result.failed == 0


@pytest.mark.parametrize("package", [catalog_package, estimator])
def test_every_name_of_the_surface_is_there_and_documented(package: object) -> None:
    names = package.__all__  # type: ignore[attr-defined]
    assert names == sorted(names)
    for name in names:
        assert getattr(package, name).__doc__, name
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        package.nothing  # type: ignore[attr-defined]  # noqa: B018


def test_importing_the_packages_reads_nothing() -> None:
    program = (
        "import sys, estimator, catalog; print([m for m in sys.modules if m.startswith(('estimator.', 'catalog.'))])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_field_has_one_part() -> None:
    """A name that two parts have would be routed to the wrong one."""
    from dataclasses import fields

    names = [each.name for record in PARTS.values() for each in fields(record) if each.name not in PARTS]
    assert len(names) == len(set(names)) == len(part_of())


def test_the_library_and_the_verb_give_the_same_document(catalog: Catalog, capsys: pytest.CaptureFixture[str]) -> None:
    row = estimate(catalog, scenario(catalog, model="Qwen/Qwen3-8B", concurrency=8, instance="ml.g6e.xlarge"))
    options = ["--model", "Qwen/Qwen3-8B", "--concurrency", "8", "--instance", "ml.g6e.xlarge", "--format", "json"]
    assert main(["estimate", *options]) == 0
    answer = json.loads(capsys.readouterr().out)
    del answer["schema"], answer["advice"]  # the verb's own: the contract's number, and other questions' answers
    assert answer == json.loads(json.dumps(document(row)))


def test_a_whole_part_is_changed_by_the_fields_beside_it(catalog: Catalog) -> None:
    asked = scenario(catalog, workload=estimator.ServingWorkload(input_tokens=100), output_tokens=7)
    assert (asked.workload.input_tokens, asked.workload.output_tokens) == (100, 7)


@pytest.mark.parametrize(
    ("field", "value"), [("concurrency", 0), ("ttft_s", -1.0), ("instance", "p9.huge"), ("model", "no/such-model-x")]
)
def test_what_can_not_be_asked_is_refused_by_its_field(
    catalog: Catalog, field: str, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(InputError):
        scenario(catalog, **{field: value})


def test_ratios_are_to_the_first_and_absent_figures_are_none(catalog: Catalog) -> None:
    fits = scenario(catalog, model="Qwen/Qwen3-8B", weights="bf16", instance="g6e.xlarge")
    too_big = scenario(catalog, fits, model="meta-llama/Llama-3.3-70B-Instruct", weights="bf16")
    figures = {figure.name: figure for figure in compare(catalog, [fits, too_big])}
    price = figures["cost_price_usd_per_hour"]
    assert price.values[0] == price.values[1]
    assert price.ratios == (1.0, 1.0)
    assert figures["performance_tpot_s"].values[1] is None
    assert figures["performance_tpot_s"].ratios == (1.0, None)
    assert "performance_tpot_s_low" not in figures


def test_a_flat_row_is_the_document_in_one_level(catalog: Catalog) -> None:
    row = estimate(catalog, scenario(catalog, model="Qwen/Qwen3-8B", instance="g6e.xlarge"))
    nested = document(row)
    assert flat(row)["memory_weights_bytes"] == nested["memory"]["weights_bytes"]  # type: ignore[index]
    assert not any(isinstance(value, dict) for value in flat(row).values())
