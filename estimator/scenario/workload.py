"""The workload: requests to serve, how they come, and the service level they need."""

from dataclasses import replace
from math import inf
from typing import Annotated

from estimator.bounds import Ge, Gt, Le, Lt
from estimator.checks import check
from estimator.errors import InputError, unknown_name
from estimator.models.media import NOTHING, Media
from estimator.records import record
from estimator.scenario.traffic import LENGTHS, MOST_REQUESTS, TRAFFICS, Trace

Tokens = Annotated[int, Ge(1), Le(10_000_000)]


@record(frozen=True, slots=True)
class ServingWorkload:
    """Requests of some mean lengths, and how they come to all replicas together."""

    input_tokens: Tokens = 2048
    output_tokens: Tokens = 512
    concurrency: Annotated[int, Ge(1), Le(1_000_000)] = 16
    """Requests in flight on the whole candidate."""
    requests_per_second: Annotated[float, Gt(0), Le(1e6)] | None = None
    """Open arrivals; None holds the concurrency instead."""
    prefix_cache_hit: Annotated[float, Ge(0), Lt(1)] = 0.0
    """Fraction of the prompt found in the prefix cache."""
    draft_tokens: Annotated[int, Ge(0), Le(64)] = 0
    """Speculative decoding or multi-token prediction: tokens proposed in each step."""
    draft_model: str | None = None
    """What proposes them: a smaller model or a head of another upload by name, or `ngram`; None is the model's own
    prediction modules."""
    accepted_tokens: Annotated[float, Ge(1), Le(65)] | None = None
    """Tokens that a step yields on average, the verified one included: at most the drafts and that one. None is what is
    measured of such a drafter."""
    length_variation: Annotated[float, Ge(0), Le(3)] = 0.0
    """Standard deviation of prompt and output lengths over their means; 0 where all are equal."""
    prefill_replicas: Annotated[int, Ge(0), Le(100_000)] = 0
    """Replicas that only prefill and hand the cache to the others; 0 lets every replica do both."""
    traffic: str | None = None
    """One of `TRAFFICS`; None is `rate` where requests per second are asked for, else `closed`."""
    requests: Annotated[int, Ge(1), Le(MOST_REQUESTS)] | None = None
    """Requests that are sent, as by a benchmark; of a trace the first ones. None is for ever, or the whole trace."""
    burstiness: Annotated[float, Gt(0), Le(100)] = 1.0
    """Shape of the gamma distribution of gaps between arrivals, as the clients of vLLM and SGLang define it: at 1
    arrivals are Poisson, below they come in clumps, above evenly."""
    lengths: str = "fixed"
    """One of `LENGTHS`."""
    images: str | None = None
    """Images of a request, `N` or `N@WxH` in pixels."""
    audio_seconds: Annotated[float, Gt(0), Le(1e6)] | None = None
    """Sound of a request."""
    media: Media = NOTHING
    """What the model makes of images and sound: set by `scenario.media.with_media`, never asked for."""
    encodes: bool = False
    """The model reads a request in one pass and writes nothing: set with `media`, never asked for."""
    trace: Trace | None = None
    """Recorded requests; they are sent at the workload's mean lengths and rate, which are the trace's own at first."""

    @property
    def tokens_per_step(self) -> float:
        """Tokens that a decode step yields on average: one without drafts."""
        return self.accepted_tokens or 1.0

    @property
    def kind(self) -> str:
        """How the requests come: one of `TRAFFICS`."""
        return self.traffic or ("closed" if self.requests_per_second is None else "rate")

    @property
    def is_finite(self) -> bool:
        """Whether the workload ends, so that its opening and its last requests count in what users see on average."""
        return self.kind in ("burst", "trace") or self.requests is not None

    @property
    def is_benchmark(self) -> bool:
        """Whether the workload sends a number of requests and then drains the queue, as a benchmark does.

        More requests than can be served at once, or in a second, are no overload there.
        """
        return self.is_finite and self.kind != "trace"

    @property
    def steady(self) -> "ServingWorkload":
        """The workload as a stream that goes on for ever as this one is at its height: a burst holds all of its
        requests at once.
        """
        if self.requests_per_second is not None or self.kind not in ("burst", "trace"):
            return self
        recorded = len(self.trace.requests) if self.trace and self.kind == "trace" else MOST_REQUESTS
        return replace(self, concurrency=min(self.requests or recorded, recorded))

    @property
    def users_requests(self) -> int | None:
        """Number of requests that users who wait for their answers send in all; None is for ever."""
        return self.requests if self.kind == "closed" else None

    def under(self, trace: Trace) -> "ServingWorkload":
        """This workload with recorded traffic, whose mean lengths and rate it takes."""
        return replace(
            self,
            trace=trace,
            traffic="trace",
            input_tokens=trace.input_tokens,
            output_tokens=trace.output_tokens,
            requests_per_second=trace.requests_per_second,
        )

    def with_users(self, users: int) -> "ServingWorkload":
        """This workload's requests, sent by `users` users who each wait for an answer before the next one."""
        return replace(self, concurrency=users, requests_per_second=None, traffic=None, requests=self.users_requests)

    @property
    def uncached_tokens(self) -> tuple[int, int]:
        """Prompt tokens to compute, and prompt tokens that the prefix cache holds, as a pair."""
        cached = int(self.input_tokens * self.prefix_cache_hit)
        return self.prompt_tokens - cached, cached

    @property
    def prompt_tokens(self) -> int:
        """Tokens of one prompt: its text, images and sound."""
        return self.input_tokens + self.media.tokens

    def busy_replicas(self, replicas: int) -> int:
        """How many of some replicas have work: all under open arrivals, else no more than there are requests in
        flight.
        """
        return replicas if self.requests_per_second is not None else min(replicas, self.concurrency)

    def capacity_in(self, room: float) -> float:
        """Requests that may be under way where `room` of them run at once: no more, but for texts that are only read,
        which wait for the next pass, so that any number is held where one runs.
        """
        return inf if self.encodes and room >= 1 else room

    @property
    def total_tokens(self) -> int:
        return self.prompt_tokens + (0 if self.encodes else self.output_tokens)

    @property
    def mean_context(self) -> float:
        """Tokens that a decode step finds cached: half of an answer is written; long answers are the likelier to be in
        work (mean square over mean)."""
        return self.prompt_tokens + self.output_tokens * (1 + self.length_variation**2) / 2


def check_workload(workload: ServingWorkload) -> None:
    """Raises InputError where a serving workload can not be asked.

    That is: a field out of range, a drafter without drafts, a step that would yield more tokens than it verifies, and a
    traffic that lacks its own number or names another's.
    """
    check(workload)
    _check_traffic(workload)
    drafts, accepted = workload.draft_tokens, workload.accepted_tokens
    if workload.draft_model is not None and not drafts:
        raise InputError("draft_model", "say how many tokens it proposes in each step (draft tokens)")
    if accepted is not None and accepted > drafts + 1:
        verified = f"{drafts} draft tokens yield at most {drafts + 1}" if drafts else "without draft tokens it is 1"
        raise InputError("accepted_tokens", f"{accepted:g} tokens a step, but {verified}")


def _check_traffic(workload: ServingWorkload) -> None:
    kind, rate = workload.kind, workload.requests_per_second
    if kind not in TRAFFICS:
        raise unknown_name("traffic", f"unknown {kind!r}", kind, TRAFFICS)
    if workload.lengths not in LENGTHS:
        raise unknown_name("lengths", f"unknown {workload.lengths!r}", workload.lengths, LENGTHS)
    if kind == "closed" and rate is not None:
        raise InputError("traffic", "users in a closed loop send at no rate: leave requests-per-second out")
    if kind == "rate" and rate is None:
        raise InputError("traffic", "a rate says how many requests-per-second come")
    if kind == "burst" and workload.requests is None:
        raise InputError("traffic", "a burst says how many requests it sends")
    if kind == "trace" and workload.trace is None:
        raise InputError("traffic", "a trace is read from a file: say trace FILE.csv")


PERCENTILES = (50, 90, 95, 99)
"""Shares of the requests [%] that a bound may be asked of."""
Percentile = Annotated[int, Ge(50), Le(99)]


@record(frozen=True, slots=True)
class ServiceLevel:
    """Upper bounds that users must see, each on the mean or on a percentile of all requests; None asks nothing."""

    ttft_s: Annotated[float, Gt(0)] | None = None
    """Time to first token."""
    tpot_s: Annotated[float, Gt(0)] | None = None
    """Time per output token."""
    latency_s: Annotated[float, Gt(0)] | None = None
    """A whole request."""
    ttft_percentile: Percentile | None = None
    """One of `PERCENTILES`; None bounds the mean."""
    tpot_percentile: Percentile | None = None
    """One of `PERCENTILES`; None bounds the mean."""
    latency_percentile: Percentile | None = None
    """One of `PERCENTILES`; None bounds the mean."""

    def __bool__(self) -> bool:
        return self.ttft_s is not None or self.tpot_s is not None or self.latency_s is not None

    @property
    def asks_percentiles(self) -> bool:
        """Whether any bound of the level is on a percentile and not on the mean."""
        return bool(self.ttft_percentile or self.tpot_percentile or self.latency_percentile)

    def excess(self, ttft_s: float, tpot_s: float, latency_s: float = 0.0) -> float:
        """The worst of some times over its bound, less 1: 0 and below keeps the level; -1 where nothing is asked."""
        return (
            max(
                ttft_s / self.ttft_s if self.ttft_s else 0.0,
                tpot_s / self.tpot_s if self.tpot_s else 0.0,
                latency_s / self.latency_s if self.latency_s else 0.0,
            )
            - 1
        )

    def met_by(self, ttft_s: float, tpot_s: float, latency_s: float = 0.0) -> bool:
        """Whether times of one request, or at the asked percentiles, keep every bound of the level."""
        return self.excess(ttft_s, tpot_s, latency_s) <= 0


def check_level(level: ServiceLevel) -> None:
    """Raises InputError for a service level with a bound that is none, or with a percentile that is not counted."""
    check(level)
    for name in ("ttft", "tpot", "latency"):
        percentile = getattr(level, f"{name}_percentile")
        if percentile not in (None, *PERCENTILES):
            known = ", ".join(f"p{each}" for each in PERCENTILES)
            raise InputError(f"{name}_percentile", f"p{percentile} is not counted; one of {known}")


@record(frozen=True, slots=True)
class Ownership:
    """How owned hardware, or hardware whose price the user knows, is priced: written off over its life, and its
    power.
    """

    hardware_usd: Annotated[float, Gt(0)] | None = None
    """Price of one accelerator; None takes the catalogue's street price."""
    amortization_years: Annotated[float, Gt(0), Le(20)] = 3.0
    host_usd: Annotated[float, Ge(0), Le(1e9)] = 0.0
    """Price of what holds the accelerators of one machine: host, chassis, power supply."""
    usd_per_kwh: Annotated[float, Ge(0), Le(10)] = 0.15
    host_watts: Annotated[float, Ge(0), Le(1e6)] = 0.0
    """Power of the host beside its accelerators."""
    pue: Annotated[float, Ge(1), Le(5)] = 1.0
    """Power of the whole room over that of its machines: 1 at a desk, 1.56 in the average data centre (Uptime Institute
    survey of 2024), 1.1 in the best."""
    utilization: Annotated[float, Gt(0), Le(1)] = 1.0
    """Share of its hours that owned hardware works; the rest it idles."""
    power_limit_watts: Annotated[float, Gt(0)] | None = None
    """Power that one accelerator may draw; it lowers the clock and with it the speed."""
    usd_per_gpu_hour: Annotated[float, Gt(0), Le(1e6)] | None = None
    """The user's own price of one accelerator for an hour, whatever the terms; None takes the catalogue's."""
