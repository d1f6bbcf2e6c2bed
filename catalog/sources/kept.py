"""Fetched models, kept as files of the user's catalogue so that they work offline ever after."""

import math
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from catalog import generated
from catalog.cache import user_dir
from estimator.printable import printable

DEEPEST = 16
"""Levels of a configuration that are kept; no class nests deeper than four."""
LONGEST_LABELS = 1_000
"""Entries of a classifier's table of labels; a longer one is kept as its length, which is all that a reader asks."""


def keep(model_id: str, entry: Mapping[str, Any], folder: Path | None = None) -> Path | None:
    """Writes a fetched model to `models/<org>/<name>.yaml`; None where it can not be kept, which is no error: it works
    anyway.

    That is a folder that can not be written, or a configuration of more values than the catalogue reads back. A file
    there that a person wrote or edited is copied beside itself first. The id is a repository name that `hub.repository`
    let pass, so it stays inside the folder.
    """
    import yaml

    from catalog import yaml_file

    content = {"id": model_id, **_plain_values({name: value for name, value in entry.items() if value}, DEEPEST)}
    content["config"] = _with_short_labels(content["config"])
    content["as_of"] = date.today().isoformat()
    organisation, _, name = model_id.partition("/")
    path = (folder or user_dir()) / "models" / organisation / f"{name.replace('/', '--')}.yaml"
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120)
    try:
        if len(text.encode()) > yaml_file.LARGEST_BYTES:
            return None
        yaml_file.parse(text)
        generated.write(path, text)
    except (OSError, yaml_file.Refused):
        return None
    return path


def kept(folder: Path | None = None) -> Iterator[str]:
    """Ids of the models that stand as they were fetched, read off their files' names."""
    for path in sorted(((folder or user_dir()) / "models").glob("*/*.yaml")):
        if generated.untouched(path):
            yield f"{path.parent.name}/{path.stem.replace('--', '/')}"


def _with_short_labels(config: Mapping[str, Any]) -> dict[str, Any]:
    labels = config.get("id2label")
    if not isinstance(labels, Mapping) or len(labels) <= LONGEST_LABELS:
        return dict(config)
    rest = {name: value for name, value in config.items() if name not in ("id2label", "label2id")}
    return {**rest, "num_labels": len(labels)}


def _plain_values(value: Any, depth: int) -> Any:
    """The value without control characters, without numbers that are not finite, and without absurdly deep nesting."""
    if isinstance(value, Mapping):
        kept_fields = ((key, each) for key, each in value.items() if not _infinite(each))
        return {printable(key): _plain_values(each, depth - 1) for key, each in kept_fields} if depth else {}
    if isinstance(value, list):
        return [_plain_values(each, depth - 1) for each in value if not _infinite(each)] if depth else []
    return printable(value, 10_000) if isinstance(value, str) else value


def _infinite(value: Any) -> bool:
    return isinstance(value, float) and not math.isfinite(value)
