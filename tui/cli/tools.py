"""The headless verbs as tools of an assistant: a schema of each one's inputs, and a call that gives its JSON."""

import argparse
import contextlib
import io
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from estimator.errors import InputError, close_names
from tui import cli
from tui.options.options import NUMBERS, OPTIONS
from tui.options.synonyms import meant
from tui.verbs import VERBS

ANSWERING = ("estimate", "rank", "recommend", "plan", "command", "model")
"""Verbs whose answer is one document and which change nothing on this machine."""
UNSAID = ("format", "help", "session")
"""Arguments that are about this machine's files and terminals."""
FEW_ROWS = 5
"""Rows of a list where no limit is said: a whole leaderboard would fill the assistant's context."""
Schema = dict[str, Any]


class Tool(NamedTuple):
    """One headless verb as an assistant sees it: its name, its help, and the schema of its inputs."""

    name: str
    description: str
    schema: Schema
    """JSON Schema of its input: an object whose properties are the verb's options."""


def tools() -> tuple[Tool, ...]:
    """Every tool of the MCP server, made from the verbs' own arguments."""
    scenario = {name: _property(action) for name, action in _inputs("estimate").items()}
    compared: Schema = {
        "type": "object",
        "properties": {"scenarios": {"type": "array", "items": _object(scenario), "minItems": 2}},
        "required": ["scenarios"],
        "additionalProperties": False,
    }
    return (*map(_tool, ANSWERING), Tool("compare", "scenarios side by side, the first the baseline", compared))


def call(name: str, given: Mapping[str, Any]) -> Any:
    """The JSON document that a verb answers with the given inputs. Raises InputError naming the input that is wrong."""
    if name == "compare":
        return _compare(given)
    if name not in ANSWERING:
        raise InputError(name, "no such tool", close_names(name, (*ANSWERING, "compare")))
    inputs = _inputs(name)
    if "limit" in inputs:
        given = {"limit": FEW_ROWS, **given}
    return _answer([name, "--format=json", *_arguments(inputs, given)])


def _tool(verb: str) -> Tool:
    inputs = _inputs(verb)
    required = [name for name, action in inputs.items() if not action.option_strings and action.nargs == "+"]
    properties = {name: _property(action) for name, action in inputs.items()}
    return Tool(verb, VERBS[verb], _object(properties) | ({"required": required} if required else {}))


def _object(properties: Mapping[str, Schema]) -> Schema:
    return {"type": "object", "properties": dict(properties), "additionalProperties": False}


def _inputs(verb: str) -> dict[str, argparse.Action]:
    """The verb's arguments by the name that an assistant gives."""
    parser = cli.Parser(allow_abbrev=False, add_help=False)
    import_module(f"tui.cli.{verb}").add_arguments(parser)
    return {_name(action): action for action in parser._actions if action.dest not in UNSAID}


def _name(action: argparse.Action) -> str:
    return action.option_strings[0].removeprefix("--") if action.option_strings else action.dest


def _property(action: argparse.Action) -> Schema:
    """What may be given for one argument, with its help as the description."""
    described: Schema = {"description": action.help} if action.help else {}
    if action.nargs == "+":
        return described | {"type": "array", "items": {"type": "string"}, "minItems": 1}
    if action.nargs == 0:
        return described | {"type": "boolean"}
    option = OPTIONS.get(_name(action))
    if option and option.choices:
        return described | {"type": "string", "enum": list(option.choices)}
    if action.type is int or action.metavar in NUMBERS:
        return described | {"type": ["number", "string"]}
    return described | {"type": ["string", "number", "boolean"]}


def _arguments(inputs: Mapping[str, argparse.Action], given: Mapping[str, Any]) -> Iterator[str]:
    """A command line of these inputs; a value never becomes an option of its own."""
    positional: list[str] = []
    for name, value in given.items():
        plain = name.replace("_", "-")
        action = inputs.get(plain)
        if action is None:
            raise InputError(name, "no such input", meant(plain, inputs))
        if not action.option_strings:
            positional += map(str, value if isinstance(value, Sequence) and not isinstance(value, str) else [value])
        elif action.nargs == 0:
            yield from [f"--{plain}"] if value else []
        elif value is not None:
            yield f"--{plain}={value}"
    if positional:
        yield from ("--", *positional)


def _answer(arguments: Sequence[str]) -> Any:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
        cli.run(arguments)
    return json.loads(printed.getvalue())


def _compare(given: Mapping[str, Any]) -> Any:
    """Scenarios as the session files that the verb takes. Raises InputError where one is no set of options."""
    scenarios = given.get("scenarios")
    if not isinstance(scenarios, Sequence) or isinstance(scenarios, str) or len(scenarios) < 2:
        raise InputError("scenarios", "takes a list of two scenarios or more")
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for number, scenario in enumerate(scenarios, 1):
            if not isinstance(scenario, Mapping):
                raise InputError("scenarios", f"the {number}. is not an object of options")
            file = Path(folder) / f"scenario-{number}.yaml"
            file.write_text(json.dumps(dict(scenario)), encoding="utf-8")  # JSON is YAML
            files.append(str(file))
        try:
            return _answer(["compare", *files, "--format=json"])
        except InputError as error:
            raise InputError(error.field.replace(f"{folder}/", ""), error.reason, error.near) from None
