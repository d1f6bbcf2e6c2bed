"""Support of training stacks: which devices and settings each runs. What each can do is data, see
catalog/data/training.yaml.
"""

from estimator.engines.training_constants import Framework, TrainingConstants
from estimator.errors import Refusal
from estimator.hardware.devices import Accelerator
from estimator.models.model import Model
from estimator.scenario.scenario import Placement
from estimator.scenario.training_workload import TrainingWorkload

SPLIT_NAMES = {"tp": "tensor", "pp": "pipeline", "ep": "expert"}


def unsupported_setting(framework: Framework, workload: TrainingWorkload, placement: Placement) -> Refusal | None:
    """The first setting that the user insists on and that a training stack does not run on any device; None where it
    runs all.
    """
    settings = (
        ("train", workload.method, framework.methods),
        ("sharding", workload.sharding, (*framework.shardings, "none")),
        ("offload", workload.offload, (*framework.offloads, "none")),
        ("checkpointing", workload.checkpointing, framework.checkpointings),
    )
    for field, value, runs in settings:
        if value is not None and value not in runs:
            return Refusal(field, f"{framework.name} does not run {value!r}; one of {', '.join(dict.fromkeys(runs))}")
    for split, name in SPLIT_NAMES.items():
        degree = getattr(placement, split)
        if degree and degree > 1 and split not in framework.splits:
            return Refusal(split, f"{framework.name} has no {name} parallelism")
    return None


def refusal(
    model: Model, workload: TrainingWorkload, framework: Framework, device: Accelerator, constants: TrainingConstants
) -> str | None:
    """Why a training run is not possible on a device under the stack that trains there; None where it is."""
    if not model.architecture.generates:
        return f"{model.id} writes no text ({model.architecture.task}); training under that head is not modelled"
    id = constants.platform_of(device)
    if id is None or id not in framework.platforms:
        return f"no training stack here drives {device.name}" if id is None else f"{framework.name} has no {id} build"
    platform, class_name = constants.platforms[id], model.architecture.class_name
    if platform.classes and class_name not in platform.classes:
        return f"{framework.name} has no training recipe for {class_name}"
    if platform.methods and workload.method not in platform.methods:
        return f"{framework.name} does not run {workload.method}"
    if platform.computes and workload.compute not in platform.computes:
        return f"{framework.name} does not run {workload.compute} matrix products"
    return _missing_format(workload, framework, device)


def number_format(device: Accelerator) -> str:
    """The 16-bit number format of a training run's products on a device: bf16, or fp16 where the device has none in
    bf16.
    """
    return "fp16" if "no-bf16" in device.tags else "bf16"


def _missing_format(workload: TrainingWorkload, framework: Framework, device: Accelerator) -> str | None:
    """The number format that a device's matrix units lack, in words."""
    if not device.matrix_flops:
        return f"{device.name} has no 16-bit matrix units"
    if number_format(device) == "fp16" and not framework.trains_in_fp16 and framework.platforms != ("neuron",):
        return f"{framework.name} trains in bf16, and {device.name} has no bf16 matrix products"
    if workload.compute in ("fp8", "mxfp8") and not device.fp8_flops:
        return f"{device.name} has no {workload.compute} matrix products"
    if workload.compute in ("mxfp8", "nvfp4") and not device.fp4_flops:
        return f"{device.name} has no {workload.compute} matrix products"
    return None
