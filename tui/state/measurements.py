"""The shipped measurements, read when a panel first asks for them."""

from functools import cached_property
from typing import TYPE_CHECKING

from catalog.cache import DATA

if TYPE_CHECKING:
    from catalog.load import Catalog
    from estimator.accuracy.nearest import Near
    from estimator.accuracy.score import Row
    from estimator.advice.study import Study

SERVING_CASES = DATA / "evidence" / "serving.csv"


class Measurements:
    """The shipped measured cases; finds the one nearest to a row of the leaderboard."""

    def __init__(self, catalog: "Catalog") -> None:
        self.catalog = catalog

    @cached_property
    def cases(self) -> "tuple[Row, ...]":
        try:
            import csv

            with SERVING_CASES.open(encoding="utf-8", newline="") as lines:
                return tuple({key: value or "" for key, value in row.items() if key} for row in csv.DictReader(lines))
        except OSError:
            return ()

    def near(self, study: "Study", figure: str) -> "Near | None":
        """The nearest measured case of ttft, tpot or throughput, with our error on it."""
        from estimator.accuracy.nearest import nearest
        from estimator.accuracy.score import Context

        context = Context(self.catalog.inventory, self.catalog.model)
        return nearest(study, figure, self.cases, context)
