"""An engine of round numbers, whose figures are worked out by hand: a step takes 8 ms and 0.1 ms for each of its rows.

A prompt of 100 tokens takes 18 ms alone, n of them together 8 + 10 n, one that rides along in a decode step 10 ms more;
a step that decodes 20 answers 10 ms. A first token takes 3 ms besides.
"""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from estimator.engines.speed_constants import EngineSpeed, FirstToken, PromptCost, Scheduler
from estimator.engines.spreads import Spread, Spreads
from estimator.layout import Layout
from estimator.results import Bound
from estimator.scenario.workload import ServingWorkload
from estimator.serving.speed.operators import Detail, Operators
from estimator.serving.speed.step import Step

MS = 1e-3
AS_IT_IS = Spread(1.0, 1.0)


@dataclass(frozen=True)
class Linear:
    """An operator that takes some time, and some for each row."""

    fixed_s: float = 0.0
    row_s: float = 0.0
    name: str = "linear"
    bound: Bound = "compute"
    times: float = 1.0
    weight_bytes: float = 0.0

    def seconds(self, rows: float) -> float:
        return self.fixed_s + rows * self.row_s

    def detail(self, rows: float) -> Detail:
        return self.name, self.seconds(rows), self.bound, rows, 1.0


class Kept(NamedTuple):
    """A cache that takes room and no time."""

    token_bytes: float
    times: float = 1.0

    def seconds(self, batch: float, context: float) -> float:
        return 0.0

    def detail(self, batch: float, context: float) -> Detail:
        return "cache", 0.0, "memory", 0.0, 0.0

    def cache_bytes(self, context: float) -> float:
        return self.token_bytes * context

    def rereading_s(self, batch: float, context: float) -> float:
        return 0.0


def linear_engine(
    prompts: Any = "chunked",
    chunk_tokens: int = 2000,
    layout: Layout = Layout(),  # noqa: B008
    token_bytes: float = 0.0,
    **step: Any,
) -> Step:
    """The step of the engine; `prompts` is its way to schedule them."""
    caches: Any = (Kept(token_bytes),)
    speed = EngineSpeed(
        prompts=PromptCost(chunk_tokens=chunk_tokens),
        first_token=FirstToken(layer_ms=0.0, step_tokens=50.0, fixed_ms=2.0, network_ms=1.0),
        scheduler=Scheduler(prompts, reserves=False),
        max_batch=1000,
        state_us=0.0,
    )
    spreads = Spreads(AS_IT_IS, AS_IT_IS, AS_IT_IS)
    made = Step(
        operators=Operators((Linear(8 * MS, 0.1 * MS),), Linear(), caches, ()),
        layers=10,
        layout=layout,
        hop_s=0.0,
        hop_s_per_row=0.0,
        pipeline=0.0,
        stall=0.0,
        speed=speed,
        engine="linear",
        confidence="A",
        spreads={"single": spreads, "serving": spreads, "burst": spreads},
        peak_flops_per_s=1.0,
        peak_bytes_per_s=1.0,
        network_gb_s=1.0,
        proposing_s=lambda sequences, context, drafts, launch_s: drafts * 1 * MS,
    )
    return replace(made, **step)


def requests(output_tokens: int = 100, **other: Any) -> ServingWorkload:
    """Requests of 100 tokens, answered with 100."""
    return replace(ServingWorkload(input_tokens=100, output_tokens=output_tokens), **other)


def spread(step: Step, low: float, high: float) -> Step:
    """The engine with bands of that spread about every figure."""
    bands = Spreads(*[Spread(low, high)] * 3)
    return replace(step, spreads={"single": bands, "serving": bands, "burst": bands})


def with_speed(step: Step, **speed: Any) -> Step:
    """The engine with other constants of its class."""
    return replace(step, speed=replace(step.speed, **speed))
