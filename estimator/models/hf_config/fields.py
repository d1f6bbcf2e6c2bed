"""Typed access to an untrusted config.json: every complaint names the field."""

import math
from collections.abc import Mapping, Sequence

from estimator.errors import InputError
from estimator.models.hf_config.class_defaults import ABSENT

WIDEST = 1 << 26
"""No published width, vocabulary or context comes near; larger numbers are typing errors."""
MOST_LAYERS = 2048
LARGEST_FACTOR = 64
"""Largest multiple, kernel, stride, number of loops or of prediction modules; published ones end at a quarter of it."""


class Fields:
    """Fields of an untrusted mapping, read by name. An absent field and a null one are the same unless a method says
    otherwise.
    """

    def __init__(self, config: object, path: str = "", class_name: str = "") -> None:
        if not isinstance(config, Mapping):
            raise InputError(path or "config", f"expected a mapping, not {_kind(config)}")
        self.config: Mapping[str, object] = config
        self.path = path
        self.class_name = class_name

    def completed(self) -> "Fields":
        """These fields, with what the class means by some that are absent."""
        absent = ABSENT.get(self.class_name)
        return Fields({**absent, **self.config}, self.path, self.class_name) if absent else self

    def has(self, name: str) -> bool:
        """Whether the named field is there and not null."""
        return self.config.get(name) is not None

    def is_null(self, name: str) -> bool:
        """Whether the named field is there and null: switched off, which an absent field is not."""
        return name in self.config and self.config[name] is None

    def size(self, *names: str, default: int | None = None, most: int = WIDEST) -> int:
        """A whole number of at least 1, under the first of some names that is there; required where there is no
        default.

        Raises InputError naming the field where it is missing, no such number or above `most`.
        """
        return self._whole(names, default, 1, most)

    def factor(self, *names: str, default: int | None = None) -> int:
        """A size that is small: a multiple of a width, a side of a patch or of a convolution. Raises InputError naming
        the field, above `LARGEST_FACTOR` too.
        """
        return self._whole(names, default, 1, LARGEST_FACTOR)

    def count(self, *names: str, default: int | None = 0, most: int = WIDEST) -> int:
        """A whole number of at least 0, under the first of some names that is there. Raises InputError naming the
        field.
        """
        return self._whole(names, default, 0, most)

    def layers(self, *names: str) -> int:
        return self.size(*(names or ("num_hidden_layers", "num_layers", "n_layer", "n_layers")), most=MOST_LAYERS)

    def prediction_modules(self, *names: str) -> int:
        """How many multi-token-prediction modules there are; none where nothing is said. Raises InputError naming the
        field.
        """
        return self.count(*(names or ("num_nextn_predict_layers",)), most=LARGEST_FACTOR)

    def number(self, *names: str, default: float | None = None) -> float:
        """A finite, positive number under the first of some names that is there. Raises InputError naming the field."""
        name, value = self._first(names)
        if value is None:
            if default is None:
                raise self.missing(*names)
            return default
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e15:
            raise self.wrong(name, value, "expected a positive number")
        return float(value)

    def flag(self, *names: str, default: bool = False) -> bool:
        name, value = self._first(names)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self.wrong(name, value, "expected true or false")
        return value

    def text(self, *names: str, default: str | None = None) -> str:
        name, value = self._first(names)
        if value is None:
            if default is None:
                raise self.missing(*names)
            return default
        if not isinstance(value, str):
            raise self.wrong(name, value, "expected text")
        return value

    def section(self, name: str) -> "Fields | None":
        """A nested mapping as fields, or None where it is absent. Raises InputError for anything else."""
        if not self.has(name):
            return None
        return Fields(self.config[name], self._at(name), self.class_name)

    def required_section(self, name: str) -> "Fields":
        section = self.section(name)
        if section is None:
            raise self.missing(name)
        return section

    def sections(self, name: str) -> "list[Fields]":
        """A list of nested mappings as fields, one for each layer. Raises InputError for anything else."""
        return [Fields(each, f"{self._at(name)}[{place}]") for place, each in enumerate(self._list(name))]

    def integers(self, name: str) -> list[int]:
        """A list of whole numbers from 0. Raises InputError naming the field for anything else."""
        values = []
        for place, value in enumerate(self._list(name)):
            if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= WIDEST:
                raise self.wrong(f"{name}[{place}]", value, "expected a whole number")
            values.append(value)
        return values

    def pair(self, name: str) -> tuple[int, int]:
        """Two whole numbers of at least 1, or one that stands for both. Raises InputError naming the field."""
        if not isinstance(self.config.get(name), list | tuple):
            value = self.size(name)
            return value, value
        values = self.integers(name)
        if len(values) != 2 or min(values) < 1:
            raise InputError(self._at(name), f"{len(values)} entries; expected two numbers of at least 1")
        return values[0], values[1]

    def words(self, name: str) -> list[str]:
        """A list of texts. Raises InputError naming the field for anything else."""
        for place, value in enumerate(self._list(name)):
            if not isinstance(value, str):
                raise self.wrong(f"{name}[{place}]", value, "expected text")
        return [str(value) for value in self._list(name)]

    def flags(self, name: str, layers: int) -> list[bool]:
        """True or false for each of `layers` layers; a longer list also describes MTP layers. Raises InputError."""
        values = self._list(name)
        if not all(isinstance(value, bool) for value in values):
            raise InputError(self._at(name), f"expected true or false for each of {layers} layers")
        self._check_length(name, len(values), layers)
        return [value is True for value in values[:layers]]

    def choices(self, name: str, layers: int) -> list[int]:
        """A whole number for each of `layers` layers; a longer list also describes MTP layers. Raises InputError."""
        values = self.integers(name)
        self._check_length(name, len(values), layers)
        return values[:layers]

    def places(self, name: str, layers: int, first: int = 0) -> set[int]:
        """The layers that a list names, from 0, each at most once; `first` is what the list calls the first. Raises
        InputError.
        """
        values = self.integers(name)
        for value in values:
            if not first <= value < layers + first:
                raise InputError(self._at(name), f"{value} is no layer of {layers}, counted from {first}")
        if len(set(values)) < len(values):
            raise InputError(self._at(name), f"{len(values)} entries name {len(set(values))} layers")
        return {value - first for value in values}

    def per_layer(self, name: str, layers: int, legal: Sequence[str]) -> list[str]:
        """One of the legal words for each of `layers` layers; a longer list also describes MTP layers. Raises
        InputError.
        """
        kinds = self.words(name)
        self._check_length(name, len(kinds), layers)
        for kind in kinds[:layers]:
            if kind not in legal:
                raise InputError(self._at(name), f"{_shown(kind)} is not understood; known are {', '.join(legal)}")
        return kinds[:layers]

    def _check_length(self, name: str, entries: int, layers: int) -> None:
        """Raises InputError unless a list has an entry for every layer, and no more than MTP modules explain."""
        modules = self.prediction_modules("num_nextn_predict_layers", "mtp_num_hidden_layers")
        if not layers <= entries <= layers + max(modules, 1):
            raise InputError(self._at(name), f"{entries} entries for {layers} layers")

    def refuse_unless(self, name: str, *accepted: object) -> None:
        """Raises InputError where the field has a value that the reader does not model; absent is accepted."""
        value = self.config.get(name)
        if value is not None and value not in accepted:
            legal = ", ".join(_shown(each) for each in accepted)
            raise self.wrong(name, value, f"this part is not modelled; understood: {legal or 'absent'}")

    def missing(self, *names: str) -> InputError:
        return InputError(self._at(names[0]), "missing, and it changes the answer" + _aliases(names[1:]))

    def wrong(self, name: str, value: object, expected: str) -> InputError:
        return InputError(self._at(name), f"{_shown(value)}: {expected}")

    def _whole(self, names: tuple[str, ...], default: int | None, least: int, most: int) -> int:
        name, value = self._first(names)
        if value is None:
            if default is None:
                raise self.missing(*names)
            return default
        if isinstance(value, float) and math.isfinite(value) and value == int(value):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise self.wrong(name, value, f"expected a whole number from {least} to {most:,}")
        return value

    def _first(self, names: tuple[str, ...]) -> tuple[str, object]:
        for name in names:
            if self.has(name):
                return name, self.config[name]
        return names[0], None

    def _list(self, name: str) -> Sequence[object]:
        value = self.config.get(name)
        if not isinstance(value, list | tuple):
            raise self.missing(name) if value is None else self.wrong(name, value, "expected a list")
        if len(value) > MOST_LAYERS:
            raise InputError(self._at(name), f"{len(value)} entries; at most {MOST_LAYERS} layers are read")
        return value

    def _at(self, name: str) -> str:
        shown = name if name.isidentifier() else ascii(name[:40])[1:-1]
        return f"{self.path}.{shown}" if self.path else shown


def _aliases(names: tuple[str, ...]) -> str:
    return f" (also read: {', '.join(names)})" if names else ""


def _shown(value: object) -> str:
    """A short, harmless picture of an untrusted value."""
    if isinstance(value, str):
        return ascii(value[:40])
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "null"
    if isinstance(value, int | float):
        return str(value)[:40] if not isinstance(value, int) or abs(value) < 1 << 64 else "a huge number"
    return _kind(value)


def _kind(value: object) -> str:
    return {"dict": "a mapping", "list": "a list", "tuple": "a list", "str": "text", "NoneType": "nothing"}.get(
        type(value).__name__, type(value).__name__
    )
