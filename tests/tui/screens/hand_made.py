"""An application on hand-made figures in every part, panels too: its pictures move with the drawing alone."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from catalog.load import Catalog
from estimator.advice.alternatives import Alternative
from estimator.advice.fixes import Change
from estimator.advice.launch import Argument, Command
from estimator.advice.reverse import Runnable
from estimator.advice.workings import Term, Working
from estimator.cost.offers import Offer
from estimator.hardware.devices import AllReduce, Fabric
from estimator.hardware.prices import Price, RegionPrices
from estimator.layout import Layout
from estimator.models.model import Model
from estimator.planning.autoscaling import Autoscaling, ColdStart
from estimator.planning.breakeven import AgainstApi, AgainstBuying, AgainstTerms
from estimator.planning.mix import Line, Mix
from estimator.planning.plan import Hour, Plan
from estimator.ranking.smallest_fleet import Fleet
from estimator.results import Band, Candidate, Evaluation, Leaderboard, MemoryTerm
from estimator.scenario.scenario import Scenario
from estimator.units import GIB
from tests.tui.board import MACHINES, PlainCalculator, Shelf, confidence, cost, rank, tiny_model
from tests.tui.page_facts import MEMORY, PERFORMANCE
from tests.tui.pages.test_latency_page import FACTS as LATENCIES
from tests.tui.pages.test_training import RUN
from tui.draw.tradeoff import CostCurve, LoadPoint
from tui.pages import help_figures, latency
from tui.pages.launch_forms import command_forms
from tui.screens import (
    alternative_panels,
    candidate,
    launch,
    memory,
    money_panels,
    panels,
    performance,
    reverse,
    sessions,
    terms,
)
from tui.state.answer import Answer
from tui.state.session import Session
from tui.state.session_files import SavedSession

WORKINGS = {
    "usd_tokens": Working(
        figure="usd_tokens",
        title="$ per million tokens, input and output",
        value=1.93,
        unit="usd",
        formula="$ per hour / 3600 / requests per second * 1e6 / tokens of a request",
        terms=(
            Term("$ per hour", 10.49, "usd"),
            Term("requests per second", 0.59, "per second"),
            Term("tokens of a request", 2560, "tokens"),
        ),
        source="list price in us-east-1 2026-07-20",
    ),
    "ttft": Working(
        figure="ttft",
        title="time to first token",
        value=0.41,
        unit="seconds",
        formula="mlp + attention projections + all-reduce",
        terms=(
            Term("mlp", 0.2, "seconds"),
            Term("attention projections", 0.15, "seconds"),
            Term("all-reduce", 0.06, "seconds"),
        ),
        source="own fits to published kernel tables",
    ),
}
CHANGES = [
    Change("195 users", "as many as the pool holds at this length", Scenario(kv="fp8")),
    Change("KV cache in fp8", "195 → 390 users, time per token -6%", Scenario(kv="fp8")),
    Change("a first start compiles", "with the kernels of an earlier one 0.4 GiB more are left"),
]
BUDGET = (
    MemoryTerm("the budget", 40.08 * GIB, (("usable", 44.53), ("utilization", 0.9))),
    MemoryTerm("weights", -16.91 * GIB),
    MemoryTerm("activations", -1.96 * GIB),
)
OFFERS = (
    Offer("on-demand", "priced", Price(10.49, "list", "2026-07-20"), 132, False, 1.0),
    Offer("spot", "priced", Price(4.2, "snapshot", "2026-07-20", 3.9, 5.1), 132, False, 0.4, "5-10%"),
    Offer("reserved-1y", "priced", Price(6.6, "list", "2025-04-04"), 604, True, 0.63),
    Offer("capacity-block", "no_price"),
)
COMMAND = Command(
    "vllm serve meta-llama/Llama-3.3-70B-Instruct",
    (
        Argument("--tensor-parallel-size 4", "accelerators that share every layer"),
        Argument("--gpu-memory-utilization 0.9", "share of device memory it takes"),
    ),
    ("the model is gated: accept its licence first",),
)
SAVED = [
    SavedSession(Path("/home/me/llama.yaml"), datetime(2026, 11, 28, 9, 5, tzinfo=UTC), "meta/Llama-3.3-70B fp8", 3),
    SavedSession(Path("/home/me/rag.yaml"), datetime(2026, 11, 2, 17, 30, tzinfo=UTC), "Qwen/Qwen3-32B bf16", 0),
]


class FullShelf(Shelf):
    """The hand-made catalogue with what panels ask of it."""

    api_prices: Mapping[str, Any] = {"an-api": None}

    def __init__(self) -> None:
        super().__init__()
        apart = Fabric("none", "none", 1e9, {2: AllReduce(1e-5, 1e9, 1.0)})
        self.inventory = replace(self.inventory, fabrics={**self.inventory.fabrics, "none": apart})

    def model(self, name: str) -> Model:
        return tiny_model(self.model_id(name))


class HandMadeCalculator(PlainCalculator):
    """Ranks by hand: machines of the cloud, devices of one's own, or training runs."""

    def __init__(self) -> None:
        super().__init__()
        self.catalog = cast(Catalog, FullShelf())
        self.measurements = cast(Any, None)

    def rank(self, session: Session, model: Model, prices: RegionPrices) -> Leaderboard:
        scenario = session.scenario
        board = rank(model, scenario, self.catalog.inventory, prices)
        if scenario.training:
            return Leaderboard(tuple(run_on(*machine) for machine in MACHINES), 12)
        if scenario.deployment == "local":
            return board._replace(rows=tuple(map(owned, board.rows)))
        return board


def owned(row: Evaluation) -> Evaluation:
    """The devices of a row without the rented machine around them, at a tenth of its price."""
    at = row.candidate
    name = f"{at.accelerators:g}x{at.accelerator}"
    price = row.cost.price_usd_per_hour
    cheaper = row.cost._replace(price_usd_per_hour=price and price / 10, price_kind="owned")
    return row._replace(candidate=at._replace(machine=name), cost=cheaper)


def run_on(
    machine: str,
    device: str,
    count: int,
    gb: int,
    usable: float,
    replicas: int,
    tp: int,
    price: float,
    grade: str,
    tie: bool,
    best: bool,
) -> Evaluation:
    """The hand-made run, faster where there are more devices."""
    speed = count / 8

    def by(band: Band, factor: float) -> Band:
        return Band(*(each * factor for each in band))

    run = RUN._replace(
        hours=by(RUN.hours, 1 / speed),
        tokens_per_s=by(RUN.tokens_per_s, speed),
        usd=by(cast(Band, RUN.usd), price / 21.96 / speed),
    )
    return Evaluation(
        candidate=Candidate(machine, 1, device, count, Layout(tp=count), 1),
        verdict="fits",
        reason=None,
        confidence=confidence(grade),
        memory=None,
        performance=None,
        cost=cost(price, 1, count * gb, "priced"),
        best_value=best,
        tie=tie,
        training=run,
    )


def plan_of(row: Evaluation) -> Plan:
    """Two replicas by day and one by night, half of them committed."""
    hours = tuple(
        Hour(1.0 if 8 <= at < 18 else 0.2, 2 if 8 <= at < 18 else 1, 2 if 8 <= at < 18 else 1, 2) for at in range(24)
    )
    month = Band(7000.0, 9000.0, 12_000.0)
    lines = (
        Line("reserved-1y", 1, 24.0, 4800.0, "runs in every hour", "list", True),
        Line("on-demand", 1, 10.0, 4200.0, "in use 10 h a day on average: paid by the hour", "list", False),
    )
    scaling = Autoscaling("requests in flight per replica", 12, 1, 2, 128, 300, ColdStart(60, 23, 48, 60))
    at = tuple((share, Band(0.9 / share, 1 / share, 1.2 / share)) for share in (1.0, 0.3, 0.1))
    return Plan(Fleet(row, 2), hours, (Mix(lines, month), Mix(lines[1:], month)), scaling, 0.59, 1.7, at)


def stub_study(answer: Answer, row: Evaluation) -> Any:
    """What panels ask of a study, where it is no figure."""
    memory = SimpleNamespace(
        pool_terms=lambda: BUDGET,
        plan=SimpleNamespace(pool=SimpleNamespace(token_bytes=40_960)),
        utilization=0.9,
        max_num_seqs=1024,
        max_num_batched_tokens=8192,
    )
    return SimpleNamespace(
        scenario=answer.session.scenario,
        memory=memory,
        model=answer.model,
        machine=None,
        engine=SimpleNamespace(name="vLLM"),
        node=SimpleNamespace(device=answer.inventory.accelerators[row.candidate.accelerator]),
        step=SimpleNamespace(engine="vllm", peak_flops_per_s=1e15, peak_bytes_per_s=3e12),
        layouts=lambda: PERFORMANCE.layouts,
    )


def alternatives(study: Any) -> list[Alternative]:
    """Two other formats of the first row, and one that does not fit."""
    board = rank(study.model, study.scenario, cast(Any, None), RegionPrices("", {}))
    first, short = board.rows[0], board.rows[-1]
    return [
        Alternative("fp8 kv bf16", study.scenario, first, "fp8 products; made while loading"),
        Alternative(
            "int4-awq kv bf16", Scenario(weights="int4-awq"), first, "weight-only, 16-bit products; an upload exists"
        ),
        Alternative("bf16 kv bf16", Scenario(weights="bf16"), short, "16-bit products"),
    ]


def install(patch: pytest.MonkeyPatch) -> None:
    """Puts the hand-made figures in the place of what pages and panels work out."""
    for module in (panels, alternative_panels, money_panels, launch, candidate, help_figures, memory):
        patch.setattr(module, "bench_of", stub_study)
    patch.setattr(memory, "memory_facts", lambda *_: MEMORY)
    patch.setattr(help_figures, "memory_facts", lambda *_: MEMORY)
    patch.setattr(performance, "performance_facts", lambda *_: PERFORMANCE)
    patch.setattr(latency, "latency_facts", lambda *_: LATENCIES)
    patch.setattr(panels, "explain", lambda *_: WORKINGS)
    patch.setattr(panels, "changes", lambda *_: CHANGES)
    patch.setattr(panels, "quicker", lambda *_: CHANGES)
    patch.setattr(panels, "engine_message", lambda *_: "")
    patch.setattr(panels, "capacities", lambda *_: MEMORY.capacities)
    patch.setattr(alternative_panels, "formats_of", alternatives)
    patch.setattr(alternative_panels, "single_changes", alternatives)
    patch.setattr(alternative_panels, "changes_that_halve", lambda *_: None)
    patch.setattr(money_panels, "_planned", lambda answer, row, demand: [plan_of(row)])
    patch.setattr(money_panels, "against_api", lambda *_: AgainstApi(7660.0, 2.0e6, 0.0046))
    patch.setattr(
        money_panels, "against_terms", lambda *_: [AgainstTerms("reserved-1y", 6.6, 459.0, "list", "2025-04-04")]
    )
    patch.setattr(money_panels, "against_buying", lambda *_: AgainstBuying(36_000.0, 130.0, 7660.0))
    patch.setattr(launch, "forms_of", lambda answer, row: command_forms(COMMAND, row, "vllm/vllm-openai:v0.29.0"))
    patch.setattr(terms, "offers", lambda *_: OFFERS)
    patch.setattr(sessions.session_files, "saved_sessions", lambda *_: SAVED)
    patch.setattr(reverse, "runs_on", runnable)


def runnable(machine: Any, model: Model, scenario: Scenario, *_: object) -> list[Runnable]:
    """The model in its format with the figures of the first row."""
    row = rank(model, scenario, cast(Any, None), RegionPrices("", {})).rows[0]
    return [Runnable(model.id, scenario.weights, scenario, row, 131_072)]


def curves(*_: object) -> list[CostCurve]:
    """Two pins as their load grows."""
    points = tuple(
        LoadPoint(users, 60 / (1 + users / 40), 9 / users + 0.5, users < 64, users == 16) for users in (1, 4, 16, 64)
    )
    dearer = tuple(point._replace(per_user=2 * point.per_user, usd=2 * point.usd) for point in points)
    return [CostCurve("A", "g6e.12xlarge", points), CostCurve("B", "p4d.24xlarge", dearer)]
