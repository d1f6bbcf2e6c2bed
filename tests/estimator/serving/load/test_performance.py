"""Steps and serving: known cliffs, orders of magnitude, and what must never turn round."""

from dataclasses import replace
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.load import load
from estimator.layout import Layout
from estimator.models.hf_config import read
from estimator.models.model import Model
from estimator.scenario.workload import ServiceLevel, ServingWorkload
from estimator.serving.load.arrivals import with_prompts_at_once
from estimator.serving.load.operating_point import first_token_overhead_s, maximum_throughput, operate
from estimator.serving.load.percentiles import best_concurrency
from estimator.serving.load.performance import performance
from estimator.serving.speed.breakdown import decode_operators
from estimator.serving.speed.step import Step, overlapped_s
from tests.estimator.serving.steps import step_on

CATALOG = load()
LLAMA_8B, LLAMA_70B = "meta-llama/Llama-3.1-8B", "meta-llama/Llama-3.3-70B-Instruct"


@cache
def model(name: str) -> Model:
    return Model(name, read(CATALOG.model_entry(name)["config"]))


def compiled(
    name: str, accelerator: str, layout: Layout, weights: str = "bf16", engine: str = "vllm", fabric: str | None = None
) -> Step:
    return step_on(CATALOG.inventory, model(name), accelerator, layout, weights, engine, fabric=fabric or "")


def test_eight_l40s_through_the_host_take_prompts_no_faster_than_four() -> None:
    """g6e's copies through host memory cost more than four more devices save, in decoding too."""
    for fabric, saved in (("pcie4-x16", 0.7), ("pcie4-x8", 1.0)):
        four, eight = (compiled(LLAMA_70B, "l40s", Layout(tp), "fp8", fabric=fabric) for tp in (4, 8))
        assert eight.decode_s(16, 2048) > saved * four.decode_s(16, 2048)
        assert eight.prefill_s(2048) > 0.95 * four.prefill_s(2048)


def test_devices_that_reach_each_other_need_no_host() -> None:
    """g6e copies what a rank sends through host memory; L40S boards on a switch of their own do not."""
    own, rented = (compiled(LLAMA_70B, "l40s", Layout(8), "fp8", fabric=each) for each in ("pcie4-x16-p2p", "pcie4-x8"))
    assert rented.prefill_s(2048) > 3 * own.prefill_s(2048)


def test_seventy_two_watts_do_not_feed_the_peak() -> None:
    """L4 has 1.7 TFLOPS of peak a watt, L40S 1.0: the same prompt reaches a smaller share of it."""
    shares = {
        name: CATALOG.inventory.accelerators[name].matrix_flops * compiled(LLAMA_8B, name, Layout()).prefill_s(4096)
        for name in ("l4", "l40s")
    }
    assert 1.3 * shares["l40s"] < shares["l4"] < 1.8 * shares["l40s"]


def test_eight_h100_over_nvlink_beat_four() -> None:
    four, eight = (compiled(LLAMA_70B, "h100-sxm", Layout(tp), "fp8") for tp in (4, 8))
    assert eight.decode_s(16, 2048) < four.decode_s(16, 2048)
    assert eight.prefill_s(2048) < four.prefill_s(2048)


def test_an_8b_model_over_24_neuron_cores_is_bound_by_collectives() -> None:
    wide = compiled(LLAMA_8B, "inferentia2", Layout(24), engine="neuron")
    operators = {each.name: each for each in decode_operators(wide, 1, 2048)}
    assert operators["all-reduce"].seconds > 0.5 * wide.decode_s(1, 2048)
    narrow = compiled(LLAMA_8B, "inferentia2", Layout(8), engine="neuron")
    workload = ServingWorkload(1024, 512)
    three = performance(narrow, workload, concurrency=8, replicas=3)
    assert three.output_tokens_per_s.typical > performance(wide, workload, 24).output_tokens_per_s.typical


@pytest.mark.parametrize("accelerator", ["a100-80gb-sxm", "h100-sxm", "l40s"])
def test_weight_only_int4_decodes_faster_and_prefills_no_faster_than_bf16(accelerator: str) -> None:
    int4, bf16 = (compiled(LLAMA_8B, accelerator, Layout(1), each) for each in ("int4-awq", "bf16"))
    assert int4.decode_s(1, 512) < 0.75 * bf16.decode_s(1, 512)
    assert int4.prefill_s(4096) >= bf16.prefill_s(4096)


def test_a_layer_split_fills_and_drains_once_for_every_2048_tokens_of_a_prompt() -> None:
    four = compiled("meta-llama/Meta-Llama-3-8B", "l40s", Layout(pp=4), "gguf-q4_k_m", engine="llamacpp")
    micro_batch, batch = four.prefill_s(512), four.prefill_s(2048)
    assert 1.6 * micro_batch < batch < 2.4 * micro_batch  # four micro-batches over four stages: 7/4 of one alone
    assert four.prefill_s(4096) > 2 * batch


def test_short_prompts_ride_along_in_decode_steps_for_next_to_nothing() -> None:
    step = compiled(LLAMA_8B, "a10g", Layout(1))
    point = operate(step, ServingWorkload(30, 50), 64)
    assert point.prompt_s < 0.25 * point.prompt_alone_s  # alone, a short prompt takes a whole pass over the weights
    assert point.tpot_s < 1.2 * point.decode_step_s
    long = operate(step, ServingWorkload(8192, 50), 64)
    assert long.prompt_s > 0.8 * long.prompt_alone_s


def test_short_prompts_that_wait_together_are_prefilled_together() -> None:
    step = compiled(LLAMA_8B, "a10g", Layout(1), engine="sglang")
    few, many = (operate(step, ServingWorkload(30, 50), users) for users in (50, 400))
    assert many.prompt_s < 0.4 * few.prompt_s


def test_admitting_prompts_costs_a_step_its_graph() -> None:
    step = compiled(LLAMA_8B, "h100-sxm", Layout(1), engine="vllm-0.11")
    assert step.admission_s == pytest.approx(step.speed.host.admission_layer_ms * 1e-3 * 32)
    point = operate(step, ServingWorkload(140, 600), 64)
    assert point.prompt_s > step.admission_s > 0
    assert point.tpot_s > point.decode_step_s


def test_a_first_token_waits_for_launching_as_far_as_its_prompt_does_not_hide_it() -> None:
    step = compiled(LLAMA_8B, "h100-sxm", Layout(1))
    layers_s = step.speed.first_token.layer_ms * 1e-3 * 32
    first, longer = (operate(step, ServingWorkload(tokens, 200), 1) for tokens in (128, 1024))
    for point, tokens, launching_s in ((first, 128, layers_s / 4), (longer, 1024, layers_s)):
        together_s = overlapped_s(point.prompt_alone_s, launching_s)
        front_end_s = step.speed.first_token.front_end_ms * 1e-3 + tokens * step.speed.first_token.token_us * 1e-6
        assert point.ttft_s == pytest.approx(together_s + front_end_s + point.tpot_s / 2)
    assert longer.ttft_s - front_end_s < longer.prompt_alone_s + layers_s


@pytest.mark.parametrize("engine", ["vllm", "sglang", "trt-serve", "vllm-v0", "tgi"])
def test_text_is_split_into_tokens_before_the_engine_sees_it(engine: str) -> None:
    """Hugging Face's tokenizers split 1 to 2 MB of text a second (tiktoken's README)."""
    step = compiled(LLAMA_8B, "h100-sxm", Layout(1), engine=engine)
    at_once = replace(step, speed=replace(step.speed, first_token=step.speed.first_token._replace(token_us=0.0)))
    for new, cached in ((8192, 0), (192, 8000)):  # what is cached is text as well
        splitting_s = first_token_overhead_s(step, new, cached) - first_token_overhead_s(at_once, new, cached)
        assert 8192 / 440_000 < splitting_s < 8192 / 220_000


def test_latent_attention_reads_the_whole_cache_on_every_rank() -> None:
    one, eight = (compiled("deepseek-ai/DeepSeek-V3", "h200-sxm", Layout(tp), "fp8-block") for tp in (1, 8))
    assert one.sequence_bytes(1000) == eight.sequence_bytes(1000) == 70_272 * 1000


def test_delta_nets_hand_over_their_states_beside_the_cache() -> None:
    """Qwen3-Next: 36 layers of 32 states of 128 x 128 and three tokens of 8,192 channels; 24,576 bytes a token."""
    step = compiled("Qwen/Qwen3-Coder-Next", "h200-sxm", Layout(1))
    states = 36 * 2 * (32 * 128 * 128 + 3 * 8192)
    assert step.sequence_bytes(0) == states
    assert step.sequence_bytes(1000) == states + 1000 * 12 * 2 * 2 * 256 * 2


def test_prompts_that_come_at_once_wait_for_half_of_the_others() -> None:
    step, workload = compiled(LLAMA_8B, "h100-sxm", Layout(1)), ServingWorkload(1000, 200)
    point = operate(step, workload, 9)
    together = with_prompts_at_once(step, workload, point)
    assert together.prompt_wait_s == pytest.approx(4 * step.prompt_time(1000).engine_s)
    later_s = together.prompt_wait_s - point.prompt_wait_s
    assert together.ttft_s == pytest.approx(point.ttft_s + later_s)
    assert together.request_s == pytest.approx(point.request_s + later_s)


LOADS = st.tuples(
    st.sampled_from(["a10g", "l40s", "a100-80gb-sxm", "h100-sxm", "b200-sxm", "trainium2"]),
    st.sampled_from([LLAMA_8B, "Qwen/Qwen3-30B-A3B", "openai/gpt-oss-20b"]),
    st.sampled_from(["vllm", "vllm-0.11", "sglang", "trt-serve"]),
    st.sampled_from([1, 2, 4, 8]),
    st.integers(1, 16_000),
    st.integers(1, 2_000),
    st.integers(1, 300),
)


@settings(deadline=None, max_examples=60)
@given(LOADS)
def test_more_load_never_lowers_latency_and_never_passes_the_roofline(
    load: tuple[str, str, str, int, int, int, int],
) -> None:
    accelerator, name, engine, tp, given_tokens, wanted, concurrency = load
    step = compiled(name, accelerator, Layout(tp), "mxfp4" if "oss" in name else "bf16", engine)
    workload = ServingWorkload(given_tokens, wanted)
    point, busier = operate(step, workload, concurrency), operate(step, workload, concurrency + 1)
    assert busier.tpot_s >= point.tpot_s * (1 - 1e-9)
    assert busier.ttft_s >= point.ttft_s * (1 - 1e-9)
    longer = operate(step, ServingWorkload(given_tokens + 64, wanted), concurrency)
    assert longer.ttft_s >= point.ttft_s * (1 - 1e-9)
    device = CATALOG.inventory.accelerators[accelerator]
    flops = 2 * model(name).architecture.active_parameters * (1 - 0.3)  # embedding apart
    assert point.requests_per_s * (given_tokens + wanted) * flops <= tp * max(device.matrix_flops, device.fp8_flops)
    if concurrency == 1:
        dense = step.weight_bytes if not model(name).architecture.is_moe else 0
        assert point.tpot_s * device.bandwidth_bytes_per_s >= dense / device.cores


@settings(deadline=None, max_examples=30)
@given(LOADS, st.sampled_from(["bandwidth_bytes_per_s", "bf16_flops"]), st.floats(1.01, 4))
def test_better_hardware_is_never_slower(
    load: tuple[str, str, str, int, int, int, int], field: str, factor: float
) -> None:
    accelerator, name, engine, tp, given_tokens, wanted, concurrency = load
    inventory = CATALOG.inventory
    device = inventory.accelerators[accelerator]
    better = replace(device, **{field: getattr(device, field) * factor})
    points = [
        operate(
            step_on(inventory, model(name), each, Layout(tp), engine=engine),
            ServingWorkload(given_tokens, wanted),
            concurrency,
        )
        for each in (device, better)
    ]
    assert points[1].tpot_s <= points[0].tpot_s * (1 + 1e-9)
    assert points[1].request_s <= points[0].request_s * (1 + 1e-9)
    assert points[1].ttft_s <= points[0].ttft_s * (1 + 1e-9)


def test_more_arrivals_are_busier_and_later_and_never_more_than_arrive() -> None:
    step = compiled(LLAMA_8B, "h100-sxm", Layout(1))
    reports = [performance(step, ServingWorkload(requests_per_second=rate), 1, 256) for rate in (0.1, 1, 4, 8, 16)]
    for calm, busy in pairwise(reports):
        assert calm.utilization < busy.utilization
        assert calm.ttft_s.typical <= busy.ttft_s.typical
        assert calm.tpot_s.typical <= busy.tpot_s.typical
    for rate, report in zip((0.1, 1, 4, 8, 16), reports, strict=True):
        if report.utilization < 1:
            assert report.requests_per_s.typical == pytest.approx(rate)
    assert performance(step, ServingWorkload(requests_per_second=1000), 1, 256).utilization > 1


def test_prefill_apart_keeps_prompts_out_of_decoding() -> None:
    step = compiled(LLAMA_70B, "h100-sxm", Layout(4), "fp8")
    together, apart = (
        performance(step, ServingWorkload(8192, 512, prefill_replicas=each), 64, 256, replicas=2) for each in (0, 1)
    )
    assert apart.tpot_s.typical < together.tpot_s.typical


def test_speculation_pays_at_low_load_when_tokens_are_accepted() -> None:
    step = compiled(LLAMA_70B, "h100-sxm", Layout(4), "fp8")
    plain = operate(step, ServingWorkload(), 1)
    accepted = operate(step, ServingWorkload(draft_tokens=3, accepted_tokens=2.5), 1)
    rejected = operate(step, ServingWorkload(draft_tokens=3, accepted_tokens=1.0), 1)
    assert accepted.tpot_s < 0.6 * plain.tpot_s < plain.tpot_s < rejected.tpot_s


def test_every_draft_costs_a_layer_and_the_lm_head() -> None:
    step = compiled(LLAMA_8B, "l40s", Layout())
    plain, drafting = step.decode_s(1, 1000), step.decode_s(1, 1000, 4)
    head_s = step.operators.head.seconds(1)
    assert head_s > plain / 20  # 128,256 x 4,096 beside 32 layers
    assert drafting - plain > 4 * (head_s + 0.9 * plain / 32)


def test_the_best_concurrency_is_the_last_that_keeps_the_service_level() -> None:
    step = compiled(LLAMA_8B, "h100-sxm", Layout(1))
    level = ServiceLevel(tpot_s=0.02, ttft_s=1.0)
    best = best_concurrency(step, ServingWorkload(), level, 1024)
    assert best is not None
    assert best.tpot_s <= 0.02
    following = operate(step, ServingWorkload(), best.concurrency + 1)
    assert following.tpot_s > 0.02 or following.ttft_s > 1.0
    assert best_concurrency(step, ServingWorkload(), ServiceLevel(tpot_s=1e-4), 1024) is None


def test_faster_links_are_never_slower() -> None:
    inventory = CATALOG.inventory
    fabric = inventory.fabrics["pcie4-x16"]
    links = {ranks: link._replace(bandwidth_bytes_per_s=2 * link[1]) for ranks, link in fabric.all_reduce.items()}
    seconds = [
        step_on(inventory, model(LLAMA_70B), "l40s", Layout(8), "fp8", fabric=each).decode_s(64, 2048)
        for each in (fabric, replace(fabric, all_reduce=links))
    ]
    assert seconds[1] < seconds[0]


def test_long_prompts_at_maximum_load_fill_a_few_steps_and_not_all() -> None:
    """gpt-oss-120b on one H100 with room for two requests of 32,000 tokens: a prompt is computed in four chunks, and
    the other steps read no more experts than two tokens choose."""
    step, workload = compiled("openai/gpt-oss-120b", "h100-sxm", Layout(), "mxfp4"), ServingWorkload(32_000, 100)
    context, chunks = workload.mean_context, 32_000 / step.speed.prompts.chunk_tokens
    decode_s, mixed_s = step.decode_s(2, context), step.step_s(2, context, 32_000, 0, 1 / chunks)
    request_s = (50 - chunks) * decode_s + chunks * mixed_s  # 100 tokens of each in a hundred steps of two
    assert maximum_throughput(step, workload, 2) == pytest.approx(100 / request_s, rel=0.02)
    assert step.step_s(2, context, 32_000, 0, 2 / 100) > 1.3 * request_s / 50  # the same spread over all steps
