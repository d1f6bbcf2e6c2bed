"""Cache budgets, by each engine's own arithmetic: what it allows itself on one rank, and what that leaves for the
cache.
"""

from typing import NamedTuple

from estimator.engines.memory_policy import (
    FractionOfDevice,
    FractionOfFree,
    MemoryPolicy,
    RuleOfThumb,
    StaticFraction,
    WholeDevice,
)
from estimator.results import Factor, MemoryTerm
from estimator.serving.memory.rank_memory import RankMemory


class CacheBudget(NamedTuple):
    """What an engine allows itself on one rank, and what that leaves for the cache; negative where it is short."""

    budget_bytes: float
    pool_bytes: float


def cache_budget(policy: MemoryPolicy, utilization: float, planned_bytes: float, rank: RankMemory) -> CacheBudget:
    """The cache budget of a rank. `planned_bytes`: what the driver reports; memory as sold, for a rule of thumb."""
    visible = policy.visible_bytes(planned_bytes)
    loaded, peak, outside_torch = rank.loaded_bytes, rank.activation_bytes, rank.outside_torch_bytes
    match policy:
        case FractionOfDevice():
            graphs_inside = rank.reserved_graph_bytes
            graphs_outside = rank.cuda_graph_bytes - graphs_inside  # a higher budget runs out when they are captured
            budget = min(utilization * visible, visible - graphs_outside)
            return CacheBudget(budget, budget - loaded - peak - outside_torch - graphs_inside)
        case StaticFraction():
            free = visible - outside_torch
            budget = utilization * free
            return CacheBudget(budget, min(budget, free - peak - rank.cuda_graph_bytes) - loaded)
        case FractionOfFree():
            taken = utilization * (1 - policy.graph_share)
            return CacheBudget(visible, taken * (visible - loaded - peak - outside_torch))
        case WholeDevice() | RuleOfThumb():
            budget = utilization * visible
            return CacheBudget(budget, budget - loaded - peak - outside_torch)


def pool_terms(
    policy: MemoryPolicy, utilization: float, planned_bytes: float, rank: RankMemory
) -> tuple[MemoryTerm, ...]:
    """What the bytes left for the cache add up from: the budget, and everything that is taken from it (negative)."""
    visible = policy.visible_bytes(planned_bytes)
    budget, pool = cache_budget(policy, utilization, planned_bytes, rank)
    spent = {"weights": rank.weights_bytes}
    fraction = Factor("utilization", utilization)
    start = MemoryTerm("budget", budget, (fraction, Factor("the engine sees", visible, is_size=True)))
    match policy:
        case FractionOfDevice():
            if budget < utilization * visible:
                start = MemoryTerm("what CUDA graphs outside the budget leave", budget)
            spent |= {"activations": rank.activation_bytes, "runtime": rank.outside_torch_bytes + rank.buffers_bytes}
            spent |= {"CUDA graphs": rank.reserved_graph_bytes}
        case StaticFraction():
            free = Factor("free at start", visible - rank.outside_torch_bytes, is_size=True)
            start = MemoryTerm("budget", budget, (fraction, free))
            spent |= {"buffers of loading": rank.buffers_bytes}
            spent |= {"activations and graphs beyond the reserve": budget - rank.loaded_bytes - pool}
        case FractionOfFree():
            start = MemoryTerm("the engine sees", visible)
            spent |= {"activations": rank.activation_bytes, "runtime": rank.outside_torch_bytes + rank.buffers_bytes}
            loaded = pool / (1 - policy.graph_share) / utilization
            spent |= {
                "graphs": utilization * policy.graph_share * loaded,
                "left free by the engine": (1 - utilization) * loaded,
            }
        case WholeDevice() | RuleOfThumb():
            spent |= {"activations": rank.activation_bytes, "runtime": rank.outside_torch_bytes + rank.buffers_bytes}
    return (start, *(MemoryTerm(name, -size) for name, size in spent.items() if size))
