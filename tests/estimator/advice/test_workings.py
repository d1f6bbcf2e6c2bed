"""Every working's formula, worked out with its own numbers, gives the figure it explains."""

import re

import pytest

from catalog.load import load
from estimator.advice.study import Study
from estimator.advice.workings import Working, explain
from estimator.engines.speed_constants import Calibration
from estimator.ranking.rank import rank
from estimator.scenario.scenario import EngineSettings, Placement, Scenario
from estimator.scenario.workload import ServingWorkload


def worked_out(working: Working) -> float:
    """The formula's value: names longest first, each replaced by its number."""
    expression = working.formula
    for term in sorted(working.terms, key=lambda term: -len(term.name)):
        expression = expression.replace(term.name, f"({term.value!r})")
    assert re.fullmatch(r"[\d\s.()*/+e-]+", expression), expression
    return float(eval(expression))


@pytest.mark.parametrize(
    "scenario",
    [
        Scenario(),
        Scenario(model="deepseek-ai/DeepSeek-V3", kv="fp8", workload=ServingWorkload(8192, 256, 64)),
        Scenario(model="meta-llama/Llama-3.1-8B-Instruct", weights="bf16", engine="sglang"),
        Scenario(model="deepseek-ai/DeepSeek-V3", settings=EngineSettings(decode_context_parallel=8)),
        Scenario(model="openai/gpt-oss-20b", weights="mxfp4", engine_version="0.19.0"),
        Scenario(model="Qwen/Qwen3-Next-80B-A3B-Instruct", settings=EngineSettings(max_num_seqs=8)),
        Scenario(model="google/gemma-3-12b-it", weights="bf16", engine="trtllm"),
        Scenario(model="meta-llama/Llama-3.1-8B-Instruct", weights="gguf-q4_k_m", engine="llamacpp"),
    ],
    ids=lambda scenario: scenario.model.rpartition("/")[2] + "·dcp" * (scenario.settings.dcp > 1),
)
def test_formulas_give_their_figures(scenario: Scenario) -> None:
    catalog = load()
    model, prices = catalog.model(scenario.model), catalog.prices(scenario.region)
    rows = [row for row in rank(model, scenario, catalog.inventory, prices).rows if row.verdict == "fits"]
    figures = set()
    for row in rows[:: max(len(rows) // 12, 1)]:
        study = Study(row.candidate, scenario, model, catalog.inventory, prices)
        for figure, working in explain(study, row).items():
            assert worked_out(working) == pytest.approx(working.value, rel=1e-9), (row.candidate.machine, working)
            assert working.source
            large = [term for term in working.terms if working.unit == "bytes" and term.value > 1e9]
            assert all(term.unit == "bytes" for term in large), large
            figures.add(figure)
    assert figures >= {
        "weights",
        "kv",
        "request",
        "runtime",
        "users",
        "ttft",
        "tpot",
        "throughput",
        "usd_tokens",
        "usd_output",
        "usd_month",
    }


def test_an_own_point_is_a_term_of_the_times() -> None:
    catalog = load()
    point = Calibration("h100-sxm", "vllm", 1.25, 2.0)
    scenario = Scenario(placement=Placement("p5.48xlarge"), calibrations=(point,))
    model, prices = catalog.model(scenario.model), catalog.prices(scenario.region)
    row = rank(model, scenario, catalog.inventory, prices).rows[0]
    workings = explain(Study(row.candidate, scenario, model, catalog.inventory, prices), row)
    for figure, factor in (("ttft", 2.0), ("tpot", 1.25)):
        terms = workings[figure].terms
        place = next(index for index, term in enumerate(terms) if term.name == "own point")
        operators, own, rest = terms[:place], terms[place], terms[place + 1]
        assert own.value == pytest.approx((factor - 1) * sum(each.value for each in operators))
        assert 0 < rest.value < workings[figure].value
        assert workings[figure].source.startswith(f"own point, x{factor:.2f}; ")


def test_stripes_are_a_term_of_the_users() -> None:
    catalog = load()
    settings = EngineSettings(decode_context_parallel=8)
    scenario = Scenario(model="deepseek-ai/DeepSeek-V3", settings=settings, placement=Placement("p5en.48xlarge"))
    model, prices = catalog.model(scenario.model), catalog.prices(scenario.region)
    row = rank(model, scenario, catalog.inventory, prices).rows[0]
    study = Study(row.candidate, scenario, model, catalog.inventory, prices)
    users = explain(study, row)["users"]
    assert users.formula == "tokens in the pool * ranks that share a sequence / tokens of a request"
    assert users.terms[0].value == pytest.approx(row.memory.kv_cache_bytes / (61 * 576 * 2), rel=0.01)  # type: ignore[union-attr]
