"""Which GGML types llama.cpp's quantiser gives the tensors of a model, preset by preset.

Source: llama_tensor_get_type_impl in llama.cpp's src/llama-quant.cpp; without an importance matrix, except that the
types that need one are taken as with it.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from estimator.models.tensors import Role

Place = tuple[Role, str]
"""Role and name of a kind of tensors."""
Types = tuple[tuple[str, float], ...]
"""GGML types of a kind of tensors, each with its share of the layers."""


class FileShape(NamedTuple):
    """What the quantiser looks at in a model."""

    layers: int
    attention_layers: int
    query_groups: float
    """Query heads to a key head."""
    experts: int
    own_head: bool
    """Whether there is an output matrix beside the embedding."""
    fused_attention: bool
    """Whether query, key and value are one tensor."""


LARGE = FileShape(layers=32, attention_layers=32, query_groups=4, experts=0, own_head=True, fused_attention=False)
"""A model with grouped-query attention and a head of its own, such as Llama-3.1-8B."""

Share = Callable[[int], float]
"""Share of that many layers."""


def _more_bits(layers: int) -> float:
    """The first and last eighth of the layers, and every third between (use_more_bits)."""
    edge, end = layers // 8, 7 * layers // 8
    return sum(index < edge or index >= end or (index - edge) % 3 == 2 for index in range(layers)) / layers


def _eighth(layers: int) -> float:
    return layers // 8 / layers


def _sixteenth(layers: int) -> float:
    return layers // 16 / layers


def _first_two(layers: int) -> float:
    return min(2 / layers, 1)


def _first_four(layers: int) -> float:
    return min(4 / layers, 1)


def _middle(layers: int) -> float:
    return (7 * layers // 8 - layers // 8) / layers


class Some(NamedTuple):
    """A type for a share of the layers, and another, or the base type, for the rest."""

    kind: str
    share: Share
    rest: str = ""


Choice = str | Some
"""A type for every layer, or for some; empty is the base type."""


class Recipe(NamedTuple):
    """One preset of the quantiser: its base type, and what some tensors get instead."""

    base: str
    value: Choice = ""
    few_groups: str | None = None
    """Type of value projections with fewer than four query heads to a key head; None is as with more."""
    down: Choice = ""
    output: str = ""
    query_key: str = ""
    inner: Choice = ""
    """Gate and up projections of MLPs."""
    embedding: str = ""
    head: str = "q6_k"
    output_of_eight: str = ""
    """Type of output projections beside eight experts, where that is not `output`."""
    down_of_eight: Choice = ""
    """Type of the experts' down projections where there are eight, where that is not `down`."""


def _importance(base: str, few_groups: str, down: str, output: str = "", embedding: str = "q2_k") -> Recipe:
    """A preset of up to two bits, which needs an importance matrix."""
    return Recipe(
        base=base,
        value="q4_k",
        few_groups=few_groups,
        down=Some(down, _eighth),
        output=output,
        embedding=embedding,
        head="q5_k",
        output_of_eight="q5_k",
    )


_WIDER = Some("q6_k", _more_bits)
_TWO = Some("q5_k", _first_two, "q4_k")
RECIPES = {
    "q6_k": Recipe("q6_k"),
    "q5_k_m": Recipe("q5_k", value=_WIDER, down=_WIDER),
    "q5_k_s": Recipe("q5_k"),
    "q4_k_m": Recipe("q4_k", value=_WIDER, down=_WIDER, output_of_eight="q5_k"),
    "q4_k_s": Recipe("q4_k", value=Some("q5_k", _first_four), down=Some("q5_k", _eighth), output_of_eight="q5_k"),
    "q3_k_l": Recipe("q3_k", value="q5_k", down="q5_k", output="q5_k", output_of_eight="q3_k"),
    "q3_k_m": Recipe("q3_k", value=_TWO, down=Some("q5_k", _sixteenth, "q4_k"), output="q4_k", output_of_eight="q5_k"),
    "q3_k_s": Recipe("q3_k", output_of_eight="q5_k"),
    "q2_k": Recipe("q2_k", value="q4_k", few_groups="q3_k", down="q3_k", output="q3_k", output_of_eight="q5_k"),
    "q2_k_s": Recipe("q2_k", value="q4_k", few_groups="", down=Some("q4_k", _eighth)),
    "q4_0": Recipe("q4_0"),
    "q4_1": Recipe("q4_1"),
    "q5_0": Recipe("q5_0"),
    "q5_1": Recipe("q5_1"),
    "tq1_0": Recipe("tq1_0", embedding="q4_k"),
    "tq2_0": Recipe("tq2_0", embedding="q4_k"),
    "iq4_nl": Recipe("iq4_nl", value="q5_k", few_groups="", down=Some("q5_k", _eighth), output_of_eight="q5_k"),
    "iq4_xs": Recipe("iq4_xs", value="q5_k", few_groups="", down=Some("q5_k", _eighth), output_of_eight="q5_k"),
    "iq3_m": Recipe(
        "iq3_s",
        value="q4_k",
        down=Some("q4_k", _eighth),
        output="q4_k",
        output_of_eight="q5_k",
        down_of_eight=Some("q4_k", _more_bits),
    ),
    "iq3_s": Recipe("iq3_s", value="q4_k", few_groups="", output_of_eight="q5_k"),
    "iq3_xs": Recipe(
        "iq3_s",
        value="q4_k",
        few_groups="",
        query_key="iq3_xxs",
        inner=Some("iq3_xxs", _middle),
        output_of_eight="q5_k",
    ),
    "iq3_xxs": Recipe(
        "iq3_xxs",
        value="q4_k",
        few_groups="",
        output="iq3_s",
        query_key="iq2_s",
        embedding="iq3_s",
        head="q5_k",
        output_of_eight="q5_k",
    ),
    "iq2_m": _importance("iq2_s", few_groups="iq3_s", down="iq3_s", output="iq3_s", embedding="iq3_s"),
    "iq2_s": _importance("iq2_xs", few_groups="iq3_s", down="iq3_s", output="iq3_s", embedding="iq3_s"),
    "iq2_xs": _importance("iq2_xs", few_groups="q2_k", down="q2_k"),
    "iq2_xxs": _importance("iq2_xxs", few_groups="q2_k", down="q2_k"),
    "iq1_m": _importance("iq1_m", few_groups="q2_k", down="q2_k", output="iq2_xxs"),
    "iq1_s": _importance("iq1_s", few_groups="q2_k", down="q2_k", output="iq2_xxs"),
}
"""Presets by name."""

WITH_WIDE_TABLES = {"q6_k_l": "q6_k", "q5_k_l": "q5_k_m", "q4_k_l": "q4_k_m", "q3_k_xl": "q3_k_l", "q2_k_l": "q2_k"}
"""Names of uploads whose embedding and head are Q8_0 beside a preset for the rest (cards of bartowski's uploads)."""
RECIPES |= {name: RECIPES[preset]._replace(embedding="q8_0", head="q8_0") for name, preset in WITH_WIDE_TABLES.items()}

_INNER = ("gate_proj", "up_proj")
_MLPS: tuple[Role, ...] = ("mlp", "shared_expert", "expert")


def recipe_types(recipe: Recipe, shape: FileShape) -> Iterator[tuple[Place, Types]]:
    """The kinds of tensors that are not of a recipe's base type in a model of a shape, with their types."""
    eight = shape.experts == 8
    value = _beside_eight(recipe) if eight else _value(recipe, shape)
    keys = _beside_eight(recipe) if eight else recipe.query_key
    output = recipe.output_of_eight if eight and recipe.output_of_eight else recipe.output
    down = recipe.down_of_eight if eight and recipe.down_of_eight else recipe.down
    yield ("head", ""), ((recipe.head, 1.0),)
    if not shape.own_head:
        yield ("embedding", ""), ((recipe.head, 1.0),)
    elif recipe.embedding:
        yield ("embedding", ""), ((recipe.embedding, 1.0),)
    choices: list[tuple[Place, Choice, int]] = [
        (("attention", "v_proj"), value, shape.attention_layers),
        (("attention", "k_proj"), value if shape.fused_attention else keys, shape.attention_layers),
        (("attention", "q_proj"), value if shape.fused_attention else recipe.query_key, shape.attention_layers),
        (("attention", "o_proj"), output, shape.attention_layers),
    ]
    choices += [((role, "down_proj"), down, shape.layers) for role in _MLPS]
    choices += [((role, name), recipe.inner, shape.layers) for role in _MLPS for name in _INNER]
    for place, choice, layers in choices:
        if choice:
            yield place, _types(choice, recipe.base, layers)


def _beside_eight(recipe: Recipe) -> str:
    """Type of keys and values beside eight experts."""
    return "q4_k" if _needs_importance(recipe) else "q8_0"


def _value(recipe: Recipe, shape: FileShape) -> Choice:
    """Type of value projections; in models of 80 layers with grouped queries none is below five bits."""
    grouped = shape.query_groups >= 4 or recipe.few_groups is None
    if _needs_importance(recipe):
        return recipe.value if grouped or shape.experts >= 4 else recipe.few_groups or ""
    chosen = recipe.value if grouped else recipe.few_groups or ""
    if shape.layers != 80 or shape.query_groups == 1:
        return chosen
    if isinstance(chosen, Some):
        return chosen._replace(kind=_raised(chosen.kind), rest=_raised(chosen.rest or recipe.base))
    return _raised(chosen or recipe.base)


def _raised(kind: str) -> str:
    return "q5_k" if kind in ("q3_k", "q4_k") else kind


def _needs_importance(recipe: Recipe) -> bool:
    return recipe.base.startswith(("iq1", "iq2"))


def _types(choice: Choice, base: str, layers: int) -> Types:
    if isinstance(choice, str):
        return ((choice, 1.0),)
    share = choice.share(layers)
    return ((choice.kind, share), (choice.rest or base, 1 - share))
