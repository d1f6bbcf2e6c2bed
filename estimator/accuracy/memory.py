"""Memory rows: what an engine printed when it started, and whole-process footprints, against our budget."""

import re

from estimator.accuracy.memory_case import MemoryCase, memory_case
from estimator.accuracy.score import Context, Row, Score, number, scored, text, unscored
from estimator.engines import version_key
from estimator.errors import InputError
from estimator.evaluation import Band
from estimator.formats import WeightFormat
from estimator.parallelism import divisors
from estimator.serving_memory import ServingMemory, compile_memory
from estimator.serving_memory.ggml import compute_buffer_bytes, ggml_cache_bytes
from estimator.serving_memory.laid import Rank
from estimator.tensors import parameters
from estimator.units import GIB, MIB

BANDS = {
    "weights_gib_per_gpu": 0.02,
    "activation_peak_gib": 0.06,
    "non_torch_gib": 0.25,
    "cudagraph_gib": 0.25,
    "kv_available_gib_per_gpu": 0.02,
    "kv_tokens": 0.02,
    "capacity_tokens": 0.02,
    "kv_gib_for_tokens": 0.01,
    "total_peak_as_printed": 0.07,
    "fits": 0.0,
}
"""Half-width of the 80 % band of each figure, as a fraction; by rule, from the spread of repeated start-ups."""
METRICS = tuple(BANDS)
FITS_SLACK = 0.02
"""Of the device's memory: a start-up this close to the limit still counts as fitting."""
CAPACITY_LINE = (0, 20)
"""From here vLLM's token line is concurrency times the model length; before, blocks of one group."""
AWQ_OVERHEAD = 1.09
"""AutoAWQ's process over its weights, one factor for all its published tables."""
STEP_TOKENS = 512
"""llama.cpp's default n_ubatch."""
EAGER_SCORE_BYTES = 8
"""Attention scores of one layer without a fused kernel: float32 scores and their softmax."""
LEGACY_CACHES = 2
"""Before DynamicCache every step built all layers' cache anew while the last one was still held."""
EAGER_LOGIT_BYTES = 8
"""Logits of every prompt token: in 16 bit, in float32 and in a shifted copy."""


class Missing(Exception):
    """A figure can not be predicted from this row; the message is the reason."""


def score(row: Row, context: Context) -> list[Score]:
    """Every figure of the row: predicted, or the reason why not."""
    measured = _measured(row)
    try:
        case = memory_case(row, context)
    except InputError as error:
        return [unscored(row, metric, value, "unsupported", str(error)) for metric, value in measured.items()]
    scores = []
    for metric, value in measured.items():
        try:
            predicted = predict(row, metric, case)
        except Missing as reason:
            scores.append(unscored(row, metric, value, "skipped", str(reason)))
        else:
            width = BANDS[metric]
            band = Band(predicted * (1 - width), predicted, predicted * (1 + width))
            scores.append(scored(row, metric, value, band))
    return scores


def predict(row: Row, metric: str, case: MemoryCase) -> float:
    """One figure in its column's unit. Raises Missing."""
    if metric == "kv_gib_for_tokens":
        return _cache_size(row, case) / GIB
    if case.problem:
        raise Missing(case.problem)
    if metric == "total_peak_as_printed":
        return _process_total(row, case)
    if metric in ("kv_tokens", "capacity_tokens"):
        return _tokens(row, metric, case)
    if metric == "fits":
        return _fits(row, case)
    if not text(row, "tp"):
        raise Missing("the number of ranks is not in the row")
    if metric == "activation_peak_gib" and case.engine.id == "llamacpp":
        return _compute_buffer(row, case) / GIB
    memory = _start_up(case, device_needed=metric != "weights_gib_per_gpu")
    if metric == "weights_gib_per_gpu":
        return max(rank.weights + rank.buffers for rank in memory.laid.ranks) / GIB
    _refuse_unstated_settings(row, metric)
    if metric == "activation_peak_gib":
        return max(rank.activation for rank in memory.laid.ranks) / GIB
    if metric == "non_torch_gib":
        return memory.tightest.runtime / GIB
    if metric == "cudagraph_gib":
        return max(rank.graphs for rank in memory.laid.ranks) / GIB
    return _pool_bytes(row, case) / GIB


def _measured(row: Row) -> dict[str, float]:
    found = {metric: value for metric in BANDS if (value := number(row, metric)) is not None}
    total = re.match(r"([\d.]+)\s*[GM]i?B", text(row, "total_peak_as_printed"))
    if total:
        found["total_peak_as_printed"] = float(total[1])
    if text(row, "engine").lower() == "vllm" and (
        "weights_gib_per_gpu" in found or "kv_available_gib_per_gpu" in found
    ):
        refused = text(row, "record_kind") == "error_message" or "refused" in text(row, "quantity_notes")
        found["fits"] = 0.0 if refused else 1.0
    return found


def _start_up(case: MemoryCase, device_needed: bool = True) -> ServingMemory:
    if case.device is None and device_needed:
        raise Missing("neither the device nor its memory is in the row")
    return compile_memory(
        case.model, case.weights, case.cache, case.layout, case.device or case.any_device, case.engine, case.settings
    )


def _refuse_unstated_settings(row: Row, metric: str) -> None:
    notes = text(row, "quantity_notes").lower()
    if metric == "non_torch_gib" and "before start" in notes:
        raise Missing("the printed figure includes memory used before start")
    if metric == "cudagraph_gib" and ("free-memory change" in notes or "eager" in notes):
        raise Missing("the printed figure is a change of free memory, not the graphs")
    if metric == "kv_available_gib_per_gpu" and "before start" in notes:
        raise Missing("the pool is short of memory used before start")
    if metric in ("activation_peak_gib", "kv_available_gib_per_gpu") and "many sequences" in notes:
        raise Missing("max_num_seqs was set by the user and is not in the row")
    if metric in ("activation_peak_gib", "kv_available_gib_per_gpu") and "vision encoder profile" in notes:
        raise Missing("the vision encoder's profile decides, and the configuration does not describe the encoder")


def _pool_bytes(row: Row, case: MemoryCase) -> float:
    """What our budget leaves for the cache, on the stage that prints it: the first."""
    _refuse_unstated_settings(row, "kv_available_gib_per_gpu")
    if not text(row, "tp"):
        raise Missing("the number of ranks is not in the row")
    if not text(row, "gpu_memory_utilization"):
        raise Missing("gpu_memory_utilization is not in the row")
    memory = _start_up(case)
    first = memory.laid.ranks[0]
    return memory.pool_bytes + _spent(memory.tightest) - _spent(first)


def _spent(rank: Rank) -> float:
    return rank.weights + rank.buffers + rank.activation + rank.runtime


def _tokens(row: Row, metric: str, case: MemoryCase) -> float:
    """The engine's token line, from our own pool; from the printed one where the row lacks what the pool needs."""
    if text(row, "record_kind") == "error_message":
        raise Missing("the tokens of an error message are the request, not the pool")
    if number(row, "kv_gib_for_tokens") is not None:
        raise Missing("the tokens are what kv_gib_for_tokens is the size of")
    if not text(row, "kv_dtype") and case.weights.quantises:
        raise Missing("the cache format of a quantised checkpoint is not in the row")
    if case.engine.id == "trtllm" and not text(row, "max_num_seqs"):
        raise Missing("the batch that the engine was built for is not in the row")
    printed = number(row, "kv_available_gib_per_gpu")
    memory = _start_up(case, device_needed=False)
    try:
        _pool_bytes(row, case)
        pages = memory.pages
    except Missing:
        if printed is None:
            raise
        pages = int(printed * GIB // memory.laid.pool.page_bytes)
    return tokens_of(memory, pages, metric, text(row, "engine_version"))


def tokens_of(memory: ServingMemory, pages: int, metric: str, version: str) -> float:
    """Tokens of so many pages, as the engine counts them."""
    pool, length = memory.laid.pool, memory.max_model_len or memory.model.architecture.max_context
    if metric == "kv_tokens" and (pool.groups == 1 or (0,) < version_key(version) < CAPACITY_LINE):
        return pages // pool.groups * memory.engine.memory.block_tokens
    if not length:
        raise Missing("max_model_len is not in the row")
    return pages / pool.pages(length) * length * memory.layout.dp


def _cache_size(row: Row, case: MemoryCase) -> float:
    """Bytes of the cache of so many tokens: on one rank, or over all devices for llama.cpp."""
    cells = number(row, "kv_tokens")
    if not cells:
        raise Missing("the tokens are not in the row")
    if case.engine.id == "llamacpp":
        return _ggml_cache(row, case, int(cells))
    if not text(row, "kv_dtype") and case.weights.quantises:
        raise Missing("the cache format of a quantised checkpoint is not in the row")
    memory = _start_up(case, device_needed=False)
    if text(row, "record_kind") == "error_message":
        return memory.laid.pool.page_bytes * memory.laid.pool.pages(int(cells))
    return cells * sum(kind.layers * kind.token_bytes for kind in memory.laid.kinds)


def _ggml_cache(row: Row, case: MemoryCase, cells: int) -> float:
    """One printed type is a compressed latent cache; `K … / V …` are two caches."""
    said, notes = text(row, "kv_dtype").lower(), text(row, "quantity_notes")
    if "sliding-window part only" in notes:
        raise Missing("the figure is the window's part of the cache")
    two = re.match(r"k (\w+) / v (\w+)", said)
    key, value = (two[1], two[2]) if two else (said, said)
    mainline = "compressed MLA cache" in notes
    try:
        return ggml_cache_bytes(case.model.architecture, cells, key, value, not two or mainline, mainline)
    except InputError as error:
        raise Missing(str(error)) from error


def _compute_buffer(row: Row, case: MemoryCase) -> float:
    notes, cells = text(row, "quantity_notes"), number(row, "kv_tokens")
    if not cells:
        raise Missing("the cells of the cache are not in the row")
    step = re.search(r"n_ubatch=(\d+)", notes)
    return compute_buffer_bytes(
        case.model.architecture, int(step[1]) if step else STEP_TOKENS, int(cells), "flash_attn=1" in notes
    )


def _process_total(row: Row, case: MemoryCase) -> float:
    """Peak of a process without a pool: weights and the cache of the whole batch, in the printed unit."""
    unit = MIB if "M" in text(row, "total_peak_as_printed") else GIB
    if case.engine.id != "transformers":
        raise Missing("a file's or a device's total is not an engine's budget")
    notes, batch = text(row, "quantity_notes").lower(), int(number(row, "max_num_seqs") or 1)
    prompt, tokens = _tokens_held(row)
    memory = _start_up(case, device_needed=False)
    architecture = case.model.architecture
    per_device = "per gpu" in notes
    stages = [sum(part.value for part in rank.parts) for rank in memory.laid.ranks]
    weights = max(stages) if per_device else sum(stages)
    if architecture.tied and _stores_head_twice(case.weights):
        weights += parameters(architecture.embedding) * case.weights.rest_bits / 8
    share = max(rank.layers for rank in memory.laid.ranks) if per_device else 1.0
    caches = LEGACY_CACHES if "generating" in notes and not text(row, "engine_version") else 1
    held = weights + memory.laid.pool.page_bytes * memory.laid.pool.pages(tokens) * batch * share * caches
    if "awq" in text(row, "engine").lower():
        held += weights * (AWQ_OVERHEAD - 1) + _scores(case, prompt, batch)
    elif "peak inference memory" in notes:
        held += _scores(case, prompt, batch) + batch * prompt * architecture.vocabulary * EAGER_LOGIT_BYTES
    return held / unit


def _scores(case: MemoryCase, prompt: int, batch: int) -> float:
    """Attention scores of one layer over a whole prompt, without a fused kernel."""
    heads = divisors(case.model.architecture).heads
    return batch * heads * prompt * prompt * EAGER_SCORE_BYTES


def _stores_head_twice(weights: WeightFormat) -> bool:
    """FP8 files of tied models hold the head beside the embedding."""
    return weights.id.startswith("fp8")


def _tokens_held(row: Row) -> tuple[int, int]:
    """(prompt, whole sequence) in tokens."""
    steps = re.search(r"prefill (\d+), decode (\d+)", text(row, "quantity_notes"))
    if steps:
        return int(steps[1]), int(steps[1]) + int(steps[2])
    length = number(row, "max_model_len")
    if not length:
        raise Missing("the sequence length is not in the row")
    return int(length), int(length)


def _fits(row: Row, case: MemoryCase) -> float:
    """1 where one sequence of the model length fits, within FITS_SLACK of the device's memory."""
    length = number(row, "max_model_len")
    if not length:
        raise Missing("max_model_len is not in the row")
    _pool_bytes(row, case)
    if not text(row, "kv_dtype") and case.weights.quantises:
        raise Missing("the cache format of a quantised checkpoint is not in the row")
    memory = _start_up(case)
    slack = FITS_SLACK * memory.usable_bytes if number(row, "kv_tokens") is not None else 0.0
    return float(memory.shortfall(int(length)) <= slack)
