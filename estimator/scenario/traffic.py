"""How requests come: users who wait for their answers, arrivals at a rate, a burst, or a recorded trace."""

from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple

from estimator.bounds import Ge, Gt, Le
from estimator.errors import InputError

TrafficKind = Literal["closed", "rate", "burst", "trace"]
LengthShape = Literal["fixed", "chat", "code"]

MOST_REQUESTS = 100_000
"""Requests of one replay: some ten seconds of work."""


class Request(NamedTuple):
    """One request of a trace."""

    arrival_s: float
    """Seconds after the first request of the trace."""
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class Traffic:
    """The way in which requests come to all replicas together; how many and how fast, the workload says.

    `closed` holds the workload's concurrency: every user sends the next request when the last one is answered.
    `rate` draws gaps from a gamma distribution of mean 1 / rate with shape `burstiness` (1: Poisson), as the clients of
    vLLM and SGLang do. `burst` sends all `requests` at once, or at the workload's rate where it names one.
    `trace` sends what was recorded.
    """

    kind: TrafficKind = "closed"
    requests: Annotated[int, Ge(1), Le(MOST_REQUESTS)] | None = None
    """Requests that are sent; None is as many as a steady state needs."""
    burstiness: Annotated[float, Gt(0), Le(100)] = 1.0
    """Shape of the gamma distribution of gaps between arrivals: below 1 they come in clumps, above evenly."""
    lengths: LengthShape = "fixed"
    """Shape of the lengths around the workload's means."""
    trace: tuple[Request, ...] = ()

    def check(self) -> None:
        """Raises InputError for a burst without a number of requests, or a trace without requests."""
        if self.kind == "burst" and self.requests is None:
            raise InputError("requests", "a burst says how many requests it sends")
        if self.kind == "trace" and not self.trace:
            raise InputError("trace", "no request in it")
