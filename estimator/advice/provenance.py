"""Where the speed of a device that nobody measured comes from."""

from estimator.results import Confidence
from estimator.scenario.inventory import Inventory
from estimator.scenario.scenario import Scenario

MOST = 3
"""Names that one line has room for."""


def origin(accelerator: str, scenario: Scenario, confidence: Confidence, inventory: Inventory) -> str:
    """The measured devices whose kernel constants a device takes, in words; empty where it is measured itself.

    A kernel class may have been measured on none of its devices: it then says so. Runtimes with kernels of their own
    (llama.cpp, Neuron) have classes of their own, which are not told here.
    """
    device, evidence = inventory.accelerators.get(accelerator), inventory.efficiency.evidence
    engine = inventory.engine(scenario.engine, scenario.engine_version)
    if device is None or confidence == "A" or device.kind != "gpu":
        return ""
    if inventory.efficiency.engines[engine.speed_on(device.vendor)].runtime != "gpu":
        return ""
    kin = [each for each in inventory.accelerators.values() if each.kernels == device.kernels and each.id != device.id]
    measured = [each.id for each in kin if evidence.get(each.id) == "measured"]
    if not measured:
        measured = [each.id for each in kin if evidence.get(each.id) == "transferred"]
    if not measured:
        return f"shares of its own peaks as of {device.kernels} kernels, of which no device was measured"
    more = " and others" if len(measured) > MOST else ""
    return f"shares of its own peaks as measured on {', '.join(measured[:MOST])}{more}"
