"""Which devices can run which kind of training."""

from estimator.hardware.devices import Accelerator
from estimator.models.model import Model
from estimator.scenario.training_workload import TrainingWorkload

NEURON_CLASSES = ("LlamaForCausalLM", "Qwen3ForCausalLM", "GraniteForCausalLM")
"""Architectures that the Neuron training libraries parallelise."""
NEURON_TRAINERS = ("trainium1", "trainium2", "trainium3")


def refusal(model: Model, workload: TrainingWorkload, device: Accelerator) -> str | None:
    """Why this run is not possible on this device, or None."""
    if not model.architecture.generates:
        return f"{model.id} writes no text ({model.architecture.task}); training under that head is not modelled"
    if device.kind == "neuron":
        return _neuron(model, workload, device)
    if device.kind != "gpu" or device.vendor not in ("nvidia", "amd"):
        return f"no training stack here drives {device.name}"
    if not device.matrix_flops or (device.compute_capability and device.compute_capability < 7):
        return f"{device.name} has no 16-bit matrix units"
    if workload.compute in ("fp8", "mxfp8") and not device.fp8_flops:
        return f"{device.name} has no {workload.compute} matrix products"
    if workload.compute in ("mxfp8", "nvfp4") and not device.fp4_flops:
        return f"{device.name} has no {workload.compute} matrix products"
    return None


def _neuron(model: Model, workload: TrainingWorkload, device: Accelerator) -> str | None:
    if device.id not in NEURON_TRAINERS:
        return f"{device.name} is built for inference"
    if model.architecture.class_name not in NEURON_CLASSES:
        return f"no Neuron training recipe for {model.architecture.class_name}"
    if workload.method == "qlora":
        return "bitsandbytes does not run on Neuron"
    if workload.compute != "bf16":
        return f"no {workload.compute} training on Neuron"
    return None
