"""Makes a page from its tab; the module of a page is imported when the page is first opened."""

from importlib import import_module

from tui.screens.page import Page
from tui.tabs import TABS


def open_page(name: str) -> Page:
    """A new screen for the page of that name. Raises StopIteration for a name that no tab has."""
    tab = next(tab for tab in TABS if tab.name == name)
    module, _, screen = tab.screen.partition(":")
    page = getattr(import_module(module), screen)()
    assert isinstance(page, Page)
    return page
