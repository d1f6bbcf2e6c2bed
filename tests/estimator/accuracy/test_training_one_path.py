"""What is shown of a training run is what is scored: asked as a scenario, a row's run has its peak and speed."""

import csv
from collections.abc import Iterator
from dataclasses import replace

import pytest

from catalog.cache import DATA
from catalog.load import Catalog
from estimator.accuracy import training
from estimator.accuracy.score import UNPRICED, Context, Row
from estimator.accuracy.training import device_of, speed_case
from estimator.errors import InputError
from estimator.ranking.rank import rank
from estimator.results import TrainingReport
from estimator.scenario.placement import devices
from estimator.scenario.scenario import Placement, Scenario
from estimator.training import memory
from estimator.training.judge import require_training_constants
from estimator.training.run import Run
from estimator.training.speed import FUSED_EXPERTS

MACHINE = 8
"""Devices of one machine; what lies between several is not said by a row."""


def rows(name: str) -> Iterator[Row]:
    with (DATA / "evidence" / f"{name}.csv").open(newline="") as lines:
        yield from csv.DictReader(lines)


def read(row: Row, context: Context) -> Run | None:
    """The run of a row that names a model of the catalogue and one machine; None of others."""
    try:
        _, run, source = training.read(row, context, require_training_constants(context.inventory))
        known = source == "catalogue" and bool(row["base_model_id"]) and device_of(row, context).id != "power limited"
    except InputError:
        return None
    setup = run.setup
    return run if known and setup.devices <= MACHINE and setup.cp == 1 and not setup.shard_group else None


def shown(row: Row, run: Run, context: Context) -> TrainingReport | None:
    """What the screens show of a run with the settings of a row; None where it can not be asked or does not fit."""
    setup, device, model = run.setup, device_of(row, context), context.model(row)
    workload = replace(
        run.workload,
        sharding=setup.sharding,
        checkpointing=setup.checkpointing,
        offload=setup.offload,
        micro_batch=setup.micro_batch,
    )
    place = Placement(
        accelerator=device.id,
        count=setup.devices,
        machines=1,
        tp=setup.tp,
        pp=setup.pp,
        ep=setup.ep if setup.ep > 1 else None,
    )
    asked = Scenario(model=model.id, training=workload, placement=place)
    machine = devices(device.id, setup.devices, context.inventory)
    try:
        report = rank(model, asked, context.inventory, UNPRICED, (machine,)).rows[0].training
    except InputError:
        return None
    return report if report and report.setup == setup else None


@pytest.fixture(scope="module")
def context(catalog: Catalog) -> Context:
    return Context(catalog.inventory, catalog.model)


def test_the_memory_page_shows_the_peak_that_is_scored(context: Context) -> None:
    compared = 0
    for row in rows("training_memory"):
        run = read(row, context)
        report = run and shown(row, run, context)
        if run and report:
            peak, kept_bytes = memory.shown_peak(run, memory.peak_memory(run), device_of(row, context))
            total = report.memory.peak_bytes.typical
            assert total == pytest.approx(peak.device_bytes + kept_bytes, rel=1e-9), row["case_id"]
            assert sum(part.value for part in report.memory.parts) == pytest.approx(total, rel=1e-9), row["case_id"]
            compared += 1
    assert compared >= 160


def test_the_speed_that_is_shown_is_scored_but_for_older_releases(context: Context) -> None:
    constants = require_training_constants(context.inventory)
    compared = 0
    for row in rows("training_throughput"):
        run = read(row, context)
        report = run and shown(row, run, context)
        case = speed_case(row, context, constants) if report else None
        if report and case and case.release >= FUSED_EXPERTS:
            step = case.step()
            assert report.tokens_per_s_per_device.typical == pytest.approx(step.tokens / step.seconds, rel=1e-9), row[
                "case_id"
            ]
            compared += 1
    assert compared >= 120


def test_runs_of_transformers_that_ran_are_said_to_fit(context: Context) -> None:
    """Of 105 published peaks that filled their cards up to the last GiB, whose cards and runs are told in full."""
    ran = [
        (row, run)
        for row in rows("training_memory")
        if row["kind"] == "measured" and (run := read(row, context)) and run.framework.id == "peft"
    ]
    assert len(ran) >= 70
    for row, run in ran:
        assert memory.fits(run, memory.peak_memory(run), device_of(row, context)), row["case_id"]
