"""Facts with sources: hardware, models, engines and prices, read from YAML and validated once.

    from catalog import compare, estimate, open_catalog, plan, rank, scenario, sweep

is the Python surface, with `from estimator import flat, document, InputError` beside it; docs/library.md shows it.
Everything else in the package may change between versions.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from catalog.grid import sweep
    from catalog.load import Catalog
    from catalog.load import load as open_catalog
    from catalog.questions import compare, estimate, plan, rank, scenario

__all__ = ["Catalog", "compare", "estimate", "open_catalog", "plan", "rank", "scenario", "sweep"]


def __getattr__(name: str) -> Any:
    """The names of the surface, imported when they are asked for: nobody pays at start for what is not used."""
    if name not in __all__:
        raise AttributeError(f"module 'catalog' has no attribute {name!r}")
    from importlib import import_module

    if name in ("Catalog", "open_catalog"):
        return getattr(import_module("catalog.load"), "load" if name == "open_catalog" else name)
    return getattr(import_module("catalog.grid" if name == "sweep" else "catalog.questions"), name)
