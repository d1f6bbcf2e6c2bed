"""A model in figures: parameters by what they are for, and what a sequence leaves in memory."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from estimator.architecture import Architecture, LayerGroup
from estimator.model import Model
from estimator.tensors import Tensor, parameters

CACHE_BYTES = 2
"""Bytes of a cached element: the figures are those of a 16-bit cache."""


class Parameters(NamedTuple):
    """Parameters; `text` is the language model without MTP modules, a tied head counted once."""

    text: int
    active: int
    mtp: int
    vision: int
    total: int
    embedding: int
    lm_head: int
    attention: int
    mlp: int
    experts: int


class KvCache(NamedTuple):
    """Bytes per token of a 16-bit cache, and elements of recurrent state per sequence."""

    bytes_per_token: float
    """Of the layers that keep every token."""
    window_bytes_per_token: float
    """Of the windowed layers, up to `window_tokens`."""
    window_tokens: int | None
    indexer_bytes_per_token: float
    cross_bytes_per_source_token: float
    state_elements_per_sequence: int
    conv_state_elements_per_sequence: int


class ModelSummary(NamedTuple):
    parameters: Parameters
    kv_cache: KvCache


def summary(model: Model) -> ModelSummary:
    """Sums over the architecture's layers."""
    return ModelSummary(_parameters(model.architecture), _kv_cache(model.architecture.groups))


def _parameters(architecture: Architecture) -> Parameters:
    layers = list(_layer_tensors(architecture))
    return Parameters(
        text=architecture.text_parameters,
        active=architecture.active_parameters,
        mtp=parameters(architecture.mtp),
        vision=architecture.vision_parameters,
        total=architecture.parameters,
        embedding=parameters(architecture.embedding),
        lm_head=0 if architecture.tied else parameters(architecture.head),
        attention=_of(layers, "attention"),
        mlp=_of(layers, "mlp", "shared_expert"),
        experts=_of(layers, "expert"),
    )


def _kv_cache(groups: Iterable[LayerGroup]) -> KvCache:
    mixers = [(group.count, group.layer.mixer) for group in groups if group.layer.mixer]
    return KvCache(
        bytes_per_token=CACHE_BYTES * sum(count * mixer.growing_width for count, mixer in mixers),
        window_bytes_per_token=CACHE_BYTES * sum(count * mixer.window_width for count, mixer in mixers),
        window_tokens=max((mixer.window for _, mixer in mixers if mixer.window_width), default=None),
        indexer_bytes_per_token=CACHE_BYTES * sum(count * mixer.index_width for count, mixer in mixers),
        cross_bytes_per_source_token=CACHE_BYTES * sum(count * mixer.cross_width for count, mixer in mixers),
        state_elements_per_sequence=sum(count * mixer.state_elements for count, mixer in mixers),
        conv_state_elements_per_sequence=sum(count * mixer.conv_state_elements for count, mixer in mixers),
    )


def _layer_tensors(architecture: Architecture) -> Iterator[tuple[int, Tensor]]:
    for group in (*architecture.groups, *architecture.encoder):
        for tensor in group.layer.tensors:
            yield group.count, tensor


def _of(layers: Iterable[tuple[int, Tensor]], *roles: str) -> int:
    return sum(count * tensor.parameters for count, tensor in layers if tensor.role in roles)
