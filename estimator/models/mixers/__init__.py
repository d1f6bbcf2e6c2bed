"""Token mixers: attention of every kind and recurrent layers. Each knows its own arithmetic.

The recurrent ones are imported when they are first named: few models have them, and every start would pay for them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from estimator.models.mixers.attention import Attention, CrossAttention, RoutedAttention
from estimator.models.mixers.base import Mixer, Parallel, side_by_side
from estimator.models.mixers.latent import CompressedSparseAttention, Indexer, LatentAttention

if TYPE_CHECKING:
    from estimator.models.mixers.recurrent import (
        Convolutions,
        GatedDeltaNet,
        KimiDeltaAttention,
        LightningAttention,
        ShortConvolution,
    )
    from estimator.models.mixers.rwkv import GatedLinearRecurrence, Rwkv4, Rwkv7
    from estimator.models.mixers.state_space import Mamba1, Mamba2

__all__ = [
    "Attention",
    "CompressedSparseAttention",
    "Convolutions",
    "CrossAttention",
    "GatedDeltaNet",
    "GatedLinearRecurrence",
    "Indexer",
    "KimiDeltaAttention",
    "LatentAttention",
    "LightningAttention",
    "Mamba1",
    "Mamba2",
    "Mixer",
    "Parallel",
    "RoutedAttention",
    "Rwkv4",
    "Rwkv7",
    "ShortConvolution",
    "side_by_side",
]

_RECURRENT = {"Convolutions", "GatedDeltaNet", "KimiDeltaAttention", "LightningAttention", "ShortConvolution"}
_STATE_SPACE = {"Mamba1", "Mamba2"}
_RWKV = {"GatedLinearRecurrence", "Rwkv4", "Rwkv7"}


def __getattr__(name: str) -> Any:
    if name in _RECURRENT:
        return getattr(import_module("estimator.models.mixers.recurrent"), name)
    if name in _STATE_SPACE:
        return getattr(import_module("estimator.models.mixers.state_space"), name)
    if name in _RWKV:
        return getattr(import_module("estimator.models.mixers.rwkv"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
