"""Results as the JSON of docs/interface.md: exact keys, units in names, null for what is absent."""

import json
from collections.abc import Iterable, Mapping

from estimator.documents import number
from estimator.errors import InputError, UnsupportedArchitecture
from estimator.models.model import Model
from estimator.models.summary import summary
from estimator.printable import printable
from estimator.scenario.scenario import Scenario
from tui.options.options import OPTIONS, given_options

SCHEMA = 2
"""Number of the contract: it grows when a key changes its name or its meaning, or goes; a new key leaves it."""


def dumps(value: object) -> str:
    """Indented JSON in plain ASCII: a control character inside a string leaves as its escape."""
    return json.dumps(value, indent=1, allow_nan=False)


def document(page: Mapping[str, object]) -> str:
    """A whole answer: the number of the contract, then its keys."""
    return dumps({"schema": SCHEMA, **page})


def documents(pages: Iterable[Mapping[str, object]]) -> str:
    """An answer that is a list, each of its objects with the number of the contract."""
    return dumps([{"schema": SCHEMA, **page} for page in pages])


def scenario(asked: Scenario) -> dict[str, object]:
    """Every option of the question by its name in snake_case; null where nothing is said."""
    values = given_options(asked)
    return {name.replace("-", "_"): values.get(name) for name, option in OPTIONS.items() if option.field}


def model(name: str, answer: Model | InputError) -> dict[str, object]:
    """One model's parameters, cache (at 16 bit) and state; a refused one says why under the same keys."""
    page: dict[str, object] = {"model": printable(name), "status": "ok", "reason": None}
    if isinstance(answer, InputError):
        unsupported = isinstance(answer, UnsupportedArchitecture)
        page |= {"status": "unsupported" if unsupported else "invalid", "reason": printable(answer)}
        architecture = printable(getattr(answer, "class_name", "")) or None
        return page | {"architecture": architecture, "parameters": None, "kv_cache": None}
    figures = summary(answer)
    cache = figures.kv_cache._asdict()
    return page | {
        "architecture": answer.architecture.class_name,
        "parameters": figures.parameters._asdict(),
        "kv_cache": {key: None if value is None else number(value) for key, value in cache.items()},
    }
