"""The order in which models are offered: used last, then the recent and the much used."""

from collections.abc import Mapping, Sequence

from catalog.model_listing import ModelListing

MONTHS_PER_NAME = 2
"""Months by which each further name (a derivative, a quantised upload) makes a model younger: engineering guess that
puts what everybody builds on beside what came out this season."""


def by_standing(models: Mapping[str, ModelListing], used: Sequence[str] = ()) -> list[str]:
    """Names of the models: those used last in front, then the catalogue's by release and number of names."""
    ordered = sorted(models.values(), key=lambda each: (-_standing(each), each.id))
    return list(dict.fromkeys((*used, *(each.id for each in ordered))))


def _standing(listing: ModelListing) -> float:
    """Months since the year 0 of the release, and what its names add; an unknown date counts as old."""
    year, _, rest = listing.release.partition("-")
    month = rest.partition("-")[0]
    known = year.isdecimal()
    return (12 * int(year) + (int(month) if month.isdecimal() else 1) if known else 0) + MONTHS_PER_NAME * len(
        listing.aliases
    )
