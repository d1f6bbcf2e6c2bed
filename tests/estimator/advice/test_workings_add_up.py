"""Over many scenarios, the terms of every working give its figure, none is negative, and the figure is the row's."""

import math

import pytest

from estimator.advice.study import Study
from estimator.advice.workings import explain
from estimator.results import Evaluation
from tests.estimator.advice.test_workings import worked_out
from tests.estimator.ranking.test_rank_order import catalog, random_scenarios, rows

SCENARIOS = 300


def shown(row: Evaluation) -> dict[str, float]:
    """Figures of a row that have a working, by the working's name."""
    memory, speed, cost = row.memory, row.performance, row.cost
    assert memory
    assert speed
    figures = {
        "weights": memory.weights_bytes,
        "activation": memory.activation_bytes,
        "runtime": memory.runtime_bytes,
        "kv": memory.kv_cache_bytes,
        "ttft": speed.ttft_s.typical,
        "tpot": speed.tpot_s.typical,
        "latency": speed.request_latency_s.typical,
        "throughput": speed.output_tokens_per_s.typical,
    }
    bands = {
        "usd_tokens": cost.usd_per_1m_tokens,
        "usd_output": cost.usd_per_1m_output_tokens,
        "usd_input": cost.usd_per_1m_input_tokens,
        "usd_request": cost.usd_per_request,
    }
    return figures | {name: band.typical for name, band in bands.items() if band}


def test_every_term_counts_and_none_is_negative() -> None:
    explained = 0
    for scenario, machine in random_scenarios(SCENARIOS, seed=6):
        row = rows(scenario, machine)[0]
        if row.verdict != "fits":
            continue
        model, prices = catalog().model(scenario.model), catalog().prices(scenario.region)
        workings = explain(Study(row.candidate, scenario, model, catalog().inventory, prices), row)
        figures = shown(row)
        for name, working in workings.items():
            explained += 1
            where = (scenario, machine, working)
            assert worked_out(working) == pytest.approx(working.value, rel=1e-6, abs=1e-9), where
            assert all(math.isfinite(term.value) and term.value >= 0 for term in working.terms), where
            assert len({term.name for term in working.terms}) == len(working.terms), where
            if name in figures:
                assert working.value == pytest.approx(figures[name], rel=1e-6), where
    assert explained > SCENARIOS


def test_no_band_has_a_negative_low() -> None:
    for scenario, machine in random_scenarios(SCENARIOS, seed=7):
        speed = rows(scenario, machine)[0].performance
        for band in (value for value in speed or () if hasattr(value, "typical")):
            assert 0 <= band.low <= band.typical <= band.high, (scenario, machine, band)
