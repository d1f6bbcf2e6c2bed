"""What a drafter costs on the devices of the model that verifies: bytes, cache, passes."""

from dataclasses import replace

import pytest

from catalog.load import Catalog
from catalog.questions import ask
from estimator.errors import InputError
from estimator.models.model import Model, read_model
from estimator.ranking.rank import evaluate, rank
from estimator.results import Evaluation
from estimator.scenario.scenario import EngineSettings, Placement, Scenario
from estimator.scenario.workload import ServingWorkload
from tests.estimator.models.test_drafters import DFLASH, EAGLE3

WORK = ServingWorkload(
    input_tokens=80, output_tokens=256, concurrency=1, draft_tokens=4, accepted_tokens=2.5, draft_model="named"
)
ASKED = Scenario(
    model="meta-llama/Llama-3.1-8B",
    weights="bf16",
    workload=WORK,
    settings=EngineSettings(max_model_len=8192),
    placement=Placement(accelerator="h100-sxm", count=1),
)


def row(catalog: Catalog, drafter: Model | None, scenario: Scenario = ASKED) -> Evaluation:
    from estimator.models.drafter import drafting

    name = scenario.workload.draft_model if drafter is not None else "ngram"
    model = drafting(catalog.model(scenario.model), name, lambda _: drafter or catalog.model(scenario.model))
    workload = replace(scenario.workload, draft_model=name)
    prices = catalog.prices("us-east-1")
    return evaluate(model, replace(scenario, workload=workload), catalog.inventory, prices)


def seconds(found: Evaluation) -> float:
    assert found.performance is not None
    return found.performance.tpot_s.typical


def test_a_small_model_brings_weights_and_cache(catalog: Catalog) -> None:
    small = catalog.model("meta-llama/Llama-3.2-1B")
    with_it, without = row(catalog, small), row(catalog, None)
    assert with_it.memory is not None
    assert without.memory is not None
    named = {part.name: part.value for part in with_it.memory.weights}
    assert named["drafter, 16-bit"] == pytest.approx(2 * small.architecture.parameters, rel=0.001)
    assert not any("drafter" in part.name for part in without.memory.weights)
    assert with_it.memory.kv_bytes_per_token == pytest.approx((32 + 16 / 2) / 32 * without.memory.kv_bytes_per_token)
    assert seconds(with_it) > seconds(row(catalog, read_model("eagle", {"config": EAGLE3}))) > seconds(without)


def test_looking_tokens_up_takes_no_pass(catalog: Catalog) -> None:
    """What verifying five rows costs, and nothing else: TPOT falls nearly with the tokens of a step."""
    plain = replace(ASKED, workload=replace(WORK, draft_tokens=0, accepted_tokens=1.0, draft_model=None))
    alone = evaluate(*ask(catalog, plain))
    assert 1.0 < seconds(row(catalog, None)) * WORK.accepted_tokens / seconds(alone) < 1.25


def test_a_block_takes_one_pass_however_long(catalog: Catalog) -> None:
    dflash = read_model("dflash", {"config": DFLASH})
    qwen = replace(ASKED, model="Qwen/Qwen3-8B")
    one, eight = (
        seconds(row(catalog, dflash, replace(qwen, workload=replace(WORK, draft_tokens=drafts, accepted_tokens=1.5))))
        for drafts in (1, 8)
    )
    chain = [
        seconds(
            row(
                catalog,
                catalog.model("Qwen/Qwen3-0.6B"),
                replace(qwen, workload=replace(WORK, draft_tokens=drafts, accepted_tokens=1.5)),
            )
        )
        for drafts in (1, 8)
    ]
    assert eight < 1.12 * one
    assert chain[1] > 2 * chain[0]


def test_ranks_divide_a_drafter_as_far_as_its_heads_go(catalog: Catalog) -> None:
    small = catalog.model("meta-llama/Llama-3.2-1B")
    asked = replace(
        ASKED,
        model="meta-llama/Llama-3.3-70B-Instruct",
        placement=Placement(accelerator="h100-sxm", count=8, machines=1, tp=8),
    )
    found = row(catalog, small, asked)
    assert found.memory is not None
    (held,) = [part.value for part in found.memory.weights if part.name.startswith("drafter")]
    assert held == pytest.approx(2 * small.architecture.parameters / 8, rel=0.01)


def test_a_drafter_without_drafts_is_asked_back(catalog: Catalog) -> None:
    with pytest.raises(InputError, match="how many tokens it proposes"):
        row(catalog, None, replace(ASKED, workload=replace(WORK, draft_tokens=0, accepted_tokens=1.0)))


def test_an_engine_that_does_not_load_the_drafter_says_so(catalog: Catalog) -> None:
    from estimator.models.drafter import drafting

    small = replace(catalog.model("meta-llama/Llama-3.2-1B"), id="a.gguf")
    from estimator.models.formats import weight_format

    gguf = replace(small, native_weights="gguf-q4_k_m", checkpoint=weight_format("gguf-q4_k_m"))
    model = drafting(catalog.model(ASKED.model), "named", lambda _: gguf)
    board = rank(model, ASKED, catalog.inventory, catalog.prices("us-east-1"))
    assert "a.gguf, which drafts: vLLM does not load" in (board.rows[0].reason or "")
