"""What every dialog over a page has in common."""

from textual.screen import ModalScreen, ScreenResultType


class Modal(ModalScreen[ScreenResultType]):
    """A dialog over a page: it returns a value, and acts on nothing itself."""

    def hears(self, key: str) -> bool:
        """Whether a key does something here."""
        return key in self.active_bindings
