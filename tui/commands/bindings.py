"""The commands as Textual's bindings, and the user's own keys for them."""

from collections.abc import Iterator, Mapping

from textual.binding import Binding, BindingType

from tui.commands.all import BY_ID, COMMANDS, commands_at
from tui.commands.command import EVERYWHERE, SIGNS, key_name, keys_of
from tui.tabs import TABS


def bindings(where: str) -> list[BindingType]:
    """The commands of one place as Textual's bindings."""
    return [
        Binding(
            ",".join(SIGNS.get(key, key) for key in keys_of(each)),
            each.action,
            each.title,
            show=False,
            id=each.id,
            tooltip=each.help,
        )
        for each in commands_at(where)
    ]


def keymap(remapped: Mapping[str, object]) -> tuple[dict[str, str], list[str]]:
    """The usable part of a configured keymap, and one complaint for each part that is not."""
    usable: dict[str, str] = {}
    complaints = []
    for id, keys in remapped.items():
        if id not in BY_ID:
            complaints.append(f"keys: {id}: unknown command")
        elif not isinstance(keys, str) or not keys.strip():
            complaints.append(f"keys: {id}: expected a key, got {keys!r}")
        else:
            usable[id] = keys
    for one, other, key in clashes(usable):
        if usable.pop(one, None) is None:
            usable.pop(other, None)
        complaints.append(f"keys: {one} and {other} would both be {key}")
    return usable, complaints


def clashes(remapped: Mapping[str, str] | None = None) -> Iterator[tuple[str, str, str]]:
    """Pairs of commands that one key would start in one place, under the user's own keys."""
    taken: dict[tuple[str, str], str] = {}
    for command in sorted(COMMANDS, key=lambda each: each.where != EVERYWHERE):
        for key in keys_of(command, remapped):
            holder = taken.get((EVERYWHERE, key)) or taken.get((command.where, key))
            if holder:
                yield command.id, holder, key
            taken[command.where, key] = command.id


def command_elsewhere(key: str, page: str, task: str, remapped: Mapping[str, str] | None = None) -> str:
    """What a key that does nothing on this page does elsewhere: `s: sort by the next column, on 4 Leaderboard`."""
    named = key_name(key)
    here = (page, EVERYWHERE)
    known = [each for each in COMMANDS if key in keys_of(each, remapped)]
    if not known:
        return f"{named} does nothing here; ? lists the keys"
    command = min(known, key=lambda each: (each.where not in here, each.task not in ("", task)))
    said = f"{named}: {command.title[0].lower()}{command.title[1:]}"
    tab = next((tab for tab in TABS if tab.name == command.where), None)
    if tab and command.where not in here:
        said += f", on {tab.key} {tab.title}"
    if command.task not in ("", task):
        said += f", of a {SUBJECTS[command.task]} (t changes)"
    return said


SUBJECTS = {"serve": "served model", "train": "training run"}
"""What a command of one task is about."""
