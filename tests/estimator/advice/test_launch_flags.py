"""Every launch command parses under the options that its program documents, kept as data with their sources."""

import argparse
import itertools
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import pytest
import yaml

from catalog.load import load
from estimator.advice.launch import launch
from estimator.errors import InputError
from estimator.models.drafter import drafting
from estimator.models.model import Model
from estimator.ranking.rank import rank
from estimator.results import Evaluation
from estimator.scenario.scenario import EngineSettings, Placement, Scenario
from estimator.scenario.training_workload import TrainingWorkload
from estimator.scenario.workload import ServingWorkload
from estimator.training.recipes import recipe

FLAGS: Mapping[str, Any] = yaml.safe_load((Path(__file__).parents[2] / "data" / "launch_flags.yaml").read_text())
CATALOG = load()
KINDS = {"int": int, "float": float, "text": str}
DEEPSEEK = "deepseek-ai/DeepSeek-V3"
SERVED = (
    Scenario(),
    Scenario(kv="fp8", settings=EngineSettings(enforce_eager=True), workload=ServingWorkload(concurrency=600)),
    Scenario(model=DEEPSEEK, weights="fp8-block", workload=ServingWorkload(concurrency=256)),
    Scenario(model=DEEPSEEK, weights="fp8-block", placement=Placement(instance="p5.48xlarge", machines=2, tp=8, pp=2)),
    Scenario(
        model=DEEPSEEK,
        weights="fp8-block",
        placement=Placement(instance="p5en.48xlarge", machines=2, tp=1, dp=16, ep=16),
        workload=ServingWorkload(concurrency=256, draft_tokens=1),
    ),
    Scenario(engine="sglang", kv="fp8"),
    Scenario(
        engine="sglang",
        model=DEEPSEEK,
        weights="fp8-block",
        workload=ServingWorkload(draft_tokens=2, accepted_tokens=1.7),
    ),
    Scenario(
        engine="sglang", model=DEEPSEEK, weights="fp8-block", placement=Placement(instance="p5.48xlarge", machines=2)
    ),
    *(
        Scenario(
            engine=engine,
            weights=weights,
            model="meta-llama/Llama-3.3-70B-Instruct",
            workload=ServingWorkload(draft_tokens=3, accepted_tokens=2.0, draft_model=drafter),
        )
        for engine, weights in (("vllm", "fp8"), ("sglang", "fp8"), ("llamacpp", "gguf-q4_k_m"))
        for drafter in ("ngram", "meta-llama/Llama-3.2-1B")
    ),
    Scenario(engine="trtllm", kv="fp8"),
    Scenario(engine="trtllm", model="Qwen/Qwen3-30B-A3B", weights="bf16"),
    Scenario(engine="tgi", weights="bf16", kv="fp8"),
    Scenario(engine="llamacpp", weights="gguf-q4_k_m", kv="q8_0", deployment="local"),
    Scenario(engine="ollama", weights="gguf-q4_k_m", deployment="local"),
    Scenario(placement=Placement(accelerator="inferentia2")),
    Scenario(placement=Placement(instance="trn1.32xlarge")),
)
TRAINED = tuple(
    Scenario(
        model="meta-llama/Llama-3.1-8B",
        training=TrainingWorkload(method=method, framework=framework),
        placement=placement,
    )
    for method, framework in (
        ("lora", "torchtune"),
        ("qlora", "axolotl"),
        ("full", "llama-factory"),
        ("full", "torchtitan"),
    )
    for placement in (Placement(), Placement(instance="p4d.24xlarge", machines=2))
)
ROWS_EACH = 4
LEAST_ROWS = 40


def _model(scenario: Scenario) -> Model:
    return drafting(CATALOG.model(scenario.model), scenario.workload.draft_model, CATALOG.model)


class Refused(Exception):
    """What a parser says against a command."""


class Parser(argparse.ArgumentParser):
    """Raises where a program would end."""

    def error(self, message: str) -> NoReturn:
        raise Refused(message)


def parser_of(program: Mapping[str, Any]) -> Parser:
    """The program's own options as data say them; what it does not know is refused, and nothing is abbreviated."""
    parser = Parser(add_help=False, allow_abbrev=False)
    for name, takes in program["options"].items():
        if takes == "flag":
            parser.add_argument(name, action="store_true")
        elif takes == "texts":
            parser.add_argument(name, nargs="+")
        elif isinstance(takes, list):
            parser.add_argument(name, choices=takes)
        else:
            parser.add_argument(name, type=KINDS[takes])
    parser.add_argument("operands", nargs=argparse.REMAINDER if program.get("overrides") else "*")
    return parser


def check(command: str) -> str:
    """The program that a command starts, all of its options known and well filled. Raises Refused."""
    line = command.replace("\\\n", " ")
    if "EOF\n" in line:
        line = line.rpartition("EOF\n")[2]
    line = re.sub(r"\$\(\([^)]*\)\)", "8", line)  # arithmetic of the shell
    line = re.sub(r"\$\(test .*?echo \"(.*?)\"\)", r"\1", line)  # what all machines but the first get
    everything = shlex.split(line)
    words = [word for word in everything if not re.fullmatch(r"[A-Z_]+=\S*", word)]
    if words[0] in ("trtllm-llmapi-launch", "env"):
        words = words[1:]
    name = next(name for name in FLAGS if words[: len(name.split())] == name.split())
    program = FLAGS[name]
    variables = {word.partition("=")[0] for word in everything if re.fullmatch(r"[A-Z_]+=\S*", word)}
    if "environment" in program and not variables <= set(program["environment"]):
        raise Refused(f"{name}: {variables}")
    words = words[len(name.split()) :]
    rest = program.get("rest")
    if rest in words:
        words = words[: words.index(rest)]
    if program.get("overrides"):  # torchtune: options of the launcher, the recipe, its own, then key=value
        words = [word for word in words if not re.fullmatch(r"[a-z_.]+=.*", word)]
        at = next(at for at, word in enumerate(words) if word.endswith(("_distributed", "_single_device")))
        words = [*words[:at], *words[at + 1 :], words[at]]
    operands = parser_of(program).parse_args(words).operands
    if len(operands) != program["operands"]:
        raise Refused(f"{name}: {operands}")
    return name


def fitting(scenario: Scenario) -> list[Evaluation]:
    """Some rows of a board that fit, the first ones and the last."""
    model = _model(scenario)
    board = rank(model, scenario, CATALOG.inventory, CATALOG.prices(scenario.region))
    rows = [row for row in board.rows if row.verdict == "fits"]
    return rows if len(rows) <= ROWS_EACH else [*rows[: ROWS_EACH - 1], rows[-1]]


def test_commands_of_forty_rows_parse_under_the_programs_own_options() -> None:
    programs, counted = set(), 0
    for scenario in SERVED:
        for row in fitting(scenario):
            command = launch(_model(scenario), scenario, row, CATALOG.inventory)
            try:
                programs.add(check(command.line))
            except Refused as refusal:
                pytest.fail(f"{scenario.engine} {row.candidate}: {refusal}\n{command.line}")
            counted += 1
    assert counted >= LEAST_ROWS
    assert programs >= {
        "vllm serve",
        "python -m sglang.launch_server",
        "trtllm-serve",
        "llama-server",
        "text-generation-launcher",
    }


def test_recipes_start_with_options_that_their_launchers_know() -> None:
    programs = set()
    for scenario in TRAINED:
        for row in itertools.islice(fitting(scenario), 2):
            try:
                written = recipe(CATALOG.model(scenario.model), scenario, row, CATALOG.inventory)
            except InputError:
                continue  # nothing is offered where no stack writes for the device
            try:
                programs.add(check(written.command))
            except Refused as refusal:
                pytest.fail(f"{row.candidate}: {refusal}\n{written.command}")
            if row.candidate.machines > 1:
                assert "$HEAD_ADDRESS" in written.command
                assert any("NODE_RANK" in note for note in written.notes)
    assert programs >= {"tune run", "axolotl train", "torchrun"}


def test_an_option_that_a_program_does_not_know_is_refused() -> None:
    with pytest.raises(Refused):
        check("vllm serve model --tensor-parallel 4")
    with pytest.raises(Refused):
        check("llama-server --model a.gguf --cache-type-k fp8")
    with pytest.raises(Refused):
        check("vllm serve model another --max-num-seqs 4")


@pytest.mark.parametrize("program", FLAGS)
def test_every_program_names_its_source_and_version(program: str) -> None:
    assert all(each.startswith("https://") for each in FLAGS[program]["source"])
    assert FLAGS[program]["version"]
    assert FLAGS[program].keys() <= {"version", "source", "operands", "options", "environment", "rest", "overrides"}
