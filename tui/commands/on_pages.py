"""The commands that belong to one page, in the order of the pages' help."""

from estimator.errors import InputError
from tui.commands.command import Command
from tui.state.chips import chips
from tui.state.session import Session
from tui.tabs import TABS


def drop_last_chip(session: Session) -> Session:
    """The session without the last input that is not default. Raises InputError where all are."""
    shown = chips(session.scenario)
    if not shown:
        raise InputError("backspace", "every input is at its default")
    return session.with_scenario(shown[-1].without)


def _at(where: str, *commands: Command) -> tuple[Command, ...]:
    return tuple(command._replace(where=where) for command in commands)


PAGE_COMMANDS = (
    *_at(
        "leaderboard",
        Command("cursor-down", "Down", "j,down", "To the next row.", "screen.move(1)", hint="move"),
        Command("cursor-up", "Up", "k,up", "To the row before.", "screen.move(-1)", hint="move"),
        Command("cursor-first", "First row", "g,home", "To the top, which the cursor keeps.", "screen.first"),
        Command("cursor-last", "Last row", "G,end", "To the bottom.", "screen.last"),
        Command(
            "page-down", "Half a page down", "ctrl+d,pagedown", "The cursor jumps, the table follows.", "screen.page(1)"
        ),
        Command("page-up", "Half a page up", "ctrl+u,pageup", "The other way.", "screen.page(-1)"),
        Command(
            "filter",
            "Filter rows",
            "/",
            "Words and bounds narrow the rows as you type: g6e nvidia fits tpot<50ms $<10 users>=32.",
            "screen.filter",
            hint="filter",
        ),
        Command(
            "sort",
            "Sort by the next column",
            "s",
            "By the chosen column, again by rank; without one by the next of those that are shown.",
            "screen.sort",
            hint="sort",
        ),
        Command(
            "column-last",
            "Column before",
            "less_than_sign",
            "The column cursor to the left: enter explains that figure, s sorts by it; esc takes it away.",
            "screen.column(-1)",
            hint="column",
        ),
        Command(
            "column-next",
            "Next column",
            "greater_than_sign",
            "The column cursor to the right: enter explains that figure, s sorts by it.",
            "screen.column(1)",
            hint="column",
        ),
        Command(
            "columns", "Choose columns", "|", "Which are shown, and in which order; they are kept.", "screen.columns"
        ),
        Command("sort-reverse", "Reverse the order", "S", "The same column the other way round.", Session.reversed),
        Command(
            "launch",
            "Launch command",
            "l",
            "How to start it: shell, compose, Kubernetes, SkyPilot, each flag with its reason; y copies.",
            "screen.launch",
            hint="launch",
        ),
        Command(
            "drop-chip",
            "Drop the last chip",
            "backspace",
            "The last input of the header that is not default goes back to its default.",
            drop_last_chip,
            hint="drop",
            applies=lambda session: bool(chips(session.scenario)),
        ),
        Command(
            "view",
            "Next view",
            "tab",
            "Instances; the best of each accelerator; the recommendations by hourly cost.",
            Session.next_view,
            hint="view",
        ),
        Command(
            "machines-fewer",
            "One machine fewer",
            "left_curly_bracket",
            "Every row on one machine fewer than this one has; backspace leaves their number to the load again.",
            "screen.machines(-1)",
        ),
        Command(
            "machines-more",
            "One machine more",
            "right_curly_bracket",
            "Every row on one machine more than this one has.",
            "screen.machines(1)",
        ),
    ),
    *_at(
        "workload",
        Command("field-down", "Down", "j,down", "The next field.", "screen.move(1)", hint="field"),
        Command("field-up", "Up", "k,up", "The field before.", "screen.move(-1)", hint="field"),
        Command("field-first", "First field", "g,home", "To the top.", "screen.end(-1)"),
        Command("field-last", "Last field", "G,end", "To the bottom.", "screen.end(1)"),
        Command("field-type", "Type a value", "enter", "esc leaves the field as it was.", "screen.type", hint="type"),
        Command(
            "field-less",
            "Change down",
            "h,left",
            "The choice before; half the number.",
            "screen.change(-1)",
            hint="step",
        ),
        Command(
            "field-more",
            "Change up",
            "l,right",
            "The next choice; twice the number.",
            "screen.change(1)",
            hint="step",
        ),
        Command("field-clear", "Clear", "backspace,delete", "Back to what an empty field means.", "screen.clear"),
        Command("group-next", "Next group", "tab", "The first field of the next group.", "screen.section(1)"),
        Command("group-last", "Group before", "shift+tab", "The group before.", "screen.section(-1)"),
    ),
    *_at(
        "memory",
        Command("part-down", "Down", "j,down", "The next part.", "screen.move(1)", hint="part"),
        Command("part-up", "Up", "k,up", "The part before.", "screen.move(-1)", hint="part"),
        Command("memory-next", "Next row", "l,right", "The next row of the leaderboard.", "screen.step(1)", hint="row"),
        Command("memory-last", "Row before", "h,left", "The row before.", "screen.step(-1)", hint="row"),
        Command(
            "utilization-less",
            "Less memory for the engine",
            "comma",
            "Memory utilization down by 0.01.",
            "screen.switch('utilization', -1)",
        ),
        Command(
            "utilization-more",
            "More memory for the engine",
            "full_stop",
            "Memory utilization up by 0.01.",
            "screen.switch('utilization', 1)",
        ),
        Command(
            "sequences-fewer",
            "Half the sequences",
            "left_curly_bracket",
            "Half the engine's max_num_seqs.",
            "screen.switch('sequences', -1)",
        ),
        Command(
            "sequences-more",
            "Twice the sequences",
            "right_curly_bracket",
            "Twice the engine's max_num_seqs.",
            "screen.switch('sequences', 1)",
        ),
        Command(
            "chunk-smaller",
            "Half the chunk",
            "less_than_sign",
            "Half the engine's max_num_batched_tokens.",
            "screen.switch('chunk', -1)",
        ),
        Command(
            "chunk-larger",
            "Twice the chunk",
            "greater_than_sign",
            "Twice the engine's max_num_batched_tokens.",
            "screen.switch('chunk', 1)",
        ),
    ),
    *_at(
        "memory",
        Command(
            "start-log",
            "A start-up log",
            "n",
            "Paste what vLLM or SGLang printed while starting: each figure beside ours; the reserve is corrected.",
            "screen.measure",
            hint="log",
            task="serve",
        ),
    ),
    *_at(
        "performance",
        Command(
            "performance-view",
            "Next view",
            "o",
            "Roofline and operators; throughput against what one user sees; layouts; replayed latencies by load.",
            "screen.next_view",
            hint="view",
            task="serve",
        ),
        Command(
            "performance-next", "Next row", "l,right", "The next row of the leaderboard.", "screen.step(1)", hint="row"
        ),
        Command("performance-last", "Row before", "h,left", "The row before.", "screen.step(-1)", hint="row"),
        Command(
            "measure",
            "A measured point",
            "n",
            "Paste a vllm bench serve or sglang.bench_serving result; it recalibrates that accelerator and engine.",
            "screen.measure",
            hint="measured",
            task="serve",
        ),
    ),
    *_at(
        "compare",
        Command("figure-down", "Down", "j,down", "The next figure.", "screen.move(1)", hint="figure"),
        Command("figure-up", "Up", "k,up", "The figure before.", "screen.move(-1)", hint="figure"),
        Command("pin-next", "Next pin", "l,right", "The pin on the right.", "screen.column(1)", hint="pin"),
        Command("pin-last", "Pin before", "h,left", "The pin on the left.", "screen.column(-1)", hint="pin"),
        Command(
            "pin-left",
            "Move the pin left",
            "less_than_sign",
            "The first pin is what the others are compared with.",
            "screen.shift(-1)",
            hint="order",
        ),
        Command(
            "pin-right", "Move the pin right", "greater_than_sign", "One place on.", "screen.shift(1)", hint="order"
        ),
        Command("pin-drop", "Drop the pin", "d", "It is no longer compared.", "screen.drop", hint="drop pin"),
        Command("pin-rename", "Name the pin", "n", "A name of your own.", "screen.rename", hint="name"),
        Command(
            "pin-open", "Open the pin", "o", "Its scenario becomes the one that is asked.", "screen.open", hint="open"
        ),
        Command(
            "pin-chart",
            "Cost against speed",
            "g",
            "All pins on one chart: $ per 1M tokens against tokens/s of one user, as the load grows.",
            "screen.chart",
            hint="chart",
        ),
    ),
    *(
        Command(
            "pin" if page.name == "leaderboard" else f"{page.name}-pin",
            "Pin the row",
            "space",
            "Keeps it with its whole scenario for 5 Compare; again drops it.",
            "screen.pin",
            where=page.name,
            hint="pin",
        )
        for page in TABS
        if page.pins
    ),
    *(
        Command(
            f"{page.name}-why",
            "The working",
            "enter",
            "Formula, numbers and source of the selected row's figures.",
            "screen.panel('why')",
            where=page.name,
            hint="why",
        )
        for page in TABS
        if page.explains
    ),
)
