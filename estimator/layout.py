"""How a model is spread over devices, as a value: one engine's ranks, and one training run's."""

from typing import Literal, NamedTuple

HostPart = Literal["layers", "experts", "weights"]
"""What of a layer stays in host memory: all of it with its cache, run by the CPU (llama.cpp --n-gpu-layers); its routed
experts, run by the CPU (--n-cpu-moe); or its weights, which cross to the device in every step (vLLM --cpu-offload-gb).
"""


class Layout(NamedTuple):
    """How one inference engine is spread: tp x pp devices in one model copy, dp attention copies, experts over ep
    ranks.
    """

    tp: int = 1
    pp: int = 1
    ep: int = 1
    dp: int = 1
    host: int = 0
    """Layers of which a part stays in host memory."""
    host_part: HostPart = "layers"

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
        if self.host:
            parts.append(f"H{self.host}" + ("" if self.host_part == "layers" else f" {self.host_part}"))
        return "·".join(parts)


SHARDING_NAMES = {
    "none": "DP",
    "zero1": "ZeRO-1",
    "zero2": "ZeRO-2",
    "zero3": "ZeRO-3",
    "fsdp": "FSDP",
    "hybrid": "HSDP",
}
"""How each way to shard is written by those who made it."""


class TrainingSetup(NamedTuple):
    """How one training run is spread: tp x pp x cp x dp devices, and the ways to save memory that are in force."""

    tp: int = 1
    pp: int = 1
    cp: int = 1
    """Ranks over which one sequence is divided."""
    dp: int = 1
    ep: int = 1
    """Ranks over which experts are divided; they are data-parallel ranks for everything else."""
    sharding: str = "none"
    shard_group: int = 0
    """Data-parallel ranks among which states are divided (hybrid sharding: one machine's); 0 is all of them."""
    micro_batch: int = 1
    accumulation: int = 1
    checkpointing: str = "none"
    offload: str = "none"

    @property
    def devices(self) -> int:
        return self.tp * self.pp * self.cp * self.dp

    @property
    def shards(self) -> int:
        """Ranks among which sharded training states are divided; context-parallel ranks hold the same weights."""
        return self.shard_group or self.dp * self.cp

    @property
    def savers(self) -> tuple[str, ...]:
        """The memory savers of a run in words: what is computed again and what lies in host memory."""
        recomputed = f"{self.checkpointing} checkpointing" if self.checkpointing != "none" else ""
        return tuple(filter(None, (recomputed, f"{self.offload} on the host" if self.offload != "none" else "")))

    def __str__(self) -> str:
        ranks = [f"{name}{count}" for name, count in (("TP", self.tp), ("PP", self.pp), ("CP", self.cp)) if count > 1]
        if self.dp > 1:
            ranks.append(f"{SHARDING_NAMES[self.sharding]} x{self.dp}")
        return ("·".join(ranks) or "1 device") + (" + host" if self.offload != "none" else "")
