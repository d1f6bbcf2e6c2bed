"""Everything a ranking chooses from, as one immutable value."""

import re
from collections.abc import Mapping
from dataclasses import field
from functools import lru_cache

from estimator.engines.profiles import LONGEST_VERSION, EngineProfile, version_key
from estimator.engines.speed_constants import Efficiency
from estimator.engines.training_constants import TrainingConstants
from estimator.errors import InputError, close_names, unknown_name
from estimator.hardware.devices import Accelerator, Fabric, Machine
from estimator.hardware.power import PowerConstants
from estimator.models.by_hand import DecoderShape
from estimator.printable import printable
from estimator.records import record


@record(frozen=True, slots=True, eq=False)
class Inventory:
    """Hardware, engines and kernel constants. Prices are apart: they change with the region."""

    accelerators: Mapping[str, Accelerator]
    fabrics: Mapping[str, Fabric]
    machines: Mapping[str, Machine]
    """EC2 types, CPU hosts and stand-alone devices (`Machine.kind` tells)."""
    engines: tuple[EngineProfile, ...]
    """Each describes its version and those after it, up to the next one's; the newest of an engine is its last."""
    efficiency: Efficiency
    training: TrainingConstants | None = None
    sizes: Mapping[str, DecoderShape] = field(default_factory=dict)
    """Decoders known by size alone, by id."""
    power: PowerConstants | None = None

    def accelerator(self, name: str) -> Accelerator:
        """The accelerator of an id, a label, or a name that a driver or benchmark prints. Raises InputError with close
        matches.
        """
        if name in self.accelerators:
            return self.accelerators[name]
        names = {
            _plain(known): each
            for each in self.accelerators.values()
            for known in (*each.aliases, each.name, each.label, each.id)
        }
        accelerator = names.get(_plain(name))
        if accelerator is None:
            raise InputError("accelerator", f"unknown accelerator {name!r}", close_names(name, self.accelerators))
        return accelerator

    def machine(self, name: str) -> Machine:
        """The machine type of an id; SageMaker's `ml.` names are the EC2 types without the prefix.

        Raises InputError with close matches.
        """
        wanted = name.strip().lower().removeprefix("ml.")
        machine = self.machines.get(wanted) or self.machines.get(name)
        if machine is None:
            raise InputError("instance", f"unknown instance type {name!r}", close_names(wanted, self.machines))
        return machine

    def engine(self, name: str, version: str | None = None) -> EngineProfile:
        """The profile of an engine, by id or printed name, at a version; its newest where none is asked.

        Raises InputError for an unknown one.
        """
        profiles = _profiles(self).get(name) or self._engine_spelled(name)
        if not profiles:
            names = dict.fromkeys(profile.id for profile in self.engines)
            raise unknown_name("engine", f"unknown engine {name!r}", name, names)
        if version is None:
            return profiles[-1]
        wanted = version_key(version)
        profile = next((each for each in reversed(profiles) if version_key(each.version) <= wanted), None)
        if profile is None:
            raise InputError(
                "engine",
                f"no profile of {name} covers {printable(version, LONGEST_VERSION)}; "
                f"one of {', '.join(p.version for p in profiles)}",
            )
        return profile

    def newer_version(self, name: str, version: str | None) -> str:
        """What to say of a version after the newest that is known, whose figures it is answered with; else nothing."""
        profile = self.engine(name, version)
        newest = self.engine(profile.id).version
        if version is None or version_key(version)[:2] <= (*version_key(newest), 0)[:2]:
            return ""
        return f"{name} {printable(version, LONGEST_VERSION)} is newer than what is known here; answered as {newest}"

    def _engine_spelled(self, name: str) -> list[EngineProfile]:
        """Profiles of the engine whose id or printed name has the same letters: `llama.cpp`, `TensorRT-LLM`."""
        spelled = _letters(name)
        same = {each.id for each in self.engines if spelled and spelled in (_letters(each.id), _letters(each.name))}
        return [each for each in self.engines if same == {each.id}]

    def stand_in_engine(self, device_kind: str) -> EngineProfile | None:
        """The newest profile that answers on a kind of device in the place of engines that do not run there."""
        for profile in reversed(self.engines):
            if device_kind in profile.program.stands_in_on:
                return profile
        return None


@lru_cache(maxsize=4)
def _profiles(inventory: Inventory) -> Mapping[str, list[EngineProfile]]:
    """Profiles of each engine by its id, the newest last."""
    profiles: dict[str, list[EngineProfile]] = {}
    for profile in inventory.engines:
        profiles.setdefault(profile.id, []).append(profile)
    return profiles


def _plain(name: str) -> str:
    """NVIDIA GeForce RTX 4090 -> rtx4090; what stands in brackets is left out."""
    words = re.sub(r"\(.*?\)|\b(nvidia|geforce|tesla|amd|instinct|aws|google|intel)\b", "", name.lower())
    return _letters(words)


def _letters(name: str) -> str:
    """A name as it is spoken: letters and digits in lower case."""
    return re.sub(r"[^a-z0-9]", "", name.lower())
