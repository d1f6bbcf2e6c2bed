"""How checkpoints and kernels really store 4-bit weights: NVFP4 by builder, MXFP4 by kernel."""

import pytest

from catalog.load import Catalog
from estimator.accuracy.memory_formats import weights_of
from estimator.layout import Layout
from estimator.models.formats import WeightFormat, weight_format
from estimator.serving.memory.weights import Sharding, stage_weights
from estimator.units import GIB
from tests.estimator.serving.memory_cases import gib, memory_in

QWEN, GPT_OSS = "Qwen/Qwen3.8-27B", ("openai/gpt-oss-20b", "openai/gpt-oss-120b")


def loaded(catalog: Catalog, weights: WeightFormat, tp: int) -> float:
    """GiB of Qwen3.8-27B on one rank."""
    model = catalog.model(QWEN)
    architecture = model.architecture
    rotary = architecture.rotary_positions * architecture.rotary_dim * 2
    stage = stage_weights(
        architecture, weights, Sharding(tensor=tp, expert=tp, rounds_allocations=True), model.tower_parameters, rotary
    )[0]
    return sum(part.value for part in (*stage.weights, *stage.buffers)) / GIB


@pytest.mark.parametrize(
    ("name", "tp", "measured"),
    [("nvfp4", 2, 12.02), ("nvfp4-fp8", 1, 19.75), ("nvfp4-fp8-channel", 2, 10.64)],
)
def test_three_builders_of_one_model(catalog: Catalog, name: str, tp: int, measured: float) -> None:
    """Inferact, RadixArk and unsloth, as vLLM loaded them (vllm-project/recipes 810, noonghunna/club-3090 1047)."""
    assert loaded(catalog, weight_format(name), tp) == pytest.approx(measured, rel=0.01)


@pytest.mark.parametrize(
    ("name", "kept", "output"),
    [
        (QWEN, {"in_proj_qkv", "in_proj_z", "in_proj_a", "in_proj_b"}, "out_proj"),
        ("deepseek-ai/DeepSeek-V3", {"q_a_proj", "q_b_proj", "kv_a_proj_with_mqa", "kv_b_proj"}, "o_proj"),
        ("meta-llama/Llama-3.1-8B", set(), "o_proj"),
    ],
)
def test_uniform_nvfp4_leaves_delta_net_inputs_and_latent_projections_in_16_bit(
    catalog: Catalog, name: str, kept: set[str], output: str
) -> None:
    tensors = [tensor for group in catalog.model(name).architecture.groups for tensor in group.layer.tensors]
    stored = {each.name: weight_format("nvfp4").bits_of(each) for each in tensors if each.role == "attention"}
    assert {each for each, bits in stored.items() if bits == 16} == kept
    assert stored[output] == pytest.approx(4.5)


@pytest.mark.parametrize(
    ("model_id", "quant", "expected"),
    [
        ("RadixArk/Qwen3.8-27B-NVFP4", "nvfp4 (modelopt)", "nvfp4-fp8"),
        ("nvidia/Qwen3.6-27B-NVFP4", "compressed-tensors", "nvfp4-fp8"),
        ("Inferact/Qwen3.8-27B-NVFP4", "nvfp4 uniform W4A4", "nvfp4"),
        ("unsloth/Qwen3.8-27B-NVFP4", "nvfp4 + fp8 mixed", "nvfp4-fp8-channel"),
    ],
)
def test_a_row_names_its_builder(catalog: Catalog, model_id: str, quant: str, expected: str) -> None:
    assert weights_of({"model_id": model_id, "quant": quant}, catalog.model(QWEN)).id == expected


@pytest.mark.parametrize(
    ("model_id", "name", "expected"),
    [
        ("meta-llama/Llama-3.1-405B-Instruct-FP8", "meta-llama/Llama-3.1-405B", "fp8-mlp"),
        ("meta-llama/Llama-3.1-405B-Instruct", "meta-llama/Llama-3.1-405B", "fp8"),
        ("RedHatAI/Meta-Llama-3.1-405B-FP8", "meta-llama/Llama-3.1-405B", "fp8"),
        ("RedHatAI/Llama-4-Scout-17B-16E-FP8", "meta-llama/Llama-4-Scout-17B-16E-Instruct", "fp8-mlp"),
    ],
)
def test_llama_uploads_in_fp8_keep_attention(catalog: Catalog, model_id: str, name: str, expected: str) -> None:
    assert weights_of({"model_id": model_id, "quant": "fp8"}, catalog.model(name)).id == expected


def test_metas_405b_as_vllm_loaded_it(catalog: Catalog) -> None:
    """Issue 6746: 57.752 GiB, less 0.98 for 16 cache heads where there are 8 now."""
    rank = memory_in(catalog)("meta-llama/Llama-3.1-405B", Layout(8), weights="fp8-mlp").tightest_rank
    assert gib(rank.weights_bytes) == pytest.approx(57.752 - 0.98, rel=0.015)


def test_model_optimizer_mixes_only_for_its_recipe(catalog: Catalog) -> None:
    row = {"model_id": "nvidia/Llama-3.3-70B-Instruct-FP4", "quant": "nvfp4 (modelopt)"}
    assert weights_of(row, catalog.model("meta-llama/Llama-3.3-70B-Instruct")).id == "nvfp4"
    row = {"model_id": "RedHatAI/gemma-4-31B-it-NVFP4", "quant": "nvfp4"}
    assert weights_of(row, catalog.model("google/gemma-4-31B-it")).id == "nvfp4"


@pytest.mark.parametrize(
    ("model_id", "name", "loaded"),
    [
        ("nvidia/Gemma-4-31B-IT-NVFP4", "google/gemma-4-31B-it", 31.18),  # robotmunki.com vllm-startup-log-annotated
        ("nvidia/Gemma-4-26B-A4B-NVFP4", "google/gemma-4-26B-A4B-it", 18.8 * 1e9 / GIB),  # its files
    ],
)
def test_model_optimizer_leaves_gemma_4s_attention_in_16_bit(
    catalog: Catalog, model_id: str, name: str, loaded: float
) -> None:
    stored = weights_of({"model_id": model_id, "quant": "nvfp4 (modelopt)"}, catalog.model(name))
    assert stored.id == "nvfp4-mlp"
    rank = memory_in(catalog)(name, Layout(), weights=stored.id).tightest_rank
    assert gib(rank.loaded_bytes) == pytest.approx(loaded, rel=0.015)


@pytest.mark.parametrize(
    ("name", "version", "device", "tp", "measured"),
    [
        (GPT_OSS[1], "0.10.1", "h100-sxm", 1, 65.97),  # Marlin, github.com/vllm-project/vllm issue 23278
        (GPT_OSS[0], "0.10.2", "h100-sxm", 1, 12.885),  # Triton in the checkpoint's order, issue 22331
        (GPT_OSS[1], "0.14.1", "h100-sxm", 1, 64.38),  # Triton, issue 33155
        (GPT_OSS[0], "0.19.0", "h100-sxm", 1, 13.64),
        (GPT_OSS[0], "0.19.0", "h100-sxm", 2, 7.01),
        (GPT_OSS[0], "0.19.0", "a100-80gb-sxm", 1, 13.72),  # Marlin
    ],
)
def test_mxfp4_experts_by_kernel(
    catalog: Catalog, name: str, version: str, device: str, tp: int, measured: float
) -> None:
    rank = memory_in(catalog)(name, Layout(tp), weights="native", device=device, version=version).tightest_rank
    assert gib(rank.loaded_bytes) == pytest.approx(measured, rel=0.006)


def test_a_blackwell_kernel_rounds_both_sides_to_256(catalog: Catalog) -> None:
    loading = catalog.inventory.engine("vllm", "0.19.0").memory.loading
    for capability, tiles in ((8.0, (256, 128)), (9.0, (1, 64)), (10.0, (256, 256)), (12.0, (256, 128))):
        kernel = loading.mxfp4_kernel(capability)
        assert kernel is not None
        assert (kernel.hidden_tile, kernel.intermediate_tile) == tiles
