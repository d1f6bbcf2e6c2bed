"""llama.cpp's cache: keys and values each in their own type, one cell a token."""

from estimator.errors import InputError
from estimator.models.architecture import Architecture
from estimator.models.mixers import Attention, LatentAttention

TYPE_BITS = {
    "f32": 32.0,
    "f16": 16.0,
    "bf16": 16.0,
    "q8_0": 8.5,
    "q6_0": 6.5,
    "q5_1": 6.0,
    "q5_0": 5.5,
    "q4_1": 5.0,
    "q4_0": 4.5,
    "iq4_nl": 4.5,
}
"""Bits per element with the scale of each block of 32 (ggml-common.h)."""


def ggml_cache_bytes(
    architecture: Architecture, cells: int, key_type: str, value_type: str, latent_keys: bool, latent_values: bool
) -> float:
    """Bytes of the whole cache over all devices.

    Latent attention is kept compressed as keys (`latent_keys`), in mainline as keys and values (`latent_values`
    too), or expanded to every head where neither holds.
    """
    if key_type not in TYPE_BITS or value_type not in TYPE_BITS:
        unknown = key_type if key_type not in TYPE_BITS else value_type
        raise InputError("kv", f"unknown GGML type {unknown!r}; one of {', '.join(TYPE_BITS)}")
    keys = values = 0.0
    for group in architecture.groups:
        mixer = group.layer.mixer
        if isinstance(mixer, Attention) and mixer.stores_cache:
            keys += group.count * mixer.kv_heads * mixer.head_dim
            values += group.count * mixer.kv_heads * mixer.v_dim
        elif isinstance(mixer, LatentAttention):
            keys += group.count * (
                mixer.cache_width if latent_keys else mixer.heads * (mixer.nope_dim + mixer.rope_dim)
            )
            if latent_values:
                values += group.count * mixer.kv_rank
            elif not latent_keys:
                values += group.count * mixer.heads * mixer.value_dim
    return cells * (keys * TYPE_BITS[key_type] + values * TYPE_BITS[value_type]) / 8


def compute_buffer_bytes(architecture: Architecture, step_tokens: int, cells: int, flash_attention: bool) -> float:
    """Activations of one step on one device: the logits, or one layer's attention scores without flash attention."""
    vector = 4 * step_tokens * architecture.hidden
    logits = 4 * step_tokens * architecture.vocabulary
    if flash_attention:
        return logits + 2 * vector
    heads = max((g.layer.mixer.heads for g in architecture.groups if isinstance(g.layer.mixer, Attention)), default=0)
    scores = 4 * step_tokens * cells * (heads + 1)  # and the mask
    return max(logits + vector, scores + 4 * vector)
