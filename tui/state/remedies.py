"""The smallest single change that makes a candidate fit, worked out only for the rows that are looked at."""

from typing import TYPE_CHECKING

from estimator.errors import InputError
from estimator.results import Evaluation
from estimator.scenario.scenario import Scenario

if TYPE_CHECKING:
    from estimator.hardware.prices import RegionPrices
    from estimator.models.model import Model
    from estimator.scenario.inventory import Inventory


class Remedies:
    """Remedies of one answer's rows; candidates of equal devices share them (half a millisecond each)."""

    def __init__(self, model: "Model", scenario: Scenario, inventory: "Inventory", prices: "RegionPrices") -> None:
        self._asked = scenario, model, inventory, prices
        self._known: dict[tuple[str, float, int], str] = {}

    def of(self, row: Evaluation) -> str:
        """The remedy of a row, as `w int4-awq fits`: the key and what it leads to; empty where no single change
        helps.
        """
        candidate = row.candidate
        key = candidate.accelerator, candidate.accelerators, candidate.machines
        if row.verdict != "does_not_fit" or self._asked[0].training:
            return ""
        if key not in self._known:
            from estimator.advice.fixes import fixes  # 5 ms that a first screen without such rows does not need
            from estimator.advice.study import Study

            try:
                changes = fixes(Study(candidate, *self._asked), row)
            except InputError:  # none of the changes can be asked of this device
                changes = []
            self._known[key] = f"{_keyed(changes[0].title)} fits" if changes else ""
        return self._known[key]


def _keyed(title: str) -> str:
    return title.replace("weights in ", "w ").replace("KV cache in ", "c ").replace("decode context parallel ", "dcp ")
