"""The command registry: nothing clashes, everything has help, keys can be moved."""

import pytest
from textual.binding import Binding
from textual.keys import _character_to_key, format_key

from tui.commands.all import BY_ID, COMMANDS, HINTS
from tui.commands.bindings import bindings, clashes, keymap
from tui.commands.command import EVERYWHERE, SIGNS, key_name, keys_of
from tui.tabs import TABS


def test_no_two_commands_share_a_key_in_one_place() -> None:
    assert list(clashes()) == []


def test_a_clash_is_found() -> None:
    assert ("filter", "model", "m") in list(clashes({"filter": "m"}))


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.id)
def test_every_command_says_what_it_does(command) -> None:
    assert command.title
    assert command.help.endswith(".")
    assert keys_of(command)[0]
    assert command.where in {EVERYWHERE, *(page.name for page in TABS)}


def test_ids_are_unique() -> None:
    assert len(BY_ID) == len(COMMANDS)


def test_no_two_commands_of_a_place_differ_by_case_alone_except_the_two_sorts() -> None:
    for place in (EVERYWHERE, *(page.name for page in TABS)):
        here = {key: each.id for each in COMMANDS if each.where in (place, EVERYWHERE) for key in keys_of(each)}
        twins = {(here[key], here[key.lower()]) for key in here if len(key) == 1 and key != key.lower() in here}
        assert twins <= {("sort-reverse", "sort"), ("cursor-last", "cursor-first"), ("field-last", "field-first")}


@pytest.mark.parametrize("place", [EVERYWHERE, *(page.name for page in TABS)])
def test_every_binding_has_id_description_and_tooltip(place: str) -> None:
    for binding in bindings(place):
        assert isinstance(binding, Binding)
        assert binding.id in BY_ID
        assert binding.description
        assert binding.tooltip


def test_signs_have_textual_s_own_names_so_that_it_looks_none_up() -> None:
    """Unicode's table of names is 0.7 MB that a start would keep resident."""
    signs = {key for each in COMMANDS for key in keys_of(each) if len(key) == 1 and not key.isalnum()}
    assert {sign: _character_to_key(sign) for sign in signs} == {sign: SIGNS[sign] for sign in signs}
    for sign, name in SIGNS.items():
        assert _character_to_key(sign) == name
        assert key_name(name) == key_name(sign) == format_key(name) == sign
    names = {
        key
        for place in (EVERYWHERE, *(page.name for page in TABS))
        for each in bindings(place)
        for key in each.key.split(",")
    }
    assert not any(len(name) == 1 and not name.isalnum() for name in names)


def test_words_of_the_hint_line_exist() -> None:
    assert set(HINTS) <= {command.hint for command in COMMANDS}


def test_a_keymap_is_taken_apart_into_what_works_and_what_does_not() -> None:
    usable, complaints = keymap({"undo": "ctrl+z", "nonsense": "x", "redo": 3, "filter": "m"})
    assert usable == {"undo": "ctrl+z"}
    assert len(complaints) == 3
    assert any("nonsense" in each for each in complaints)
    assert any("filter" in each and "model" in each for each in complaints)
