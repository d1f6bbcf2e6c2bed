"""Serving memory as the engines really spend it: weights, activations, runtime, graphs, and the cache that is left.

`compile_memory` lays a model out on a device once; the `ServingMemory` it returns answers in closed form.
"""

from estimator.serving.memory.budget import ServingMemory, compile_memory

__all__ = ["ServingMemory", "compile_memory"]
