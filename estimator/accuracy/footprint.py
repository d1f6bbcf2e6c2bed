"""Footprints without a pool: llama.cpp's buffers, and the whole process of transformers and AutoAWQ."""

import re

from estimator.accuracy.memory_case import MemoryCase, Missing, start_up
from estimator.accuracy.score import Row, number, text
from estimator.errors import InputError
from estimator.layouts.legal import divisors
from estimator.models.formats import WeightFormat
from estimator.models.tensors import parameters
from estimator.serving.memory.ggml import compute_buffer_bytes, ggml_cache_bytes
from estimator.units import GIB, MIB

AWQ_OVERHEAD = 1.09
"""AutoAWQ's process over its weights, one factor for all its published tables."""
STEP_TOKENS = 512
"""llama.cpp's default n_ubatch."""
EAGER_SCORE_BYTES = 8
"""Attention scores of one layer without a fused kernel: float32 scores and their softmax."""
STAGE_SCORE_BYTES = 16
"""On the fullest of several stages, which holds no logits: the 16-bit product, scaled, masked and cast back as well."""
LEGACY_CACHES = 2
"""Before DynamicCache every step built all layers' cache anew while the last one was still held."""
EAGER_LOGIT_BYTES = 8
"""Logits of every prompt token: in 16 bit, in float32 and in a shifted copy."""
ENCODED_TOKENS, ENCODED_LOGIT_BYTES = 2048, 2
"""Qwen prints one figure for generating 2,048 tokens and for encoding them (16.99 GB at 7B): their 16-bit logits."""


def ggml_cache(row: Row, case: MemoryCase, cells: int) -> float:
    """The cache that llama.cpp prints for a row, in its unit: one type is that of a compressed latent cache, `K … / V
    …` those of two caches; `cells` are tokens of context it was started with.
    """
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


def compute_buffer(row: Row, case: MemoryCase) -> float:
    notes, cells = text(row, "quantity_notes"), number(row, "kv_tokens")
    if not cells:
        raise Missing("the cells of the cache are not in the row")
    step = re.search(r"n_ubatch=(\d+)", notes)
    return compute_buffer_bytes(
        case.model.architecture, int(step[1]) if step else STEP_TOKENS, int(cells), "flash_attn=1" in notes
    )


def process_total(row: Row, case: MemoryCase) -> float:
    """Peak of a process without a pool: weights and the cache of the whole batch, in the printed unit."""
    unit = MIB if "M" in text(row, "total_peak_as_printed") else GIB
    if case.engine.id != "transformers":
        raise Missing("a file's or a device's total is not an engine's budget")
    notes, batch = text(row, "quantity_notes").lower(), int(number(row, "max_num_seqs") or 1)
    prompt, tokens = _tokens_held(row)
    memory = start_up(case, device_needed=False)
    architecture = case.model.architecture
    per_device = "per gpu" in notes
    stages = [sum(part.value for part in rank.weights) for rank in memory.plan.ranks]
    weights = max(stages) if per_device else sum(stages)
    if architecture.tied and _stores_head_twice(case.weights):
        weights += parameters(architecture.embedding) * case.weights.rest_bits / 8
    share = max(rank.cached_layer_fraction for rank in memory.plan.ranks) if per_device else 1.0
    legacy = "generating" in notes and not text(row, "engine_version")
    caches = LEGACY_CACHES if legacy else 1
    total = weights + memory.plan.pool.page_bytes * memory.plan.pool.pages(tokens) * batch * share * caches
    if legacy and prompt == ENCODED_TOKENS:
        total += batch * prompt * architecture.vocabulary * ENCODED_LOGIT_BYTES
    if "awq" in text(row, "engine").lower():
        total += weights * (AWQ_OVERHEAD - 1) + _scores(case, prompt, batch) * EAGER_SCORE_BYTES
    elif "peak inference memory" in notes:
        total += _prompt_peak(case, prompt, batch)
    return total / unit


def _prompt_peak(case: MemoryCase, prompt: int, batch: int) -> float:
    """A layer's scores beside all logits; across stages the fullest one's scores alone."""
    scores = _scores(case, prompt, batch)
    if case.layout.pp > 1:
        return scores * STAGE_SCORE_BYTES
    return scores * EAGER_SCORE_BYTES + batch * prompt * case.model.architecture.vocabulary * EAGER_LOGIT_BYTES


def _scores(case: MemoryCase, prompt: int, batch: int) -> int:
    """Attention scores of one layer over a whole prompt, without a fused kernel."""
    return batch * divisors(case.model.architecture).heads * prompt * prompt


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
