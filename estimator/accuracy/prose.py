"""What a serving row says in prose, as columns: filled where a file has them not or leaves them empty.

The shipped file holds every column (docs/evidence-columns.md); a file of one's own may say it in `notes` instead, by
the phrases below. A phrase that is not listed decides nothing.
"""

import re
from collections.abc import Callable

from estimator.accuracy.score import Row, number, text

COLUMNS = (
    "profile",
    "traffic",
    "requests",
    "request_rate",
    "lengths",
    "length_share",
    "length_variation",
    "max_num_seqs",
    "max_model_len",
    "max_num_batched_tokens",
    "memory_utilization",
    "admission_steps",
    "enforce_eager",
    "prefix_caching",
    "sampling",
    "dcp",
    "tpot_is",
    "rate_is",
    "excluded",
)
"""What is filled, in the order of the shipped file."""

QUEUED_PROMPTS = {
    (128, 128): 30_000, (128, 2048): 3_000, (128, 4096): 1_500, (500, 2000): 3_000, (1000, 1000): 3_000,
    (1000, 2000): 1_500, (1024, 1024): 3_000, (1024, 8192): 1_500, (1024, 32768): 1_000, (2048, 128): 3_000,
    (2048, 2048): 1_500, (5000, 500): 1_500, (8192, 1024): 1_500, (20000, 2000): 1_000, (32768, 1024): 1_000,
}  # fmt: skip
"""Requests queued in TensorRT-LLM overviews (1.0 and later, "Preparing a dataset"), by prompt and output tokens."""
REQUESTS_A_USER = 10
"""What the clients of InferenceX send for every user they hold (num-prompts: concurrency x 10)."""
DRAWN = re.compile(r"silicon run measured|inferencex sweep")
"""InferenceX's own runs: its client draws lengths uniformly from 0.8 of what is printed to it (random-range-ratio)."""
DRAWN_SHARE, DRAWN_VARIATION = 0.9, 0.064
"""Mean and deviation of such lengths over what is printed, and over their mean."""
POLLED = re.compile(r"deepseek|qwen3\.5")
"""Models whose SGLang servers on Blackwell look for requests once in so many steps in InferenceX's launch scripts."""
POLLED_STEPS, POLLED_STEPS_OF_MANY, MANY_USERS = "10", "30", 16
HIGHEST_RATE = 1000.0
"""Requests per second from which on a client is taken to send everything at once."""

OLD_ENGINE = re.compile(r"quixiai|cognitivecomputations")
"""Pages of 2025 whose servers were started with VLLM_USE_V1=0."""
LAST_OLD_ENGINE = "0.7"
"""vLLM's last release whose engine that is by default."""
PER_REQUEST = "tokens/s per request"
"""How a page notes batches that begin together and are timed in decoding alone; it prints their prompts' rate apart."""
FIRST_SGLANG = "0.4"
"""SGLang's first release with a profile, which stands for main branches and nightly builds of 2025 and early 2026."""
FIRST_BUILD_OF_2025 = 4400
"""llama.cpp's, about (github.com/ggml-org/llama.cpp releases)."""

COMPILED = re.compile(r"batch ([1-9]\d{0,5}) compiled, max ([1-9]\d{1,7}) tokens")
"""How a page notes the batch and the length that a Neuron engine was compiled for."""

EXCLUSIONS = {
    "INCONSISTENT": "inconsistent",
    "OUTLIER": "defect",
    "SPECULATIVE": "speculative",
    "DISAGGREGATED": "disaggregated",
}
"""A flag in the notes -> the rule: the source contradicts itself, names a defect, or runs something of its own kind."""

_ENGINES = (
    (r"vllm.?neuron", "neuron@2.31"),
    (r"tgi.*neuron", "tgi-neuron@0.0"),
    (r"neuron", "neuron@2.18"),
    (r"ollama", "ollama"),
    (r"llama\.?cpp|gguf|koboldcpp|lm studio", "llamacpp"),
    (r"nim\b", "nim"),
    (r"lmdeploy|turbomind", "lmdeploy"),
    (r"gpt-fast", "gpt-fast"),
    (r"gemv", "autoawq-gemv"),
    (r"autoawq|tinychat", "autoawq"),
    (r"exllama", "exllama"),
    (r"transformers|^hf\b|accelerate", "transformers"),
)


def filled(row: Row) -> Row:
    """A measured row with every column of `COLUMNS`: as the row states it, else as the phrases of its notes imply."""
    return {**row, **{column: text(row, column) or _READERS[column](row) for column in COLUMNS}}


def profile(row: Row) -> str:
    """The engine profile of a measured row as `engine@version`; empty where no profile of the catalogue describes its
    stack.
    """
    engine, version = text(row, "engine").lower(), text(row, "engine_version").lower()
    for pattern, name in _ENGINES:
        if re.search(pattern, engine):
            return f"{name}@b2797" if name == "llamacpp" and _is_of_2024(version) else name
    if re.search(r"tgi|text.generation.inference", engine):
        return "tgi@1.0" if "2023" in version else "tgi@2.0"
    if "tensorrt" in engine or "trt" in engine:
        return _tensorrt(version, text(row, "kind"))
    if "sglang" in engine:
        return f"sglang@{_stated(version) or FIRST_SGLANG}"
    if "vllm" not in engine:
        return ""
    return f"vllm@{LAST_OLD_ENGINE if OLD_ENGINE.search(text(row, 'source').lower()) else _vllm_version(version)}"


def _tensorrt(version: str, kind: str) -> str:
    """Behind a server; or its own benchmark of maximum load, which feeds the engine without one."""
    release = _release(version)
    if (release and release < (0, 9)) or version.startswith("2024"):
        return "trtllm@0.5"
    if kind != "throughput_max":
        return "trtllm@0.20"
    if release and release < (1, 0):
        return "trtllm@0.9"
    return "trtllm-bench@1.0" if release == (1, 0) else "trtllm-bench@1.1"


def _is_of_2024(version: str) -> bool:
    """Whether a build of llama.cpp, by its number or year, is of 2024 or older."""
    build, year = re.search(r"\bb(\d{3,6})\b", version), re.search(r"\b(20\d\d)\b", version)
    if build:
        return int(build[1]) < FIRST_BUILD_OF_2025
    return year is not None and int(year[1]) <= 2024


def _vllm_version(version: str) -> str:
    """The stated release; else the one of that time: 0.6 of 2024, 0.6.3 of its last months, 0.8 of 2025, 0.18 after."""
    if "ml.energy" in version:
        return "0.11.1"
    date = re.search(r"\b20(\d\d)(?:-(\d\d))?\b", version)
    if stated := _stated(version):
        return stated
    if date and int(date[1]) <= 24:
        return "0.6.3" if (date[1], date[2] or "") >= ("24", "10") else "0.6"
    return "0.8" if date and int(date[1]) <= 25 else "0.18"


def _stated(version: str) -> str:
    """The release that a version states, `X.Y` or `X.Y.Z`; empty where it states none."""
    stated = re.search(r"(?<![\d.])v?(\d\.\d+(?:\.\d+)?)", version)
    return stated[1] if stated else ""


def _release(version: str) -> tuple[int, int] | None:
    major, _, rest = _stated(version).partition(".")
    return (int(major), int(rest.partition(".")[0])) if rest else None


def _traffic(row: Row) -> str:
    """closed, burst or rate; a maximum load, a static batch and what is sent at once are bursts."""
    rate, users = _stated_rate(row), number(row, "concurrency") or 1
    at_once = re.search(r"static batch|static inference|(?:prompts|requests)(?: sent)? at once", _notes(row))
    if text(row, "kind") == "throughput_max" or ((at_once or PER_REQUEST in _notes(row)) and users > 1):
        return "burst"
    if number(row, "concurrency") is None and rate is not None:
        return "burst" if rate >= HIGHEST_RATE else "rate"
    return "closed"


def _requests(row: Row) -> str:
    """How many requests were sent in all; empty is a steady state."""
    notes, users = _notes(row), number(row, "concurrency")
    stated = re.search(r"([1-9]\d{0,7}) (?:sharegpt )?(?:prompts|requests)", notes)
    if _traffic(row) != "closed":
        if users:
            return f"{users:.0f}"
        lengths = (int(number(row, "input_tokens") or 0), int(number(row, "output_tokens") or 0))
        overview = QUEUED_PROMPTS.get(lengths) if profile(row).startswith("trtllm") else None
        return stated[1] if stated else str(overview or "")
    if re.search("silicon run|inferencex sweep", notes) and users:
        return f"{users * REQUESTS_A_USER:.0f}"
    return stated[1] if stated and users and float(stated[1]) >= users > 1 else ""


def _request_rate(row: Row) -> str:
    rate = _stated_rate(row)
    return f"{rate:g}" if rate and _traffic(row) == "rate" else ""


def _stated_rate(row: Row) -> float | None:
    rate = re.search(r"request[_ ]rate\s*=?\s*(\d{1,6}(?:\.\d{1,6})?)", _notes(row))
    return float(rate[1]) if rate and float(rate[1]) else None


def _lengths(row: Row) -> str:
    return "sharegpt" if "sharegpt" in _notes(row) else ""


def _length_share(row: Row) -> str:
    return f"{DRAWN_SHARE:g}" if DRAWN.search(_notes(row)) else ""


def _length_variation(row: Row) -> str:
    """ShareGPT's conversations: prompts and answers deviate from their means by as much as these are."""
    if "sharegpt" in _notes(row):
        return "1"
    share = text(row, "length_share") or _length_share(row)
    return f"{DRAWN_VARIATION:g}" if share == f"{DRAWN_SHARE:g}" else ""


def _max_num_seqs(row: Row) -> str:
    """As stated among flags; ML.ENERGY's users are the limit that its servers were started with, and the sequences of
    llama-batched-bench are all it makes room for.
    """
    names = r"max[-_](?:num[-_]seqs|running[-_]requests|batch[-_]size)"
    stated = re.search(rf"(?:{names})[= ]+([1-9]\d{{0,5}})\b", _notes(row)) or COMPILED.search(_notes(row))
    users = number(row, "concurrency")
    if not stated and users and re.search(r"concurrency = max_num_seqs|llama-batched-bench", _notes(row)):
        return f"{users:.0f}"
    return stated[1] if stated else ""


def _max_model_len(row: Row) -> str:
    stated = re.search(r"(?:max[-_](?:model|seq)[-_]len|context[-_]length)[= ]+([1-9]\d{1,7})\b", _notes(row))
    compiled = COMPILED.search(_notes(row))
    return stated[1] if stated else compiled[2] if compiled else ""


def _max_num_batched_tokens(row: Row) -> str:
    """As stated among flags; llama.cpp's micro-batch is its own."""
    names = r"max[-_]num[-_]batched[-_]tokens|max[-_]num[-_]tokens|chunked[-_]prefill[-_]size|\bubatch"
    stated = re.search(rf"(?:{names})[= ]+([1-9]\d{{1,7}})\b", _notes(row))
    return stated[1] if stated else ""


def _memory_utilization(row: Row) -> str:
    names = r"gpu[-_]memory[-_]utilization|mem[-_]fraction[-_]static"
    stated = re.search(rf"(?:{names})[= ]+(0\.\d{{1,4}}|1(?:\.0{{1,4}})?)(?![\d.])", _notes(row))
    return stated[1] if stated else ""


def _admission_steps(row: Row) -> str:
    """SGLang's interval, and TensorRT-LLM's iterations for which prompts, or attention replicas, wait for others."""
    stated = re.search(r"(?:scheduler[-_]recv[-_]interval|timeout_iters)[= ]+([1-9]\d{0,4})\b", _notes(row))
    if stated:
        return stated[1]
    polled = DRAWN.search(_notes(row)) and "sglang" in text(row, "engine").lower() and POLLED.search(_model(row))
    if not polled or not re.match(r"g?b[23]00", text(row, "accelerator_id")):
        return ""
    return POLLED_STEPS_OF_MANY if (number(row, "concurrency") or 1) >= MANY_USERS else POLLED_STEPS


def _enforce_eager(row: Row) -> str:
    return "yes" if re.search(r"\benforce[-_]eager\b", _notes(row)) else ""


def _prefix_caching(row: Row) -> str:
    """InferenceX's servers keep none (--disable-radix-cache, --no-enable-prefix-caching)."""
    engine, notes = text(row, "engine").lower(), _notes(row)
    off = re.search(r"disable-radix-cache|no-enable-prefix-caching", notes) or DRAWN.search(notes)
    return "no" if off and re.search("vllm|sglang", engine) else ""


def _sampling(row: Row) -> str:
    """ML.ENERGY asks as a model's own configuration does: most by top-p, gpt-oss by neither."""
    return "top-p" if "ml.energy" in text(row, "engine_version").lower() and "gpt-oss" not in _model(row) else ""


def _dcp(row: Row) -> str:
    stated = re.search(r"(?:decode context parallel(?:ism)?|\bdcp)\s*=?\s*([1-9]\d{0,3})\b", _notes(row))
    return stated[1] if stated else ""


def _tpot_is(row: Row) -> str:
    """mean; median, of all gaps between tokens; request, a whole request's time over its tokens."""
    notes = _notes(row)
    if "request latency" in notes:
        return "request"
    return "median" if "median itl" in notes else "mean"


def _rate_is(row: Row) -> str:
    """decode: output tokens over the time of decoding alone, as single streams print them; request: over all of it."""
    counts_prompt = re.search(r"nim|lmdeploy|neuron", text(row, "engine").lower()) or "incl. prefill" in _notes(row)
    single = text(row, "kind") == "single_stream_decode" and (number(row, "concurrency") or 1) <= 1
    decoding = "decode phase" in _notes(row) or PER_REQUEST in _notes(row)
    return "decode" if (single and not counts_prompt) or decoding else "request"


def _excluded(row: Row) -> str:
    """The rule that keeps a row out of fits and summaries: what its source, not its residual, says of it."""
    flagged = re.search(r"\b(INCONSISTENT|OUTLIER|SPECULATIVE|DISAGGREGATED)\b", text(row, "notes"))
    return EXCLUSIONS[flagged[1]] if flagged else ""


def _model(row: Row) -> str:
    return f"{text(row, 'base_model_id')} {text(row, 'model_id')}".lower()


def _notes(row: Row) -> str:
    return text(row, "notes").lower()


_READERS: dict[str, Callable[[Row], str]] = {
    "profile": profile,
    "traffic": _traffic,
    "requests": _requests,
    "request_rate": _request_rate,
    "lengths": _lengths,
    "length_share": _length_share,
    "length_variation": _length_variation,
    "max_num_seqs": _max_num_seqs,
    "max_model_len": _max_model_len,
    "max_num_batched_tokens": _max_num_batched_tokens,
    "memory_utilization": _memory_utilization,
    "admission_steps": _admission_steps,
    "enforce_eager": _enforce_eager,
    "prefix_caching": _prefix_caching,
    "sampling": _sampling,
    "dcp": _dcp,
    "tpot_is": _tpot_is,
    "rate_is": _rate_is,
    "excluded": _excluded,
}
