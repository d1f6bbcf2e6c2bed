"""Duration of a training run: from seconds per step to hours of the whole run."""

from typing import NamedTuple

from estimator.engines.training_constants import RunRules
from estimator.models.architecture import Architecture
from estimator.results import Band, Part
from estimator.scenario.training_workload import TrainingWorkload
from estimator.training.weights import count_trainable
from estimator.units import HOURS_PER_MONTH, SECONDS_PER_HOUR

CHECKPOINT_BYTES = 14.0
"""Bytes per trained parameter in a checkpoint: 16-bit weights, fp32 master copy and two fp32 moments."""


class RunDuration(NamedTuple):
    """Hours of a run and what they are spent on."""

    hours: Band
    parts: tuple[Part, ...]
    """Seconds by activity, at the typical speed."""


def run_duration(
    architecture: Architecture,
    workload: TrainingWorkload,
    tokens_per_s: Band,
    machines: int,
    rules: RunRules,
    compiled: bool,
    interruptions_per_month: float,
) -> RunDuration:
    """Time of all steps with start-up, compilation, checkpoints and the restarts that spot capacity costs.

    An interruption costs a start-up and, on average, half a checkpoint interval.
    """
    stepping = tokens_per_s.reciprocal(workload.total_tokens)
    start = rules.start_up_s + (rules.compile_s if compiled else 0.0)
    checkpoint = CHECKPOINT_BYTES * count_trainable(architecture, workload) / (rules.storage_bytes_per_s * machines)

    def overheads(seconds: float) -> tuple[float, float]:
        checkpoints = (seconds // rules.checkpoint_interval_s + 1) * checkpoint
        lost = rules.start_up_s + min(rules.checkpoint_interval_s, seconds) / 2
        restarts = machines * interruptions_per_month * seconds / SECONDS_PER_HOUR / HOURS_PER_MONTH * lost
        return checkpoints, restarts

    hours = Band(*((start + seconds + sum(overheads(seconds))) / SECONDS_PER_HOUR for seconds in stepping))
    checkpoints, restarts = overheads(stepping.typical)
    tokens = f"{workload.total_tokens:,.0f} tokens / {tokens_per_s.typical:,.0f} tokens/s"
    parts = (
        Part("steps", stepping.typical, tokens),
        Part("start-up", start, "boot, image, model download" + (", compilation" if compiled else "")),
        Part("checkpoints", checkpoints, f"{checkpoint:,.3g} s each, one an hour"),
        Part("restarts", restarts, "interrupted capacity: start-up and half a checkpoint interval lost each time"),
    )
    return RunDuration(hours, tuple(part for part in parts if part.value > 0))
