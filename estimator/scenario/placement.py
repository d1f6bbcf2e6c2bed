"""Machines that the user insists on: an instance type, or a number of accelerators of one kind."""

from estimator.errors import InputError, close_names
from estimator.hardware.devices import Accelerator, Machine
from estimator.hardware.prices import RegionPrices
from estimator.results import Candidate
from estimator.scenario.inventory import Inventory
from estimator.scenario.scenario import Placement, Scenario
from estimator.scenario.unlike_cards import unlike_cards


def machine_of(placement: Placement, inventory: Inventory, prices: RegionPrices) -> Machine | None:
    """The machine that the placement names; None where it names none.

    Raises InputError for an unknown name and for an instance type that the region does not offer.
    """
    if placement.instance:
        machine = inventory.machine(placement.instance)
        if machine.kind != "device" and machine.id not in prices.quotes:
            raise InputError("instance", f"{machine.id} is not offered in {prices.region}")
        return machine
    if placement.accelerator:
        return devices(placement.accelerator, placement.count or 1, inventory)
    return None


def machines_for(scenario: Scenario, inventory: Inventory, prices: RegionPrices) -> tuple[Machine, ...]:
    """The machines that a scenario ranks: what its placement names; else every accelerated EC2 type, or, owned, every
    accelerator that is sold by itself.

    A local machine holds up to eight GPUs; an edge machine is one device that runs within the power there is.
    """
    named = machine_of(scenario.placement, inventory, prices)
    if named:
        return (named,)
    if scenario.deployment == "cloud":
        return tuple(machine for machine in inventory.machines.values() if machine.kind == "cloud")
    return tuple(
        devices(device.id, count, inventory)
        for device in inventory.accelerators.values()
        if device.kind in OWNED_KINDS
        and "end-of-life" not in device.tags
        and (scenario.deployment == "local" or runs_at_the_edge(device, scenario, inventory))
        for count in (OWNED_COUNTS if scenario.deployment == "local" and device.fabric != "none" else (1,))
    )


def runs_at_the_edge(device: Accelerator, scenario: Scenario, inventory: Inventory) -> bool:
    """Whether a device runs within the asked power limit, or draws no more than edge devices do where none is asked."""
    power, limit = inventory.power, scenario.ownership.power_limit_watts
    if device.tdp_watts is None or power is None:
        return device.kind == "apple"
    return device.tdp_watts <= power.edge_watts if limit is None else limit >= device.tdp_watts * power.lowest_share


OWNED_KINDS = ("gpu", "apple", "other")
OWNED_COUNTS = (1, 2, 4, 8)


def devices(name: str, count: int, inventory: Inventory) -> Machine:
    """A host with `count` accelerators of one kind, without the rest of a rented machine; or with unlike ones, named
    with a plus between them.
    """
    wanted = name.strip().lower()
    if "+" in wanted:
        return unlike_cards(wanted, count, inventory)
    device = inventory.accelerators.get(wanted)
    if device is None:
        raise InputError("accelerator", f"unknown accelerator {name!r}", close_names(wanted, inventory.accelerators))
    return Machine(
        id=f"{count}x{device.id}" if count > 1 else device.id,
        family=device.id,
        accelerator=device.id,
        count=count,
        fabric=device.fabric,
        vcpus=0,
        memory_bytes=0,
        kind="device",
        fast_domain=count,
        source=device.source,
        as_of=device.as_of,
    )


def machine_named(candidate: Candidate, inventory: Inventory) -> Machine:
    """The machine that a candidate stands on: an instance type, or a number of devices alone."""
    known = inventory.machines.get(candidate.machine)
    if known is None and "+" in candidate.machine:
        return devices(candidate.machine, 1, inventory)
    return known or devices(candidate.accelerator, int(candidate.accelerators / candidate.machines), inventory)
