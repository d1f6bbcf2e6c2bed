"""A GGUF mix as the files of one architecture have it."""

from functools import lru_cache

from estimator.models.architecture import Architecture
from estimator.models.formats import WeightFormat, gguf
from estimator.models.formats.gguf_recipes import FileShape
from estimator.models.mlps import MixtureOfExperts

FUSED_ATTENTION = (
    "Bloom", "ChatGLM", "Dbrx", "Falcon", "GPT2", "GPTBigCode", "GPTNeoX", "MPT", "Mpt", "NomicBert", "Phi3",
    "QWenLMHeadModel",
)  # fmt: skip
"""Beginnings of classes whose query, key and value are one tensor in GGUF files, as in their checkpoints
(llama.cpp's convert_hf_to_gguf.py)."""


@lru_cache(maxsize=1024)
def as_written(weights: WeightFormat, architecture: Architecture) -> WeightFormat:
    """A weight format as files of an architecture hold it; all but presets of llama.cpp's quantiser as they are."""
    return gguf.mix_of(weights, _shape(architecture)) if weights.id.startswith("gguf-") else weights


def _shape(architecture: Architecture) -> FileShape:
    mixers = [(group.count, group.layer.mixer) for group in architecture.groups if group.layer.mixer]
    attention = [(count, mixer) for count, mixer in mixers if mixer.key_value_heads]
    banks = [group.layer.mlp for group in architecture.groups if isinstance(group.layer.mlp, MixtureOfExperts)]
    return FileShape(
        layers=max(architecture.layers, 1),
        attention_layers=max(sum(count for count, _ in attention), 1),
        query_groups=next((mixer.query_heads / mixer.key_value_heads for _, mixer in attention), 1),
        experts=max((bank.experts for bank in banks), default=0),
        own_head=bool(architecture.head) and not architecture.tied,
        fused_attention=architecture.class_name.startswith(FUSED_ATTENTION),
    )
