"""Launch commands say a split exactly where there is one: two stages already need their option."""

import pytest

from catalog.load import Catalog
from estimator.advice.launch import launch
from estimator.ranking.rank import evaluate
from estimator.scenario.scenario import EngineSettings, Placement, Scenario

LLAMA, DEEPSEEK = "meta-llama/Llama-3.3-70B-Instruct", "deepseek-ai/DeepSeek-V3"


def line(catalog: Catalog, scenario: Scenario) -> str:
    model, prices = catalog.model(scenario.model), catalog.prices(scenario.region)
    row = evaluate(model, scenario, catalog.inventory, prices)
    return launch(model, scenario, row, catalog.inventory).line


@pytest.mark.parametrize(
    ("engine", "option"),
    [("vllm", "--pipeline-parallel-size"), ("sglang", "--pp-size"), ("trtllm", "--pp_size")],
)
@pytest.mark.parametrize("stages", [1, 2])
def test_stages_are_said_from_two_on(catalog: Catalog, engine: str, option: str, stages: int) -> None:
    placement = Placement(instance="p5.48xlarge", tp=4, pp=stages)
    said = line(catalog, Scenario(LLAMA, engine=engine, placement=placement))
    assert (f"{option} {stages}" in said) == (stages > 1)
    assert (option in said) == (stages > 1)


@pytest.mark.parametrize(("ranks", "said"), [(1, False), (2, True)])
def test_shared_sequences_are_said_from_two_ranks_on(catalog: Catalog, ranks: int, said: bool) -> None:
    scenario = Scenario(
        DEEPSEEK,
        "native",
        placement=Placement(instance="p5en.48xlarge", tp=8),
        settings=EngineSettings(decode_context_parallel=ranks),
    )
    assert (f"--decode-context-parallel-size {ranks}" in line(catalog, scenario)) == said
