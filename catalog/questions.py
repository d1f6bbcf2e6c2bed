"""Questions as they are put to the catalogue: scenario in, judged candidates out. The Python surface of the product."""

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from catalog.load import Catalog
from catalog.sources.checkpoint import Progress
from catalog.sources.resolve import resolve, silent
from estimator.hardware.prices import RegionPrices
from estimator.models.drafter import drafter_upload, drafting
from estimator.models.format_choice import starting_weights
from estimator.models.model import Model
from estimator.scenario.inventory import Inventory
from estimator.scenario.scenario import Placement, Scenario
from estimator.scenario.seen import seen_by

if TYPE_CHECKING:
    from estimator.advice.study import Study
    from estimator.planning.day import Demand
    from estimator.planning.plan import Plan
    from estimator.ranking.side_by_side import Figure
    from estimator.results import Evaluation, Leaderboard


class Question(NamedTuple):
    """The arguments of a ranking: `rank(*question)`."""

    model: Model
    scenario: Scenario
    inventory: Inventory
    prices: RegionPrices

    def study(self, row: "Evaluation") -> "Study":
        """One of its ranked rows with everything that variations of it take."""
        from estimator.advice.study import Study

        return Study(
            candidate=row.candidate,
            scenario=self.scenario,
            model=self.model,
            inventory=self.inventory,
            prices=self.prices,
        )


def uploads(scenario: Scenario) -> tuple[str, ...]:
    """What asking a scenario reads: its model, and its drafter where that is an upload or a file."""
    drafter = drafter_upload(scenario.workload.draft_model)
    return (scenario.model, drafter) if drafter else (scenario.model,)


def ask(catalog: Catalog, scenario: Scenario, progress: Progress = silent, starting_format: bool = False) -> Question:
    """The scenario with its model read and its names as the catalogue spells them.

    `starting_format` asks for the weight format that the model is published in, or one that it can have, in place of
    the scenario's. A model that is neither in the catalogue nor on disk is fetched from the Hub; `progress` is told.
    Raises InputError with near names for what does not exist, UnsupportedArchitecture for a class without a reader.
    """
    model = read_for(catalog, scenario, progress)
    if starting_format:
        scenario = replace(scenario, weights=starting_weights(model, scenario.weights))
    return ask_of(model, catalog, scenario)


def read_for(catalog: Catalog, scenario: Scenario, progress: Progress = silent) -> Model:
    """The model of a scenario, its drafter with it. Raises InputError as `ask` does."""
    catalog.prices(scenario.region)  # what is misnamed is refused before a model is fetched
    _named(scenario.placement, catalog.inventory)
    model = resolve(scenario.model, catalog, progress)
    return drafting(model, scenario.workload.draft_model, lambda name: resolve(name, catalog, progress))


def ask_of(model: Model, catalog: Catalog, scenario: Scenario) -> Question:
    """The scenario of a model that is read, its drafter with it, and the other names as the catalogue spells them.

    Raises InputError with near names for what does not exist.
    """
    inventory, prices = catalog.inventory, catalog.prices(scenario.region)
    native = scenario.weights == "native" and model.unknown_weights is None
    spelled: dict[str, Any] = {
        "model": model.id,
        "weights": model.native_weights if native else scenario.weights,
        "engine": inventory.engine(scenario.engine, scenario.engine_version).id,
        "placement": _named(scenario.placement, inventory),
    }
    if any(getattr(scenario, name) != value for name, value in spelled.items()):
        scenario = replace(scenario, **spelled)
    asked = seen_by(model, scenario, inventory)
    return Question(model=model, scenario=asked, inventory=inventory, prices=prices)


def _named(placement: Placement, inventory: Inventory) -> Placement:
    """The placement in the catalogue's own names. Raises InputError with close matches."""
    if placement.instance:
        instance = inventory.machine(placement.instance).id
        return placement if instance == placement.instance else replace(placement, instance=instance)
    if placement.accelerator:
        names = placement.accelerator.split("+")  # cards of one machine that are not alike
        return replace(placement, accelerator="+".join(inventory.accelerator(name.strip()).id for name in names))
    return placement


def scenario(catalog: Catalog, base: Scenario | None = None, /, **keywords: object) -> Scenario:
    """A scenario by keyword: `scenario(catalog, model="Qwen/Qwen3-8B", concurrency=32, instance="g6e.xlarge")`.

    What is not said stays as in `base`; without one, Llama-3.3-70B-Instruct in fp8 for 16 users of 2,048 + 512 tokens.
    Every field of a scenario and of its parts is a keyword, `preset` too. A model without `weights` starts in the
    format it is published in, as everywhere. Raises InputError, with near names, for what can not be asked.
    """
    from estimator.scenario.keywords import with_keywords

    changed = with_keywords(base or Scenario(), **keywords)
    return ask(catalog, changed, starting_format="model" in keywords and "weights" not in keywords).scenario


def estimate(catalog: Catalog, scenario: Scenario) -> "Evaluation":
    """One candidate in full: the one that the scenario places, else the best of the leaderboard."""
    from estimator.ranking.rank import evaluate

    return evaluate(*ask(catalog, scenario))


def rank(catalog: Catalog, scenario: Scenario, every_layout: bool = False) -> "Leaderboard":
    """The best layout of every machine (or every layout); what fits, holds the load and costs least comes first."""
    from estimator.ranking import rank as ranking

    return ranking.rank(*ask(catalog, scenario), every_layout=every_layout)


def plan(catalog: Catalog, scenario: Scenario, demand: "Demand | None" = None) -> "tuple[Plan, ...]":
    """Plans that carry the scenario's load as the peak of `demand`, cheapest month first; empty where none can."""
    from estimator.planning.day import Demand
    from estimator.planning.plan import plans

    model, asked, inventory, prices = ask(catalog, scenario)
    return plans(model, asked, demand or Demand(), inventory, prices.for_decisions())


def compare(catalog: Catalog, scenarios: Iterable[Scenario]) -> "tuple[Figure, ...]":
    """Every figure of each scenario's candidate side by side, with ratios to the first."""
    from estimator.ranking.side_by_side import side_by_side

    return side_by_side([estimate(catalog, each) for each in scenarios])
