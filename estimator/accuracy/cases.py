"""What a measured serving case asked of which engine: one row read into the estimator's own terms."""

import re
from typing import NamedTuple

from estimator.accuracy.score import Row, number, text
from estimator.errors import InputError
from estimator.hardware.devices import Accelerator
from estimator.layout import Layout
from estimator.models.architecture import Architecture
from estimator.models.formats import LINEAR, WEIGHT_FORMATS, CacheFormat, WeightFormat, cache_format, weight_format
from estimator.models.mixers import Attention
from estimator.models.mlps import MixtureOfExperts

BLACKWELL = frozenset({"b200-sxm", "b300-sxm", "gb200", "gb300"})
"""Published recipes for these cache in 8 bit wherever the weights have 8 bit or fewer."""
NVL72 = frozenset({"gb200", "gb300"})
TASK_INPUT_TOKENS = {"chat": 140, "gpqa": 230, "code": 420}
"""Prompts of the ML.ENERGY tasks, whose lengths are not published: rounded means of the public data sets."""
UNSTATED_INPUT_TOKENS = 160
QUEUED_PROMPTS = {
    (128, 128): 30_000, (128, 2048): 3_000, (128, 4096): 1_500, (500, 2000): 3_000, (1000, 1000): 3_000,
    (1000, 2000): 1_500, (1024, 1024): 3_000, (1024, 8192): 1_500, (1024, 32768): 1_000, (2048, 128): 3_000,
    (2048, 2048): 1_500, (5000, 500): 1_500, (8192, 1024): 1_500, (20000, 2000): 1_000, (32768, 1024): 1_000,
}  # fmt: skip
"""Requests queued in TensorRT-LLM overviews (1.0 and later, "Preparing a dataset"), by prompt and output tokens."""
SMALL_DEVICE_GB, SMALL_BATCH = 70, 256
MOST_TOKENS = 10_000_000
MOST_REQUESTS = 1_000_000
MOST_RANKS = 10_000
UNSTATED_OUTPUT_TOKENS = 128


class Lengths(NamedTuple):
    input_tokens: int
    output_tokens: int


_CLASSES = (
    (r"vllm.?neuron", "neuron"),
    (r"neuron", "neuron-static"),
    (r"llama\.?cpp|ollama|gguf|koboldcpp|lm studio", "llamacpp"),
    (r"nim\b", "nim"),
    (r"sglang", "sglang"),
    (r"tgi|text.generation.inference", "tgi"),
    (r"lmdeploy|turbomind", "lmdeploy"),
    (r"gpt-fast", "gptfast"),
    (r"gemv", "awq-gemv"),
    (r"awq|exllama|tinychat|mlc|marlin|bitsandbytes", "local-w4"),
    (r"transformers|^hf\b|accelerate", "transformers"),
)


def engine_class(row: Row) -> str:
    """Key of the engine constants that a row's engine, version and kind call for."""
    engine, version = text(row, "engine").lower(), text(row, "engine_version").lower()
    for pattern, name in _CLASSES:
        if re.search(pattern, engine):
            return name
    if "tensorrt" in engine or "trt" in engine:
        return _tensorrt_class(version, text(row, "kind"))
    return _vllm_class(engine, version, text(row, "base_model_id") or text(row, "model_id"))


def _tensorrt_class(version: str, kind: str) -> str:
    release = _release(version)
    if release and release < (0, 9):
        return "trt-0.5"
    if kind != "throughput_max":
        return "trt-serve"
    if release and release < (1, 0):
        return "trt-0.12"
    return "trt-1" if release == (1, 0) else "trt-1.x"


def _vllm_class(engine: str, version: str, model: str) -> str:
    """ML.ENERGY samples as a model's own configuration asks, gpt-oss without top-p; benchmark clients are greedy.

    What states no version in 2025 is taken to sample too.
    """
    if "rocm" in engine:
        return "vllm-rocm"
    if "ml.energy" in version:
        return "vllm-0.11-plain" if "gpt-oss" in model.lower() else "vllm-0.11"
    release, year = _release(version), re.search(r"20(\d\d)-(\d\d)", version)
    if release:
        return "vllm-v0" if release < (0, 8) else "vllm"
    if year and int(year[1]) <= 25:
        return "vllm-v0" if int(year[1]) <= 24 else "vllm-0.11"
    return "vllm"


def _release(version: str) -> tuple[int, int] | None:
    release = re.search(r"(?<![\d.])v?(\d+)\.(\d+)", version)
    return (int(release[1]), int(release[2])) if release and int(release[1]) < 10 else None


def layout(row: Row, architecture: Architecture) -> Layout:
    """Ranks of one engine. Raises InputError where the columns contradict the device count."""
    count = int(in_range("accelerator_count", number(row, "accelerator_count") or 0, MOST_RANKS))
    tp, pp, ep, dp = (int(in_range(each, number(row, each) or 0, MOST_RANKS)) for each in ("tp", "pp", "ep", "dp"))
    pp, dp = max(pp, 1), max(dp, 1)
    neuron = "neuron" in text(row, "engine").lower()
    if not tp:
        tp = max(count // (pp * dp), 1)
    if tp == 1 and pp == 1 and dp == 1 and ep > 1 and architecture:
        tp = ep  # attention is tensor-parallel over the same ranks
    if min(tp, pp, dp) < 1 or (count and not neuron and tp * pp * dp > count * max(tp, 1)):
        raise InputError("tp", f"tp {tp} x pp {pp} x dp {dp} on {count} devices")
    if not architecture.is_moe:
        return Layout(tp=tp, pp=pp, ep=1, dp=dp)
    if tp > 1 and dp == 1 and engine_class(row) == "trt-1":
        return Layout(tp=1, pp=pp, ep=tp, dp=tp)  # its overview copies the attention of every mixture of experts
    return Layout(tp=tp, pp=pp, ep=min(max(ep, 1), tp * dp), dp=dp)


def default_batch(engine: str, device: Accelerator, most: float) -> float:
    """Sequences an engine runs at once where nobody asks: vLLM's max_num_seqs is smaller on small devices."""
    return SMALL_BATCH if engine.startswith("vllm") and device.memory_sold_gb < SMALL_DEVICE_GB else most


def machine_devices(row: Row) -> int:
    """Devices that share the fast links; 0 is all of them."""
    return 72 if text(row, "accelerator_id") in NVL72 else 0 if "neuron" in text(row, "engine").lower() else 8


def lengths(row: Row) -> Lengths:
    """Prompt and output tokens: as stated, as the printed rates imply, or what the task is known for."""
    given, wanted = number(row, "input_tokens"), number(row, "output_tokens")
    requests, output, total = (number(row, f"{each}_per_s") for each in ("requests", "output_tokens", "total_tokens"))
    if requests and output and total and total > output:
        given = given or (total - output) / requests
        wanted = wanted or output / requests
    notes = text(row, "notes").lower()
    if given is None:
        given = next((tokens for task, tokens in TASK_INPUT_TOKENS.items() if task in notes), UNSTATED_INPUT_TOKENS)
    given = in_range("input_tokens", given, MOST_TOKENS)
    wanted = in_range("output_tokens", wanted or UNSTATED_OUTPUT_TOKENS, MOST_TOKENS)
    return Lengths(max(int(given), 1), max(int(wanted), 1))


def in_range(column: str, value: float, most: float) -> float:
    """The value of a column; raises InputError below 0 or above `most`."""
    if not 0 <= value <= most:
        raise InputError(column, f"{value:g} is out of range, expected 0 to {most:,}")
    return value


def concurrency(row: Row) -> float | None:
    """Requests in flight or in one static batch; None where the row does not say. Raises InputError."""
    stated = number(row, "concurrency")
    return None if stated is None else max(in_range("concurrency", stated, MOST_REQUESTS), 1.0)


class Arrivals(NamedTuple):
    """A benchmark that sends so many prompts at a rate, whatever has been answered."""

    requests_per_s: float
    prompts: float


def arrivals(row: Row) -> Arrivals | None:
    """The request rate of a row that was not held at a concurrency."""
    notes = text(row, "notes").lower()
    rate = re.search(r"request[_ ]rate\s*=?\s*(\d{1,6}(?:\.\d{1,6})?)", notes)
    if rate is None or float(rate[1]) == 0:
        return None
    prompts = re.search(r"([1-9]\d{0,7}) (?:prompts|requests)", notes)
    return Arrivals(float(rate[1]), float(prompts[1]) if prompts else 1000.0)


def queued_prompts(row: Row) -> int:
    """How many equal requests a published maximum load had queued at once; 0 where nobody says."""
    return QUEUED_PROMPTS.get(lengths(row), 0) if engine_class(row) in ("trt-0.12", "trt-1", "trt-1.x") else 0


def dcp(row: Row) -> int:
    """Ranks that share a sequence's tokens: decode context parallelism stands in the notes."""
    stated = re.search(r"(?:decode context parallel(?:ism)?|\bdcp)\s*=?\s*([1-9]\d{0,3})\b", text(row, "notes").lower())
    return int(stated[1]) if stated else 1


def weights(row: Row, architecture: Architecture) -> WeightFormat:
    """The weight format as that engine's checkpoints of that architecture use it. Raises InputError."""
    named = text(row, "weight_format").lower() or "bf16"
    model = f"{text(row, 'model_id')} {text(row, 'base_model_id')}".lower()
    if "gpt-oss" in model and named in ("fp8", "bf16", "mxfp4"):
        return weight_format("mxfp4")
    if named == "fp8":
        return weight_format("fp8-block" if _block_scaled(model, architecture) else "fp8")
    if named == "int8":
        return weight_format("int8-wo")
    stored = WEIGHT_FORMATS.get(named) or next((each for key, each in _FAMILIES if re.search(key, named)), None)
    if stored is None:
        raise InputError("weight_format", f"unknown format {named!r}")
    if stored.id == "nvfp4" and _keeps_attention(architecture):
        return stored._replace(quantises=LINEAR - {"attention"})
    if stored.kernel == "i4" and stored.id.startswith("int4") and _latent(architecture) and architecture.is_moe:
        return stored._replace(quantises=frozenset({"expert"}))
    return stored


_FAMILIES = (
    (r"^(f|bf|fp)?(loat)?16|bfloat16|half", WEIGHT_FORMATS["bf16"]),
    (r"fp4", WEIGHT_FORMATS["nvfp4"]),
    (r"gptq", WEIGHT_FORMATS["int4-gptq"]),
    (r"int4|w4|awq|exl2-4|4bit|4-bit", WEIGHT_FORMATS["int4-awq"]),
    (r"exl2-5", WEIGHT_FORMATS["gguf-q5_k_s"]),
    (r"exl2-[67]", WEIGHT_FORMATS["gguf-q6_k"]),
    (r"int8|w8a16|8bit|8-bit", WEIGHT_FORMATS["int8-wo"]),
    (r"fp8|w8a8|e4m3", WEIGHT_FORMATS["fp8"]),
    (r"q8", WEIGHT_FORMATS["gguf-q8_0"]),
    (r"q6", WEIGHT_FORMATS["gguf-q6_k"]),
    (r"q5", WEIGHT_FORMATS["gguf-q5_k_m"]),
    (r"iq4|q4", WEIGHT_FORMATS["gguf-q4_k_m"]),
    (r"q3", WEIGHT_FORMATS["gguf-q3_k_m"]),
    (r"q2|iq2", WEIGHT_FORMATS["gguf-q2_k"]),
    (r"iq1|q1", WEIGHT_FORMATS["gguf-iq1_s"]),
)


def cache(row: Row, engine: str, architecture: Architecture) -> CacheFormat:
    """The cache format that is stated, or what the engine does with such weights."""
    stated = text(row, "kv_format").lower()
    named = text(row, "weight_format").lower()
    if stated:
        return cache_format("fp8" if "8" in stated and "16" not in stated else "bf16")
    blackwell = text(row, "accelerator_id") in BLACKWELL
    # vendors' tables of maximum load run checkpoints as they come, and those in mxfp4 say nothing of the cache
    recipe = blackwell and text(row, "kind") != "throughput_max"
    low = named in ("fp8", "nvfp4") or (named == "mxfp4" and recipe)
    if low and (blackwell or engine.startswith(("trt", "nim")) or (engine == "vllm" and not architecture.is_moe)):
        return cache_format("fp8")
    return cache_format("bf16")


def _block_scaled(model: str, architecture: Architecture) -> bool:
    """Checkpoints released in 128 x 128 blocks: DeepSeek, MiniMax, GLM, Kimi, and Qwen's own FP8."""
    return bool(re.search(r"deepseek|minimax|glm|kimi", model) or ("qwen" in model and "-fp8" in model))


def _latent(architecture: Architecture) -> bool:
    return any(
        group.layer.mixer and not isinstance(group.layer.mixer, Attention) and group.layer.mixer.cache_width
        for group in architecture.groups
    )


def _keeps_attention(architecture: Architecture) -> bool:
    """NVFP4 checkpoints of latent, linear-attention and 256-expert models leave attention in 16 bit."""
    experts = [
        group.layer.mlp.experts for group in architecture.groups if isinstance(group.layer.mlp, MixtureOfExperts)
    ]
    linear = any(group.layer.mixer and group.layer.mixer.state_elements for group in architecture.groups)
    return linear or _latent(architecture) or max(experts, default=0) >= 256
