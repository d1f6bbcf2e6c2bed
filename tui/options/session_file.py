"""A session file: YAML whose keys are the scenario options."""

import os
from pathlib import Path
from typing import NamedTuple

from estimator.errors import InputError


class Setting(NamedTuple):
    value: object
    where: str
    """`file:line`"""


def read(path: str) -> dict[str, Setting]:
    """Every option that a session file sets, by name. Raises InputError naming the file and line of what is
    malformed.
    """
    from catalog import yaml_file

    if not os.path.isfile(path):
        raise InputError(path, "no such file")
    try:
        document = yaml_file.read(Path(path))
    except yaml_file.Refused as refused:
        raise InputError(f"{path}:{refused.line}", refused.complaint) from None
    if document.value is None:
        return {}
    if not isinstance(document.value, dict):
        raise InputError(f"{path}:1", "a session is a mapping of options to values")
    settings: dict[str, Setting] = {}
    for key, value in document.value.items():
        line, _ = document.place((key,))
        name = str(key).replace("_", "-")
        if name in settings:
            raise InputError(f"{path}:{line}", f"{name} is written twice")
        settings[name] = Setting(value, f"{path}:{line}")
    return settings
