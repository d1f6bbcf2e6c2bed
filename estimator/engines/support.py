"""Which devices, engines and number formats go together."""

from estimator.engines.profiles import EngineProfile
from estimator.hardware.devices import Accelerator
from estimator.models.formats import WeightFormat

LEAST_CAPABILITY = {"8": 8.0, "8t": 8.0, "4": 8.0, "mx": 8.0, "i4": 7.0, "i8": 7.0}
"""NVIDIA compute capability below which no engine ships a kernel, native or weight-only (Marlin), by kernel key.
Source: the engines' quantisation support tables."""
W8A8_CAPABILITY = 7.5
GGUF_CAPABILITY = 5.0
"""llama.cpp compiles its own kernels of every block type from Maxwell on: ggml/src/ggml-cuda/common.cuh
(GGML_CUDA_CC_PASCAL is the first with fast ones), docs/build.md."""
NEXT_BEST = {"fp8": "gguf-q8_0", "int8": "gguf-q8_0", "bf16": "fp16", "fp16": "fp16", "fp32": "fp32"}
"""What llama.cpp is asked for in place of a format it has no file type for; anything narrower is its 4-bit mix."""
FOUR_BIT_MIX = "gguf-q4_k_m"


def refusal(device: Accelerator, engine: EngineProfile, weights: WeightFormat) -> str | None:
    """Why this combination does not run, in one line with the way on; None where it does."""
    if "no-llm-stack" in device.tags:
        return f"no serving engine supports {device.name}"
    if device.kind not in engine.device_kinds or (engine.vendors and device.vendor not in engine.vendors):
        return f"{engine.name} does not run on {device.name}"
    if not loads(engine, weights):
        return f"{engine.name} does not load {weights.name}"
    if device.vendor == "nvidia" and device.compute_capability:
        least = least_capability(weights)
        if device.compute_capability < least:
            return f"{weights.name} needs compute capability {least}, {device.name} has {device.compute_capability}"
    elif device.kind == "gpu" and weights.kernel == "4":
        return f"{weights.name} runs on NVIDIA devices only"
    return None


def least_capability(weights: WeightFormat) -> float:
    """NVIDIA compute capability from which some engine has a kernel for the format."""
    if weights.id.startswith("gguf"):
        return GGUF_CAPABILITY
    return W8A8_CAPABILITY if weights.compute == "int8" else LEAST_CAPABILITY.get(weights.kernel, 0.0)


def loads(engine: EngineProfile, weights: WeightFormat) -> bool:
    """Whether the engine reads checkpoints of that format; GGUF is read only where it is listed."""
    if engine.formats:
        return weights.id.startswith(engine.formats)
    return not weights.id.startswith("gguf")


def stand_in(engine: EngineProfile, weights: str) -> str:
    """The format that llama.cpp is asked for where it answers in another engine's place."""
    if "gguf" in engine.formats and not weights.startswith(engine.formats):
        return NEXT_BEST.get(weights.partition("-")[0], FOUR_BIT_MIX)
    return weights
