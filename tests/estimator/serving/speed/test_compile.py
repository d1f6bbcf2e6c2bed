"""What a deployment's step reads, against what its memory keeps."""

from dataclasses import replace
from math import inf

import pytest

from catalog.load import Catalog
from estimator.layout import Layout
from estimator.models.architecture import INDEX_ELEMENT_BYTES
from estimator.models.model import Model
from estimator.scenario.scenario import EngineSettings
from estimator.serving.speed.compile import compile_step
from estimator.serving.speed.operators import Experts, Gemm
from estimator.serving.speed.step import Step
from tests.estimator.serving.memory_cases import memory_in
from tests.estimator.serving.steps import step_on


def state_bytes(step: Step) -> float:
    return sum(each.times * each.state_bytes for each in step.operators.states)


@pytest.mark.parametrize(
    "name", ["Qwen/Qwen3.5-397B-A17B", "nvidia/NVIDIA-Nemotron-Nano-9B-v2", "Qwen/Qwen3-Next-80B-A3B-Instruct"]
)
def test_a_step_reads_the_states_that_memory_keeps(catalog: Catalog, name: str) -> None:
    model = catalog.model(name)
    step = step_on(catalog.inventory, model, "h100-sxm")
    assert state_bytes(step) == pytest.approx(model.architecture.sequence_state_bytes())


@pytest.mark.parametrize(
    ("name", "engine", "version", "elements"),
    [
        ("nvidia/NVIDIA-Nemotron-Nano-9B-v2", "vllm", "0.11.1", (2, 2)),  # the model's type, whatever is configured
        ("nvidia/NVIDIA-Nemotron-Nano-9B-v2", "vllm", None, (4, 2)),
        ("Qwen/Qwen3-Next-80B-A3B-Instruct", "vllm", None, (2, 2)),  # its configuration names no type
        ("Qwen/Qwen3-Next-80B-A3B-Instruct", "sglang", None, (4, 2)),
        ("Qwen/Qwen3-Next-80B-A3B-Instruct", "llamacpp", None, (4, 4)),
    ],
)
def test_states_are_kept_and_read_in_the_type_of_the_engine(
    catalog: Catalog, name: str, engine: str, version: str | None, elements: tuple[int, int]
) -> None:
    architecture = catalog.model(name).architecture
    memory = memory_in(catalog)(name, engine=engine, version=version)
    stated = architecture.state_elements * elements[0] + architecture.conv_state_elements * elements[1]
    assert sum(each.layers * each.state_bytes for each in memory.plan.kinds) == pytest.approx(stated)
    assert state_bytes(compile_step(memory.deployment, Layout())) == pytest.approx(stated)


def test_sglang_launches_batches_beyond_its_graphs_kernel_by_kernel(catalog: Catalog) -> None:
    """cuda_graph_max_bs is 256 below four ranks of an H100 and 512 from there on, 24 on a card of 24 GiB."""
    memory_of = memory_in(catalog)

    def limit(device: str, tp: int, engine: str = "sglang") -> float:
        memory = memory_of("Qwen/Qwen3-8B", Layout(tp=tp), device=device, engine=engine)
        return compile_step(memory.deployment, memory.layout).graph_sequences

    assert (limit("h100-sxm", 1), limit("h100-sxm", 4), limit("l4", 1)) == (256, 512, 24)
    assert limit("h100-sxm", 1, "vllm") == inf
    memory = memory_of("Qwen/Qwen3-0.6B", device="h100-sxm", engine="sglang")
    step = replace(compile_step(memory.deployment, memory.layout), host_decode_s=0.0, host_sequence_s=0.0)
    assert step.decode_s(256, 100) < step.launch_s == step.decode_s(257, 100)


def test_layers_with_experts_take_longer_to_launch(catalog: Catalog) -> None:
    """Of GLM-4.5-Air's 46 layers one is dense. 1,000 sequences on four H100 took 85-140 ms a step, where the device's
    own work is 40."""
    memory_of = memory_in(catalog)

    def step_of(name: str) -> Step:
        memory = memory_of(name, Layout(tp=4), device="h100-sxm", engine="sglang")
        return compile_step(memory.deployment, memory.layout)

    dense, routed = step_of("Qwen/Qwen3-8B"), step_of("zai-org/GLM-4.5-Air")
    host = routed.speed.host
    assert dense.launch_s == pytest.approx(36 * 800e-6)
    assert routed.launch_s == pytest.approx((46 * 800 + 45 * host.eager_experts_us) * 1e-6)
    assert 0.085 < routed.launched_s(1000, 0.04) < 0.14
    assert routed.launched_s(512, 0.04) == 0.04


def test_an_indexer_reads_its_keys_with_their_scales(catalog: Catalog) -> None:
    step = step_on(catalog.inventory, catalog.model("deepseek-ai/DeepSeek-V3.2"), "h200-sxm", weights="fp8-block")
    assert {each.index_bytes for each in step.operators.decode_attention} == {128 * INDEX_ELEMENT_BYTES}


def test_a_rank_of_sparse_attention_computes_64_heads_on_hopper_and_128_on_blackwell(catalog: Catalog) -> None:
    """FlashMLA's sparse kernels; DeepSeek-V3.2 has 128 heads, of which eight ranks have 16 each."""
    sparse, dense = catalog.model("deepseek-ai/DeepSeek-V3.2"), catalog.model("deepseek-ai/DeepSeek-V3")

    def shares(model: Model, device: str, tp: int) -> set[float]:
        step = step_on(catalog.inventory, model, device, Layout(tp=tp, ep=tp), weights="fp8-block")
        return {each.share for each in (*step.operators.decode_attention, *step.operators.prefill_attention)}

    assert shares(sparse, "h200-sxm", 8) == shares(sparse, "h200-sxm", 2) == {0.5}
    assert shares(sparse, "b200-sxm", 8) == {1.0}
    assert shares(dense, "h200-sxm", 8) == {0.125}


def test_prompts_of_sparse_attention_attend_in_the_absorbed_form(catalog: Catalog) -> None:
    """Every token has its own choice of latent vectors: 2 x 512 + 64 wide for 192 + 128."""
    sparse = catalog.model("deepseek-ai/DeepSeek-V3.2")
    step = step_on(catalog.inventory, sparse, "h200-sxm", weights="fp8-block", engine="sglang")
    dense = step_on(catalog.inventory, catalog.model("deepseek-ai/DeepSeek-V3"), "h200-sxm", weights="fp8-block")
    (prompts,), (expanded,) = step.operators.prefill_attention, dense.operators.prefill_attention
    assert prompts.flops(1000, 0) / expanded.flops(1000, 0) == pytest.approx(1088 / 320, rel=0.1)


@pytest.mark.parametrize(
    ("device", "engine", "share"),
    [
        ("a100-80gb-sxm", "vllm", 0.27),
        ("rtx4090", "vllm", 0.27),
        ("h100-sxm", "vllm", 1),
        ("a100-80gb-sxm", "sglang", 1),
    ],
)
def test_prompts_with_sinks_run_tritons_kernel_below_hopper(
    catalog: Catalog, device: str, engine: str, share: float
) -> None:
    """FlashAttention 2 has no sinks (vllm/v1/attention/backends/flash_attn.py: FlashAttention 3 has)."""
    plain = step_on(catalog.inventory, catalog.model("Qwen/Qwen3-8B"), device, engine=engine)
    sinks = step_on(catalog.inventory, catalog.model("openai/gpt-oss-20b"), device, weights="mxfp4", engine=engine)
    usual = plain.operators.prefill_attention[0].flops_per_s
    assert all(each.flops_per_s / usual == pytest.approx(share) for each in sinks.operators.prefill_attention)


def test_every_query_of_sparse_attention_reads_the_vectors_that_it_chose(catalog: Catalog) -> None:
    """2,048 of them, 576 wide, in 16 bit: 2.36 MB a token and layer, which no other token shares."""
    sparse, dense = catalog.model("deepseek-ai/DeepSeek-V3.2"), catalog.model("deepseek-ai/DeepSeek-V3")
    step = step_on(catalog.inventory, sparse, "h200-sxm", Layout(tp=8), weights="fp8-block")
    (prompts,) = step.operators.prefill_attention
    _, seconds, bound, flops, moved = prompts.detail(1000, 3_000)
    assert moved == pytest.approx(61 * 1000 * 2048 * 576 * 2)
    assert bound == "memory"  # 64 heads; 128 would be bound by their products
    computing, reading = flops / prompts.flops_per_s, moved / prompts.bytes_per_s
    assert seconds == pytest.approx(61 * prompts.latency_s + (computing**2 + reading**2) ** 0.5)
    (whole,) = step_on(catalog.inventory, sparse, "h200-sxm", weights="fp8-block").operators.prefill_attention
    assert whole.detail(1000, 3_000)[2] == "compute"
    (expanded,) = step_on(catalog.inventory, dense, "h200-sxm", weights="fp8-block").operators.prefill_attention
    assert expanded.detail(1000, 3_000)[4] == 0


@pytest.mark.parametrize(
    ("name", "weights", "engine", "bits"),
    [
        ("openai/gpt-oss-20b", "gguf-mxfp4", "llamacpp", 4.25),
        ("openai/gpt-oss-20b", "mxfp4", "vllm", 4.25),
        ("openai/gpt-oss-20b", "mxfp4", "neuron", 4.25),
        ("Qwen/Qwen3-30B-A3B", "fp8-mlp", "vllm", 8),
    ],
)
def test_experts_are_read_in_the_bits_they_are_stored_in(
    catalog: Catalog, name: str, weights: str, engine: str, bits: float
) -> None:
    step = step_on(catalog.inventory, catalog.model(name), "h100-sxm", weights=weights, engine=engine)
    experts = next(each for each in step.operators.rows if isinstance(each, Experts))
    assert experts.expert_bytes / (experts.flops / 2) * 8 == pytest.approx(bits, rel=0.01)


def test_attention_that_an_upload_leaves_wide_is_read_and_multiplied_so(catalog: Catalog) -> None:
    model = catalog.model("meta-llama/Llama-3.1-8B")
    mlps, whole = (step_on(catalog.inventory, model, "h100-sxm", weights=each) for each in ("fp8-mlp", "bf16"))
    for narrow, wide in zip(mlps.operators.rows, whole.operators.rows, strict=True):
        if isinstance(narrow, Gemm) and isinstance(wide, Gemm) and narrow.name.startswith("attention"):
            assert (narrow.weight_bytes, narrow.flops_per_s) == (wide.weight_bytes, wide.flops_per_s)


@pytest.mark.parametrize(
    ("device", "asked", "tokens"),
    [("h100-sxm", None, 8192), ("a100-80gb-sxm", None, 2048), ("a100-80gb-sxm", 512, 512)],
)
def test_prompts_come_in_the_chunks_that_the_engine_starts_with(
    catalog: Catalog, device: str, asked: int | None, tokens: int
) -> None:
    """vLLM takes 8,192 tokens a step from 70 GiB on, but for A100 2,048 (vllm/engine/arg_utils.py)."""
    step = step_on(catalog.inventory, catalog.model("meta-llama/Llama-3.1-8B"), device, batched_tokens=asked)
    assert step.speed.prompts.chunk_tokens == tokens


def test_smaller_chunks_read_the_experts_more_often(catalog: Catalog) -> None:
    model = catalog.model("Qwen/Qwen3-30B-A3B")
    small, large = (step_on(catalog.inventory, model, "h100-sxm", batched_tokens=each) for each in (512, 8192))
    assert small.prefill_s(8192) > 1.5 * large.prefill_s(8192)


def test_4_bit_experts_of_few_rows_take_an_rtx_3090_little_longer_than_their_reads(catalog: Catalog) -> None:
    """Some 19 in flight: 22.3 ms a token with prompts between (kyuz0/amd-r9700-vllm-toolboxes, Qwen3-Coder-30B-A3B)."""
    step = step_on(catalog.inventory, catalog.model("Qwen/Qwen3-30B-A3B"), "rtx3090", weights="int4-gptq")
    (experts,) = (each for each in step.operators.rows if isinstance(each, Experts))
    touched = experts.load(19)[1]
    read_s = experts.times * touched * experts.expert_bytes / experts.bytes_per_s
    assert experts.seconds(19) < 1.4 * read_s
    assert 0.5 < step.decode_s(19, 310) / 0.0223 < 1


@pytest.mark.parametrize(
    ("name", "device", "engine", "kv", "tp", "readers"),
    [
        ("Qwen/Qwen3-14B", "a100-80gb-sxm", "vllm", "bf16", 1, 5),  # 40 query heads to 8
        ("Qwen/Qwen3-14B", "a100-80gb-sxm", "vllm", "bf16", 8, 5),
        ("Qwen/Qwen3-235B-A22B", "a100-80gb-sxm", "vllm", "bf16", 8, 8),  # 64 to 4: two ranks hold the same head
        ("Qwen/Qwen3-14B", "rtxpro6000-server", "vllm", "bf16", 1, 5),
        ("Qwen/Qwen3-14B", "h100-sxm", "vllm", "bf16", 1, 1),  # FlashAttention 3 packs a group's heads
        ("Qwen/Qwen3-14B", "l40s", "vllm", "fp8", 1, 1),  # FlashInfer
        ("Qwen/Qwen3-14B", "a100-80gb-sxm", "sglang", "bf16", 1, 1),
        ("openai/gpt-oss-20b", "a100-80gb-sxm", "vllm", "bf16", 1, 1),  # sinks: Triton
        ("deepseek-ai/DeepSeek-V2-Lite", "a100-80gb-sxm", "vllm", "bf16", 1, 1),
    ],
)
def test_flash_attention_2_packs_no_heads_where_prompts_ride_along(
    catalog: Catalog, name: str, device: str, engine: str, kv: str, tp: int, readers: float
) -> None:
    memory = memory_in(catalog)(name, Layout(tp=tp), device=device, engine=engine, kv=kv)
    step = compile_step(memory.deployment, memory.layout)
    assert {each.readers for each in step.operators.decode_attention} == {readers}


@pytest.mark.parametrize(
    ("name", "more_ms"), [("meta-llama/Llama-2-7b-hf", 17.9), ("meta-llama/Meta-Llama-3-8B", 29.3)]
)
def test_the_first_paged_attention_reads_the_cache_once_a_query_head(
    catalog: Catalog, name: str, more_ms: float
) -> None:
    """64 sequences of 1,536 tokens against 192 on MI300X, vLLM 0.6.1: 7B of 32 cached heads and 8B of 8 take alike."""
    first, later = (
        step_on(catalog.inventory, catalog.model(name), "mi300x", engine=speed).operators.decode_attention[0]
        for speed in ("vllm-0.6.1-rocm", "vllm-v0-rocm")
    )
    assert (first.seconds(64, 1536) - first.seconds(64, 192)) * 1000 == pytest.approx(more_ms, rel=0.35)
    kept = 2 * (32 if "7b" in name else 8) * 128 * 2
    assert first.work(1, 1)[1] == 2 * 32 * 128 * 2
    assert later.token_bytes == later.work(1, 1)[1] == kept
    assert first.cache_bytes(1) == kept, "what is read more often is neither kept nor handed over more often"


@pytest.mark.parametrize(("speed", "weights", "slowest", "fastest"), [
    ("vllm-0.6.1-rocm", "bf16", 40e12, 90e12),  # 70B over 1 to 8 devices, 32 to 256 rows
    ("vllm-v0-rocm", "bf16", 60e12, 130e12),  # 405B over 8, 64 to 1,024 users
    ("vllm-v0-rocm", "fp8", 300e12, 1000e12),  # the same by AMD's own images
    ("tgi-rocm", "bf16", 150e12, 300e12),  # the same, tuned by TunableOp
    ("vllm-rocm", "bf16", 500e12, 1000e12),
])  # fmt: skip
def test_products_of_2024_on_mi300x_are_rocblas_as_it_comes(
    catalog: Catalog, speed: str, weights: str, slowest: float, fastest: float
) -> None:
    step = step_on(
        catalog.inventory, catalog.model("meta-llama/Meta-Llama-3-70B"), "mi300x", weights=weights, engine=speed
    )
    product = next(each for each in step.operators.rows if each.name == "mlp input")
    assert isinstance(product, Gemm)
    assert slowest < product.flops_per_s < fastest


@pytest.mark.parametrize(
    ("name", "device", "engine", "tp", "least_ms", "most_ms"),
    [
        ("Qwen/Qwen3.5-397B-A17B", "b200-sxm", "sglang", 8, 0.2, 0.35),  # 8 heads: Triton 0.25-0.34 ms
        ("Qwen/Qwen3.5-397B-A17B", "h100-sxm", "sglang", 8, 0.2, 0.3),  # 0.26 ms
        ("Qwen/Qwen3.5-397B-A17B", "b200-sxm", "sglang", 4, 0.2, 0.45),  # 16 heads: 0.41-0.42 ms
        ("Qwen/Qwen3.5-397B-A17B", "h100-sxm", "vllm", 8, 0.0, 0.12),  # FlashInfer 0.11 ms
        ("Qwen/Qwen3.5-35B-A3B", "gb10", "vllm", 1, 5.0, 15.0),  # 32 heads
    ],
)
def test_a_layer_of_a_delta_rule_takes_a_prompt_of_8192_tokens_as_long_as_its_kernels_do(
    catalog: Catalog, name: str, device: str, engine: str, tp: int, least_ms: float, most_ms: float
) -> None:
    """github.com/flashinfer-ai/flashinfer pulls 3001, 3866, 3902; github.com/vllm-project/vllm pull 40717."""
    step = step_on(catalog.inventory, catalog.model(name), device, Layout(tp=tp), engine=engine)
    (state,) = step.operators.states
    layer_s = state.seconds(1, 8192) / state.times - state.latency_s
    assert least_ms <= layer_s * 1000 <= most_ms


def test_sparse_attention_of_vllm_passes_over_as_many_tokens_as_it_may_choose(catalog: Catalog) -> None:
    """github.com/sgl-project/sglang pull 31128: rows of short contexts scan 2,048 places, most of them empty."""
    model = catalog.model("deepseek-ai/DeepSeek-V3.2")

    def flops(engine: str, context: int) -> float:
        (decoding,) = step_on(
            catalog.inventory, model, "h200-sxm", weights="fp8-block", engine=engine
        ).operators.decode_attention
        return decoding.flops(1, context)

    assert flops("vllm", 100) == pytest.approx(flops("vllm", 2047), rel=0.1)
    assert flops("sglang", 100) < flops("vllm", 100) / 10
    assert flops("vllm", 30_000) == flops("sglang", 30_000)


@pytest.mark.parametrize(
    ("name", "version", "ms"),
    [
        ("Qwen/Qwen3-14B", "0.11.0", 7),
        ("Qwen/Qwen3-14B", "0.11.1", 0),  # cached from pull 26227 on
        ("openai/gpt-oss-20b", "0.11.0", 0),  # Harmony
    ],
)
def test_vllm_0_11_0_reads_the_chat_template_for_every_request(
    catalog: Catalog, name: str, version: str, ms: float
) -> None:
    deployment = memory_in(catalog)(name, version=version).deployment
    own = deployment.speed.first_token.front_end_ms
    assert compile_step(deployment, Layout()).speed.first_token.front_end_ms == pytest.approx(own + ms)


@pytest.mark.parametrize("asked", [64, 4096])
def test_a_step_holds_as_many_sequences_as_the_engine_is_started_with(catalog: Catalog, asked: int) -> None:
    deployment = memory_in(catalog)("Qwen/Qwen3-8B", settings=EngineSettings(max_num_seqs=asked)).deployment
    assert compile_step(deployment, Layout()).speed.max_batch == asked


@pytest.mark.parametrize(
    ("name", "version", "device", "tokens"),
    [
        ("Qwen/Qwen3-8B", "0.5.9", "h100-sxm", 0),
        ("Qwen/Qwen3-8B", "0.5.10", "h100-sxm", 8192),
        ("Qwen/Qwen3-8B", "0.5.10", "mi300x", 0),
        ("deepseek-ai/DeepSeek-V3", "0.5.10", "h100-sxm", 2048),  # latent attention
        ("deepseek-ai/DeepSeek-V3.2", "0.5.10", "h100-sxm", 0),  # an indexer
    ],
)
def test_sglang_captures_prompts_from_0_5_10_on(
    catalog: Catalog, name: str, version: str, device: str, tokens: int
) -> None:
    deployment = memory_in(catalog)(name, device=device, engine="sglang", version=version).deployment
    assert compile_step(deployment, Layout()).speed.first_token.captured_tokens == tokens


def test_drafts_and_switched_off_graphs_leave_prompts_uncaptured(catalog: Catalog) -> None:
    memory = memory_in(catalog)
    for options in ({"drafts": 1}, {"settings": EngineSettings(enforce_eager=True)}):
        deployment = memory("Qwen/Qwen3-8B", engine="sglang", **options).deployment  # type: ignore[arg-type]
        assert compile_step(deployment, Layout()).speed.first_token.captured_tokens == 0


def test_attention_replicas_of_sglang_share_the_tokens_of_a_step(catalog: Catalog) -> None:
    """chunked_prefill_size // dp_size, where vLLM's replicas have as many each."""
    for engine, tokens in (("sglang", 1024), ("vllm", 8192)):
        deployment = memory_in(catalog)("deepseek-ai/DeepSeek-V3", engine=engine).deployment
        assert compile_step(deployment, Layout(ep=8, dp=8)).speed.prompts.chunk_tokens == tokens


def test_vllm_schedules_while_the_device_works_from_0_14_on(catalog: Catalog) -> None:
    memory = memory_in(catalog)
    waiting, ahead = (
        compile_step(memory("Qwen/Qwen3-8B", version=version).deployment, Layout()) for version in ("0.13", "0.14")
    )
    host = ahead.speed.host
    assert (ahead.overlaps, waiting.overlaps) == (True, False)
    assert (ahead.speed.scheduler.ahead, waiting.speed.scheduler.ahead) == (1, 0)
    assert waiting.host_s(100) == pytest.approx(host.waiting_step_ms / 1e3 + 100 * host.waiting_sequence_us / 1e6)
    assert waiting.decode_s(1, 1000) > ahead.decode_s(1, 1000)
    rocm = memory("Qwen/Qwen3-8B", device="mi300x", version="0.13").deployment
    rocm = rocm._replace(speed=catalog.inventory.efficiency.engines["vllm-rocm"])
    assert compile_step(rocm, Layout()).speed.host == rocm.speed.host, "a class that waits anyway"


def test_latent_layers_of_an_old_engine_take_kernels_that_later_ones_fuse(catalog: Catalog) -> None:
    """vLLM's first engine: a tenth of a millisecond in each of DeepSeek's 61 layers, none in others'."""
    memory_of = memory_in(catalog)

    def attention_us(model: str, version: str | None) -> float:
        memory = memory_of(model, Layout(tp=8), engine="vllm", version=version)
        (attention,) = compile_step(memory.deployment, memory.layout).operators.decode_attention
        return attention.latency_s * 1e6

    assert 60 < attention_us("deepseek-ai/DeepSeek-V3", "0.7") - attention_us("deepseek-ai/DeepSeek-V3", "0.11") < 170
    assert attention_us("meta-llama/Llama-3.1-70B", "0.7") == pytest.approx(
        attention_us("meta-llama/Llama-3.1-70B", "0.11"), rel=0.2
    )


def test_tensorrt_llm_launches_steps_with_prompts_kernel_by_kernel(catalog: Catalog) -> None:
    """Small experts on a fast device: 48 layers of 1.1 ms, and 1.8 from an ARM host."""

    def step_on(device: str) -> Step:
        memory = memory_in(catalog)(
            "Qwen/Qwen3-30B-A3B", device=device, weights="nvfp4", engine="trtllm-bench", version="1.0"
        )
        return compile_step(memory.deployment, memory.layout)

    step = step_on("b200-sxm")
    assert 0.04 < step.launch_s < 0.075
    assert step.decode_s(256, 500) < 0.6 * step.launch_s
    assert step.step_s(256, 500, new=100, prompts=1) == pytest.approx(step.launch_s, rel=0.1)
    assert step_on("gb200").launch_s == pytest.approx(1.6 * step.launch_s)
    assert step_on("gb300").launch_s == step_on("gb200").launch_s
