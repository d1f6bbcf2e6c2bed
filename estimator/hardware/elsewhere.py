"""What other clouds ask for the same accelerators: a reference beside the prices that are planned with."""

from collections.abc import Iterable
from typing import Annotated

from estimator.bounds import Gt, Le
from estimator.records import record


@record(frozen=True, slots=True)
class Rental:
    """One machine of a cloud whose regions and terms are not modelled: its accelerators and its on-demand price."""

    provider: str
    accelerator: str
    count: Annotated[int, Gt(0), Le(1024)]
    usd_per_hour: Annotated[float, Gt(0), Le(1e6)]
    as_of: str
    source: str
    region: str = ""

    @property
    def usd_per_device_hour(self) -> float:
        return self.usd_per_hour / self.count


def cheapest_elsewhere(rentals: Iterable[Rental], accelerator: str) -> tuple[Rental, ...]:
    """Each provider's cheapest machine of an accelerator by the hour of one of them, the cheapest provider first."""
    best: dict[str, Rental] = {}
    for each in rentals:
        known = best.get(each.provider)
        if each.accelerator == accelerator and (not known or each.usd_per_device_hour < known.usd_per_device_hour):
            best[each.provider] = each
    return tuple(sorted(best.values(), key=lambda each: (each.usd_per_device_hour, each.provider)))
