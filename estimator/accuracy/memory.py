"""Memory rows: what an engine printed when it started, and whole-process footprints, against our budget."""

import re

from estimator.accuracy.footprint import compute_buffer, ggml_cache, process_total
from estimator.accuracy.memory_case import MemoryCase, Missing, memory_case, start_up
from estimator.accuracy.score import Context, Row, Score, number, scored, text, unscored
from estimator.engines.profiles import version_key
from estimator.errors import InputError
from estimator.results import Band
from estimator.serving.memory import ServingMemory
from estimator.units import GIB

BANDS = {
    "weights_gib_per_gpu": 0.02,
    "activation_peak_gib": 0.03,
    "non_torch_gib": 0.85,
    "cudagraph_gib": 0.61,
    "kv_available_gib_per_gpu": 0.04,
    "kv_tokens": 0.02,
    "capacity_tokens": 0.02,
    "kv_gib_for_tokens": 0.01,
    "total_peak_as_printed": 0.05,
    "fits": 0.0,
}
"""Half-width of the 80 % band of each figure, as a fraction, rounded up to a percent: what 80 % of the rows stay
within, a source weighing by the root of its rows. fitting/memory_bands.py works them out, and what they hold of sources
that were left out. Weights are the exception (1 % there): uploads of 2026 mix formats, and 5 of 8 lie within 1 %."""
METRICS = tuple(BANDS)
FITS_SLACK = 0.02
"""Share of the device's memory: a start-up this close to the limit still counts as fitting."""
CAPACITY_LINE = (0, 20, 1)
"""From this release vLLM's token line is concurrency times the model length; before, blocks of one group."""


def score(row: Row, context: Context) -> list[Score]:
    """Scores every memory figure that a row states: what our budget predicts for it, or the reason why it predicts
    nothing.
    """
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
    """One memory figure of a start-up, in the unit of its column. Raises Missing where the row does not
    determine it.
    """
    if metric == "kv_gib_for_tokens":
        return _cache_size(row, case) / GIB
    if case.problem:
        raise Missing(case.problem)
    if metric == "total_peak_as_printed":
        return process_total(row, case)
    if metric in ("kv_tokens", "capacity_tokens"):
        return _tokens(row, metric, case)
    if metric == "fits":
        return _fits(row, case)
    if not text(row, "tp"):
        raise Missing("the number of ranks is not in the row")
    if case.engine.id == "trtllm" and not (text(row, "quant") or text(row, "weight_dtype")):
        raise Missing("the weight format of the built engine is not in the row")
    if metric == "activation_peak_gib" and case.engine.id == "llamacpp":
        return compute_buffer(row, case) / GIB
    memory = start_up(case, device_needed=metric != "weights_gib_per_gpu")
    if metric == "weights_gib_per_gpu":
        return max(rank.loaded_bytes for rank in memory.plan.ranks) / GIB
    _refuse_unstated_settings(row, metric)
    if metric == "activation_peak_gib":
        return max(rank.activation_bytes for rank in memory.plan.ranks) / GIB
    if metric == "non_torch_gib":
        return memory.tightest_rank.outside_torch_bytes / GIB
    if metric == "cudagraph_gib":
        return max(rank.cuda_graph_bytes for rank in memory.plan.ranks) / GIB
    return _pool_bytes(row, case) / GIB


def _measured(row: Row) -> dict[str, float]:
    figures = {metric: value for metric in BANDS if (value := number(row, metric)) is not None}
    total = re.match(r"([\d.]+)\s*[GM]i?B", text(row, "total_peak_as_printed"))
    if total:
        figures["total_peak_as_printed"] = float(total[1])
    if text(row, "engine").lower() == "vllm" and (
        "weights_gib_per_gpu" in figures or "kv_available_gib_per_gpu" in figures
    ):
        refused = text(row, "record_kind") == "error_message" or "refused" in text(row, "quantity_notes")
        figures["fits"] = 0.0 if refused else 1.0
    return figures


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


def _refuse_unstated_cache(row: Row, case: MemoryCase) -> None:
    """Silence means the model's own type, but recipes of quantised hybrids set another, and some sources say so."""
    if text(row, "kv_dtype") or not case.weights.quantises:
        return
    if case.model.architecture.state_elements or "kv dtype not stated" in text(row, "quantity_notes").lower():
        raise Missing("the cache format of a quantised checkpoint is not in the row")


def _pool_bytes(row: Row, case: MemoryCase) -> float:
    """What our budget leaves for the cache, on the stage that prints it: the first."""
    _refuse_unstated_settings(row, "kv_available_gib_per_gpu")
    if not text(row, "tp"):
        raise Missing("the number of ranks is not in the row")
    if not text(row, "gpu_memory_utilization"):
        raise Missing("gpu_memory_utilization is not in the row")
    if case.device and "unified-memory" in case.device.tags:
        raise Missing("what the host itself uses of the unified memory is not in the row")
    return start_up(case).printed_pool_bytes


def _tokens(row: Row, metric: str, case: MemoryCase) -> float:
    """The engine's token line, from our own pool; from the printed one where the row lacks what the pool needs."""
    if text(row, "record_kind") == "error_message":
        raise Missing("the tokens of an error message are the request, not the pool")
    if number(row, "kv_gib_for_tokens") is not None:
        raise Missing("the tokens are what kv_gib_for_tokens is the size of")
    _refuse_unstated_cache(row, case)
    if case.engine.id == "trtllm" and not text(row, "max_num_seqs"):
        raise Missing("the batch that the engine was built for is not in the row")
    printed = number(row, "kv_available_gib_per_gpu")
    memory = start_up(case, device_needed=False)
    try:
        _pool_bytes(row, case)
        pages = memory.pages
    except Missing:
        if printed is None:
            raise
        pages = int(printed * GIB // memory.plan.pool.page_bytes)
    return tokens_of(memory, pages, metric, text(row, "engine_version"))


def tokens_of(memory: ServingMemory, pages: int, metric: str, version: str) -> float:
    """Tokens of cache that a number of pages holds, counted as that version of the engine prints them."""
    pool, length = memory.plan.pool, memory.max_model_len or memory.deployment.model.architecture.max_context
    if metric == "kv_tokens" and (pool.groups == 1 or _counts_blocks(version)):
        return pages // pool.groups * pool.finest_span
    if not length:
        raise Missing("max_model_len is not in the row")
    return pages / pool.pages(length) * length * memory.layout.dp


def _counts_blocks(version: str) -> bool:
    """Whether the token line of this vLLM is before `CAPACITY_LINE`, as the builds towards that release are."""
    release = version_key(version)
    return (0,) < release < CAPACITY_LINE or (release == CAPACITY_LINE and "rc" in version)


def _cache_size(row: Row, case: MemoryCase) -> float:
    """Bytes of the cache of so many tokens: on one rank, or over all devices for llama.cpp."""
    cells = number(row, "kv_tokens")
    if not cells:
        raise Missing("the tokens are not in the row")
    if case.engine.id == "llamacpp":
        return ggml_cache(row, case, int(cells))
    _refuse_unstated_cache(row, case)
    memory = start_up(case, device_needed=False)
    if text(row, "record_kind") == "error_message":
        return memory.plan.pool.page_bytes * memory.plan.pool.pages(int(cells))
    return cells * sum(kind.layers * kind.token_bytes for kind in memory.plan.kinds)


def _fits(row: Row, case: MemoryCase) -> float:
    """1 where one sequence of the model length fits, within FITS_SLACK of the device's memory."""
    length = number(row, "max_model_len")
    if not length:
        raise Missing("max_model_len is not in the row")
    _pool_bytes(row, case)
    _refuse_unstated_cache(row, case)
    memory = start_up(case)
    slack = FITS_SLACK * memory.usable_bytes if number(row, "kv_tokens") is not None else 0.0
    return float(memory.shortfall_bytes(int(length)) <= slack)
