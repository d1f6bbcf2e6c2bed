"""What an engine would say where it does not start, and that figures of advice have their unit."""

from dataclasses import replace

import pytest

from catalog.load import Catalog
from estimator.advice.fixes import engine_message, fixes, gains
from estimator.advice.study import Study
from estimator.ranking.rank import rank
from estimator.results import Evaluation
from estimator.scenario.scenario import EngineSettings, Placement, Scenario
from estimator.scenario.workload import ServingWorkload

LLAMA_70B = "meta-llama/Llama-3.3-70B-Instruct"


def judged(catalog: Catalog, scenario: Scenario) -> tuple[Study, Evaluation]:
    model, prices = catalog.model(scenario.model), catalog.prices(scenario.region)
    row = rank(model, scenario, catalog.inventory, prices).rows[0]
    return Study(row.candidate, scenario, model, catalog.inventory, prices), row


def words(catalog: Catalog, scenario: Scenario) -> str:
    study, row = judged(catalog, scenario)
    assert row.memory
    return engine_message(study, row.memory)


def on(instance: str, engine: str = "vllm", model: str = "Qwen/Qwen3-32B", **settings: float) -> Scenario:
    placement = Placement(instance=instance, machines=1)
    return Scenario(model, "bf16", engine=engine, placement=placement, settings=EngineSettings(**settings))  # type: ignore[arg-type]


def test_an_engine_that_starts_says_nothing(catalog: Catalog) -> None:
    assert words(catalog, on("g6e.12xlarge")) == ""


@pytest.mark.parametrize(("engine", "said"), [("vllm", "OutOfMemoryError"), ("sglang", "OutOfMemoryError")])
def test_weights_that_the_device_does_not_hold_run_out_of_memory(catalog: Catalog, engine: str, said: str) -> None:
    assert said in words(catalog, on("g6e.xlarge", engine))


def test_vllm_has_words_for_no_cache_at_all_and_for_too_little(catalog: Catalog) -> None:
    """Weights of 15.3 GiB on a card of 22: none is left at a low utilization, and at a high one less than a long
    request."""
    card = on("g6.xlarge", model="Qwen/Qwen3-8B")
    assert "No available memory for the cache blocks" in words(
        catalog, replace(card, settings=EngineSettings(memory_utilization=0.7))
    )
    long = ServingWorkload(input_tokens=40_000, output_tokens=512)
    said = words(catalog, replace(card, workload=long))
    assert f"max seq len ({long.total_tokens})" in said
    assert "decreasing `max_model_len`" in said


def test_sglang_names_its_own_option(catalog: Catalog) -> None:
    card = replace(
        on("g6.xlarge", "sglang", "Qwen/Qwen3-8B"), workload=ServingWorkload(input_tokens=40_000, output_tokens=512)
    )
    assert "--mem-fraction-static" in words(catalog, card)


def test_a_prompt_that_is_too_long_is_cut_to_what_one_request_may_have(catalog: Catalog) -> None:
    card = replace(
        on("g6.xlarge", model="Qwen/Qwen3-8B"), workload=ServingWorkload(input_tokens=40_000, output_tokens=512)
    )
    study, row = judged(catalog, card)
    shorter = [each for each in fixes(study, row) if each.title.startswith("input of ")]
    for change in shorter:
        assert change.scenario
        assert study.asking(change.scenario).evaluation().verdict == "fits"
        assert change.scenario.workload.input_tokens < 40_000


def test_room_that_is_left_is_offered_as_users_and_length(catalog: Catalog) -> None:
    study, row = judged(catalog, on("g6e.12xlarge"))
    titles = [each.title for each in gains(study, row)]
    assert any(title.endswith(" users") for title in titles)
    assert any(title.endswith(" input tokens") for title in titles)
    assert "KV cache in fp8" in titles
