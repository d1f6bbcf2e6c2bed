"""Advice is true: what it says makes a row fit does, and the numbers it gives are what the ranking then says."""

from dataclasses import replace

import pytest

from catalog.load import Catalog, load
from estimator.advice.fixes import engine_message, fixes, gains, quicker
from estimator.advice.study import Study
from estimator.advice.training_fixes import run_changes
from estimator.models.model import Model
from estimator.ranking.rank import rank
from estimator.scenario.scenario import EngineSettings, Placement, Scenario
from estimator.scenario.training_workload import TrainingWorkload
from estimator.scenario.workload import ServiceLevel, ServingWorkload
from estimator.units import hours_text


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load()


def bench_on(catalog: Catalog, scenario: Scenario) -> Study:
    """The study of the machine that the scenario places itself on."""
    model: Model = catalog.model(scenario.model)
    prices = catalog.prices(scenario.region)
    row = rank(model, scenario, catalog.inventory, prices).rows[0]
    return Study(row.candidate, scenario, model, catalog.inventory, prices)


@pytest.mark.parametrize(
    ("instance", "model", "weights"),
    [
        ("g5.xlarge", "meta-llama/Llama-3.1-8B-Instruct", "fp32"),
        ("g6e.xlarge", "Qwen/Qwen2.5-32B-Instruct", "bf16"),
        ("g5.12xlarge", "meta-llama/Llama-3.3-70B-Instruct", "bf16"),
    ],
)
def test_every_fix_makes_it_fit(catalog: Catalog, instance: str, model: str, weights: str) -> None:
    placement = Placement(instance=instance, machines=1)
    study = bench_on(catalog, Scenario(model=model, weights=weights, placement=placement))
    before = study.evaluation()
    assert before.verdict == "does_not_fit"
    changes = fixes(study, before)
    assert changes
    for change in changes:
        assert change.scenario
        assert study.asking(change.scenario).evaluation().verdict == "fits"
    assert gains(study, before) == []


@pytest.mark.parametrize("level", [ServiceLevel(tpot_s=0.03), ServiceLevel(ttft_s=0.8, tpot_s=0.03)])
def test_what_is_quicker_keeps_the_service_level(catalog: Catalog, level: ServiceLevel) -> None:
    asked = ServingWorkload(input_tokens=2048, concurrency=64)
    placement = Placement(instance="p4d.24xlarge", machines=1)
    scenario = Scenario(workload=asked, service_level=level, placement=placement)
    study = bench_on(catalog, scenario)
    assert not study.evaluation().meets_service_level
    changes = quicker(study)
    assert changes
    for change in changes:
        assert change.scenario
        assert study.asking(change.scenario).evaluation().meets_service_level


def test_gains_hold_more_users_or_longer_requests(catalog: Catalog) -> None:
    scenario = Scenario(workload=ServingWorkload(concurrency=8), placement=Placement(instance="p4d.24xlarge"))
    study = bench_on(catalog, scenario)
    before = study.evaluation()
    assert fixes(study, before) == []
    changes = {change.title: change for change in gains(study, before)}
    assert "KV cache in fp8" in changes
    assert changes["KV cache in fp8"].effect.startswith(f"{study.most_users:,} → ")
    for change in changes.values():
        if change.scenario:
            assert study.asking(change.scenario).evaluation().verdict == "fits"


def test_facts_explain_the_numbers(catalog: Catalog) -> None:
    scenario = Scenario(model="Qwen/Qwen3-30B-A3B", weights="bf16", placement=Placement(instance="g6.48xlarge", tp=8))
    study = bench_on(catalog, scenario)
    facts = {change.title: change.effect for change in gains(study, study.evaluation()) if not change.scenario}
    assert facts["TP8 keeps 2 copies of the cache"] == "the model has 4 KV heads to divide"
    assert "a device has 22.5 GiB, not 24" in facts


def test_copies_of_the_cache_can_be_striped(catalog: Catalog) -> None:
    placement = Placement(instance="p5en.48xlarge", tp=8)
    scenario = Scenario(model="deepseek-ai/DeepSeek-V3", workload=ServingWorkload(65_536, 512), placement=placement)
    study = bench_on(catalog, scenario)
    (change,) = [each for each in gains(study, study.evaluation()) if each.title == "decode context parallel 8"]
    assert change.scenario
    after = study.asking(change.scenario)
    assert change.effect.startswith(f"{study.most_users:,} → {after.most_users:,} users")
    assert after.most_users == pytest.approx(8 * study.most_users, rel=0.1)
    assert not [each for each in gains(after, after.evaluation()) if each.title.startswith("decode context")]
    assert not [
        each
        for each in gains(bench_on(catalog, replace(scenario, engine="trtllm")), study.evaluation())
        if each.title.startswith("decode context")
    ]


def test_stripes_make_a_long_request_fit(catalog: Catalog) -> None:
    scenario = Scenario(
        "deepseek-ai/DeepSeek-V2-Lite",
        "bf16",
        workload=ServingWorkload(150_000, 2000, concurrency=1),
        settings=EngineSettings(memory_utilization=0.58),
        placement=Placement(instance="g5.12xlarge", machines=1, tp=4),
    )
    study = bench_on(catalog, scenario)
    before = study.evaluation()
    changes = {change.title: change for change in fixes(study, before)}
    assert changes["decode context parallel 4"].scenario
    assert changes["decode context parallel 4"].effect.startswith("holds ")


def test_every_change_of_a_run_fits_its_machine(catalog: Catalog) -> None:
    run = TrainingWorkload("full", sequence_length=4096, micro_batch=4)
    scenario = Scenario(training=run, placement=Placement(instance="p4d.24xlarge"))
    study = bench_on(catalog, scenario)
    changes = run_changes(study)
    assert {"QLoRA", "sequences of 2,048"} <= {change.title for change in changes}
    for change in changes:
        assert change.scenario
        judged = study.asking(change.scenario).best()
        assert judged.verdict == "fits"
        assert judged.training
        assert hours_text(judged.training.hours.typical) in change.effect


@pytest.mark.parametrize(
    ("engine", "instance", "model", "words"),
    [
        ("vllm", "g6.xlarge", "Qwen/Qwen2.5-32B-Instruct", "torch.OutOfMemoryError: CUDA out of memory."),
        ("vllm", "g5.xlarge", "meta-llama/Llama-3.1-8B-Instruct", "ValueError: To serve at least one request"),
        ("sglang", "g5.xlarge", "meta-llama/Llama-3.1-8B-Instruct", "RuntimeError: Not enough memory."),
        ("llamacpp", "g6.xlarge", "Qwen/Qwen2.5-32B-Instruct", ""),
    ],
)
def test_an_engine_refuses_in_its_own_words(
    catalog: Catalog, engine: str, instance: str, model: str, words: str
) -> None:
    weights = "gguf-q8_0" if engine == "llamacpp" else "bf16"
    placement = Placement(instance=instance, machines=1)
    load = ServingWorkload(100_000, 512, concurrency=1)
    study = bench_on(catalog, Scenario(model, weights, engine=engine, workload=load, placement=placement))
    before = study.evaluation()
    assert before.verdict == "does_not_fit"
    assert before.memory
    message = engine_message(study, before.memory)
    assert message.startswith(words)
    assert bool(message) == bool(words)
    if "at least one" in words:
        assert f"estimated maximum model length is {study.memory.max_context(1)}" in message
        assert "max seq len (100512)" in message


def test_vllm_without_room_for_a_block_says_so(catalog: Catalog) -> None:
    settings = EngineSettings(memory_utilization=0.75)
    scenario = Scenario(
        "meta-llama/Llama-3.1-8B-Instruct", "bf16", placement=Placement(instance="g5.xlarge"), settings=settings
    )
    study = bench_on(catalog, scenario)
    before = study.evaluation()
    assert before.memory
    assert before.memory.left_bytes <= 0 < before.memory.usable_bytes - before.memory.weights_bytes
    assert engine_message(study, before.memory).startswith("ValueError: No available memory for the cache blocks.")
    titles = [change.title for change in fixes(study, before)]
    assert "memory utilization 0.75 → 0.95" in titles


def test_what_starts_is_refused_by_no_message(catalog: Catalog) -> None:
    study = bench_on(catalog, Scenario(placement=Placement(instance="p4d.24xlarge")))
    row = study.evaluation()
    assert row.memory
    assert engine_message(study, row.memory) == ""


def test_settings_of_the_user_that_take_too_much_are_named(catalog: Catalog) -> None:
    settings = EngineSettings(max_num_batched_tokens=65_536, memory_utilization=0.95)
    scenario = Scenario(
        "meta-llama/Llama-3.1-8B-Instruct",
        "bf16",
        workload=ServingWorkload(4_000, 512, concurrency=2),
        placement=Placement(instance="g5.xlarge", machines=1),
        settings=settings,
    )
    study = bench_on(catalog, scenario)
    before = study.evaluation()
    assert before.verdict == "does_not_fit"
    changes = {change.title: change for change in fixes(study, before)}
    assert "chunk 65,536 → 2,048 tokens" in changes
    assert not [title for title in changes if title.startswith("memory utilization")]
    for change in changes.values():
        assert change.scenario
        assert study.asking(change.scenario).evaluation().verdict == "fits"
        assert change.effect.startswith("holds ")


def test_llamacpp_narrows_its_own_formats(catalog: Catalog) -> None:
    scenario = Scenario(
        "meta-llama/Llama-3.1-8B-Instruct",
        "gguf-q8_0",
        engine="llamacpp",
        workload=ServingWorkload(120_000, 512, concurrency=1),
        placement=Placement(instance="g6.xlarge", machines=1),
    )
    study = bench_on(catalog, scenario)
    before = study.evaluation()
    titles = [change.title for change in (*fixes(study, before), *gains(study, before))]
    assert {"KV cache in q8_0", "weights in gguf-q6_k"} <= set(titles)


def test_a_shorter_prompt_is_a_fix_where_the_pool_holds_one(catalog: Catalog) -> None:
    scenario = Scenario(
        "meta-llama/Llama-3.1-8B-Instruct",
        "bf16",
        workload=ServingWorkload(100_000, 512, concurrency=1),
        placement=Placement(instance="g5.xlarge", machines=1),
    )
    study = bench_on(catalog, scenario)
    changes = {change.title: change for change in fixes(study, study.evaluation())}
    longest = study.memory.max_context(1)
    shorter = changes[f"input of {longest - 512:,} tokens"]
    assert shorter.scenario
    assert shorter.scenario.workload.total_tokens == longest


def test_a_run_without_training_has_no_changes(catalog: Catalog) -> None:
    assert run_changes(bench_on(catalog, Scenario(placement=Placement(instance="p4d.24xlarge")))) == []


@pytest.mark.parametrize(
    ("engine", "weights", "kv", "narrower"),
    [
        ("vllm", "bf16", "bf16", "fp8"),
        ("vllm", "bf16", "fp8", ""),
        ("llamacpp", "gguf-q4_k_m", "bf16", "q8_0"),
        ("llamacpp", "gguf-q4_k_m", "q8_0", "q4_0"),
        ("llamacpp", "gguf-q4_k_m", "q4_0", ""),
    ],
)
def test_the_next_narrower_cache_is_proposed_and_never_the_one_that_is_asked(
    catalog: Catalog, engine: str, weights: str, kv: str, narrower: str
) -> None:
    placement = Placement(instance="g6.xlarge", machines=1)
    study = bench_on(catalog, Scenario("Qwen/Qwen3-8B", weights, kv, engine=engine, placement=placement))
    changes = gains(study, study.evaluation()) + fixes(study, study.evaluation())
    caches = {change.scenario.kv for change in changes if change.scenario and change.scenario.kv != kv}
    assert caches == ({narrower} if narrower else set())
