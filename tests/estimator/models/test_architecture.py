"""Figures that publishers print, to the digit."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from estimator.layouts.legal import divisors
from estimator.models.hf_config import read
from estimator.models.mixers import Attention
from estimator.models.model import Model, read_model
from estimator.serving.memory.ggml import ggml_cache_bytes

MODELS = Path(__file__).parents[3] / "catalog" / "data" / "models"


def model(model_id: str) -> Model:
    return read_model(model_id, yaml.safe_load((MODELS / f"{model_id}.yaml").read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    ("model_id", "bytes_per_token"),
    [
        ("meta-llama/Llama-2-13b-hf", 819_200),
        ("meta-llama/Llama-3.1-8B", 131_072),
        ("deepseek-ai/DeepSeek-V3", 70_272),
    ],
)
def test_16_bit_cache_per_token(model_id: str, bytes_per_token: int) -> None:
    assert model(model_id).architecture.cache_elements(1) * 2 == bytes_per_token


def test_deepseek_v3_cache_is_whole_on_every_tensor_parallel_rank() -> None:
    mixers = [group.layer.mixer for group in model("deepseek-ai/DeepSeek-V3").architecture.groups]
    assert all(mixer is not None and mixer.cache_ways == 1 for mixer in mixers)


def test_llama_3_1_8b_parameters() -> None:
    assert model("meta-llama/Llama-3.1-8B").architecture.parameters == 8_030_261_248


def test_gpt_oss_20b_cache_at_full_context() -> None:
    """12 full layers of 131,072 tokens and 12 windows of 128."""
    architecture = model("openai/gpt-oss-20b").architecture
    assert round(architecture.cache_elements(131_072) * 2 / 2**30, 3) == 3.003


def test_context_and_dtype_of_published_models() -> None:
    assert model("meta-llama/Llama-2-7b-hf").architecture.max_context == 4096
    assert model("meta-llama/Llama-3.1-70B").architecture.dtype == "bf16"


@pytest.mark.parametrize(
    ("model_id", "billions"),
    [
        ("meta-llama/Llama-4-Scout-17B-16E-Instruct", 17.17),
        ("openai/gpt-oss-120b", 5.71),
        ("Qwen/Qwen3-Coder-Next", 3.87),
        ("mistralai/Mixtral-8x7B-Instruct-v0.1", 12.88),
        ("Qwen/Qwen3-30B-A3B", 3.35),
        ("deepseek-ai/DeepSeek-V3", 37.55),
    ],
)
def test_active_parameters_count_embedding_head_and_shared_experts(model_id: str, billions: float) -> None:
    assert round(model(model_id).architecture.active_parameters / 1e9, 2) == billions


def test_windowed_attention_work_is_continuous_and_never_above_full_attention() -> None:
    full = Attention(hidden=4096, heads=32, kv_heads=8, head_dim=128)
    for window in (1, 128, 1000):
        local, chunk = replace(full, window=window), replace(full, window=window, chunked=True)
        assert local.attention_flops(window) == full.attention_flops(window)
        steps = [local.attention_flops(1, cached) for cached in range(3 * window)]
        assert all(later >= earlier for earlier, later in pairwise(steps))
        assert chunk.attention_flops(5 * window) <= local.attention_flops(5 * window) < full.attention_flops(5 * window)


def test_prefill_in_two_parts_is_the_same_work() -> None:
    for group in model("deepseek-ai/DeepSeek-V4-Flash").architecture.groups:
        mixer = group.layer.mixer
        assert mixer is not None
        whole = mixer.attention_flops(5000)
        assert mixer.attention_flops(2000) + mixer.attention_flops(3000, 2000) == pytest.approx(whole)


FALCON_H1 = {
    "architectures": ["FalconH1ForCausalLM"],
    "hidden_size": 2048,
    "intermediate_size": 4096,
    "num_hidden_layers": 6,
    "num_attention_heads": 12,
    "num_key_value_heads": 2,
    "head_dim": 128,
    "vocab_size": 65537,
    "mamba_n_heads": 48,
    "mamba_d_head": 64,
    "mamba_d_ssm": 3072,
    "mamba_d_state": 256,
    "mamba_n_groups": 1,
    "mamba_rms_norm": False,
    "max_position_embeddings": 131072,
}


def test_attention_beside_mamba_in_one_block_still_has_heads_to_divide() -> None:
    """Falcon-H1: neither the legal splits nor llama.cpp's cache may overlook the attention half."""
    architecture = read(FALCON_H1)
    assert divisors(architecture).heads == 12
    assert divisors(architecture).kv_heads == 2
    cells = 1000
    cached = ggml_cache_bytes(architecture, cells, "f16", "f16", latent_keys=False, latent_values=False)
    assert cached == 2 * architecture.cache_elements(cells)


def test_mixers_answer_for_the_heads_that_they_have() -> None:
    latent = [group.layer.mixer for group in model("deepseek-ai/DeepSeek-V3").architecture.groups]
    assert all(mixer and mixer.is_latent and mixer.query_heads == 128 and not mixer.key_value_heads for mixer in latent)
    mixers = [group.layer.mixer for group in model("Qwen/Qwen3-Coder-Next").architecture.groups]
    assert sorted({(mixer.query_heads, mixer.key_value_heads) for mixer in mixers if mixer}) == [(0, 0), (16, 2)]


def test_state_bytes_of_a_sequence_are_the_sum_over_its_layers() -> None:
    """Qwen3-Next's delta nets: 32 value heads of 128 x 128 in 16 bit, and three tokens of 8,192 channels."""
    architecture = model("Qwen/Qwen3-Coder-Next").architecture
    assert architecture.sequence_state_bytes() == 36 * 2 * (32 * 128 * 128 + 3 * 8192)
    assert architecture.sequence_state_bytes(draft_tokens=3) == 36 * 2 * (32 * 128 * 128 + 6 * 8192)
