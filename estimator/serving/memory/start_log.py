"""An engine's start-up log: what it printed, beside our budget, and the reserve that explains the rest."""

import re
from typing import NamedTuple

from estimator.engines.memory_policy import FractionOfFree, RuleOfThumb, StaticFraction
from estimator.errors import InputError
from estimator.serving.memory.serving_memory import ServingMemory
from estimator.units import GIB

LONGEST_PASTE = 1_000_000
FARTHEST_WEIGHTS = 0.05
"""Weights farther from the budget's than this are of another model, format or layout (engineering guess)."""
MOST_RESERVE = 0.25
"""Largest correction, of the device's memory: beyond it the log is of another device (engineering guess)."""

SIZE = r"([\d.]{1,12})\s*(?:GiB|GB)"  # both engines print 2**30
LINES = {
    "weights": (
        rf"Model loading took {SIZE}",
        rf"model weights take {SIZE}",
        rf"usage is {SIZE} for weight",
        rf"mem usage={SIZE}",
    ),
    "activations": (rf"activation peak memory takes {SIZE}", rf"{SIZE} for peak activation"),
    "outside torch": (rf"non_torch_memory takes {SIZE}", rf"{SIZE} for non-torch"),
    "graphs": (rf"Graph capturing finished in [\d.]+ secs?, took {SIZE}", rf"{SIZE} for CUDAGraph"),
    "cache": (rf"Available KV cache memory: {SIZE}", rf"reserved for KV Cache is {SIZE}"),
}
"""Figure -> what vLLM and SGLang print it in, by their sources (vllm/v1/worker/gpu_worker.py, sglang/srt/mem_cache)."""
HALVES = rf"K size: {SIZE}, V size: {SIZE}"


class Comparison(NamedTuple):
    """One figure of a start-up log beside the same figure of our budget [GiB]."""

    name: str
    printed_gib: float
    predicted_gib: float


class StartLog(NamedTuple):
    """A start-up log beside the budget of the same deployment, figure by figure."""

    lines: tuple[Comparison, ...]
    reserve_gib: float
    """What the engine keeps beyond the budget, on every rank; negative where it keeps less."""


def read_start_log(pasted: str) -> dict[str, float]:
    """Every known figure of a start-up log [GiB] by name, the last one where each rank prints it. Empty where there is
    none.
    """
    text = pasted[:LONGEST_PASTE]
    figures: dict[str, float] = {}
    for name, patterns in LINES.items():
        sizes = [
            size for pattern in patterns for each in re.findall(pattern, text) if (size := _size(each)) is not None
        ]
        if sizes:
            figures[name] = sizes[-1]
    halves = re.findall(HALVES, text)
    if halves and "cache" not in figures:
        keys_and_values = [_size(half) for half in halves[-1]]
        if None not in keys_and_values:
            figures["cache"] = sum(size for size in keys_and_values if size is not None)
    return figures


def compare_start(figures: dict[str, float], memory: ServingMemory, own_reserve_gib: float = 0.0) -> StartLog:
    """A start-up log's figures beside the budget, which may hold a reserve of one's own already.

    Raises InputError where the log says nothing of the cache, or is of another deployment.
    """
    if "cache" not in figures:
        raise InputError("measurement", "the log does not say how much memory is left for the cache")
    rank, policy = memory.tightest_rank, memory.deployment.engine.memory
    if isinstance(policy, RuleOfThumb):
        raise InputError("measurement", "a rule of thumb has no start-up")
    predicted = {
        "weights": rank.loaded_bytes / GIB,
        "activations": rank.activation_bytes / GIB,
        "outside torch": rank.outside_torch_bytes / GIB,
        "graphs": rank.cuda_graph_bytes / GIB,
        "cache": memory.pool_bytes / GIB,
    }
    lines = tuple(Comparison(name, figures[name], predicted[name]) for name in LINES if name in figures)
    weights = figures.get("weights", predicted["weights"])
    if abs(weights - predicted["weights"]) > FARTHEST_WEIGHTS * predicted["weights"]:
        raise InputError(
            "measurement",
            f"{weights:.2f} GiB of weights where {predicted['weights']:.2f} are expected: another model or layout?",
        )
    part = memory.utilization if isinstance(policy, StaticFraction | FractionOfFree) else 1.0
    reserve = own_reserve_gib + (predicted["cache"] - figures["cache"]) / part
    if abs(reserve) > MOST_RESERVE * memory.usable_bytes / GIB:
        raise InputError(
            "measurement", f"{figures['cache']:.2f} GiB for the cache is far from the budget: another device?"
        )
    return StartLog(lines, round(reserve, 3))


def _size(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
