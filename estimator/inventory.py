"""Everything a ranking chooses from, as one immutable value."""

from collections.abc import Mapping
from dataclasses import dataclass

from estimator.efficiency import Efficiency
from estimator.engines import EngineProfile
from estimator.errors import InputError
from estimator.hardware import Accelerator, Fabric, Machine


@dataclass(frozen=True, slots=True, eq=False)
class Inventory:
    """Hardware, engines and kernel constants. Prices are apart: they change with the region."""

    accelerators: Mapping[str, Accelerator]
    fabrics: Mapping[str, Fabric]
    machines: Mapping[str, Machine]
    """EC2 types, CPU hosts and stand-alone devices (`Machine.kind` tells)."""
    engines: tuple[EngineProfile, ...]
    """Newest version of an engine last."""
    efficiency: Efficiency

    def engine(self, name: str, version: str | None = None) -> EngineProfile:
        """The profile of that engine and version; the newest where none is asked. Raises InputError."""
        profiles = [profile for profile in self.engines if profile.id == name]
        if not profiles:
            names = dict.fromkeys(profile.id for profile in self.engines)
            raise InputError("engine", f"unknown engine {name!r}; one of {', '.join(names)}")
        if version is None:
            return profiles[-1]
        for profile in profiles:
            if profile.covers(version):
                return profile
        raise InputError(
            "engine", f"no profile of {name} covers {version}; one of {', '.join(p.version for p in profiles)}"
        )
