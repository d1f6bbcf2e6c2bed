"""Power limits: what a device under one still does, by published sweeps."""

from bisect import bisect_right
from dataclasses import replace
from functools import lru_cache
from typing import Annotated

from estimator.bounds import Ge, Gt, Le
from estimator.hardware.devices import Accelerator
from estimator.records import record

Share = Annotated[float, Gt(0), Le(1)]
PEAKS = ("fp32_flops", "tf32_flops", "fp16_flops", "bf16_flops", "fp8_flops", "int8_flops", "fp4_flops", "int4_flops")


@record(frozen=True, slots=True, eq=False)
class PowerConstants:
    """How speed follows a power limit, and what devices draw when idle. Measured; the source stands in the catalogue's
    file.
    """

    speed_at: tuple[tuple[Share, Share], ...]
    """(share of the datasheet's power, share of its speed), ascending in both, up to (1, 1)."""
    idle_share: Annotated[float, Ge(0), Le(1)]
    edge_watts: Annotated[float, Gt(0), Le(1e4)]
    """Most that a device of an edge deployment draws where no limit is asked [W]."""
    source: str
    as_of: str

    def speed_share(self, power_share: float) -> float:
        """Share of full speed that a device keeps under a share of its power, by lines between measured points.

        Below the lowest point speed falls in proportion to the power; from 1 on it is 1.
        """
        if power_share >= 1:
            return 1.0
        at = bisect_right(self.speed_at, power_share, key=lambda point: point[0])
        (low, slow), (high, fast) = ((0.0, 0.0), self.speed_at[0]) if at == 0 else self.speed_at[at - 1 : at + 1]
        return slow + (fast - slow) * (power_share - low) / (high - low)

    @property
    def lowest_share(self) -> float:
        """The lowest power limit that was measured and that drivers take, as a share of the datasheet's power."""
        return self.speed_at[0][0]


@lru_cache(maxsize=256)
def under_limit(device: Accelerator, watts: float, constants: PowerConstants) -> Accelerator:
    """The device under a power limit: its peaks and bandwidth at the share of speed that the limit leaves."""
    if device.tdp_watts is None or watts >= device.tdp_watts:
        return device
    share = constants.speed_share(watts / device.tdp_watts)
    return replace(
        device,
        bandwidth_bytes_per_s=device.bandwidth_bytes_per_s * share,
        **{name: getattr(device, name) * share for name in PEAKS},
    )
