"""Models as a list shows them; apart from the YAML shapes, which the start of the app does not load."""

from typing import NamedTuple


class ModelListing(NamedTuple):
    """One model as a list shows it before one is chosen."""

    id: str
    aliases: tuple[str, ...] = ()
    family: str = ""
    release: str = ""
    parameters: int | None = None
    """As published."""
