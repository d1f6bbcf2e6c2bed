"""The mathematics of running language models: pure, synchronous, without input or output.

`from estimator import Scenario, document, flat, InputError` and the other names of `__all__` are the Python surface,
with `from catalog import open_catalog, scenario, estimate, rank` beside it; docs/library.md shows it. Everything else
in the package may change between versions.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from estimator.documents import document, flat
    from estimator.errors import InputError, UnsupportedArchitecture
    from estimator.planning.day import Demand
    from estimator.planning.plan import Plan
    from estimator.ranking.side_by_side import Figure
    from estimator.results import Band, Candidate, Evaluation, Leaderboard
    from estimator.scenario.scenario import EngineSettings, Placement, Scenario
    from estimator.scenario.training_workload import TrainingWorkload
    from estimator.scenario.workload import Ownership, ServiceLevel, ServingWorkload

_HOMES = {
    "estimator.documents": ("document", "flat"),
    "estimator.errors": ("InputError", "UnsupportedArchitecture"),
    "estimator.planning.day": ("Demand",),
    "estimator.planning.plan": ("Plan",),
    "estimator.ranking.side_by_side": ("Figure",),
    "estimator.results": ("Band", "Candidate", "Evaluation", "Leaderboard"),
    "estimator.scenario.scenario": ("EngineSettings", "Placement", "Scenario"),
    "estimator.scenario.training_workload": ("TrainingWorkload",),
    "estimator.scenario.workload": ("Ownership", "ServiceLevel", "ServingWorkload"),
}
"""Module -> names of the surface that it defines."""

__all__ = [
    "Band",
    "Candidate",
    "Demand",
    "EngineSettings",
    "Evaluation",
    "Figure",
    "InputError",
    "Leaderboard",
    "Ownership",
    "Placement",
    "Plan",
    "Scenario",
    "ServiceLevel",
    "ServingWorkload",
    "TrainingWorkload",
    "UnsupportedArchitecture",
    "document",
    "flat",
]


def __getattr__(name: str) -> Any:
    """The names of the surface, imported when they are asked for: nobody pays at start for what is not used."""
    from importlib import import_module

    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(home), name)
    raise AttributeError(f"module 'estimator' has no attribute {name!r}")
