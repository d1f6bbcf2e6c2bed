"""Shares of one device's memory at a load: what every picture of a device's memory is drawn from."""

from typing import NamedTuple

from estimator.results import MemoryReport


class MemoryShares(NamedTuple):
    """Bytes of one device by purpose; they add up to what the driver reports, or to more where the model does
    not fit.
    """

    weights_bytes: float
    cache_bytes: float
    """The part of the KV pool that the load fills."""
    activation_bytes: float
    runtime_bytes: float
    cuda_graph_bytes: float
    reserve_bytes: float
    """What the engine leaves alone."""
    free_bytes: float
    """The part of the KV pool that is idle."""

    @property
    def used_bytes(self) -> float:
        """Bytes of the device that are in use: everything but what is idle or left alone."""
        return sum(self) - self.reserve_bytes - self.free_bytes


def cache_in_use_bytes(report: MemoryReport, sequences: float) -> float:
    """KV cache of `sequences` requests of the asked length on one replica [bytes]; what the pool can not hold waits."""
    running = min(sequences, report.max_concurrency) / report.attention_copies
    return min(running * report.request_bytes, report.kv_cache_bytes)


def memory_shares(report: MemoryReport, sequences: float) -> MemoryShares:
    """The device's bytes by purpose with `sequences` requests of the asked length on one replica."""
    in_use = cache_in_use_bytes(report, sequences)
    spent = report.weights_bytes + report.activation_bytes + report.runtime_bytes + report.cuda_graph_bytes
    return MemoryShares(
        weights_bytes=report.weights_bytes,
        cache_bytes=in_use,
        activation_bytes=report.activation_bytes,
        runtime_bytes=report.runtime_bytes,
        cuda_graph_bytes=report.cuda_graph_bytes,
        reserve_bytes=max(report.usable_bytes - spent - report.kv_cache_bytes, 0.0),
        free_bytes=report.kv_cache_bytes - in_use,
    )
