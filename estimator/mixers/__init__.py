"""Token mixers: attention of every kind and recurrent layers. Each knows its own arithmetic."""

from estimator.mixers.attention import Attention, CrossAttention
from estimator.mixers.base import Mixer, Parallel
from estimator.mixers.latent import CompressedSparseAttention, Indexer, LatentAttention
from estimator.mixers.recurrent import GatedDeltaNet, KimiDeltaAttention, LightningAttention, ShortConvolution
from estimator.mixers.state_space import Mamba1, Mamba2

__all__ = [
    "Attention",
    "CompressedSparseAttention",
    "CrossAttention",
    "GatedDeltaNet",
    "Indexer",
    "KimiDeltaAttention",
    "LatentAttention",
    "LightningAttention",
    "Mamba1",
    "Mamba2",
    "Mixer",
    "Parallel",
    "ShortConvolution",
]
