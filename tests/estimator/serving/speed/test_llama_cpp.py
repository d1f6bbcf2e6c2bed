"""llama.cpp's steps against published tables."""

from dataclasses import replace

import pytest

from catalog import estimate, scenario
from catalog.load import Catalog
from estimator.layout import Layout
from estimator.models.model import Model, read_model
from estimator.serving.speed.ggml_experts import GgmlExperts
from estimator.serving.speed.ggml_product import GgmlProduct
from estimator.serving.speed.llama_cpp import sums_in_16_bit
from tests.estimator.serving.steps import step_on

GB10 = {"accelerator": "gb10", "count": 1}
RTX3090_Q4_0 = {1: 156.56, 2: 279.89, 3: 390.96, 4: 470.48, 5: 509.70, 6: 541.57, 7: 559.30, 8: 583.77}
"""Rows of a step -> tokens/s of Llama-3-8B Q4_0 (github.com/ggml-org/llama.cpp pull 15802)."""
V100_Q2_K = {1: 113.65, 2: 199.00, 3: 237.89, 4: 255.33, 5: 284.95, 6: 309.45, 7: 363.13, 8: 419.26}
"""The same of Q2_K (pull 28912)."""


def model(catalog: Catalog, name: str) -> Model:
    return read_model(name, catalog.model_entry(catalog.model_id(name)))


@pytest.mark.parametrize(
    ("device", "weights", "measured", "tolerance"),
    [("rtx3090", "gguf-q4_0", RTX3090_Q4_0, 0.12), ("v100-32gb", "gguf-q2_k", V100_Q2_K, 0.2)],
)
def test_rows_of_quantised_weights(
    catalog: Catalog, device: str, weights: str, measured: dict[int, float], tolerance: float
) -> None:
    """Q2_K's scales take a V100 longer to unpack than the other super-blocks that stand for it."""
    step = step_on(
        catalog.inventory, model(catalog, "meta-llama/Meta-Llama-3-8B"), device, weights=weights, engine="llamacpp"
    )
    for rows, tokens_per_s in measured.items():
        assert rows / step.decode_s(rows, 64) == pytest.approx(tokens_per_s, rel=tolerance)


@pytest.mark.parametrize(
    ("name", "weights", "tokens_per_s"),
    [
        ("openai/gpt-oss-20b", "gguf-mxfp4", 84.10),
        ("openai/gpt-oss-120b", "gguf-mxfp4", 59.02),
        ("Qwen/Qwen3-30B-A3B", "gguf-q8_0", 60.92),
        ("Qwen/Qwen2.5-7B-Instruct", "gguf-q8_0", 29.24),
    ],
)
def test_blocks_of_32_are_read_like_16_bit_weights(
    catalog: Catalog, name: str, weights: str, tokens_per_s: float
) -> None:
    """GB10, build 6918 (llama.cpp's benches/dgx-spark.md)."""
    step = step_on(catalog.inventory, model(catalog, name), "gb10", weights=weights, engine="llamacpp")
    assert 1 / step.decode_s(1, 32) == pytest.approx(tokens_per_s, rel=0.06)


def test_the_faster_of_two_kernels_multiplies() -> None:
    product = GgmlProduct("layers", 1, 0.0, 1e9, 1.0, 1e12, 1e12, vector_flops_per_s=1e11, tile_rows=40)
    assert product.compute_s(1) == pytest.approx(0.01)
    assert product.compute_s(8) == pytest.approx((64 + 1600) ** 0.5 / 1000)
    assert product.detail(8)[2] == "compute"


RTX5090_DRAFTS = {1: (0.889, 115.7), 2: (0.79, 144.4), 3: (0.725, 156.0), 4: (0.647, 162.1), 5: (0.591, 159.7)}
"""Drafts a step -> share accepted, tokens/s of Qwen3.8-27B Q4_K_M; 74.8 without (github.com/sudoingX/qwen38-mtp)."""


def test_every_further_draft_is_worth_less(catalog: Catalog) -> None:
    """Drafts cost a pass of the module with the whole LM head and a sample, verifying them rows and states."""
    step = step_on(
        catalog.inventory, model(catalog, "Qwen/Qwen3.8-27B"), "rtx5090", weights="gguf-q4_k_m", engine="llamacpp"
    )
    plain = step.decode_s(1, 260)
    for drafts, (accepted, tokens_per_s) in RTX5090_DRAFTS.items():
        speedup = (1 + drafts * accepted) * plain / step.decode_s(1, 260, drafts)
        assert speedup == pytest.approx(tokens_per_s / 74.8, rel=0.08)


def test_two_rows_cost_a_v100_what_they_gain_an_rtx_4090(catalog: Catalog) -> None:
    """Two drafts at 75 % acceptance: 1.44 times as fast on V100 (same source), whose FP32 units are few."""
    qwen = model(catalog, "Qwen/Qwen3.8-27B")
    speedup = {}
    for device in ("v100-32gb", "rtx4090"):
        step = step_on(catalog.inventory, qwen, device, weights="gguf-q4_k_m", engine="llamacpp")
        speedup[device] = 2.5 * step.decode_s(1, 260) / step.decode_s(1, 260, 2)
    assert speedup["v100-32gb"] == pytest.approx(1.44, rel=0.15)
    assert speedup["rtx4090"] > 1.1 * speedup["v100-32gb"]


@pytest.mark.parametrize(("device", "speedup"), [("rtx5060-ti-16gb", 1.68), ("rtx5090", 1.44)])
def test_a_tensor_split_reads_weights_on_both_devices_at_once(catalog: Catalog, device: str, speedup: float) -> None:
    """Over a layer split, whose devices take turns (github.com/sudoingX/qwen38-mtp, sweeps/multi-gpu.md)."""
    qwen = model(catalog, "Qwen/Qwen3.8-27B")
    layers, tensors = (
        step_on(catalog.inventory, qwen, device, layout, weights="gguf-q4_k_m", engine="llamacpp")
        for layout in (Layout(pp=2), Layout(tp=2))
    )
    assert layers.decode_s(1, 260) / tensors.decode_s(1, 260) == pytest.approx(speedup, rel=0.15)


def test_rows_of_quantised_weights_cost_metal_nearly_a_pass_each(catalog: Catalog) -> None:
    """Eight rows of Qwen3.8-27B take 6.5 times as long as one on M4 (sudoingX/qwen38-mtp, sweeps/apple-silicon.md)."""
    qwen = model(catalog, "Qwen/Qwen3.8-27B")
    step = step_on(catalog.inventory, qwen, "apple-m4", weights="gguf-q3_k_m", engine="llamacpp")
    assert step.decode_s(8, 128) / step.decode_s(1, 128) == pytest.approx(6.5, rel=0.15)


def test_drafts_widen_the_bands_of_decoding_alone(catalog: Catalog) -> None:
    qwen = model(catalog, "Qwen/Qwen3.8-27B")
    plain = step_on(catalog.inventory, qwen, "rtx3090", weights="gguf-q4_k_m", engine="llamacpp").spreads["single"]
    drafting = plain.drafting(catalog.inventory.efficiency.draft_gain)
    assert drafting.ttft == plain.ttft
    assert drafting.tpot.high > plain.tpot.high
    assert drafting.throughput.low < plain.throughput.low


@pytest.mark.parametrize(
    ("device", "name", "weights", "tokens_per_s"),
    [
        ("ryzen-ai-max-395", "mistralai/Mistral-Small-3.1-24B-Instruct-2503", "gguf-q4_k_m", 14.4),
        ("ryzen-ai-max-395", "Qwen/Qwen2.5-7B-Instruct", "gguf-q4_k_m", 45.6),
    ],
)
def test_an_apu_decodes_as_published(
    catalog: Catalog, device: str, name: str, weights: str, tokens_per_s: float
) -> None:
    """Under Vulkan (lhl/strix-halo-testing) and ROCm (AMD-Ecosystem/llama.cpp#59)."""
    step = step_on(catalog.inventory, model(catalog, name), device, weights=weights, engine="llamacpp")
    assert 1 / step.decode_s(1, 64) == pytest.approx(tokens_per_s, rel=0.15)


def test_mxfp4_under_llama_cpp_is_the_file_that_holds_it(catalog: Catalog) -> None:
    """ggml-org's gpt-oss-20b has 12.1 GB with its embedding: beside the experts all is Q8_0."""
    asked, file = (
        estimate(catalog, scenario(catalog, model="openai/gpt-oss-20b", weights=weights, engine="llamacpp", **GB10))
        for weights in ("mxfp4", "gguf-mxfp4")
    )
    assert asked.memory
    assert asked.memory == file.memory
    assert asked.performance == file.performance
    assert asked.memory.weights_bytes == pytest.approx(12.1e9 - 201_088 * 2880 * 8.5 / 8, rel=0.01)


EXPERTS = GgmlExperts(
    name="experts",
    times=1,
    latency_s=0.0,
    experts=128,
    experts_per_token=8,
    ranks=1,
    attention_replicas=1,
    imbalance=1.0,
    skew=0.0,
    entropy=1.0,
    flops=1e7,
    expert_bytes=1.0,
    token_bytes=0.0,
    routing_bytes=0.0,
    ramp_rows=0.0,
    flops_per_s=1e13,
    bytes_per_s=1e12,
    routing_bytes_per_s=1e12,
    vector_flops_per_s=1e12,
    tile_rows=128,
)
"""As many and as small as Qwen3-30B-A3B's."""


def test_experts_of_a_prompt_compute_tiles_that_are_mostly_empty() -> None:
    """512 tokens fill a quarter of the tiles of 128 experts, 8,192 all of them."""
    full = 8 * 1e7 / 1e13
    assert EXPERTS.compute_s(512) / 512 == pytest.approx(4.1 * full, rel=0.02)
    assert EXPERTS.compute_s(8192) / 8192 == pytest.approx(full, rel=0.04)


def test_few_tokens_are_multiplied_row_by_row() -> None:
    assert EXPERTS.compute_s(1) == pytest.approx(8 * 1e7 / 1e12)
    assert EXPERTS.detail(512)[2] == "compute"
    assert EXPERTS.seconds(0) == 0.0


def test_up_to_four_tokens_read_their_experts_again() -> None:
    assert [EXPERTS.read(tokens) for tokens in (1, 2, 4)] == pytest.approx([8, 16, 32])
    assert EXPERTS.read(8) == EXPERTS.load(8)[1] < 64
    assert EXPERTS.memory_s(4) == pytest.approx(32e-12)
    assert replace(EXPERTS, vector_flops_per_s=0.0).read(4) < 32


def test_the_first_token_touches_its_own_experts_and_others_share_some() -> None:
    shared = replace(EXPERTS, entropy=0.7)
    assert shared.load(1) == pytest.approx((8, 8))
    assert shared.load(8)[1] < EXPERTS.load(8)[1]


@pytest.mark.parametrize(("ubatch", "tokens_per_s"), [(512, 2165.73), (1024, 2886.53)])
def test_larger_micro_batches_fill_the_tiles_of_experts(catalog: Catalog, ubatch: int, tokens_per_s: float) -> None:
    """Qwen3-30B-A3B Q4_K_M on a Radeon Pro W7800 before its tiles were sized by experts, pp2048 (pull 24546)."""
    qwen, gained = model(catalog, "Qwen/Qwen3-30B-A3B"), {}
    for tokens in (512, ubatch):
        step = step_on(
            catalog.inventory,
            qwen,
            "radeon-pro-w7900",
            weights="gguf-q4_k_m",
            engine="llamacpp",
            batched_tokens=tokens,
        )
        gained[tokens] = 2048 / step.prefill_s(2048)
    assert gained[ubatch] / gained[512] == pytest.approx(tokens_per_s / 2165.73, rel=0.15)


@pytest.mark.parametrize(
    ("device", "name", "weights", "context", "tokens_per_s"),
    [
        ("apple-m1-ultra", "TinyLlama/TinyLlama-1.1B-Chat-v1.0", "gguf-q4_k_m", 64, 242.6),
        ("apple-m2-ultra", "Qwen/Qwen3-0.6B", "gguf-q8_0", 16, 240.3),
        ("apple-m3-max", "google/gemma-4-26B-A4B-it", "gguf-q4_k_m", 1007, 64.2),
        ("apple-m3-max", "Qwen/Qwen3.5-35B-A3B", "gguf-q4_k_m", 1007, 60.1),
        ("apple-m3-max", "Qwen/Qwen3-32B", "gguf-q4_k_m", 1007, 17.4),
    ],
)
def test_metal_launches_small_kernels_and_reads_large_ones(
    catalog: Catalog, device: str, name: str, weights: str, context: int, tokens_per_s: float
) -> None:
    """geerlingguy/ai-benchmarks#48, llama.cpp pull 26570, AlexHiesch/apple-silicon-llm-bench."""
    step = step_on(catalog.inventory, model(catalog, name), device, weights=weights, engine="llamacpp")
    assert 1 / step.decode_s(1, context) == pytest.approx(tokens_per_s, rel=0.25)


@pytest.mark.parametrize(
    ("name", "tokens_per_s"), [("meta-llama/Meta-Llama-3-8B", 145.55), ("meta-llama/Meta-Llama-3-70B", 25.03)]
)
def test_builds_of_2024_launched_kernels_one_by_one(catalog: Catalog, name: str, tokens_per_s: float) -> None:
    """H100 PCIe: an 8B model reaches 0.35 of the bandwidth, a 70B model 0.53 (XiongjieDai's tables of May 2024)."""
    inventory, llama = catalog.inventory, model(catalog, name)
    old, today = (
        step_on(inventory, llama, "h100-pcie", weights="gguf-q4_k_m", engine=engine).decode_s(1, 256)
        for engine in ("llamacpp-2024", "llamacpp")
    )
    assert 1 / old == pytest.approx(tokens_per_s, rel=0.12)
    assert today < old


def test_prompts_hide_what_launching_a_layer_takes(catalog: Catalog) -> None:
    """Without CUDA graphs, as in builds of 2024."""
    llama = model(catalog, "meta-llama/Meta-Llama-3-8B")
    step = step_on(catalog.inventory, llama, "rtx3090", weights="gguf-q4_k_m", engine="llamacpp-2024")
    (layers,) = (each for each in step.operators.rows if each.name == "layers")
    launched_at_once = replace(layers, latency_s=0.0)  # type: ignore[type-var]
    assert layers.seconds(512) == pytest.approx(launched_at_once.seconds(512), rel=0.01)
    assert layers.seconds(1) > 1.04 * launched_at_once.seconds(1)


def test_metal_hides_a_row_s_arithmetic_behind_its_reads() -> None:
    cuda = GgmlProduct("layers", 1, 0.0, 1e9, 1e9, 1e12, 1e11, vector_flops_per_s=1e11, tile_rows=40)
    metal = replace(cuda, vector_rows=8)
    assert metal.seconds(1) == pytest.approx(0.01)
    assert metal.seconds(4) == pytest.approx(0.04)
    assert cuda.seconds(1) == pytest.approx(0.01 * 2**0.5)


def test_what_kernels_take_to_start_comes_on_top_and_what_launching_takes_is_hidden() -> None:
    product = GgmlProduct("layers", 2, 0.003, 0.0, 4e9, 1e12, 1e12)
    assert product.seconds(1) == pytest.approx(2 * 0.005)
    assert replace(product, latency_s=0.0, start_s=0.003).seconds(1) == pytest.approx(2 * 0.007)
    experts = replace(EXPERTS, expert_bytes=1e9, bytes_per_s=1e12, start_s=0.002)
    assert experts.seconds(1) == pytest.approx(0.01)
    assert experts.seconds(0) == pytest.approx(0.002)


@pytest.mark.parametrize(("device", "graphs"), [("v100-32gb", True), ("rtx4090", True), ("p40", False)])
def test_cuda_graphs_launch_for_nothing_from_volta_on(catalog: Catalog, device: str, graphs: bool) -> None:
    """Pulls 6766 and 25749; each product's kernel still starts, so that gemma-4's dense and routed blocks are two."""
    names = ("Qwen/Qwen3-30B-A3B", "google/gemma-4-26B-A4B-it")
    qwen, gemma = (
        step_on(
            catalog.inventory, model(catalog, name), device, weights="gguf-q4_k_m", engine="llamacpp"
        ).operators.rows
        for name in names
    )
    for operator in (*qwen, *gemma):
        assert (operator.latency_s == 0) == graphs  # type: ignore[attr-defined]
        assert (operator.start_s > 0) == graphs  # type: ignore[attr-defined]
    assert qwen[0].start_s / 48 <= gemma[0].start_s / 30  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("device", "name", "weights", "tokens_per_s"),
    [
        ("rtx5090", "Qwen/Qwen3-30B-A3B", "gguf-q4_k_m", 366.2),
        ("rtxpro6000-workstation", "openai/gpt-oss-20b", "gguf-mxfp4", 391.0),
        ("h100-sxm", "Qwen/Qwen3.5-9B", "gguf-q8_0", 210.0),
        ("l40s", "Qwen/Qwen3.8-27B", "gguf-q4_k_m", 39.0),
    ],
)
def test_cuda_builds_of_2026_decode_as_published(
    catalog: Catalog, device: str, name: str, weights: str, tokens_per_s: float
) -> None:
    """gittensor-ai-lab/sparkinfer, ggml-org/llama.cpp#16991, deven367/agent-handoffs."""
    step = step_on(catalog.inventory, model(catalog, name), device, weights=weights, engine="llamacpp")
    assert 1 / step.decode_s(1, 64) == pytest.approx(tokens_per_s, rel=0.17)


def test_products_gain_by_sums_in_16_bit_where_their_peak_is_halved(catalog: Catalog) -> None:
    halved = {id for id, device in catalog.inventory.accelerators.items() if sums_in_16_bit(device)}
    assert {"rtx2080-ti", "rtx3090", "rtx4090", "rtx5090", "gb10"} <= halved
    assert not halved & {"titan-rtx", "a6000", "rtxpro6000-workstation", "h100-sxm", "v100-32gb", "b300-sxm", "p40"}


def test_a_server_picks_among_the_vocabulary_on_its_cpu(catalog: Catalog) -> None:
    greedy, sampling = (
        estimate(
            catalog,
            scenario(
                catalog, model="Qwen/Qwen3-8B", weights="gguf-q4_k_m", engine="llamacpp", accelerator="rtx4090",
                count=1, concurrency=1, input_tokens=64, output_tokens=64, **settings,
            ),
        ).performance.tpot_s.typical
        for settings in ({}, {"sampling": "top-p"})
    )  # fmt: skip
    host = catalog.inventory.efficiency.engines["llamacpp"].host
    assert sampling - greedy == pytest.approx(host.candidate_ns * 151_936 * 1e-9, rel=0.01)
