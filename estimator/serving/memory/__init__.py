"""Serving memory as the engines really spend it: weights, activations, runtime, graphs, and the cache that is left.

`compile_memory` plans a model's ranks on a device once; the `ServingMemory` it returns answers in closed form.
"""

from estimator.serving.memory.budget import compile_memory, host_weights_bytes, memory_report
from estimator.serving.memory.serving_memory import ServingMemory

__all__ = ["ServingMemory", "compile_memory", "host_weights_bytes", "memory_report"]
