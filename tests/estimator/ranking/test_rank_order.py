"""What is ranked, and how: holds the load, meets the level, costs least per token; and what more of anything does."""

import random
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

import pytest

from catalog.load import Catalog, load
from estimator.errors import InputError
from estimator.hardware.devices import Machine
from estimator.ranking.rank import rank, recommended
from estimator.results import Evaluation
from estimator.scenario.inventory import Inventory
from estimator.scenario.scenario import EngineSettings, Placement, Scenario
from estimator.scenario.workload import ServiceLevel, ServingWorkload

MODELS = (
    ("meta-llama/Llama-3.3-70B-Instruct", "fp8"),
    ("meta-llama/Llama-3.1-8B", "bf16"),
    ("openai/gpt-oss-120b", "mxfp4"),
    ("Qwen/Qwen3-32B", "int4-awq"),
    ("deepseek-ai/DeepSeek-V3", "fp8-block"),
)
SMALL = ServingWorkload(input_tokens=1000, output_tokens=300, requests_per_second=600)


@lru_cache(maxsize=1)
def catalog() -> Catalog:
    return load()


def rows(scenario: Scenario, machine: Machine | str, *, every: bool = False) -> tuple[Evaluation, ...]:
    inventory = catalog().inventory
    at = inventory.machines[machine] if isinstance(machine, str) else machine
    model = catalog().model(scenario.model)
    return rank(model, scenario, inventory, catalog().prices("us-east-1"), (at,), every_layout=every).rows


def verdict(row: Evaluation) -> tuple[bool, bool, bool]:
    """What a row is worth to who asks: larger is better."""
    return row.verdict == "fits", row.holds_load, row.meets_service_level


def random_scenarios(count: int, seed: int) -> Iterator[tuple[Scenario, str]]:
    """Scenarios over models, loads, levels and machine types, always the same ones."""
    dice = random.Random(seed)
    clouds = sorted(each.id for each in catalog().inventory.machines.values() if each.kind == "cloud")
    for _ in range(count):
        model, weights = dice.choice(MODELS)
        arriving = dice.random() < 0.3
        workload = ServingWorkload(
            input_tokens=dice.choice((128, 1024, 4096, 16_384)),
            output_tokens=dice.choice((32, 256, 1024)),
            concurrency=dice.choice((1, 4, 16, 64, 256)),
            requests_per_second=dice.choice((0.2, 2.0, 20.0)) if arriving else None,
        )
        level = ServiceLevel(ttft_s=dice.choice((None, 0.5, 2.0, 10.0)), tpot_s=dice.choice((None, 0.02, 0.05, 0.2)))
        engine = dice.choice(("vllm", "vllm", "sglang", "trtllm"))
        kv = dice.choice(("bf16", "fp8"))
        yield (
            Scenario(model=model, weights=weights, kv=kv, workload=workload, service_level=level, engine=engine),
            dice.choice(clouds),
        )


def test_more_memory_for_the_engine_never_makes_a_verdict_worse() -> None:
    for scenario, machine in random_scenarios(300, seed=1):
        fractions = (0.8, 0.9, 0.95)
        found = [
            verdict(rows(replace(scenario, settings=EngineSettings(memory_utilization=each)), machine)[0])
            for each in fractions
        ]
        assert found == sorted(found), (scenario, machine)


def test_a_device_with_more_memory_never_makes_a_verdict_worse() -> None:
    for scenario, name in random_scenarios(300, seed=2):
        machine = catalog().inventory.machines[name]
        small, large = (rows_with_memory(scenario, machine, factor)[0] for factor in (1.0, 1.25))
        if small.candidate.machines == large.candidate.machines:  # two in a pipeline have first tokens sooner than one
            assert verdict(large) >= verdict(small), (scenario, name)


def rows_with_memory(scenario: Scenario, machine: Machine, factor: float) -> tuple[Evaluation, ...]:
    """The machine with devices of so much more memory, all else equal."""
    inventory = catalog().inventory
    device = inventory.accelerators[machine.accelerator]
    larger = replace(
        device,
        memory_sold_gb=device.memory_sold_gb * factor,
        memory_usable_bytes=int(device.memory_usable_bytes * factor),
    )
    changed = Inventory(
        accelerators={**inventory.accelerators, device.id: larger},
        fabrics=inventory.fabrics,
        machines=inventory.machines,
        engines=inventory.engines,
        efficiency=inventory.efficiency,
        training=inventory.training,
    )
    return rank(catalog().model(scenario.model), scenario, changed, catalog().prices("us-east-1"), (machine,)).rows


def test_more_machines_never_make_a_verdict_worse() -> None:
    for scenario, name in random_scenarios(300, seed=3):
        found = [
            verdict(rows(replace(scenario, placement=Placement(instance=name, machines=count)), name)[0])
            for count in (1, 2, 4)
        ]
        assert found == sorted(found), (scenario, name)


def test_a_better_link_never_makes_a_verdict_worse() -> None:
    """A fabric of the same latencies with twice the bandwidth."""
    for scenario, name in random_scenarios(300, seed=4):
        inventory = catalog().inventory
        machine = inventory.machines[name]
        fabric = inventory.fabrics[machine.fabric]
        wider = replace(
            fabric,
            link_bytes_per_s=2 * fabric.link_bytes_per_s,
            all_reduce={
                ranks: each._replace(bandwidth_bytes_per_s=2 * each.bandwidth_bytes_per_s)
                for ranks, each in fabric.all_reduce.items()
            },
        )
        changed = Inventory(
            accelerators=inventory.accelerators,
            fabrics={**inventory.fabrics, fabric.id: wider},
            machines=inventory.machines,
            engines=inventory.engines,
            efficiency=inventory.efficiency,
            training=inventory.training,
        )
        prices, model = catalog().prices("us-east-1"), catalog().model(scenario.model)
        plain = verdict(rank(model, scenario, inventory, prices, (machine,)).rows[0])
        assert verdict(rank(model, scenario, changed, prices, (machine,)).rows[0]) >= plain, (scenario, name)


@pytest.mark.parametrize("machine", ["g6.48xlarge", "g5.48xlarge"])
def test_sixteen_users_that_fit_at_90_percent_fit_at_95(machine: str) -> None:
    settings = EngineSettings(memory_utilization=0.95)
    row = rows(Scenario(settings=settings), machine)[0]
    assert row.holds_load
    assert row.max_users >= 16


def test_a_slower_layout_at_the_same_price_never_shows_a_lower_cost() -> None:
    for scenario, machine in random_scenarios(60, seed=5):
        fitting = [row for row in rows(scenario, machine, every=True) if row.performance and row.cost.usd_per_1m_tokens]
        same_price = [row for row in fitting if row.candidate.machines == fitting[0].candidate.machines]
        by_speed = sorted(same_price, key=lambda row: -row.performance.requests_per_s.typical)
        costs = [row.cost.usd_per_1m_tokens.typical for row in by_speed]
        assert costs == sorted(costs), (scenario, machine)


def test_cost_per_token_is_the_request_over_its_tokens() -> None:
    row = rows(Scenario(), "g6e.12xlarge")[0]
    assert row.cost.usd_per_request
    assert row.cost.usd_per_1m_tokens
    assert row.cost.usd_per_1m_tokens.typical == pytest.approx(row.cost.usd_per_request.typical / 2560 * 1e6)


def test_an_overload_holds_no_load_and_meets_no_level() -> None:
    scenario = Scenario(
        model="meta-llama/Llama-3.1-8B",
        weights="bf16",
        workload=SMALL,
        service_level=ServiceLevel(ttft_s=1),
        placement=Placement(machines=1),
    )
    row = rows(scenario, "p4d.24xlarge")[0]
    assert row.verdict == "fits"
    assert not row.holds_load
    assert not row.meets_service_level
    assert row.shortage
    assert row.shortage.startswith("overloaded: 600/s asked, ")


def test_a_dearer_machine_with_the_same_speed_is_dominated_not_tied() -> None:
    inventory, scenario = catalog().inventory, Scenario()
    names = ("g7e.2xlarge", "g7e.4xlarge")
    machines = tuple(inventory.machines[name] for name in names)
    model, prices = catalog().model(scenario.model), catalog().prices("us-east-1")
    cheap, dear = rank(model, scenario, inventory, prices, machines).rows
    assert (cheap.candidate.machine, dear.candidate.machine) == names
    assert dear.dominated_by == "g7e.2xlarge"
    assert not dear.tie
    assert dear.reason
    assert "same as g7e.2xlarge for $0." in dear.reason


def test_a_tie_lies_within_the_band_of_the_first_row_of_its_group() -> None:
    model, prices = catalog().model(Scenario().model), catalog().prices("us-east-1")
    leader: Evaluation | None = None
    ties = 0
    for row in rank(model, Scenario(), catalog().inventory, prices).rows:
        if row.tie:
            ties += 1
            assert leader
            assert leader.cost.usd_per_1m_tokens
            assert row.cost.usd_per_1m_tokens
            assert row.cost.usd_per_1m_tokens.typical <= leader.cost.usd_per_1m_tokens.high
        elif not row.dominated_by:
            leader = row
    assert ties


def test_the_users_of_a_row_see_the_service_level() -> None:
    scenario = Scenario(workload=ServingWorkload(concurrency=64), service_level=ServiceLevel(ttft_s=0.5, tpot_s=0.03))
    bounded, free = (
        rows(scenario, "p5.48xlarge")[0],
        rows(replace(scenario, service_level=ServiceLevel()), "p5.48xlarge")[0],
    )
    assert 0 < bounded.max_users < free.max_users
    layout = bounded.candidate.layout
    placement = Placement(instance="p5.48xlarge", machines=1, tp=layout.tp, pp=layout.pp)
    for users, meets in ((bounded.max_users, True), (2 * bounded.max_users, False)):
        load = replace(scenario, placement=placement, workload=replace(scenario.workload, concurrency=users))
        assert rows(load, "p5.48xlarge")[0].meets_service_level is meets


def test_only_what_holds_the_load_is_recommended_and_best_value_is_inside() -> None:
    model, prices = catalog().model(Scenario().model), catalog().prices("us-east-1")
    board = rank(model, Scenario(), catalog().inventory, prices).rows
    single, multiple = recommended(board)
    assert all(row.holds_load for row in (*single, *multiple))
    assert any(row.best_value for row in (*single, *multiple))


@pytest.mark.parametrize(
    ("placement", "words"),
    [
        (Placement(instance="p5.48xlarge", tp=8, dp=8), "8 replicas of TP8 need 64 accelerators, the candidate has 8"),
        (Placement(instance="p5.48xlarge", tp=4, pp=2, dp=2), "2 replicas of TP4·PP2 need 16 accelerators"),
        (Placement(instance="g6.xlarge", dp=2), "2 replicas of TP1 need 2 accelerators, the candidate has 1"),
    ],
)
def test_more_replicas_than_the_devices_hold_are_refused(placement: Placement, words: str) -> None:
    scenario = Scenario(model="Qwen/Qwen3-8B", weights="bf16", placement=placement)
    with pytest.raises(InputError, match=words) as refused:
        rows(scenario, placement.instance or "")
    assert refused.value.field == "dp"


def test_data_parallelism_of_a_dense_model_is_that_many_replicas() -> None:
    placement = Placement(instance="p5.48xlarge", dp=8)
    row = rows(Scenario(model="Qwen/Qwen3-8B", weights="bf16", placement=placement), "p5.48xlarge")[0]
    assert (row.candidate.replicas, row.candidate.layout.tp) == (8, 1)


def test_tensor_parallelism_over_several_machines_runs_where_it_is_asked_for() -> None:
    placement = Placement(instance="p5.48xlarge", machines=2, tp=16)
    scenario = Scenario(model="deepseek-ai/DeepSeek-V3", weights="fp8-block", placement=placement)
    row = rows(scenario, "p5.48xlarge")[0]
    assert row.verdict == "fits"
    assert (row.candidate.machines, row.candidate.replicas, row.candidate.layout.tp) == (2, 1, 16)
    with pytest.raises(InputError, match="needs 16 accelerators, the candidate has 8"):
        rows(replace(scenario, placement=replace(placement, machines=None)), "p5.48xlarge")
