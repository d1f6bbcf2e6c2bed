"""Decoders known by a few numbers: a shape given by hand, a size preset, and plain sizes such as "70B"."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Annotated

from estimator.bounds import Ge, Gt, Le
from estimator.checks import check
from estimator.errors import InputError
from estimator.models.architecture import Architecture, Layer, LayerGroup
from estimator.models.mixers import Attention
from estimator.models.mlps import DenseMlp, MixtureOfExperts, Mlp
from estimator.models.tensors import Tensor, parameters
from estimator.records import record

Width = Annotated[int, Ge(1), Le(1 << 20)]
VOCABULARY = 128_256
"""Llama-3's, for a model of which nothing else is known."""
CONTEXT = 131_072
"""Longest sequence in tokens where none is stated: Llama-3.1's."""


@record(frozen=True, slots=True)
class DecoderShape:
    """A decoder of equal layers, as a model card, a paper or a size preset states it."""

    layers: Annotated[int, Ge(1), Le(2048)]
    hidden: Width
    heads: Width
    kv_heads: Width | None = None
    """Key-value heads; None is one per query head."""
    head_dim: Width | None = None
    """Elements of one head; None shares the hidden size evenly."""
    parameters: Annotated[float, Ge(1e5), Le(1e15)] | None = None
    """All parameters; the feed-forward width then takes what the rest leaves. None where `intermediate` is given."""
    intermediate: Width | None = None
    """Width of the feed-forward layer; None where `parameters` decides it."""
    experts: Annotated[int, Ge(1), Le(65536)] | None = None
    experts_per_token: Annotated[int, Ge(1), Le(65536)] | None = None
    active_parameters: Annotated[float, Gt(0), Le(1e15)] | None = None
    """Parameters that one token uses, where the experts per token are not known."""
    vocabulary: Width = VOCABULARY
    context: Annotated[int, Ge(1), Le(1 << 30)] = CONTEXT
    """Longest sequence in tokens."""
    gated: bool = True
    tied: bool = False
    """Whether the output projection is the embedding."""
    names: tuple[str, ...] = ()
    """How sources spell it, lower case."""
    plain_size: str = ""
    """The plain size that this shape stands for, such as `70B`; empty for a model known under its own name."""
    interpolates: bool = False
    """Whether plain sizes between the presets are guessed from this one."""
    source: str = ""


@lru_cache(maxsize=256)
def by_hand(shape: DecoderShape) -> Architecture:
    """The architecture of a grouped-query decoder of the given shape.

    Where only the total is known, it comes out within one feed-forward column per layer. Raises InputError where the
    numbers contradict.
    """
    check(shape)
    kv_heads = shape.kv_heads or shape.heads
    if shape.heads % kv_heads:
        raise InputError("kv_heads", f"{kv_heads} does not divide {shape.heads} query heads")
    head_dim = shape.head_dim or max(shape.hidden // shape.heads, 1)
    mixer = Attention(hidden=shape.hidden, heads=shape.heads, kv_heads=kv_heads, head_dim=head_dim)
    norms = (Tensor("layernorm", "norm", shape.hidden, copies=2, split="whole"),)
    around = parameters(mixer.tensors) + parameters(norms)
    return Architecture(
        class_name="manual",
        hidden=shape.hidden,
        vocabulary=shape.vocabulary,
        groups=(
            LayerGroup(shape.layers, Layer(mixer, _feed_forward(shape, around), norms), tuple(range(shape.layers))),
        ),
        embedding=(Tensor("embed_tokens", "embedding", shape.vocabulary, shape.hidden),),
        head=(Tensor("lm_head", "head", shape.vocabulary, shape.hidden),),
        final=(Tensor("layernorm", "norm", shape.hidden, split="whole"),),
        max_context=shape.context,
        tied=shape.tied,
        rotary_dim=head_dim,
        notes=("shape given by hand: the feed-forward width takes what the total leaves",),
    )


def _feed_forward(shape: DecoderShape, around: int) -> Mlp:
    """One gated or plain MLP, or the experts, of the stated width or of the parameters that the total leaves."""
    matrices = 3 if shape.gated else 2
    if shape.intermediate:
        return DenseMlp(shape.hidden, shape.intermediate, shape.gated)
    if shape.parameters is None:
        raise InputError("parameters", "missing; give the total, or the feed-forward width as `intermediate`")
    tables = (1 if shape.tied else 2) * shape.vocabulary * shape.hidden
    fixed = tables + shape.hidden + shape.layers * around
    if fixed + matrices * shape.hidden * shape.layers > shape.parameters:
        raise InputError("parameters", f"{shape.parameters:,.0f} is less than attention and embedding take ({fixed:,})")
    layer_parameters = (shape.parameters - fixed) / shape.layers
    if not shape.experts or shape.experts == 1:
        return DenseMlp(shape.hidden, max(round(layer_parameters / (matrices * shape.hidden)), 1), shape.gated)
    return _experts(shape, shape.experts, layer_parameters)


def _experts(shape: DecoderShape, experts: int, layer_parameters: float) -> MixtureOfExperts:
    """Gated experts that share the parameters of one layer, and as many per token as the active parameters allow."""
    width = max(round((layer_parameters / experts - shape.hidden) / (3 * shape.hidden)), 1)
    per_token = shape.experts_per_token
    if per_token is None:
        if shape.active_parameters is None or shape.parameters is None:
            raise InputError("experts_per_token", "missing; give it, or the active parameters")
        idle = (shape.parameters - shape.active_parameters) / (shape.layers * 3 * shape.hidden * width)
        per_token = min(max(experts - round(idle), 1), experts)
    if per_token > experts:
        raise InputError("experts_per_token", f"{per_token} of only {experts} experts")
    return MixtureOfExperts(hidden=shape.hidden, experts=experts, per_token=per_token, intermediate=width)


def shape_named(name: str, sizes: Mapping[str, DecoderShape]) -> DecoderShape | None:
    """The size preset that a source means by the name it prints; None where there is none."""
    plain = name.lower().rsplit("/", 1)[-1].replace("_", "-").replace(" ", "-")
    for size_id, shape in sizes.items():
        if plain == size_id or any(plain.startswith(spelling) for spelling in shape.names):
            return shape
    return None


_PLAIN_SIZE = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)\s*([kmbt]?)", re.I)
_SCALES = {"": 1e9, "k": 1e3, "m": 1e6, "b": 1e9, "t": 1e12}
_FEWEST, _MOST = 1e6, 1e14
"""Parameters of a plain size; other numbers are no size of a language model."""


def plain_size(text: str, sizes: Mapping[str, DecoderShape]) -> tuple[str, Architecture] | None:
    """A plain size such as `7`, `9.5B` or `350m`, and its architecture; None where the text is no size.

    A number without a unit counts billions. A size that has no preset is a guess between its neighbours, and says so
    in its notes. Raises InputError where no decoder is that small.
    """
    size = _PLAIN_SIZE.fullmatch(text.strip())
    if size is None:
        return None
    total = float(size[1]) * _SCALES[size[2].lower()]
    if not _FEWEST <= total <= _MOST:
        return None
    name = f"{total / 1e9:g}B"
    preset = next((shape for shape in sizes.values() if shape.plain_size == name), None)
    if preset:
        return name, replace(by_hand(preset), notes=(f"a size preset: {preset.source}",))
    shape = interpolated_shape(total, sizes.values())
    return name, replace(by_hand(shape), notes=(shape.source,))


def interpolated_shape(total: float, sizes: Iterable[DecoderShape]) -> DecoderShape:
    """The shape of a decoder of `total` parameters, between the two size presets around it: a guess.

    Width and depth follow powers of the size between the neighbours, and its cube root beyond the ends; heads,
    vocabulary and context are those of the nearer one.
    """
    known = sorted(
        (each for each in sizes if each.interpolates and each.parameters), key=lambda each: each.parameters or 0
    )
    if not known:
        raise InputError("model", "the catalogue holds no size preset to guess from")
    upper = next((each for each in known if (each.parameters or 0) >= total), known[-1])
    lower = next((each for each in reversed(known) if (each.parameters or 0) <= total), known[0])
    nearer = min(upper, lower, key=lambda each: abs(math.log(total / (each.parameters or 1))))
    head_dim = nearer.head_dim or nearer.hidden // nearer.heads
    groups = nearer.kv_heads or nearer.heads
    width = _between(total, lower, upper, lower.hidden, upper.hidden)
    heads = groups * max(round(width / head_dim / groups), 1)
    return replace(
        nearer,
        layers=max(round(_between(total, lower, upper, lower.layers, upper.layers)), 1),
        hidden=heads * head_dim,
        heads=heads,
        kv_heads=groups,
        head_dim=head_dim,
        parameters=total,
        plain_size="",
        interpolates=False,
        source=_guess(lower, upper),
    )


def _guess(lower: DecoderShape, upper: DecoderShape) -> str:
    if lower is upper:
        return f"a guess: the shape of {lower.plain_size} ({lower.source}), scaled"
    return f"a guess: a shape between {lower.plain_size} ({lower.source}) and {upper.plain_size} ({upper.source})"


def _between(total: float, lower: DecoderShape, upper: DecoderShape, low: int, high: int) -> float:
    """A width or depth at that total, on the power law through two presets; the cube root of the size beyond them."""
    first, second = lower.parameters or total, upper.parameters or total
    power = math.log(high / low) / math.log(second / first) if second > first else 1 / 3
    return float(low * (total / first) ** power)
