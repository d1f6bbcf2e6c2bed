"""A starting configuration for the stack that trains: every setting that the estimate assumes, and why."""

from collections.abc import Callable

from estimator.errors import InputError
from estimator.models.model import Model
from estimator.results import Evaluation
from estimator.scenario.scenario import Scenario
from estimator.training.recipes import axolotl, llama_factory, torchtitan, torchtune
from estimator.training.recipes.writing import Recipe, TrainingJob

__all__ = ["Recipe", "recipe"]

WRITERS: dict[str, Callable[[TrainingJob], Recipe]] = {
    "torchtune": torchtune.write,
    "axolotl": axolotl.write,
    "llama-factory": llama_factory.write,
    "llama-factory-unsloth": llama_factory.write,
    "torchtitan": torchtitan.write,
}


def recipe(model: Model, scenario: Scenario, row: Evaluation) -> Recipe:
    """The configuration of a run that fits. Raises InputError where there is nothing to run."""
    run, workload = row.training, scenario.training
    if run is None or workload is None:
        raise InputError("command", f"{row.candidate.machine}: {row.reason or row.verdict.replace('_', ' ')}")
    machines = row.candidate.machines
    job = TrainingJob(model.id, workload, run.setup, max(run.setup.devices // machines, 1), machines)
    writer = WRITERS.get(workload.framework, torchtitan.write)
    if writer is torchtitan.write and workload.adapters:
        writer = axolotl.write  # torchtitan trains every parameter
    return writer(job)
