"""Fetched models, kept as files of the user's catalogue so that they work offline ever after."""

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from catalog import generated
from catalog.load import user_dir
from estimator.printable import printable

DEEPEST = 16
"""Levels of a configuration that are kept; no class nests deeper than four."""


def keep(model_id: str, entry: Mapping[str, Any], folder: Path | None = None) -> Path | None:
    """Writes `models/<org>/<name>.yaml`; None where the folder can not be written, which is no error.

    A file there that a person wrote or edited is copied beside itself first. The id is a repository name that
    `hub.repository` let pass, so it stays inside the folder.
    """
    import yaml

    content = {"id": model_id, **_printable_values({name: value for name, value in entry.items() if value}, DEEPEST)}
    content["as_of"] = date.today().isoformat()
    organisation, _, name = model_id.partition("/")
    path = (folder or user_dir()) / "models" / organisation / f"{name.replace('/', '--')}.yaml"
    try:
        generated.write(path, yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120))
    except OSError:
        return None
    return path


def kept(folder: Path | None = None) -> Iterator[str]:
    """Ids of the models that stand as they were fetched, read off their files' names."""
    for path in sorted(((folder or user_dir()) / "models").glob("*/*.yaml")):
        if generated.untouched(path):
            yield f"{path.parent.name}/{path.stem.replace('--', '/')}"


def _printable_values(value: Any, depth: int) -> Any:
    """The value without control characters and without what nests absurdly deep."""
    if isinstance(value, Mapping):
        return {printable(key): _printable_values(each, depth - 1) for key, each in value.items()} if depth else {}
    if isinstance(value, list):
        return [_printable_values(each, depth - 1) for each in value] if depth else []
    return printable(value, 10_000) if isinstance(value, str) else value
