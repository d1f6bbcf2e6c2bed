"""What is taken away: launch commands, copies, exported files; and what else a machine could be asked for."""

import csv
import io
import json
from pathlib import Path

import pytest
import yaml
from textual.pilot import Pilot

from catalog.load import load
from estimator.advice.alternatives import changes_that_halve, formats_of, single_changes, token_cost
from estimator.scenario.scenario import Placement, Scenario
from estimator.scenario.training_workload import TrainingWorkload
from estimator.training.recipes.inputs import OF_THE_STACK
from tests.tui.screens.conftest import screen_text
from tui.app import LlmCalc
from tui.cli import main as headless
from tui.pages.facts import bench_of
from tui.screens.exports import reproduced, write
from tui.screens.launch import LaunchPanel, forms_of
from tui.state.answer import Answer
from tui.state.calculator import Calculator
from tui.state.pins import Pin
from tui.state.session import Session

CALCULATOR = Calculator(load())
PINS = (Pin(Scenario(), "g7e.2xlarge"), Pin(Scenario(kv="fp8"), "p5.48xlarge", name="fast"))


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def app_on(session: Session | None = None) -> LlmCalc:
    return LlmCalc(CALCULATOR, session or Session())


async def press(pilot: Pilot, *keys: str) -> Answer:
    await pilot.press(*keys)
    await pilot.pause()
    assert isinstance(pilot.app, LlmCalc)
    assert pilot.app.answer is not None
    return pilot.app.answer


def answer_on(instance: str, **changes) -> Answer:
    scenario = Scenario(placement=Placement(instance=instance), **changes)
    return CALCULATOR.answer(Session(scenario=scenario))


async def test_a_launch_command_has_its_forms_and_is_copied_to_a_file(tmp_path: Path) -> None:
    async with app_on().run_test(size=(100, 30)) as pilot:
        await press(pilot, "l")
        assert isinstance(pilot.app.screen, LaunchPanel)
        assert "vllm serve meta-llama/Llama-3.3-70B-Instruct" in screen_text(pilot.app)
        assert "accelerators that share every layer" in screen_text(pilot.app)
        await press(pilot, "l", "l")
        assert 'kind: "Deployment"' in screen_text(pilot.app)
        said = await press(pilot, "y")
        assert str(tmp_path / "launch.txt") in said.problem
        assert pilot.app.clipboard == (tmp_path / "launch.txt").read_text()


@pytest.mark.parametrize("instance", ["p5.48xlarge", "g6.12xlarge", "g7e.2xlarge"])
@pytest.mark.parametrize("engine", ["vllm", "sglang", "trtllm", "tgi"])
def test_container_forms_are_yaml_that_starts_every_replica(instance: str, engine: str) -> None:
    answer = answer_on(instance, engine=engine)
    row = answer.rows[0]
    if row.verdict != "fits":
        pytest.skip("nothing to start")
    forms = {form.name: form.text for form in forms_of(answer, row)}
    services = yaml.safe_load(forms["compose"])["services"]
    assert len(services) == row.candidate.replicas
    ids = [each for name in services for each in _device_ids(services[name])]
    assert len(ids) == len(set(ids)) == row.candidate.replicas * row.candidate.layout.devices
    assert len({service["ports"][0] for service in services.values()}) == len(services)
    deployment, service = yaml.safe_load_all(forms["Kubernetes"])
    assert deployment["spec"]["replicas"] == row.candidate.replicas
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["resources"]["limits"]["nvidia.com/gpu"] == row.candidate.layout.devices
    assert container["command"] == next(iter(services.values()))["command"]
    assert service["kind"] == "Service"
    task = yaml.safe_load(forms["SkyPilot"])
    assert task["resources"]["instance_type"] == instance
    assert container["command"][0] in task["run"]


def _device_ids(service: dict) -> list[str]:
    return service["deploy"]["resources"]["reservations"]["devices"][0]["device_ids"]


def test_a_training_run_comes_with_its_configuration_file() -> None:
    answer = CALCULATOR.answer(Session(scenario=Scenario(training=TrainingWorkload(framework="axolotl"))))
    shell, file = forms_of(answer, answer.rows[0])
    assert file.name in shell.text
    assert yaml.safe_load(file.text)
    assert shell.reasons


async def test_what_can_not_be_started_says_so() -> None:
    async with app_on().run_test(size=(80, 24)) as pilot:
        assert "✗" in (await press(pilot, "G", "l")).problem


async def test_a_row_is_copied_with_the_command_that_gives_it_again(tmp_path: Path) -> None:
    async with app_on().run_test(size=(80, 24)) as pilot:
        answer = await press(pilot, "c", "y")
        assert answer.selected
        text = (tmp_path / "llmcalc.md").read_text()
        assert pilot.app.clipboard == text
        assert answer.selected.candidate.machine in text
        assert "llmcalc-tui estimate --model meta-llama/Llama-3.3-70B-Instruct" in text
        assert "--kv fp8" in text


async def export(pilot: Pilot, form: str) -> None:
    await press(pilot, "e", *form, "enter")


async def test_the_leaderboard_is_exported_in_every_form(tmp_path: Path) -> None:
    async with app_on().run_test(size=(80, 24)) as pilot:
        answer = await press(pilot)
        for form in ("markdown", "csv", "json", "svg"):
            await export(pilot, form)
        report = (tmp_path / "llmcalc.md").read_text()
        assert "## Assumptions" in report
        assert "## Sources" in report
        assert "llmcalc-tui rank" in report
        rows = list(csv.DictReader(io.StringIO((tmp_path / "llmcalc.csv").read_text())))
        assert [row["instance"] for row in rows] == [row.candidate.machine for row in answer.rows]
        page = json.loads((tmp_path / "llmcalc.json").read_text())
        assert [row["instance"] for row in page["rows"]] == [row.candidate.machine for row in answer.rows]
        assert (tmp_path / "llmcalc.svg").read_text().startswith("<svg")
        await export(pilot, "csv")
        assert (tmp_path / "llmcalc-2.csv").exists()


async def test_a_comparison_is_exported_with_every_pin(tmp_path: Path) -> None:
    async with app_on(Session(pins=PINS, screen="compare")).run_test(size=(80, 24)) as pilot:
        await export(pilot, "markdown")
        report = (tmp_path / "llmcalc.md").read_text()
        assert "| A g7e.2xlarge | B fast |" in report
        assert report.count("llmcalc-tui estimate") == len(PINS)
        await export(pilot, "json")
        page = json.loads((tmp_path / "llmcalc.json").read_text())
        assert [pin["row"]["instance"] for pin in page["pins"]] == ["g7e.2xlarge", "p5.48xlarge"]


@pytest.mark.parametrize(
    ("scenario", "machine", "starts"),
    [
        (Scenario(), "g7e.2xlarge", "vllm serve"),
        (Scenario(training=TrainingWorkload()), "g7e.12xlarge", "tune run"),
        (Scenario(), "g6.xlarge", "Not started: "),
    ],
)
async def test_a_comparison_says_what_starts_each_pin(
    scenario: Scenario, machine: str, starts: str, tmp_path: Path
) -> None:
    pins = (Pin(scenario, machine),)
    async with app_on(Session(scenario=scenario, pins=pins, screen="compare")).run_test(size=(80, 24)) as pilot:
        await export(pilot, "markdown")
        assert starts in (tmp_path / "llmcalc.md").read_text()


@pytest.mark.parametrize(
    "scenario",
    [
        Scenario(kv="fp8", price_terms="savings-1y", region="eu-west-1"),
        Scenario(training=TrainingWorkload(method="qlora", global_batch=32)),
        Scenario(placement=Placement(tp=4), engine="sglang"),
    ],
)
def test_the_command_line_gives_the_same_question(scenario: Scenario, capsys: pytest.CaptureFixture[str]) -> None:
    import shlex

    _, *arguments = shlex.split(reproduced(scenario))
    headless([*arguments, "--format", "json", "--limit", "1"])
    from tui.cli import json_output

    assert json.loads(capsys.readouterr().out)["scenario"] == json.loads(
        json_output.dumps(json_output.scenario(scenario))
    )


def test_a_file_is_never_written_over_another(tmp_path: Path) -> None:
    names = [write("report", "md", str(at), tmp_path).name for at in range(3)]
    assert names == ["report.md", "report-2.md", "report-3.md"]
    assert (tmp_path / "report.md").read_text() == "0"


def test_the_board_of_formats_has_each_once_and_the_asked_one() -> None:
    answer = answer_on("p5.48xlarge")
    board = formats_of(bench_of(answer, answer.rows[0]))
    asked = [(each.scenario.weights, each.scenario.kv) for each in board]
    assert len(asked) == len(set(asked))
    assert ("fp8", "bf16") in asked
    notes = {each.scenario.weights: each.note for each in board}
    assert notes["fp8"] == "fp8 products; made while loading"
    assert notes["int4-awq"].startswith("weight-only")


def test_a_single_change_is_one_and_its_row_is_its_own_answer() -> None:
    answer = answer_on("p5.48xlarge")
    changes = single_changes(bench_of(answer, answer.rows[0]))
    assert len({each.title for each in changes}) == len(changes) > 8
    for each in changes:
        assert each.scenario != answer.session.scenario
    cache = next(each for each in changes if each.title == "cache fp8")
    again = CALCULATOR.answer(Session(scenario=cache.scenario)).rows[0]
    assert again.cost == cache.row.cost


def test_changes_that_halve_the_cost_halve_it() -> None:
    answer = answer_on("p4d.24xlarge", weights="bf16")
    study = bench_of(answer, answer.rows[0])
    halved, now = changes_that_halve(study), token_cost(answer.rows[0])
    assert now
    if halved:
        cost = token_cost(halved.row)
        assert cost
        assert cost <= now / 2


@pytest.mark.parametrize(("key", "title"), [("a", "formats · g7e.2xlarge"), ("z", "one change each · g7e.2xlarge")])
async def test_an_alternative_is_taken_with_one_key(key: str, title: str) -> None:
    session = Session(scenario=Scenario(placement=Placement(instance="g7e.2xlarge")))
    async with app_on(session).run_test(size=(100, 30)) as pilot:
        await press(pilot, key)
        assert title in screen_text(pilot.app)
        taken = await press(pilot, "2")
        assert taken.session.scenario != session.scenario
        assert (await press(pilot, "u")).session.scenario == session.scenario


async def test_a_launch_command_of_one_form_offers_no_other() -> None:
    async with app_on(Session(scenario=Scenario(training=TrainingWorkload()))).run_test(size=(100, 30)) as pilot:
        await press(pilot, "l")
        assert "h l form" not in screen_text(pilot.app)
        assert "l does nothing in this panel" in (await press(pilot, "l")).problem
        await press(pilot, "escape", "t", "l")
        assert "h l form" in screen_text(pilot.app)


@pytest.mark.parametrize("framework", ["torchtune", "axolotl", "llama-factory", "torchtitan"])
def test_every_setting_of_a_recipe_says_which_input_it_comes_from(framework: str) -> None:
    run = TrainingWorkload(method="full" if framework == "torchtitan" else "qlora", framework=framework)
    answer = CALCULATOR.answer(Session(scenario=Scenario(model="meta-llama/Llama-3.1-8B", training=run)))
    reasons = dict(forms_of(answer, answer.rows[0])[0].reasons)
    assert all(reasons.values())
    habits = [name for name, why in reasons.items() if why.endswith(OF_THE_STACK)]
    assert len(habits) <= 2, habits
    batch = next(why for name, why in reasons.items() if "batch" in name)
    assert "--micro-batch" in batch or "--global-batch" in batch


def test_every_flag_of_a_server_says_which_input_it_comes_from() -> None:
    answer = CALCULATOR.answer(Session())
    reasons = dict(forms_of(answer, answer.rows[0])[0].reasons)
    assert reasons["--max-model-len 2560"].endswith("--input-tokens, --output-tokens")
    assert reasons["--quantization fp8"].endswith("--weights")
