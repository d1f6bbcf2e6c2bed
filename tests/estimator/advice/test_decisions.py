"""What articles advise, beside today's figures: stages, and where the two part."""

from dataclasses import replace

import pytest

from catalog.load import Catalog
from estimator.advice.decisions import Decisions, Tier, contradiction, needed_memory_bytes
from estimator.ranking.rank import rank
from estimator.results import Evaluation
from estimator.scenario.scenario import Placement, Scenario
from estimator.scenario.workload import ServiceLevel, ServingWorkload

TIERS = {
    name: Tier(requests_per_day=limit, says=name, instances=(), terms="")
    for name, limit in (("start", 1_000), ("growth", 100_000), ("scale", 1_000_000))
}


@pytest.mark.parametrize(
    ("a_day", "name"), [(0, "start"), (999, "start"), (1_000, "growth"), (999_999, "scale"), (10**9, "scale")]
)
def test_a_stage_ends_below_its_limit_and_the_last_holds_what_is_beyond(a_day: float, name: str) -> None:
    assert Decisions(tiers=TIERS).tier(a_day)[0] == name


@pytest.fixture(scope="module")
def rows(catalog: Catalog) -> tuple[Evaluation, ...]:
    scenario = Scenario(model="Qwen/Qwen3-8B", weights="bf16", workload=ServingWorkload(concurrency=64))
    scenario = replace(scenario, service_level=ServiceLevel(tpot_s=0.06), placement=Placement(machines=1))
    return rank(catalog.model(scenario.model), scenario, catalog.inventory, catalog.prices("us-east-1")).rows


def test_nothing_is_said_where_the_article_names_what_leads(rows: tuple[Evaluation, ...]) -> None:
    assert contradiction([rows[0].candidate.machine], rows) == ""


def test_each_other_machine_is_said_with_what_is_wrong_with_it(rows: tuple[Evaluation, ...]) -> None:
    answering = [row for row in rows if row.verdict == "fits" and row.holds_load and row.meets_service_level]
    dear = [row for row in answering if row.cost.usd_per_1m_tokens][-1]
    misses = next(row for row in rows if row.verdict == "fits" and row not in answering)
    short = next(row for row in rows if row.verdict == "does_not_fit")
    named = [row.candidate.machine for row in (dear, misses, short)]
    text = contradiction([*named, "p9.48xlarge"], rows)
    ratio = dear.cost.usd_per_1m_tokens.typical / rows[0].cost.usd_per_1m_tokens.typical  # type: ignore[union-attr]
    assert text.startswith(f"today {rows[0].candidate.machine} answers for less; ")
    assert f"{named[0]} costs {ratio:.1f} times as much a token" in text
    assert f"{named[1]} misses the load or its level" in text
    assert f"{named[2]}: {short.reason}" in text
    assert text.endswith("p9.48xlarge: not offered here")


def test_a_board_without_an_answer_says_so(rows: tuple[Evaluation, ...]) -> None:
    short = [row for row in rows if row.verdict == "does_not_fit"]
    assert contradiction(["g6.xlarge"], short) == "no single machine carries this load within its level: plan a fleet"


def test_memory_needed_is_what_the_devices_keep_for_the_load(rows: tuple[Evaluation, ...]) -> None:
    row, work = rows[0], ServingWorkload(concurrency=64)
    needed = needed_memory_bytes(row, work)
    assert needed
    assert row.memory
    fixed = row.candidate.layout.devices * row.memory.weights_bytes
    assert fixed < needed < row.candidate.layout.devices * row.memory.device_bytes
    idle = needed_memory_bytes(row._replace(performance=None), replace(work, concurrency=1))
    assert idle
    assert idle < needed
    assert needed_memory_bytes(row._replace(memory=None), work) is None
