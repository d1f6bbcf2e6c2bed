"""Compiled steps, by names of the packaged catalogue."""

from functools import cache

from catalog.load import load
from estimator.engines.speed_constants import Efficiency
from estimator.hardware.devices import Accelerator, Fabric
from estimator.layout import Layout
from estimator.models.formats import cache_format, weight_format
from estimator.models.model import Model
from estimator.scenario.inventory import Inventory
from estimator.scenario.scenario import EngineSettings
from estimator.serving.deployment import Deployment
from estimator.serving.speed.compile import compile_step
from estimator.serving.speed.step import Step


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
    dcp: int = 1,
    batched_tokens: int | None = None,
) -> Step:
    """The step of a rank with a 16-bit cache; the device's own fabric where none is given."""
    device = inventory.accelerators[device] if isinstance(device, str) else device
    fabric = inventory.fabrics[fabric or device.fabric] if isinstance(fabric, str) else fabric
    efficiency = efficiency or inventory.efficiency
    deployment = Deployment(
        model=model,
        weights=weight_format(weights),
        cache=cache_format("bf16"),
        device=device,
        fabric=fabric,
        engine=inventory.engine("vllm"),
        speed=efficiency.engines[engine],
        efficiency=efficiency,
        machine_devices=machine_devices,
        settings=EngineSettings(decode_context_parallel=dcp, max_num_batched_tokens=batched_tokens),
    )
    return compile_step(deployment, layout)


CATALOG = load()


@cache
def packaged_step(name: str, accelerator: str, engine: str, layout: Layout) -> Step:
    """The step of a packaged model in the format that it is published in, or in bf16."""
    weights = "mxfp4" if "oss" in name else "bf16"
    return step_on(CATALOG.inventory, CATALOG.model(name), accelerator, layout, weights, engine)
