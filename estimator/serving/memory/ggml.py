"""llama.cpp's cache: keys and values each in their own type, one cell a token."""

from estimator.errors import InputError
from estimator.models.architecture import Architecture

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
    """Bytes of llama.cpp's whole cache over all devices.

    Latent attention is kept compressed as keys (`latent_keys`), in mainline as keys and values (`latent_values` too),
    or expanded to every head where neither holds.
    """
    if key_type not in TYPE_BITS or value_type not in TYPE_BITS:
        unknown = key_type if key_type not in TYPE_BITS else value_type
        raise InputError("kv", f"unknown GGML type {unknown!r}; one of {', '.join(TYPE_BITS)}")
    keys = values = 0.0
    for group in architecture.groups:
        mixer = group.layer.mixer
        if mixer is None:
            continue
        compressed_keys, compressed_values = latent_keys or not mixer.is_latent, latent_values or not mixer.is_latent
        keys += group.count * (mixer.key_width if compressed_keys else mixer.expanded_key_width)
        if compressed_values:
            values += group.count * mixer.value_width
        elif not latent_keys:
            values += group.count * mixer.expanded_value_width
    return cells * (keys * TYPE_BITS[key_type] + values * TYPE_BITS[value_type]) / 8


def compute_buffer_bytes(architecture: Architecture, step_tokens: int, cells: int, flash_attention: bool) -> float:
    """llama.cpp's activations of one step on one device [bytes]: the logits, or one layer's scores without flash
    attention.
    """
    vector = 4 * step_tokens * architecture.hidden
    logits = 4 * step_tokens * architecture.vocabulary
    if flash_attention:
        return logits + 2 * vector
    mixers = (group.layer.mixer for group in architecture.groups if group.layer.mixer)
    heads = max((mixer.query_heads for mixer in mixers if mixer.key_value_heads), default=0)
    scores = 4 * step_tokens * cells * (heads + 1)  # and the mask
    return max(logits + vector, scores + 4 * vector)
