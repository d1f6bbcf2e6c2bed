"""A deployment's memory on a device: the settings an engine starts with, its tightest rank, and the pages it has."""

from functools import lru_cache

from estimator.engines.memory_policy import (
    DeviceDefaults,
    MemoryPolicy,
    RuleOfThumb,
    device_defaults,
)
from estimator.layout import Layout
from estimator.results import MemoryReport
from estimator.serving.deployment import Deployment
from estimator.serving.memory.cache_budget import CacheBudget, cache_budget
from estimator.serving.memory.host_cache import host_cache_bytes
from estimator.serving.memory.pool import UNBOUNDED, Pool
from estimator.serving.memory.rank_memory import MemoryPlan, RankMemory, StartUp, plan_memory
from estimator.serving.memory.serving_memory import ServingMemory
from estimator.serving.memory.static_fraction import default_utilization
from estimator.units import GB, GIB


@lru_cache(maxsize=8192)
def compile_memory(deployment: Deployment, layout: Layout) -> ServingMemory:
    """The memory of one rank of a deployment, as its engine would lay it out when it starts."""
    device, settings, policy = deployment.device, deployment.settings, deployment.engine.memory
    usable, start, defaults = device.memory_usable_bytes, start_up(deployment), _defaults(deployment)
    plan = plan_memory(deployment.model, deployment.weights, deployment.cache, layout, policy, start)
    utilization = settings.memory_utilization or default_utilization(deployment, defaults, start.batched_tokens, layout)
    sold_bytes = int(device.memory_sold_gb * GB)  # rules of thumb count the "80 GB" of a datasheet in powers of ten
    total = sold_bytes if isinstance(policy, RuleOfThumb) else usable
    in_ram = host_cache_bytes(deployment, layout, host_weights_bytes(deployment, layout, plan))
    if in_ram is None:
        tightest, budget, pages = _tightest(policy, utilization, total, plan.ranks, plan.pool)
    else:
        tightest, budget = _without_cache(policy, utilization, total, plan.ranks)
        pages = int(in_ram // plan.pool.page_bytes) if budget.pool_bytes >= 0 else 0
    return ServingMemory(
        deployment=deployment,
        layout=layout,
        plan=plan,
        device_bytes=int(device.memory_sold_gb * GIB),  # the chips behind the "80 GB" hold powers of two
        usable_bytes=usable,
        utilization=utilization,
        planned_bytes=total,
        budget_bytes=budget.budget_bytes,
        pool_bytes=budget.pool_bytes,
        host_cache_bytes=in_ram,
        pages=pages,
        tightest_rank=tightest,
        max_num_seqs=start.sequences,
        max_num_batched_tokens=start.batched_tokens,
    )


def host_weights_bytes(deployment: Deployment, layout: Layout, plan: MemoryPlan) -> float:
    """Weights that a layout leaves in host memory [bytes]: those of the whole model that no rank of its plan holds."""
    if not layout.host:
        return 0.0
    whole = compile_memory(deployment, Layout()).tightest_rank
    return whole.weights_bytes - layout.tp * sum(rank.weights_bytes for rank in plan.ranks)


@lru_cache(maxsize=8192)
def memory_report(memory: ServingMemory, tokens: int) -> MemoryReport:
    """What one rank of a deployment holds of requests of `tokens` tokens. Kept: another load leaves it as it is."""
    return memory.report(tokens)


@lru_cache(maxsize=1024)
def _defaults(deployment: Deployment) -> DeviceDefaults:
    """What the engine's settings default to on the device."""
    device, image_tokens = deployment.device, deployment.model.architecture.whole_image_tokens
    return device_defaults(deployment.engine.memory, device, image_tokens)


@lru_cache(maxsize=1024)
def start_up(deployment: Deployment) -> StartUp:
    """The numbers that the engine starts with, whatever the layout."""
    device, settings, policy = deployment.device, deployment.settings, deployment.engine.memory
    defaults = _defaults(deployment)
    return StartUp(
        sequences=settings.max_num_seqs or defaults.max_num_seqs,
        batched_tokens=settings.max_num_batched_tokens or defaults.max_num_batched_tokens,
        model_len=settings.max_model_len or 0,
        compute_capability=least_capability_alike(policy, device.compute_capability),
        drafts=deployment.draft_tokens,
        dcp=settings.dcp,
        peer_links=not device.fabric.startswith("pcie"),
        eager=bool(settings.enforce_eager),
        compiles=settings.compiles,
        own_reserve_bytes=own_reserve_bytes(deployment),
        adapters=deployment.adapters,
        states=deployment.engine.states,
    )


def own_reserve_bytes(deployment: Deployment) -> float:
    """Bytes that the user's own start-up of an engine kept beyond the budget; negative where it kept less."""
    efficiency = deployment.efficiency
    if not efficiency.calibrations:
        return 0.0
    own = efficiency.calibration(deployment.device, efficiency.engine_name(deployment.speed))
    return own.reserve_gib * GIB if own else 0.0


def _tightest(
    policy: MemoryPolicy, utilization: float, total_bytes: float, ranks: tuple[RankMemory, ...], pool: Pool
) -> tuple[RankMemory, CacheBudget, int]:
    """The rank with the fewest pages for its share of the layers, its budget, and these pages."""
    tightest, least, pages = ranks[0], CacheBudget(0.0, 0.0), UNBOUNDED
    for rank in {id(each): each for each in ranks}.values():  # most stages are one value
        budget = cache_budget(policy, utilization, total_bytes, rank)
        page_bytes = pool.page_bytes * rank.cached_layer_fraction
        whole = budget.pool_bytes / page_bytes
        count = round(whole) if isinstance(policy, RuleOfThumb) else int(budget.pool_bytes // page_bytes)
        if count < pages:
            tightest, least, pages = rank, budget, count
    return tightest, least, pages


def _without_cache(
    policy: MemoryPolicy, utilization: float, total_bytes: float, ranks: tuple[RankMemory, ...]
) -> tuple[RankMemory, CacheBudget]:
    """The rank with the least room where none holds any cache, and its budget."""
    budgets = [(rank, cache_budget(policy, utilization, total_bytes, rank)) for rank in ranks]
    return min(budgets, key=lambda each: each[1].pool_bytes)


@lru_cache(maxsize=256)
def least_capability_alike(policy: MemoryPolicy, capability: float) -> float:
    """The lowest compute capability that a policy treats as this one, so that devices alike to it share a plan."""
    if isinstance(policy, RuleOfThumb):
        return 0.0
    steps = [line.least_capability for line in policy.outside_torch]
    steps += [kernel.least_capability for kernel in policy.loading.mxfp4]
    return max((step for step in steps if step <= capability), default=0.0)
