"""How one engine is laid out over accelerators, and which layouts a model and a machine allow."""

from typing import NamedTuple


class Layout(NamedTuple):
    """Ranks of one engine: tp x pp devices in one model copy, dp attention copies, experts over ep ranks."""

    tp: int = 1
    pp: int = 1
    ep: int = 1
    dp: int = 1

    @property
    def devices(self) -> int:
        return self.tp * self.pp * self.dp

    def __str__(self) -> str:
        parts = [f"TP{self.tp}"]
        if self.pp > 1:
            parts.append(f"PP{self.pp}")
        if self.dp > 1:
            parts.append(f"DP{self.dp}")
        if self.ep > 1:
            parts.append(f"EP{self.ep}")
        return "·".join(parts)
