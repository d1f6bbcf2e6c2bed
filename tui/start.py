"""Starting the application: options, session, configuration, theme. Whatever is wrong with them is said, never
fatal.
"""

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from catalog.cache import DATA, user_dir
from estimator.errors import InputError
from estimator.printable import without_controls
from tui.app import LlmCalc
from tui.commands.bindings import keymap
from tui.draw import palette
from tui.state import last_frame, store
from tui.state.answer import Answer
from tui.state.calculator import Calculator
from tui.state.last_frame import LastFrame
from tui.state.session import Session
from tui.tabs import BASE
from tui.verbs import VERBS

if TYPE_CHECKING:
    import argparse

    from catalog.load import Catalog

WRONG_INPUT = 2


def start(arguments: Sequence[str]) -> int:
    """Runs the application with the program's arguments.

    Returns 2 for arguments that are not understood, after one line on stderr.
    """
    try:
        session_path, theme, mouse = _asked(arguments)
        if "TEXTUAL_DRIVER" not in os.environ and not (sys.stdout.isatty() and sys.stdin.isatty()):
            if session_path:
                store.load(Path(session_path))  # what is wrong with it is the better answer
            raise InputError("not a terminal", "`llmcalc-tui rank` prints the leaderboard")
        app = application(None, session_path, theme, shutil.get_terminal_size())
    except InputError as error:
        print(f"llmcalc-tui: {without_controls(str(error))}", file=sys.stderr)
        return WRONG_INPUT
    app.run(mouse=mouse)
    if app.unhandled:
        raise app.unhandled
    return app.return_code or 0


def _asked(arguments: Sequence[str]) -> tuple[str | None, str | None, bool]:
    """Session file and theme that are named, and whether the mouse is taken. Raises InputError for other arguments."""
    if not arguments:  # nor is a parser loaded then: a fortieth of an empty app's start
        return None, None, True
    asked = parser().parse_args(arguments)
    return asked.session, asked.theme, not asked.no_mouse


def application(
    catalog: "Catalog | None", session_path: str | None, theme: str | None, size: tuple[int, int] | None = None
) -> LlmCalc:
    """The application on its last session, or the named one. Raises InputError for a named session that is broken.

    In a terminal of `size` cells the last frame of an equal question stands until the answer is there. `catalog` is
    read where it is None: after that frame.
    """
    notices: list[str] = []
    configured = _configuration(notices)
    remapped, complaints = keymap(configured.get("keys") or {})
    notices += complaints
    calculator = Calculator(catalog)
    kept_in = store.whole_path(session_path) if session_path else store.default_path()
    answer = _named(kept_in, calculator) if session_path else None
    session = answer.session if answer else _last(kept_in, notices)
    theme = _theme(theme, configured, notices)
    frame = opening = None
    if size is not None and not notices and answer is None and session.screen == BASE:
        asked = (kept_in, _configuration_path())
        frame = LastFrame(last_frame.default_path(), (DATA, user_dir()), asked, (theme, sys.version))
        opening = frame.read(*size)
    return LlmCalc(
        calculator=calculator,
        session=session,
        kept_in=kept_in,
        theme=theme,
        remapped=remapped,
        notices=(*(() if opening else calculator.catalog.problems), *notices),
        answer=answer,
        frame=frame,
        opening=opening,
    )


def _named(path: Path, calculator: Calculator) -> Answer:
    """The answer of a session in a file that the user names, which is written back there.

    Raises InputError where it can not be answered: the file is then left as it is.
    """
    session = store.load(path)
    try:
        return calculator.answer(session)
    except InputError as error:
        raise InputError(str(path), str(error)) from None


def _last(path: Path, notices: list[str]) -> Session:
    """The session of the last run, else the default one; one that is broken is set aside, with a notice."""
    try:
        if path.exists():
            session, unknown = store.load_leniently(path)
            notices += unknown
            return session
    except InputError as error:
        copy = store.set_aside(path)
        notices.append(f"started afresh: {error}" + (f"; kept as {copy.name}" if copy else ""))
    except OSError as error:
        notices.append(f"started afresh: {path}: {error.strerror}")
    return Session()


def _theme(asked: str | None, configured: Mapping[str, object], notices: list[str]) -> str:
    """The theme asked for, configured or default; NO_COLOR always means the terminal's own colours."""
    names = [theme.name for theme in palette.THEMES]
    if "NO_COLOR" in os.environ:
        return palette.NO_COLOUR_THEME
    theme = asked or configured.get("theme") or palette.DEFAULT_THEME
    if theme not in names:
        notices.append(f"theme: {theme!r} is unknown; one of {', '.join(names)}")
        return palette.DEFAULT_THEME
    return str(theme)


def _configuration_path() -> Path:
    from platformdirs import user_config_path

    return user_config_path("llmcalc-tui", appauthor=False) / "config.yaml"


def _configuration(notices: list[str]) -> dict[str, dict[str, object]]:
    """`config.yaml` of the user: `theme`, and `keys` by command id. Empty, with a notice, where it is broken."""
    path = _configuration_path()
    try:
        if not path.exists():
            return {}
    except OSError as error:
        notices.append(f"{path}: {error.strerror}")
        return {}
    from catalog import yaml_file

    try:
        settings = yaml_file.read(path).value or {}
    except yaml_file.Refused as refused:
        notices.append(f"{path}:{refused}")
        return {}
    if not isinstance(settings, dict) or not isinstance(settings.get("keys") or {}, dict):
        notices.append(f"{path}: expected theme and keys")
        return {}
    return settings


def parser() -> "argparse.ArgumentParser":
    """The arguments of the app itself; the verbs have parsers of their own."""
    from tui.cli import Parser

    arguments = Parser(
        prog="llmcalc-tui",
        description="What hardware should run or fine-tune this model, how fast, at what cost.",
        epilog=f"Without a terminal: {', '.join(VERBS)}; each takes --help.",
    )
    arguments.add_argument("session", nargs="?", metavar="SESSION.yaml", help="a saved session to open")
    arguments.add_argument("--theme", metavar="NAME", help=", ".join(theme.name for theme in palette.THEMES))
    arguments.add_argument("--no-mouse", action="store_true", help="leave the mouse to the terminal")
    return arguments
