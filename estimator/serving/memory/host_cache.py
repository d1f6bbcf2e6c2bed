"""A cache in the host's RAM, in the place of the devices' pools: what one engine has for it there."""

from estimator.layout import Layout
from estimator.serving.deployment import Deployment
from estimator.units import GIB

HOST_RESERVE_BYTES = 2 * GIB
"""Share of the host's RAM kept for everything else that runs there; engineering guess."""


def host_cache_bytes(deployment: Deployment, layout: Layout, weights_bytes: float) -> float | None:
    """RAM left for one engine's cache beside the `weights_bytes` that it keeps there, negative where they are too many;
    None where the devices hold the cache.

    Engines that divide a machine's devices divide its RAM as well.
    """
    host = deployment.cache_host
    if host is None:
        return None
    return (host.memory_usable_bytes - HOST_RESERVE_BYTES) * deployment.host_share(layout) - weights_bytes
