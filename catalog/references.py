"""References between catalogue files: names that must exist, and versions that must ascend."""

from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from catalog.yaml_file import Place
from estimator.engines.profiles import EngineProfile, version_key
from estimator.engines.speed_constants import Efficiency
from estimator.errors import Refusal, close_names
from estimator.hardware.devices import Accelerator


class Fault(NamedTuple):
    """One field of a catalogue file that does not go with the other files."""

    place: Place
    reason: str


def unknown(kind: str, name: str, known: Iterable[str], file: str) -> str:
    """The reason of a fault: there is no such name, and those spelled like it or the file that would hold it."""
    near = close_names(name, known)
    return Refusal(kind, f"no {kind} {name!r}", tuple(near)).complaint + ("" if near else f"; add it to {file}")


def engine_faults(profiles: tuple[EngineProfile, ...], efficiency: Efficiency) -> Iterator[Fault]:
    """Faults of engine entries: speed classes that do not exist, and versions that do not ascend.

    An entry ends where the next one begins.
    """
    latest: dict[str, EngineProfile] = {}
    for number, profile in enumerate(profiles):
        for place, speed in (("speed", profile.speed), *(("speed_of", each) for each in profile.speed_of.values())):
            if speed not in efficiency.engines:
                reason = unknown("engine constants", speed, efficiency.engines, "efficiency.yaml")
                yield Fault((number, place), reason)
        before, version = latest.setdefault(profile.id, profile), version_key(profile.version)
        if not version:
            yield Fault((number, "version"), f"{profile.version!r} is no version, expected numbers such as 0.28")
        elif before is not profile and version <= version_key(before.version):
            reason = f"{profile.id} {profile.version} does not come after {before.version}, which stands above it"
            yield Fault((number, "version"), reason)
        latest[profile.id] = profile


def constant_faults(efficiency: Efficiency, accelerators: Iterable[str]) -> Iterator[Fault]:
    """Faults of constants: accelerators, kernel classes and engines that do not exist."""
    known = tuple(accelerators)
    for name in efficiency.evidence:
        if name not in known:
            yield Fault(("evidence", name), unknown("accelerator", name, known, "accelerators.yaml"))
    for name in efficiency.bandwidth_of_parts:
        if name not in known:
            yield Fault(("bandwidth_of_parts", name), unknown("accelerator", name, known, "accelerators.yaml"))
    local = efficiency.llama_cpp
    for name, kernels in local.devices.items():
        if name not in known:
            yield Fault(("llama_cpp", "devices", name), unknown("accelerator", name, known, "accelerators.yaml"))
        if kernels not in local.kernels:
            reason = unknown("llama.cpp kernel class", kernels, local.kernels, "efficiency.yaml")
            yield Fault(("llama_cpp", "devices", name), reason)
    for number, band in enumerate(efficiency.bands):
        if band.engine and band.engine not in efficiency.engines:
            reason = unknown("engine constants", band.engine, efficiency.engines, "efficiency.yaml")
            yield Fault(("bands", number, "engine"), reason)


def device_faults(profiles: tuple[EngineProfile, ...], accelerators: Collection[Accelerator]) -> Iterator[Fault]:
    """Faults of what engine entries say of devices: generations and beginnings of ids that do not exist."""
    known = {each.generation for each in accelerators}
    for number, profile in enumerate(profiles):
        for default, each in enumerate(profile.memory.defaults):
            if each.except_devices and not any(device.id.startswith(each.except_devices) for device in accelerators):
                reason = f"no accelerator's id starts with {each.except_devices!r}"
                yield Fault((number, "memory", "defaults", default, "except_devices"), reason)
        for name in profile.tensor_parallel_of:
            if name not in known:
                reason = unknown("accelerator generation", name, known, "accelerators.yaml")
                yield Fault((number, "tensor_parallel_of", name), reason)
