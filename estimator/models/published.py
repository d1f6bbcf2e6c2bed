"""Published totals explained: the language model and named extras that add up to an upload's total exactly."""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from estimator.errors import InputError
from estimator.models.architecture import Architecture
from estimator.models.formats import weight_format
from estimator.models.tensors import Tensor, parameters


class Extra(NamedTuple):
    """A named part of an upload's total besides the language model's parameters."""

    name: str
    parameters: int
    """Negative for parameters that the upload leaves out."""


class Explanation(NamedTuple):
    """A published total taken apart: the language model, its extras, and what remains unexplained."""

    text: int
    extras: tuple[Extra, ...]
    published: int

    @property
    def predicted(self) -> int:
        """Parameters that the language model and the named extras come to."""
        return self.text + sum(extra.parameters for extra in self.extras)

    @property
    def difference(self) -> int:
        """Parameters of the published total that nothing explains; negative where it has fewer."""
        return self.published - self.predicted


def explain(architecture: Architecture, published: Mapping[str, object]) -> Explanation | None:
    """The published total of a catalogue entry, taken apart; None where none is published.

    `counts` names extras that follow from the architecture, `extras` states those that only the source knows.
    Raises InputError for a name that no rule explains, and for a count that is no whole number.
    """
    total = published.get("total")
    if total is None:
        return None
    total = _whole("total", total)
    counts, extra_counts = published.get("counts"), published.get("extras")
    extras = [_derived(str(name), architecture) for name in (counts if isinstance(counts, list) else ())]
    if isinstance(extra_counts, Mapping):
        extras += [Extra(str(name), _whole("extras", count)) for name, count in extra_counts.items()]
    return Explanation(architecture.text_parameters, tuple(extras), total)


def _whole(field: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > MOST_PARAMETERS:
        raise InputError(f"published.{field}", f"{str(value)[:40]!a} is not a whole number of parameters")
    return value


MOST_PARAMETERS = 10**15
"""Engineering guess: a thousand times the largest published model."""


def _derived(name: str, architecture: Architecture) -> Extra:
    if name not in _RULES:
        raise InputError("published.counts", f"{name[:40]!a} is not explained; known: {', '.join(_RULES)}")
    label, count = _RULES[name]
    return Extra(label, count(architecture))


def _tensors(a: Architecture) -> Iterable[tuple[int, Tensor]]:
    return ((group.weight_sets, tensor) for group in a.groups for tensor in group.layer.tensors)


def _head(a: Architecture) -> int:
    return parameters(a.head)


def _mtp(a: Architecture) -> int:
    return parameters(a.mtp)


def _mtp_embeddings(a: Architecture) -> int:
    """A second embedding and head (DeepSeek-V3, GLM-4.5)."""
    return 2 * a.vocabulary * a.hidden


def _scales(a: Architecture) -> int:
    block = weight_format("fp8-block")
    return sum(count * block.scales_of(t) for count, t in _tensors(a)) + sum(map(block.scales_of, a.mtp))


def _rotary(a: Architecture) -> int:
    """One inverse frequency per rotated pair and layer."""
    return a.layers * (a.rotary_dim // 2)


def _masks(a: Architecture) -> int:
    """A square causal mask in every layer."""
    return a.layers * a.max_context**2


def _router_bias(a: Architecture) -> int:
    return -sum(count * t.parameters for count, t in _tensors(a) if t.name == "router_bias")


def _mtp_router_bias(a: Architecture) -> int:
    return -parameters(t for t in a.mtp if t.name == "router_bias")


def _vision(a: Architecture) -> int:
    return a.vision_parameters


_RULES: dict[str, tuple[str, Callable[[Architecture], int]]] = {
    "tied-head": ("tied head stored twice", _head),
    "mtp": ("MTP module", _mtp),
    "mtp-embeddings": ("second embedding and head of the MTP module", _mtp_embeddings),
    "fp8-scales": ("fp8 block scales", _scales),
    "rotary-buffers": ("rotary inverse frequencies", _rotary),
    "causal-masks": ("causal mask buffers", _masks),
    "router-bias-left-out": ("router biases, left out of the upload's total", _router_bias),
    "mtp-router-bias-left-out": ("the MTP module's router biases, left out as well", _mtp_router_bias),
    "vision": ("vision tower and projector", _vision),
}
