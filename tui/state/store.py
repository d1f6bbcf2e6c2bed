"""The session file: the options of its scenario and how it was looked at, one `name: value` a line."""

import json
import os
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from catalog import atomic
from estimator.errors import InputError
from estimator.scenario.scenario import Scenario
from tui.options import options
from tui.options.session_file import Setting
from tui.state.pins import LETTERS, MOST_PINS, Pin, Pins
from tui.state.session import MOST_USED, VIEWS, Session
from tui.tabs import TABS

LOOK = tuple(
    field.name for field in fields(Session) if field.name not in ("scenario", "run", "pins", "used", "unknown")
)
"""Keys that say how the answer was looked at; the headless verbs skip them."""
MOST_BYTES = 1_000_000
"""Largest session file as we write it."""
POINTS = "calibrations"
"""Key of the user's own measurements."""
PINS = "pins"
"""Key of the rows kept for comparison: each a mapping of scenario options with its machine."""
USED = "used"
"""Key of the models that were asked about last."""
PIN_KEYS = ("machine", "accelerator-of", "count-of", "name")
"""Keys of a pin that are no scenario options."""
SCHEMA = "schema"
VERSION = 2
"""Version of the session file: 1 had no pins. A file of a later version is refused, not half read."""


def whole_path(text: str) -> Path:
    """A written path from the root on: one file has one, whatever it is written from."""
    return Path(os.path.abspath(Path(text).expanduser()))


def default_path() -> Path:
    """File in which the last session is kept."""
    from platformdirs import user_state_path

    return user_state_path("llmcalc-tui", appauthor=False) / "session.yaml"


def save(session: Session, path: Path) -> str:
    """Writes a session in one step, so that a cut connection leaves the old one or the new; returns a complaint, or
    nothing.
    """
    look = {name: _printable(getattr(session, name)) for name in LOOK}
    values = {SCHEMA: VERSION, **_scenario_values(session.scenario), **look}
    if session.pins:
        values[PINS] = [_pin_values(pin) for pin in session.pins]
    if session.used:
        values[USED] = [_printable(name) for name in session.used]
    values |= {name: json.loads(value) for name, value in session.unknown if name not in values}
    text = "".join(f"{name}: {json.dumps(value, ensure_ascii=False)}\n" for name, value in values.items())
    try:
        atomic.write(path, text)
    except OSError as error:
        return f"session not saved: {path}: {error.strerror}"
    except UnicodeEncodeError:
        return f"session not saved: {path}: a name in it can not be written as UTF-8"
    return ""


def stamp(path: Path | None) -> tuple[int, int] | None:
    """What tells whether a file was written since: its time and size; None where there is none."""
    try:
        known = path.stat() if path else None
    except OSError:
        return None
    return (known.st_mtime_ns, known.st_size) if known else None


def changed_by_another(path: Path, since: tuple[int, int] | None) -> str:
    """A complaint where a file that the user named was written by another program since; else nothing.

    The session without a name is the last one that was looked at, whichever instance that was.
    """
    now = stamp(path)
    if path == default_path() or now in (None, since):
        return ""
    return f"session not saved: {path} was changed by another program; ctrl+o opens it, ctrl+s keeps this one"


def _scenario_values(scenario: Scenario) -> dict[str, Any]:
    values: dict[str, Any] = dict(options.given_options(scenario))
    if scenario.calibrations:
        values[POINTS] = [point._asdict() for point in scenario.calibrations]
    return values


def _pin_values(pin: Pin) -> dict[str, Any]:
    own = zip(PIN_KEYS, (pin.machine, pin.accelerator, pin.count, _printable(pin.name)), strict=True)
    return {**{key: value for key, value in own if value}, **_scenario_values(pin.scenario)}


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
    return _session_of(_settings(path), ())


def load_leniently(path: Path) -> tuple[Session, list[str]]:
    """The session in a file with the keys of it that are not known, which it keeps; and a complaint about each.

    Raises InputError naming the file, the line and what is wrong with a key that is known.
    """
    settings = _settings(path)
    known = {*options.OPTIONS, *LOOK, SCHEMA, PINS, POINTS, USED}
    strange = {name: settings.pop(name) for name in list(settings) if name not in known}
    kept = tuple((name, json.dumps(setting.value, default=str)) for name, setting in strange.items())
    complaints = [f"{setting.where}: {name}: no such option, kept as it is" for name, setting in strange.items()]
    return _session_of(settings, kept), complaints


def _session_of(settings: dict[str, Setting], unknown: tuple[tuple[str, str], ...]) -> Session:
    """The session that the settings of a file give. Raises InputError naming the place of one that is refused."""
    version = settings.pop(SCHEMA, Setting(VERSION, ""))
    if version.value not in range(1, VERSION + 1):
        raise InputError(version.where, f"schema: {version.value!r} is not known, this program reads up to {VERSION}")
    look = {name: settings.pop(name).value for name in LOOK if name in settings}
    pins, used = settings.pop(PINS, Setting([], "")), settings.pop(USED, Setting([], "")).value
    names = (
        tuple(name for name in used if isinstance(name, str) and name.isprintable()) if isinstance(used, list) else ()
    )
    scenario = _scenario_of(settings)
    try:
        session = replace(_looked(look), pins=_pins_of(pins.value))
    except InputError as error:
        raise InputError(pins.where, f"pins: {error}") from None
    run = scenario.training or session.run
    return replace(session, scenario=scenario, run=run, used=names[:MOST_USED], unknown=unknown)


def _scenario_of(settings: Mapping[str, Setting]) -> Scenario:
    """The scenario that options of a file give. Raises InputError naming the place of one that is refused."""
    scenario = Scenario()
    for name in sorted(settings, key=options.order):
        value, where = settings[name]
        try:
            if name == POINTS:
                from estimator.serving.load import calibration

                scenario = replace(scenario, calibrations=calibration.read_points(value))
            else:
                scenario = options.with_option(scenario, name, value)
        except InputError as error:
            raise InputError(where, str(error)) from None
    return scenario


def _pins_of(values: object) -> Pins:
    """Pins as a session file holds them. Raises InputError."""
    if not isinstance(values, list) or len(values) > MOST_PINS or not all(isinstance(each, dict) for each in values):
        raise InputError(PINS, f"expected a list of at most {MOST_PINS} mappings")
    pins = []
    for at, each in enumerate(values, 1):
        machine, accelerator, count, name = (each.get(key) for key in PIN_KEYS)
        texts = (machine, accelerator or "", name or "")
        if not machine or not all(isinstance(text, str) and text.isprintable() for text in texts):
            raise InputError(f"{LETTERS[at - 1]}", "a pin has a machine, and names without control characters")
        if not isinstance(count or 0, int) or isinstance(count, bool):
            raise InputError(f"{LETTERS[at - 1]}", "count-of is a number of devices")
        own = {str(key): Setting(value, f"pin {at}") for key, value in each.items() if key not in PIN_KEYS}
        pins.append(
            Pin(
                scenario=_scenario_of(own), machine=texts[0], accelerator=texts[1], count=count or 0, name=texts[2][:40]
            )
        )
    return tuple(pins)


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
