"""The session file: the options of its scenario and how it was looked at, one `name: value` a line."""

import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from catalog import atomic
from estimator.errors import InputError
from estimator.scenario.scenario import Scenario
from estimator.serving.load import calibration
from tui.options import options
from tui.options.session_file import Setting
from tui.state.session import VIEWS, Session
from tui.tabs import TABS

LOOK = tuple(field.name for field in fields(Session) if field.name not in ("scenario", "run"))
"""Keys that say how the answer was looked at; the headless verbs skip them."""
MOST_BYTES = 1_000_000
"""Of a session file as we write it."""
POINTS = "calibrations"
"""Key of the user's own measurements."""


def default_path() -> Path:
    """Where the last session is kept."""
    from platformdirs import user_state_path

    return user_state_path("llmcalc-tui", appauthor=False) / "session.yaml"


def save(session: Session, path: Path) -> str:
    """Writes the session in one step, so that a cut connection leaves the old one or the new; returns a complaint."""
    values = {**options.given_options(session.scenario), **{name: _printable(getattr(session, name)) for name in LOOK}}
    if session.scenario.calibrations:
        values[POINTS] = [point._asdict() for point in session.scenario.calibrations]
    text = "".join(f"{name}: {json.dumps(value, ensure_ascii=False)}\n" for name, value in values.items())
    try:
        atomic.write(path, text)
    except OSError as error:
        return f"session not saved: {path}: {error.strerror}"
    except UnicodeEncodeError:
        return f"session not saved: {path}: a name in it can not be written as UTF-8"
    return ""


def set_aside(path: Path) -> Path | None:
    """Copies a session that can not be used to a name of its own beside it, before the next save replaces it.

    Returns where to, never over an earlier one; None where there is nothing to keep or no copy can be made.
    """
    names = ("broken", *(f"broken-{number}" for number in range(2, 100)))
    target = next((each for name in names if not (each := path.with_suffix(f".{name}.yaml")).exists()), None)
    try:
        if target:
            atomic.write(target, path.read_bytes())
    except OSError:
        return None
    return target


def _printable(value: Any) -> Any:
    """A look without characters that the reader of sessions refuses."""
    return "".join(filter(str.isprintable, value)) if isinstance(value, str) else value


def load(path: Path) -> Session:
    """The session in a file. Raises InputError naming the file, the line and what is wrong with it."""
    scenario, look = Scenario(), {}
    settings = _settings(path)
    for name in sorted(settings, key=options.order):
        value, where = settings[name]
        if name in LOOK:
            look[name] = value
            continue
        try:
            if name == POINTS:
                scenario = replace(scenario, calibrations=calibration.read_points(value))
            else:
                scenario = options.with_option(scenario, name, value)
        except InputError as error:
            raise InputError(where, str(error)) from None
    return replace(_looked(look), scenario=scenario, run=scenario.training or Session().run)


def _looked(look: dict[str, Any]) -> Session:
    """A look that makes no sense is left out: it asks nothing."""
    plain = Session()
    known = {name: value for name, value in look.items() if type(value) is type(getattr(plain, name))}
    for name, legal in (("screen", {page.name for page in TABS}), ("view", set(VIEWS))):
        if known.get(name) not in legal:
            known.pop(name, None)
    return Session(**known)


def _settings(path: Path) -> dict[str, Setting]:
    """Name to value and place. A file as we write it is read without the YAML parser (30 ms of a start)."""
    try:
        return _written_by_us(path)
    except (OSError, ValueError, RecursionError):
        from tui.options import session_file

        return session_file.read(str(path))


def _written_by_us(path: Path) -> dict[str, Setting]:
    """Lines of `name: JSON`. Raises ValueError for anything else, which the YAML reader judges and names by line."""
    if not path.is_file() or path.stat().st_size > MOST_BYTES:
        raise ValueError("not a file that we wrote")
    settings: dict[str, Setting] = {}
    for at, line in enumerate(path.read_text(encoding="utf-8").removesuffix("\n").split("\n"), 1):
        name, value = line.split(": ", 1)
        if name in settings or not line.isprintable() or "\\u" in value:
            raise ValueError(f"line {at}: not as we write it")
        settings[name] = Setting(json.loads(value), f"{path}:{at}")
    return settings
