"""Recipes: a starting configuration for the stack that trains, with every setting that the estimate assumes and why."""

from collections.abc import Callable, Mapping

from estimator.errors import InputError
from estimator.models.model import Model
from estimator.results import Evaluation
from estimator.scenario.inventory import Inventory
from estimator.scenario.scenario import Scenario
from estimator.training.judge import require_framework, require_training_constants
from estimator.training.recipes import axolotl, llama_factory, torchtitan, torchtune
from estimator.training.recipes.writing import Recipe, Setting, TrainingJob
from estimator.training.support import number_format

__all__ = ["Recipe", "recipe"]

WRITERS: dict[str, Callable[[TrainingJob], Recipe]] = {
    "torchtune": torchtune.write,
    "axolotl": axolotl.write,
    "llama-factory": llama_factory.write,
    "torchtitan": torchtitan.write,
}
"""Writers by the name that a stack's `recipe` and `full_recipe` give."""


def recipe(model: Model, scenario: Scenario, row: Evaluation, inventory: Inventory) -> Recipe:
    """The configuration of a run that fits, by the writer that its stack names.

    Raises InputError where there is nothing to run, or nothing here writes for the stack that trains on the device.
    """
    run, workload = row.training, scenario.training
    if run is None or workload is None:
        raise InputError("command", f"{row.candidate.machine}: {row.reason or row.verdict.replace('_', ' ')}")
    constants = require_training_constants(inventory)
    device = inventory.accelerators[row.candidate.accelerator]
    framework = constants.framework_on(device, require_framework(workload, constants))
    writer = framework.recipe if workload.adapters else framework.full_recipe
    if not writer:
        raise InputError("command", f"no starting configuration for {framework.name}")
    job = TrainingJob(
        model=model.id,
        workload=workload,
        framework=framework,
        setup=run.setup,
        machines=row.candidate.machines,
        number_format=number_format(device),
    )
    written = _with_settings(WRITERS[writer](job), framework.recipe_settings)
    if framework.id.startswith(writer):
        return written
    note = f"no writer for {framework.name}: a starting point for {constants.frameworks[writer].name}"
    return written._replace(notes=(note, *written.notes))


def _with_settings(written: Recipe, always: Mapping[str, bool]) -> Recipe:
    """The recipe with the keys that a stack's configuration always carries."""
    settings = [Setting(key, value) for key, value in always.items()]
    text = "\n".join(filter(None, (written.text, *(f"{each.key}: {each.text}" for each in settings))))
    return written._replace(text=text, settings=(*written.settings, *settings))
