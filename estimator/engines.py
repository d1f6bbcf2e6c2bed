"""Serving engines by version: how each spends a device's memory. Values are data; see catalog/data/engines.yaml."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, eq=False)
class EngineProfile:
    """One engine over a range of versions."""

    id: str
    version: str
    name: str
    speed: str
    """Key into the efficiency table's engine constants."""

    def covers(self, version: str) -> bool:
        """Whether this profile describes that version."""
        return version == self.version
