"""Variants of published configurations: one field left out or another value, as forks and fine-tunes have them."""

import copy
import json
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any, NamedTuple

SECTIONS = ("", "text_config", "vision_config", "audio_config")
"""Parts of a configuration whose fields are changed; the empty name is its top."""
NEVER = ("architectures", "model_type", "_name_or_path", "transformers_version", "torch_dtype", "auto_map")
"""Fields that say which reader it is, or nothing about the shape."""


class Variant(NamedTuple):
    """One field of a configuration, and the value that it gets as JSON; an empty text leaves it out."""

    field: str
    """With its section before a dot."""
    value: str

    def of(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """The configuration with the change."""
        changed = copy.deepcopy(dict(config))
        section, _, name = self.field.rpartition(".")
        part = changed[section] if section else changed
        if self.value:
            part[name] = json.loads(self.value)
        else:
            del part[name]
        return changed


def variants(config: Mapping[str, Any], random: Random) -> Iterator[Variant]:
    """Every field of a configuration with one other value each, in random order."""
    fields = [
        (f"{section}." if section else "", name, value)
        for section in SECTIONS
        for name, value in (config.get(section) or {} if section else config).items()
        if name not in NEVER and isinstance(value, bool | int | float | str | None)
    ]
    random.shuffle(fields)
    for section, name, value in fields:
        yield Variant(section + name, random.choice(list(_values(value))))


def _values(value: bool | int | float | str | None) -> Iterator[str]:
    """Other values than a field has, as JSON, and that it is absent."""
    yield ""
    if isinstance(value, bool):
        yield json.dumps(not value)
    elif isinstance(value, int):
        yield from map(json.dumps, (0, 1, value * 2, value // 2, None))
    elif value is None:
        yield from map(json.dumps, (0, 1, True))
