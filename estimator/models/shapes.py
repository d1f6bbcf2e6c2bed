"""Architectures from a handful of numbers: for models known by name and size alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated

from estimator.bounds import Ge
from estimator.models.architecture import Architecture, Layer, LayerGroup
from estimator.models.mixers import Attention
from estimator.models.mlps import DenseMlp
from estimator.models.tensors import Tensor


@dataclass(frozen=True, slots=True)
class Shape:
    """A dense decoder of equal layers."""

    layers: Annotated[int, Ge(1)]
    hidden: Annotated[int, Ge(1)]
    heads: Annotated[int, Ge(1)]
    intermediate: Annotated[int, Ge(1)]
    vocabulary: Annotated[int, Ge(1)]
    kv_heads: int = 0
    """0 is as many as there are heads."""
    gated: bool = True
    tied: bool = False
    names: tuple[str, ...] = ()
    """How sources spell it, lower case."""
    source: str = ""


@lru_cache(maxsize=256)
def architecture(shape: Shape) -> Architecture:
    """The decoder of that shape."""
    mixer = Attention(shape.hidden, shape.heads, shape.kv_heads or shape.heads, shape.hidden // shape.heads)
    mlp = DenseMlp(shape.hidden, shape.intermediate, shape.gated)
    norms = (Tensor("norm", "norm", shape.hidden, 1, 2, "whole"),)
    return Architecture(
        class_name="size preset",
        hidden=shape.hidden,
        vocabulary=shape.vocabulary,
        groups=(LayerGroup(shape.layers, Layer(mixer, mlp, norms)),),
        embedding=(Tensor("embed_tokens", "embedding", shape.vocabulary, shape.hidden),),
        head=(Tensor("lm_head", "head", shape.vocabulary, shape.hidden),),
        final=(Tensor("norm", "norm", shape.hidden, split="whole"),),
        max_context=1 << 20,
        tied=shape.tied,
        rotary_dim=shape.hidden // shape.heads,
    )


def named(name: str, shapes: Mapping[str, Shape]) -> Shape | None:
    """The preset that a source means by that name."""
    plain = name.lower().rsplit("/", 1)[-1].replace("_", "-").replace(" ", "-")
    for id, shape in shapes.items():
        if plain == id or any(plain.startswith(each) for each in shape.names):
            return shape
    return None


def typical(parameters: float) -> Shape:
    """A Llama-like decoder of about that many parameters: 128 wide a layer, 13 h^2 parameters a layer.

    The proportions are those of Llama 3 (arXiv:2407.21783, table 3); small models have small vocabularies.
    """
    vocabulary = 128_000 if parameters > 2e9 else 32_000
    body = max(parameters - 2 * vocabulary * 1024, 0.6 * parameters)
    hidden = max(round((body * 128 / 13) ** (1 / 3) / 128), 1) * 128
    layers = max(round((parameters - 2 * vocabulary * hidden) / (13 * hidden**2)), round(0.5 * hidden / 128), 1)
    return Shape(layers, hidden, hidden // 128, round(3.5 * hidden), vocabulary, max(hidden // 512, 1))
