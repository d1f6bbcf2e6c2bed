"""Footprints without a pool: llama.cpp's buffers, and the whole process of transformers and AutoAWQ."""

import re

from estimator.accuracy.memory_case import MemoryCase, Missing, start_up
from estimator.accuracy.score import Row, number, text
from estimator.errors import InputError
from estimator.serving.memory.ggml import compute_buffer_bytes, ggml_cache_bytes
from estimator.serving.memory.process_peak import awq_bytes, encoding_bytes, prompt_bytes, resident_bytes
from estimator.units import GIB, MIB

STEP_TOKENS = 512
"""llama.cpp's default n_ubatch."""
ENCODED_TOKENS = 2048
"""Qwen prints one figure for generating 2,048 tokens and for encoding them."""


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
    per_device = "per gpu" in notes
    legacy = "generating" in notes and not text(row, "engine_version")
    total = resident_bytes(memory, tokens, batch, per_device, legacy)
    if legacy and prompt == ENCODED_TOKENS:
        total += encoding_bytes(memory, prompt, batch)
    if "awq" in text(row, "engine").lower():
        total += awq_bytes(memory, prompt, batch, per_device)
    elif "peak inference memory" in notes:
        total += prompt_bytes(memory, prompt, batch)
    return total / unit


def _tokens_held(row: Row) -> tuple[int, int]:
    """(prompt, whole sequence) in tokens."""
    steps = re.search(r"prefill (\d+), decode (\d+)", text(row, "quantity_notes"))
    if steps:
        return int(steps[1]), int(steps[1]) + int(steps[2])
    length = number(row, "max_model_len")
    if not length:
        raise Missing("the sequence length is not in the row")
    return int(length), int(length)
