"""The command palette: what can be done and what can be asked for, by name: `save`, `tokyo`, `int4`, `rag`, `g6e`."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from estimator.models.formats import CACHE_FORMATS, WEIGHT_FORMATS
from estimator.scenario.presets import PRESETS
from estimator.scenario.scenario import DEPLOYMENTS, PRICE_TERMS
from estimator.scenario.training_presets import TRAINING_PRESETS
from tui.commands.all import commands_at
from tui.commands.command import EVERYWHERE, Command, key_name, keys_of
from tui.draw.runs import Row, clip, fit_row
from tui.options.options import OPTIONS, with_option
from tui.options.synonyms import SYNONYMS
from tui.screens.picker import Picker
from tui.state.answer import Answer
from tui.state.editing import Change

MOTIONS = ("cursor", "field", "group", "part", "figure", "page-down", "page-up", "memory-", "performance-", "pin-")
"""Beginnings of the ids of commands that move about: last of an empty search, for nobody looks for them by name."""


class Entry(NamedTuple):
    """One entry of the command palette: an action, or a change of the session."""

    title: str
    detail: str
    action: str = ""
    change: Change | None = None


def entries(answer: Answer, page: str, regions: Mapping[str, str], remapped: Mapping[str, str]) -> dict[str, Entry]:
    """Everything that the palette offers on a page, by the text that is searched."""
    commands = [*commands_at(page), *commands_at(EVERYWHERE)]
    works = [each for each in commands if each.task in ("", answer.session.task) and each.id != "palette"]
    works.sort(key=lambda each: each.id.startswith(MOTIONS))
    choices = [_of_command(each, remapped) for each in works]
    choices += _values(answer, regions)
    return {f"{entry.title} {entry.detail}": entry for entry in choices}


def _of_command(command: Command, remapped: Mapping[str, str]) -> Entry:
    keys = " ".join(map(key_name, keys_of(command, remapped)))
    return Entry(command.title, f"{keys} · {command.help}", command.action)


def _values(answer: Answer, regions: Mapping[str, str]) -> Iterator[Entry]:
    """Values of the inputs that have names."""
    for each in PRESETS:
        yield _of_option("preset", each.name, each.title)
    for run in TRAINING_PRESETS:
        yield _of_option("preset", run.name, run.title)
    for name in WEIGHT_FORMATS:
        yield _of_option("weights", name, "weight format")
    for name in CACHE_FORMATS:
        yield _of_option("kv", name, "cache format")
    for name in dict.fromkeys(profile.id for profile in answer.inventory.engines):
        yield _of_option("engine", name, "engine")
    for id, place in regions.items():
        yield _of_option("region", id, place)
    for terms in PRICE_TERMS:
        yield _of_option("price-terms", terms, "price terms")
    for where in DEPLOYMENTS:
        yield _of_option("deployment", where, "where the hardware stands")
    for machine in answer.inventory.machines.values():
        if machine.kind == "cloud":
            yield _of_option("instance", machine.id, f"only this instance: {machine.count:g}x{machine.accelerator}")


def _of_option(option: str, value: str, detail: str) -> Entry:
    """Sets one option of the scenario."""
    return Entry(
        title=f"{option} {value}",
        detail=detail,
        change=lambda answer: answer.session.with_scenario(with_option(answer.session.scenario, option, value)),
    )


def typed_option(query: str) -> Entry | None:
    """The option that a query sets, by its name or the beginning of one alone; None where it names none."""
    start, _, value = query.strip().partition(" ")
    start = SYNONYMS.get(start, start)
    meant = [name for name in OPTIONS if name == start] or [
        name for name in OPTIONS if start and name.startswith(start)
    ]
    if len(meant) != 1 or not value.strip():
        return None
    return _of_option(meant[0], value.strip(), f"sets it: {OPTIONS[meant[0]].help}")


class Palette(Picker):
    """The command palette, a picker. Returns the searched text of an entry."""

    PROMPT = "a command or a value: export, tokyo, int4-awq, rag, ttft 1s …"
    DETAIL = 3

    def __init__(self, choices: Mapping[str, Entry]) -> None:
        super().__init__(list(choices))
        self.choices = choices

    def matching(self, query: str) -> list[str]:
        """Entries that have the typed words; in front an option with the value that is typed after it, `ttft 1s`."""
        names = super().matching(query)
        typed = typed_option(query)
        if typed is None:
            return names
        self.choices = {**self.choices, typed.title: typed}
        return [typed.title, *(name for name in names if name != typed.title)]

    def line(self, name: str, cells: int, highlighted: bool) -> Row:
        entry = self.choices[name]
        title: Row = [(clip(entry.title, 30).ljust(31), "cursor" if highlighted else "text")]
        return fit_row([*title, (entry.detail, "dim")], cells)

    def detail(self, name: str, cells: int) -> str:
        entry = self.choices[name]
        return f"{entry.title}: {entry.detail}"
