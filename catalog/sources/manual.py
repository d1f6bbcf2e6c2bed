"""A model from a few numbers: a size that people say ("13B"), or `parameters=8B,hidden=4096,layers=32,heads=32`."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from estimator.errors import InputError
from estimator.models.by_hand import DecoderShape, by_hand, plain_size
from estimator.models.model import Model
from estimator.printable import printable

SHORT = {"total": "parameters", "kv": "kv_heads", "active": "active_parameters", "active_experts": "experts_per_token"}
NOT_NUMBERS = {"gated", "tied", "names", "plain_size", "interpolates", "source"}
"""Fields of a shape that only the catalogue states."""
SUFFIXES = {"k": 1e3, "m": 1e6, "b": 1e9, "t": 1e12}


def sized(text: str, sizes: Mapping[str, DecoderShape]) -> Model | None:
    """The model of a plain size such as `70B`, which may be a guess; None where the text is none. Raises InputError."""
    size = plain_size(text, sizes)
    if size is None:
        return None
    name, architecture = size
    return Model(name, architecture, source=architecture.notes[0])


def read(text: str) -> Model | None:
    """The model that `name=number,…` describes; None where the text is something else. Raises InputError."""
    if "=" not in text or "/" in text:
        return None
    known = {field.name for field in fields(DecoderShape)} - NOT_NUMBERS
    given: dict[str, Any] = {}
    for part in text.split(","):
        name, _, value = (side.strip() for side in part.partition("="))
        field = SHORT.get(name.replace("-", "_"), name.replace("-", "_"))
        if field not in known:
            raise InputError("model", f"{printable(name, 40)!r} is no manual parameter; {', '.join(sorted(known))} are")
        given[field] = _number(name, value)
    size = "intermediate" if "intermediate" in given else "parameters"
    missing = [name for name in (size, "hidden", "layers", "heads") if name not in given]
    if missing:
        raise InputError("model", f"manual parameters need {', '.join(missing)} as well")
    return Model("manual", by_hand(DecoderShape(**given)), source="given by hand")


def _number(name: str, text: str) -> float:
    """A number, thousands to trillions by suffix; whole where it is whole. Raises InputError."""
    scale = SUFFIXES.get(text[-1:].lower(), 1.0)
    try:
        value = float(text if scale == 1 else text[:-1]) * scale
        return int(value) if value.is_integer() else value
    except (ValueError, OverflowError):
        raise InputError("model", f"{printable(name, 40)}={printable(text, 40)} is not a number") from None
