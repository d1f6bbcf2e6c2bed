"""The share of a device that an engine takes by itself: a fixed one, or what SGLang's reserve leaves."""

from estimator.engines.memory_policy import DeviceDefaults, StaticFraction, StaticReserve
from estimator.layout import Layout
from estimator.models.media import CLIP_L, TowerSize
from estimator.serving.deployment import Deployment
from estimator.units import GIB

LEAST_FRACTION = 0.1
"""SGLang's default fraction never falls below this; engineering guess, it only concerns devices of a few GiB."""
TOWER_FRACTION = 0.95
"""Factor on the fraction beside a tower of CLIP-L's size (sglang/srt/server_args.py, adjust_mem_fraction_for_vlm)."""
TOWER_SENSITIVITY, SMALLEST_TOWER_FACTOR, LARGEST_TOWER_FACTOR = 0.1, 0.8, 1.05


def default_utilization(deployment: Deployment, defaults: DeviceDefaults, batched_tokens: int, layout: Layout) -> float:
    """The fraction of a device that an engine takes unless told (sglang/srt/server_args.py,
    _handle_gpu_memory_settings).
    """
    policy, usable_bytes = deployment.engine.memory, deployment.device.memory_usable_bytes
    if not isinstance(policy, StaticFraction) or not usable_bytes:
        return policy.utilization
    size = _graph_bytes(policy.reserve, defaults, layout) + policy.reserve.bytes
    size += policy.reserve.bytes_per_token * batched_tokens
    if usable_bytes >= policy.reserve.least_from_gib * GIB:
        size = max(size, policy.reserve.least_bytes)
    size += _draft_bytes(policy.reserve, deployment)
    fraction = round(1 - size / usable_bytes, 3) * tower_factor(deployment.model.architecture.tower_size)
    return max(fraction, LEAST_FRACTION)


def _graph_bytes(reserve: StaticReserve, defaults: DeviceDefaults, layout: Layout) -> float:
    """What is left free for graphs and ranks, more of both for several attention replicas."""
    sequences = defaults.captured(layout.tp * layout.dp)
    size = reserve.bytes_per_sequence * sequences + reserve.bytes_per_rank * layout.tp * layout.dp * layout.pp
    if layout.dp > 1:
        share = 1.5 if sequences > reserve.many_sequences else 1.0
        size += share * reserve.bytes_per_replica_sequence * sequences * layout.dp
    return size


def _draft_bytes(reserve: StaticReserve, deployment: Deployment) -> float:
    """What is left free for whatever proposes tokens; looking them up takes nothing."""
    if not deployment.draft_tokens:
        return 0.0
    drafter = deployment.model.drafter
    if drafter is None:
        return reserve.draft_head_bytes
    if drafter.model is None:
        return 0.0
    return reserve.draft_head_bytes if drafter.model.architecture.drafts else reserve.draft_model_bytes


def tower_factor(tower: TowerSize | None) -> float:
    """Factor on SGLang's fraction beside a vision tower: the larger it is, the more stays free for its passes."""
    if tower is None:
        return 1.0
    factor = 1 - TOWER_SENSITIVITY * (tower.complexity / CLIP_L.complexity - 1)
    return TOWER_FRACTION * max(SMALLEST_TOWER_FACTOR, min(LARGEST_TOWER_FACTOR, factor))
