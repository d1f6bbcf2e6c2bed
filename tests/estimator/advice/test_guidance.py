"""What accelerators are for: every device has an answer, and what compiles first says so."""

import pytest

from catalog.load import load
from estimator.advice.guidance import FAMILIES, KINDS, guidance

DEVICES = load().inventory.accelerators


@pytest.mark.parametrize("device", DEVICES.values(), ids=lambda device: device.id)
def test_every_device_has_a_purpose_and_a_trade_off(device) -> None:
    assert guidance(device).purpose
    assert guidance(device).trade_off
    assert bool(guidance(device).effort) == (device.kind == "neuron")


def test_every_family_is_of_a_device() -> None:
    assert set(FAMILIES) <= {device.generation for device in DEVICES.values()}
    assert set(KINDS) <= {device.kind for device in DEVICES.values()}


@pytest.mark.parametrize(
    "machine", [each for each in load().inventory.machines.values() if each.kind == "cloud"], ids=lambda each: each.id
)
def test_every_rented_family_has_words_of_its_own(machine) -> None:
    assert DEVICES[machine.accelerator].generation in FAMILIES or DEVICES[machine.accelerator].kind == "gpu"
