"""Traffic: how requests come, be it users who wait for their answers, arrivals at a rate, a burst, or a
recorded trace.
"""

from collections.abc import Sequence
from typing import NamedTuple

TRAFFICS = ("closed", "rate", "burst", "trace")
"""Users who each send the next request when the last one is answered; arrivals at a rate; a number of requests sent at
once, or at a rate; what was recorded."""
LENGTHS = ("fixed", "chat", "rag", "code", "sharegpt", "reasoning")
"""Shapes of the lengths around the workload's means, as public traces have them; `fixed` has none of its own."""
MOST_REQUESTS = 100_000
"""Requests of one replay: some seconds of work."""


class Request(NamedTuple):
    """One request of a recorded trace: when it came [s], and its tokens."""

    arrival_s: float
    """Seconds after the first request of the trace."""
    input_tokens: int
    output_tokens: int


class Trace:
    """A recorded traffic, with the load that it comes to. Compared by identity: two traces are equal where they are one
    object.
    """

    __slots__ = ("input_tokens", "output_tokens", "path", "requests", "requests_per_second")

    def __init__(self, path: str, requests: Sequence[Request]) -> None:
        count, last_s = len(requests), max(each.arrival_s for each in requests)
        self.path = path
        """The file that it was read from."""
        self.requests = tuple(requests)
        self.input_tokens = round(sum(each.input_tokens for each in requests) / count)
        """Tokens of the mean prompt."""
        self.output_tokens = round(sum(each.output_tokens for each in requests) / count)
        """Tokens of the mean answer."""
        self.requests_per_second = (count - 1) / last_s if last_s > 0 else None
        """None where all requests come at once."""

    def __str__(self) -> str:
        return self.path

    def scaled(self, input_tokens: int, output_tokens: int, requests_per_second: float | None) -> tuple[Request, ...]:
        """The trace's requests in their order and proportions, at other mean lengths and another mean rate.

        At its own means and its own rate it is the trace as it was recorded.
        """
        own_rate = self.requests_per_second
        sooner = requests_per_second / own_rate if requests_per_second and own_rate else 1.0
        longer_in, longer_out = input_tokens / self.input_tokens, output_tokens / self.output_tokens
        if sooner == longer_in == longer_out == 1.0:
            return self.requests
        return tuple(
            Request(
                each.arrival_s / sooner,
                max(round(each.input_tokens * longer_in), 1),
                max(round(each.output_tokens * longer_out), 1),
            )
            for each in self.requests
        )
