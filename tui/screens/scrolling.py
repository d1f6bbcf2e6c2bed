"""The keys with which every modal moves up and down and closes."""

from textual.binding import Binding, BindingType

WHOLE = 10_000
"""More lines than any modal has."""


def scroll_bindings(action: str, close: str) -> list[BindingType]:
    """Bindings that call `action(lines)` of a modal, and `close`."""
    return [
        Binding("escape,q", close, "Close", show=False),
        Binding("j,down", f"{action}(1)", "Down", show=False),
        Binding("k,up", f"{action}(-1)", "Up", show=False),
        Binding("ctrl+d,pagedown,space", f"{action}(10)", "Page down", show=False),
        Binding("ctrl+u,pageup", f"{action}(-10)", "Page up", show=False),
        Binding("g,home", f"{action}(-{WHOLE})", "First line", show=False),
        Binding("G,end", f"{action}({WHOLE})", "Last line", show=False),
    ]
