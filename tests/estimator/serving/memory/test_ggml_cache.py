"""llama.cpp's cache by the types of its keys and values."""

import pytest

from catalog.load import Catalog
from estimator.errors import InputError
from estimator.serving.memory.ggml import TYPE_BITS, ggml_cache_bytes

BLOCK_BYTES = {"q8_0": 34, "q6_0": 26, "q5_1": 24, "q5_0": 22, "q4_1": 20, "q4_0": 18, "iq4_nl": 18}
"""Bytes of a block of 32 numbers (ggml-common.h; q6_0 of ik_llama.cpp)."""


def cache_bytes(catalog: Catalog, keys: str, values: str, name: str = "meta-llama/Llama-3.1-8B", **kept: bool) -> float:
    latent = {"latent_keys": False, "latent_values": False} | kept
    return ggml_cache_bytes(catalog.model(name).architecture, 1000, keys, values, **latent)


@pytest.mark.parametrize("kind", sorted(TYPE_BITS))
def test_an_element_takes_its_share_of_a_block(kind: str) -> None:
    whole = {"f32": 32, "f16": 16, "bf16": 16}
    assert TYPE_BITS[kind] == (whole[kind] if kind in whole else 8 * BLOCK_BYTES[kind] / 32)


def test_keys_and_values_may_be_of_different_types(catalog: Catalog) -> None:
    """Llama 3.1 8B: 32 layers of 1,024 keys and as many values a token."""
    elements = 1000 * 32 * 1024
    assert cache_bytes(catalog, "f16", "f16") == elements * 4
    assert cache_bytes(catalog, "q8_0", "q4_0") == elements * (34 + 18) / 32


@pytest.mark.parametrize(("keys", "values"), [("q9", "f16"), ("f16", "q9"), ("q9", "q9")])
def test_a_type_that_is_none_is_refused_by_its_name(catalog: Catalog, keys: str, values: str) -> None:
    with pytest.raises(InputError, match="unknown GGML type 'q9'") as refusal:
        cache_bytes(catalog, keys, values)
    assert refusal.value.field == "kv"


def test_latent_attention_is_kept_compressed_once_twice_or_expanded(catalog: Catalog) -> None:
    """DeepSeek V2 Lite: 27 layers, vectors of 512 + 64, 16 heads of 192 for keys and 128 for values."""
    name, tokens = "deepseek-ai/DeepSeek-V2-Lite", 1000 * 27 * 2
    assert cache_bytes(catalog, "f16", "f16", name, latent_keys=True) == tokens * (512 + 64)
    assert cache_bytes(catalog, "f16", "f16", name) == tokens * 16 * (192 + 128)
    both = cache_bytes(catalog, "f16", "f16", name, latent_keys=True, latent_values=True)
    assert tokens * (512 + 64) < both <= 2 * tokens * (512 + 64)
