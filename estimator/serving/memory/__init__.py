"""Serving memory as the engines really spend it: weights, activations, runtime, graphs, and the cache that is left.

`compile_memory` lays a model out on a device once; the `ServingMemory` it returns answers in closed form.
"""

from estimator.layout import Layout
from estimator.serving.deployment import Deployment
from estimator.serving.memory.budget import ServingMemory, compile_memory

__all__ = ["ServingMemory", "compile_memory", "memory_of"]


def memory_of(deployment: Deployment, layout: Layout) -> ServingMemory:
    """The memory of one rank of a deployment that is laid out so."""
    return compile_memory(
        deployment.model,
        deployment.weights,
        deployment.cache,
        layout,
        deployment.device,
        deployment.engine,
        deployment.settings,
        deployment.draft_tokens,
    )
