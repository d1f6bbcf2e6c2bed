"""What each family of accelerators is for, and what one gives up for it: judgements, not measurements."""

from typing import NamedTuple

from estimator.hardware.devices import Accelerator


class Guidance(NamedTuple):
    """What a family of accelerators is chosen for, its trade-off, and the effort before the first token."""

    purpose: str
    trade_off: str
    effort: str = ""
    """What has to be done once; empty where published weights start as they are."""


COMPILES = (
    "the first start compiles the model ahead of time: minutes for 8B, half an hour and more for 70B; every other "
    "tensor parallelism, batch or length compiles again, and a cache of compiled graphs keeps what was made"
)
"""AWS Neuron documentation, "NeuronX Distributed inference" and "persistent cache"; the times are judgements."""
FAMILIES = {
    "inferentia1": Guidance("small encoders and vision", "no decoder of today's sizes has a stack there", COMPILES),
    "inferentia2": Guidance("steady load at a low price per hour", "fewer models and formats, slow prompts", COMPILES),
    "trainium1": Guidance("training and steady load within AWS", "fewer models and formats than on GPUs", COMPILES),
    "trainium2": Guidance("large models at scale within AWS", "fewer models; mostly capacity blocks", COMPILES),
    "trainium3": Guidance("large models at scale within AWS", "little is published of it yet", COMPILES),
    "turing": Guidance("small models at the lowest price", "no bf16, no fp8; memory is slow; engines drop it next"),
    "volta": Guidance("what is there already", "no bf16, no fp8; current engines have dropped it"),
    "ampere": Guidance("proven all-round work, 8-bit integers", "no fp8 products: fp8 weights save memory, not time"),
    "ada": Guidance("small and middling models at moderate load", "slow memory, PCIe between devices: little TP"),
    "hopper": Guidance("large models, many users, low latency", "dear by the hour: pays when it is busy"),
    "blackwell": Guidance("fp4 and fp8 with much memory", "needs current engine versions; young kernels"),
    "blackwell-ultra": Guidance("the largest models and contexts", "sold by capacity block; young kernels"),
    "cdna3": Guidance("models that need much memory per device", "ROCm: fewer formats and kernels than CUDA"),
    "cdna4": Guidance("models that need much memory per device", "ROCm: fewer formats and kernels than CUDA"),
    "rdna1": Guidance("graphics", "no engine serves language models on it"),
    "gaudi1": Guidance("training within its own software stack", "few models are ported; AWS has no successor"),
    "cloud-ai-100": Guidance("small models at little power", "its own compiler and few models"),
}
KINDS = {
    "gpu": Guidance("local work", "consumer links between cards; drivers and kernels vary"),
    "apple": Guidance("large models for one user, silently", "slow prompts; one user at a time"),
    "cpu": Guidance("small models without an accelerator", "slow prompts; a few users at most"),
    "tpu": Guidance("load at scale within Google's cloud", "its own compiler; not on AWS"),
    "hpu": Guidance("load that stays on models that are ported", "fewer models and formats than on GPUs"),
    "neuron": Guidance("steady load within AWS", "fewer models and formats than on GPUs", COMPILES),
}
OTHERS = Guidance("its own software stack", "few models are ported")


def guidance(device: Accelerator) -> Guidance:
    """What the family of a device is chosen for: by its generation where that has an entry, else by the kind of
    device.
    """
    return FAMILIES.get(device.generation) or KINDS.get(device.kind) or OTHERS
