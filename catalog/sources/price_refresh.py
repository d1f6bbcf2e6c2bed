"""Prices of several regions at once: asked in parallel, compared with what is known, written when that was seen."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import NamedTuple

from catalog.load import Catalog
from catalog.sources import aws
from estimator.errors import InputError
from estimator.hardware.prices import InstancePrices

AT_ONCE = 8
"""Regions asked at the same time; the price list answers all of them from one endpoint, which throttles."""
JUMP = 0.05
"""Relative change of a price from which it is worth a second look; list prices move seldom, and never by a little."""
POLL_S = 0.1

Progress = Callable[[str, int, int], None]
"""(what, done, in all); raises Cancelled to stop."""


class Change(NamedTuple):
    """One fetched price that differs from the catalogue's."""

    region: str
    terms: str
    instance: str
    before: float | None
    """USD per hour; None where there was none."""
    after: float

    @property
    def jumps(self) -> bool:
        return self.before is not None and abs(self.after / self.before - 1) > JUMP

    def __str__(self) -> str:
        if self.before is None:
            return f"{self.region}: {self.instance} {self.terms} {self.after:g} USD/h, new"
        mark = "  ! over 5 %" if self.jumps else ""
        change = f"{self.before:g} -> {self.after:g} USD/h ({self.after / self.before - 1:+.1%})"
        return f"{self.region}: {self.instance} {self.terms} {change}{mark}"


class Refresh(NamedTuple):
    """What AWS answered for all regions, before anything is written."""

    regions: tuple[aws.Refreshed, ...]
    problems: tuple[str, ...]
    changes: tuple[Change, ...]
    """Jumps first."""

    def keep(self, folder: Path | None = None) -> Iterator[str]:
        """Writes the file of each region that was answered, whole or not at all. Raises OSError."""
        for each in self.regions:
            path = aws.keep(each, folder)
            yield f"{each.region}: {sum(map(len, each.quotes.values()))} prices in {path}"


def refresh_all(
    catalog: Catalog, regions: Sequence[str], client: aws.Clients, progress: Progress = lambda *_: None
) -> Refresh:
    """Asks AWS for the current prices of every region. Raises what `progress` raises, and InputError for an unknown
    region; a region that does not answer is a problem and keeps its prices."""
    known = {region: catalog.prices(region).quotes for region in regions}
    machines = [machine for machine in catalog.inventory.machines.values() if machine.kind == "cloud"]
    types = {machine.id for machine in machines}
    blocks = {machine.id for machine in machines if "capacity-block" in machine.purchase}
    answers: list[aws.Refreshed] = []
    problems: list[str] = []
    pool = ThreadPoolExecutor(max_workers=AT_ONCE)
    try:
        asked = {pool.submit(aws.refresh, region, types, client, blocks): region for region in regions}
        for done, future in enumerate(_as_completed(asked, progress), 1):
            try:
                answers.append(future.result())
            except InputError as error:
                problems.append(str(error))
            progress(asked[future], done, len(asked))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    answers.sort(key=lambda each: regions.index(each.region))
    problems += [problem for each in answers for problem in each.problems]
    changes = [change for each in answers for change in differences(each, known[each.region])]
    changes.sort(key=lambda change: not change.jumps)
    return Refresh(tuple(answers), tuple(problems), tuple(changes))


def _as_completed(asked: Collection["Future[aws.Refreshed]"], progress: Progress) -> Iterator["Future[aws.Refreshed]"]:
    """The futures in the order they end; `progress` is asked in between, so that waiting can be cancelled."""
    left, count = set(asked), len(asked)
    while left:
        ended, left = wait(left, timeout=POLL_S, return_when=FIRST_COMPLETED)
        yield from ended
        if left and not ended:
            progress("waiting", count - len(left), count)


def differences(fresh: aws.Refreshed, known: Mapping[str, InstancePrices]) -> Iterator[Change]:
    """Every fetched price that differs from what the catalogue holds; a range is compared by its middle."""
    for terms, prices in fresh.quotes.items():
        for instance, usd in sorted(prices.items()):
            offered = known.get(instance)
            price = offered.quote(terms) if offered else None
            before = price.usd_per_hour if price else None
            after = sum(usd) / 2 if isinstance(usd, list) else usd
            if before is None or abs(after - before) > 1e-9:
                yield Change(region=fresh.region, terms=terms, instance=instance, before=before, after=after)
