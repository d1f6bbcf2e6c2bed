"""The list of all commands; bindings, palette, help and hint line are made from it."""

from collections.abc import Iterator

from tui.commands.command import Command
from tui.commands.on_pages import PAGE_COMMANDS
from tui.state.session import CACHE_CYCLE, WEIGHT_CYCLE, Session
from tui.tabs import TABS

COMMANDS = (
    *PAGE_COMMANDS,
    Command(
        "why-not",
        "Why it does not fit",
        "!",
        "By how much, or what it misses of what is asked; the engine's budget, and the changes that help.",
        "screen.panel('why-not')",
    ),
    Command(
        "fits",
        "What fits",
        "x",
        "The longest context and the most users; one key takes them.",
        "screen.panel('fits')",
        hint="fits",
    ),
    Command(
        "layouts",
        "Layouts of the machine",
        "p",
        "Every legal layout side by side; one key insists on one.",
        "screen.panel('layouts')",
        hint="layouts",
        task="serve",
    ),
    Command(
        "copy", "Copy", "y", "The row, or the comparison: to the clipboard, and to a file.", "screen.copy", hint="copy"
    ),
    Command(
        "export",
        "Export",
        "e",
        "A report, CSV, JSON or a picture of what the page shows, as a file in the current folder.",
        "screen.export",
        hint="export",
    ),
    Command(
        "formats",
        "Formats of the machine",
        "a",
        "Weights by cache: users, speed, cost, how they are multiplied; one key takes one.",
        "screen.panel('formats')",
        hint="formats",
        task="serve",
    ),
    Command(
        "sensitivity",
        "One change each",
        "z",
        "What a single change does to cost, speed and users, the largest first; one key takes it.",
        "screen.panel('sensitivity')",
        hint="what if",
        task="serve",
    ),
    Command(
        "reverse",
        "What runs here",
        "i",
        "Pick a machine, or this one: models by formats that fit there, with users, speed and context.",
        "app.reverse",
        hint="runs here",
    ),
    Command(
        "plan",
        "Plan of a month",
        "v",
        "The load as the peak of an office day: replicas by hour, what to rent on which terms, autoscaling, runner-up.",
        "screen.panel('plan')",
        hint="plan",
        task="serve",
    ),
    Command(
        "breakeven",
        "Break-even",
        "b",
        "From which load, hours or months on another way is cheaper: an API, committed terms, buying.",
        "screen.panel('breakeven')",
        hint="break-even",
        task="serve",
    ),
    *(
        Command(f"page-{page.name}", page.title, page.key, f"The {page.title} page.", f"app.page({page.name!r})")
        for page in TABS
    ),
    Command(
        "model", "Choose a model", "m", "Search the catalogue, or give a Hub id or a path.", "app.model", hint="model"
    ),
    Command(
        "weights",
        "Next weight format",
        "w",
        f"{' → '.join(WEIGHT_CYCLE)}, without what the model or the row's card can not have.",
        "app.weights",
        hint="adjust",
    ),
    Command(
        "cache", "Next cache format", "c", f"KV cache: {' → '.join(CACHE_CYCLE)}.", Session.next_cache, hint="adjust"
    ),
    Command(
        "users-fewer", "Half the users", "-", "Half the load: users or requests/s.", Session.fewer_users, hint="adjust"
    ),
    Command("users-more", "Twice the users", "+,=", "Twice the load.", Session.more_users, hint="adjust"),
    Command(
        "input-less", "Half the input", "[", "Half the input tokens of a request.", Session.less_input, hint="adjust"
    ),
    Command("input-more", "Twice the input", "]", "Twice the input tokens.", Session.more_input, hint="adjust"),
    Command(
        "region", "Choose a region", "r", "Another AWS region: its offers and prices.", "app.region", hint="region"
    ),
    Command(
        "terms",
        "Price terms",
        "$",
        "The row under every term side by side, with age and the hours from which a commitment pays; enter takes one.",
        "app.terms",
        hint="terms",
    ),
    Command(
        "preset",
        "Presets",
        "f",
        "What typical applications and runs ask; enter takes one.",
        "app.presets",
        hint="preset",
    ),
    Command(
        "task",
        "Serve or train",
        "t",
        "Ranks the other task; then w c - + [ ] move the run's method, optimizer, batch and length.",
        Session.serve_or_train,
        hint="train/serve",
    ),
    Command(
        "refresh-prices",
        "Refresh prices from AWS",
        "ctrl+g",
        "All regions with your own credentials; what differs is shown before it is written.",
        "app.refresh_prices",
    ),
    Command("undo", "Undo", "u", "The scenario and the pins before the last change.", "app.undo", hint="undo"),
    Command(
        "forget-points",
        "Forget measured points",
        "ctrl+n",
        "All that were pasted; where one holds, n forgets it alone.",
        Session.without_points,
    ),
    Command("redo", "Redo", "ctrl+r", "The change that was undone, again.", "app.redo"),
    Command(
        "save-as",
        "Save the session as",
        "ctrl+s",
        "Under a name or a path of its own, pins and all; from then on it is kept there.",
        "app.save_as",
    ),
    Command(
        "open-session",
        "Open a session",
        "ctrl+o",
        "The saved ones with their dates; the one that is open is saved first.",
        "app.open_session",
    ),
    Command(
        "theme",
        "Next theme",
        "ctrl+t",
        "Dark, light, high contrast, colour-blind-safe, the terminal's own.",
        "app.theme",
    ),
    Command("redraw", "Redraw", "ctrl+l", "Sends the whole screen again.", "app.redraw"),
    Command(
        "help",
        "Help",
        "?",
        "What the page shows, on the row under the cursor; then every key.",
        "app.help",
        hint="help",
    ),
    Command("palette", "Command palette", "ctrl+p", "Commands and values by name.", "app.palette"),
    Command(
        "back",
        "Close or clear",
        "escape",
        "Closes what is open, else clears the column cursor, then the filter; never quits.",
        "app.close",
    ),
    Command("quit", "Quit", "q", "The session is saved, and opens again where it was.", "app.quit", hint="quit"),
)
BY_ID = {command.id: command for command in COMMANDS}
HINTS = (
    "move",
    "part",
    "row",
    "figure",
    "pin",
    "chart",
    "open",
    "order",
    "field",
    "type",
    "step",
    "why",
    "filter",
    "model",
    "adjust",
    "preset",
    "sort",
    "column",
    "view",
    "measured",
    "fits",
    "layouts",
    "launch",
    "formats",
    "what if",
    "plan",
    "break-even",
    "copy",
    "export",
    "region",
    "terms",
    "runs here",
)
"""The words of the hint line, the most wanted first; the others follow in the order of their commands."""


def commands_at(where: str) -> Iterator[Command]:
    """The commands of one place (a page, or everywhere), in their order."""
    return (command for command in COMMANDS if command.where == where)
