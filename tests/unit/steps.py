"""Compiled steps, by names of the packaged catalogue."""

from estimator.efficiency import Efficiency
from estimator.formats import cache_format, weight_format
from estimator.hardware import Accelerator, Fabric
from estimator.inventory import Inventory
from estimator.layout import Layout
from estimator.model import Model
from estimator.step import Step, compile_step


def step_on(
    inventory: Inventory,
    model: Model,
    device: str | Accelerator,
    layout: Layout = Layout(),  # noqa: B008
    weights: str = "bf16",
    engine: str = "vllm",
    *,
    fabric: str | Fabric = "",
    efficiency: Efficiency | None = None,
    machine_devices: int = 0,
    stripes: int = 1,
) -> Step:
    """The step of a rank with a 16-bit cache; the device's own fabric where none is given."""
    device = inventory.accelerators[device] if isinstance(device, str) else device
    fabric = inventory.fabrics[fabric or device.fabric] if isinstance(fabric, str) else fabric
    efficiency = efficiency or inventory.efficiency
    speed, cache = efficiency.engines[engine], cache_format("bf16")
    return compile_step(
        model, weight_format(weights), cache, layout, device, fabric, speed, efficiency, machine_devices, stripes
    )
