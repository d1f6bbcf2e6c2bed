"""Changes of a training run on one machine, each with what it then takes."""

from collections.abc import Iterator
from dataclasses import replace

from estimator.advice.fixes import Change
from estimator.advice.study import Study
from estimator.engines.training_constants import Framework
from estimator.errors import InputError
from estimator.scenario.training_workload import TrainingWorkload
from estimator.training.judge import require_framework
from estimator.training.smaller_runs import smaller_runs
from estimator.units import GIB, hours_text

LONGEST = 131_072


def run_changes(study: Study) -> list[Change]:
    """Single changes of a training run with which the machine holds it, with hours, price and memory of each."""
    changes: list[Change] = []
    asked, constants = study.scenario.training, study.inventory.training
    if asked is None or constants is None:
        return changes
    for title, run in _variations(asked, require_framework(asked, constants)):
        scenario = replace(study.scenario, training=run)
        try:
            judged = study.asking(scenario).best()
        except InputError:
            continue
        report = judged.training
        if judged.verdict == "fits" and report:
            usd = f", ${report.usd.typical:,.2f}" if report.usd else ""
            peak = report.memory.peak_bytes.typical / GIB
            changes.append(Change(title, f"{hours_text(report.hours.typical)}{usd}, {peak:.1f} GiB a device", scenario))
    return changes


def _variations(run: TrainingWorkload, framework: Framework) -> Iterator[tuple[str, TrainingWorkload]]:
    """What takes less memory, then other lengths."""
    yield from smaller_runs(run, framework)
    if run.sequence_length < LONGEST:
        yield f"sequences of {run.sequence_length * 2:,}", replace(run, sequence_length=run.sequence_length * 2)
    if run.sequence_length > 256:
        yield f"sequences of {run.sequence_length // 2:,}", replace(run, sequence_length=run.sequence_length // 2)
