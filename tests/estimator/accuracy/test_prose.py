"""What a measured row says in words, column by column: engines and versions, traffic, counts, limits, exclusions."""

import csv
import re

import pytest

from catalog.cache import DATA
from estimator.accuracy.prose import QUEUED_PROMPTS, filled

EVIDENCE = DATA / "evidence" / "serving.csv"


def read(column: str, notes: str = "", **row: str) -> str:
    """A column of a row whose notes say this."""
    return filled({"kind": "online", "engine": "vllm", "engine_version": "0.11", "notes": notes, **row})[column]


@pytest.mark.parametrize(
    ("engine", "version", "profile"),
    [
        ("vLLM", "v0.9.1", "vllm@0.9.1"),
        ("vLLM", "0.6", "vllm@0.6"),
        ("vLLM", "ml.energy v3", "vllm@0.11.1"),
        ("vLLM", "nightly 2024-11", "vllm@0.6.3"),
        ("vLLM", "nightly 2025-03", "vllm@0.8"),
        ("vLLM", "nightly 2026-02", "vllm@0.18"),
        ("vLLM", "2025", "vllm@0.8"),
        ("vLLM", "2024", "vllm@0.6"),
        ("TGI (neuronx)", "0.0.23", "tgi-neuron@0.0"),
        ("vLLM", "", "vllm@0.18"),
        ("vllm-neuron", "2.26", "neuron@2.31"),
        ("Neuron SDK", "", "neuron@2.18"),
        ("Ollama", "", "ollama"),
        ("LM Studio", "", "llamacpp"),
        ("KoboldCpp", "", "llamacpp"),
        ("NVIDIA NIM", "", "nim"),
        ("SGLang", "", "sglang@0.4"),
        ("SGLang", "nightly-dev-20260216", "sglang@0.4"),
        ("SGLang", "v0.5.10.post1", "sglang@0.5.10"),
        ("LMDeploy TurboMind", "", "lmdeploy"),
        ("gpt-fast", "", "gpt-fast"),
        ("AutoAWQ GEMV", "", "autoawq-gemv"),
        ("TinyChat", "", "autoawq"),
        ("ExLlamaV2", "", "exllama"),
        ("HF", "", "transformers"),
        ("TGI", "2023-11", "tgi@1.0"),
        ("text-generation-inference", "2.0", "tgi@2.0"),
        ("DeepSpeed", "", ""),
    ],
)
def test_an_engine_is_a_profile_of_the_catalogue(engine: str, version: str, profile: str) -> None:
    assert read("profile", engine=engine, engine_version=version) == profile


@pytest.mark.parametrize(
    ("version", "kind", "profile"),
    [
        ("0.8.0", "online", "trtllm@0.5"),
        ("2024-05", "throughput_max", "trtllm@0.5"),
        ("0.9.0", "online", "trtllm@0.20"),
        ("1.2.0", "online", "trtllm@0.20"),
        ("0.9.0", "throughput_max", "trtllm@0.9"),
        ("0.21", "throughput_max", "trtllm@0.9"),
        ("1.0.0", "throughput_max", "trtllm-bench@1.0"),
        ("1.1.0", "throughput_max", "trtllm-bench@1.1"),
        ("", "throughput_max", "trtllm-bench@1.1"),
        ("25.10", "throughput_max", "trtllm-bench@1.1"),
    ],
)
def test_tensorrt_runs_behind_a_server_or_in_its_own_benchmark(version: str, kind: str, profile: str) -> None:
    assert read("profile", engine="TensorRT-LLM", engine_version=version, kind=kind) == profile


@pytest.mark.parametrize(
    ("notes", "row", "traffic", "rate"),
    [
        ("", {"concurrency": "16"}, "closed", ""),
        ("", {"kind": "throughput_max", "concurrency": "16"}, "burst", ""),
        ("static batch", {"concurrency": "2"}, "burst", ""),
        ("all prompts at once", {"concurrency": "2"}, "burst", ""),
        ("static batch", {"concurrency": "1"}, "closed", ""),
        ("request_rate=2.5", {}, "rate", "2.5"),
        ("request rate 999", {}, "rate", "999"),
        ("request rate = 1000", {}, "burst", ""),
        ("request_rate=2.5", {"concurrency": "16"}, "closed", ""),
        ("request_rate=0", {}, "closed", ""),
        ("", {}, "closed", ""),
    ],
)
def test_traffic_is_closed_unless_a_rate_or_a_burst_is_told(
    notes: str, row: dict[str, str], traffic: str, rate: str
) -> None:
    assert read("traffic", notes, **row) == traffic
    assert read("request_rate", notes, **row) == rate


@pytest.mark.parametrize(
    ("notes", "row", "requests"),
    [
        ("200 prompts", {"concurrency": "16"}, "200"),
        ("1000 ShareGPT requests", {"concurrency": "16"}, "1000"),
        ("16 prompts", {"concurrency": "16"}, "16"),
        ("15 prompts", {"concurrency": "16"}, ""),
        ("1 requests", {"concurrency": "1"}, ""),
        ("17 prompts", {"concurrency": "16"}, "17"),
        ("", {"concurrency": "16"}, ""),
        ("InferenceX silicon run", {"concurrency": "16"}, "160"),
        ("InferenceX sweep 1k/1k", {"concurrency": "16"}, "160"),
        ("silicon run", {}, ""),
        ("static batch of 500 prompts", {"concurrency": "32"}, "32"),
        ("40 requests, request_rate=4", {}, "40"),
        ("request_rate=4", {}, ""),
    ],
)
def test_requests_are_counted_where_the_run_was_finite(notes: str, row: dict[str, str], requests: str) -> None:
    assert read("requests", notes, **row) == requests


def test_an_overview_of_tensorrt_queues_its_own_counts() -> None:
    row = {"kind": "throughput_max", "input_tokens": "2048", "output_tokens": "128"}
    assert read("requests", engine="TensorRT-LLM", engine_version="1.1", **row) == "3000"
    assert read("requests", engine="vLLM", **row) == ""
    assert read("requests", "500 requests", engine="TensorRT-LLM", engine_version="1.1", **row) == "500"


def test_every_measured_length_of_an_overview_has_its_count() -> None:
    """TensorRT-LLM's page queues 30,000, 3,000, 1,500 or 1,000 requests, fewer of longer ones."""
    with EVIDENCE.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    loads = {
        (int(row["input_tokens"]), int(row["output_tokens"]))
        for row in rows
        if "tensorrt" in row["engine"].lower() and row["kind"] == "throughput_max" and row.get("input_tokens")
    }
    assert set(QUEUED_PROMPTS) <= loads
    assert set(QUEUED_PROMPTS.values()) == {30_000, 3_000, 1_500, 1_000}
    assert all(
        tokens in {128, 500, 5000, 20_000} or tokens % 1000 == 0 or tokens & (tokens - 1) == 0
        for load in QUEUED_PROMPTS
        for tokens in load
    )


@pytest.mark.parametrize(
    ("column", "notes", "value"),
    [
        ("lengths", "ShareGPT conversations", "sharegpt"),
        ("lengths", "random tokens", ""),
        ("length_variation", "ShareGPT conversations", "1"),
        ("length_variation", "random tokens", ""),
        ("max_num_seqs", "--max-num-seqs 256", "256"),
        ("max_num_batched_tokens", "--chunked-prefill-size=8192", "8192"),
        ("max_num_batched_tokens", "--max_num_tokens 16384", "16384"),
        ("max_model_len", "--context-length=32768", "32768"),
        ("max_model_len", "--max_seq_len=40960", "40960"),
        ("memory_utilization", "--mem-fraction-static=0.85", "0.85"),
        ("memory_utilization", "--mem-fraction-static 0.8.5", ""),
        ("max_num_seqs", "max_running_requests=64", "64"),
        ("max_num_seqs", "max-batch-size = 8", "8"),
        ("max_num_seqs", "max-num-seqs 0", ""),
        ("max_model_len", "--max-model-len 32768", "32768"),
        ("max_model_len", "context of 32768", ""),
        ("max_num_batched_tokens", "max_num_batched_tokens=8192", "8192"),
        ("max_num_batched_tokens", "8192 tokens", ""),
        ("max_num_batched_tokens", "CUDA, ubatch 2048, fa 1", "2048"),
        ("memory_utilization", "--gpu-memory-utilization 0.95", "0.95"),
        ("memory_utilization", "gpu_memory_utilization=1.0", "1.0"),
        ("memory_utilization", "gpu_memory_utilization=1.5", ""),
        ("admission_steps", "--scheduler-recv-interval 30", "30"),
        ("admission_steps", "batch_wait_timeout_iters: 20", ""),
        ("admission_steps", "batch_wait_timeout_iters 20", "20"),
        ("admission_steps", "attention_dp_config timeout_iters 60", "60"),
        ("admission_steps", "stream-interval 30", ""),
        ("enforce_eager", "--enforce-eager", "yes"),
        ("enforce_eager", "graphs captured", ""),
        ("prefix_caching", "silicon run measured 2026-03", "no"),
        ("prefix_caching", "flags: --no-enable-prefix-caching", "no"),
        ("prefix_caching", "random tokens", ""),
        ("dcp", "decode context parallelism 4", "4"),
        ("dcp", "dcp=2", "2"),
        ("dcp", "tp=2", ""),
        ("tpot_is", "tpot is median ITL", "median"),
        ("tpot_is", "tpot from request latency over its tokens", "request"),
        ("tpot_is", "", "mean"),
        ("excluded", "DISAGGREGATED: prefill elsewhere", "disaggregated"),
        ("excluded", "OUTLIER", "defect"),
        ("excluded", "INCONSISTENT with the chart", "inconsistent"),
        ("excluded", "SPECULATIVE", "speculative"),
        ("excluded", "no outlier", ""),
    ],
)
def test_a_column_is_what_its_words_say(column: str, notes: str, value: str) -> None:
    assert read(column, notes) == value


@pytest.mark.parametrize(
    ("model", "accelerator", "users", "steps"),
    [
        ("deepseek-ai/DeepSeek-R1", "b200-sxm", "4", "10"),
        ("Qwen/Qwen3.5-397B-A17B", "b300-sxm", "16", "30"),
        ("deepseek-ai/DeepSeek-R1", "h200-sxm", "16", ""),
        ("zhipuai/GLM-5", "b200-sxm", "16", ""),
    ],
)
def test_servers_of_inferencex_on_blackwell_look_for_requests_once_in_a_while(
    model: str, accelerator: str, users: str, steps: str
) -> None:
    run = {"engine": "SGLang", "model_id": model, "accelerator_id": accelerator, "concurrency": users}
    assert read("admission_steps", "silicon run measured 2026-03-25", **run) == steps
    assert read("admission_steps", "3 users at once", **run) == ""


def test_llama_batched_bench_makes_room_for_its_sequences() -> None:
    assert read("max_num_seqs", "llama-batched-bench PP 512 TG 32 B 8", concurrency="8") == "8"


def test_servers_of_ml_energy_hold_their_users_and_sample_as_the_model_asks() -> None:
    assert read("max_num_seqs", "concurrency = max_num_seqs", concurrency="96") == "96"
    assert read("max_num_seqs", "concurrency = max_num_seqs", concurrency="") == ""
    assert read("max_num_seqs", "max_num_seqs=32, concurrency = max_num_seqs", concurrency="96") == "32"
    assert read("sampling", engine_version="ML.ENERGY v3", model_id="Qwen/Qwen3-8B") == "top-p"
    assert read("sampling", engine_version="ML.ENERGY v3", model_id="openai/gpt-oss-20b") == ""
    assert read("sampling", model_id="Qwen/Qwen3-8B") == ""


@pytest.mark.parametrize(
    ("kind", "engine", "concurrency", "notes", "rate_is"),
    [
        ("single_stream_decode", "llama.cpp", "", "", "decode"),
        ("single_stream_decode", "llama.cpp", "1", "", "decode"),
        ("single_stream_decode", "llama.cpp", "2", "", "request"),
        ("single_stream_decode", "llama.cpp", "1", "incl. prefill", "request"),
        ("single_stream_decode", "NIM", "1", "", "request"),
        ("online", "llama.cpp", "8", "", "request"),
        ("online", "vLLM", "8", "rate of the decode phase", "decode"),
        ("online", "vLLM", "32", "tokens/s per request", "decode"),
    ],
)
def test_a_single_stream_prints_the_rate_of_decoding(
    kind: str, engine: str, concurrency: str, notes: str, rate_is: str
) -> None:
    assert read("rate_is", notes, kind=kind, engine=engine, concurrency=concurrency) == rate_is


def test_an_upload_is_served_as_its_page_says() -> None:
    """DeepSeek in AWQ: VLLM_USE_V1=0, and batches that begin together, timed without their prompts."""
    page = {"engine_version": "2025-04", "source": "huggingface.co/QuixiAI/DeepSeek-V3-0324-AWQ", "concurrency": "32"}
    assert read("profile", **page) == "vllm@0.7"
    assert read("traffic", "tokens/s per request", **page) == "burst"
    assert read("requests", "tokens/s per request", **page) == "32"
    assert read("profile", **page | {"engine": "DeepSpeed"}) == "", "the page says it of vLLM alone"


def test_what_the_row_states_comes_first() -> None:
    assert read("requests", "200 prompts", concurrency="16", requests="48") == "48"
    assert re.fullmatch(r"vllm@.*", read("profile", "sglang"))


@pytest.mark.parametrize(
    ("notes", "share", "variation"),
    [
        ("InferenceX/AIC silicon run measured 2026-03-20; moe_tp=8", "0.9", "0.064"),
        ("InferenceX sweep 1k/1k, closed loop", "0.9", "0.064"),
        ("InferenceX/AIC silicon run; moe_tp=1", "", ""),
        ("ShareGPT", "", "1"),
    ],
)
def test_inferencex_draws_lengths_from_eight_tenths_of_what_is_printed(notes: str, share: str, variation: str) -> None:
    assert (read("length_share", notes), read("length_variation", notes)) == (share, variation)
    assert read("length_variation", notes, length_share="1") == ("" if share else variation)
