"""One ranked candidate under other loads, settings and layouts: what the screens draw around it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from estimator.engines.profiles import EngineProfile
from estimator.hardware.devices import Machine
from estimator.hardware.prices import RegionPrices
from estimator.models.model import Model
from estimator.ranking.rank import rank
from estimator.results import Candidate, Evaluation, OperatorTime, PerformanceReport
from estimator.scenario.inventory import Inventory
from estimator.scenario.nodes import Node, node_for
from estimator.scenario.placement import machine_named
from estimator.scenario.scenario import Placement, Scenario
from estimator.scenario.seen import seen_by
from estimator.scenario.workload import ServingWorkload
from estimator.serving.deployment import Deployment, deploy
from estimator.serving.load.operating_point import held_tokens, read_tokens
from estimator.serving.load.percentiles import most_users
from estimator.serving.load.performance import performance
from estimator.serving.memory import ServingMemory, compile_memory
from estimator.serving.speed.breakdown import decode_operators, prefill_operators
from estimator.serving.speed.compile import compile_step
from estimator.serving.speed.step import Step

if TYPE_CHECKING:
    from estimator.serving.load.replay import ReplayReport


@dataclass(frozen=True)
class Study:
    """A ranked candidate with everything that judging a variation of it takes: model, scenario, inventory and
    prices.
    """

    candidate: Candidate
    scenario: Scenario
    model: Model
    inventory: Inventory
    prices: RegionPrices

    def __post_init__(self) -> None:
        """Every figure is about the request as the model sees it, images and sound included."""
        object.__setattr__(self, "scenario", seen_by(self.model, self.scenario, self.inventory))

    def asking(self, scenario: Scenario) -> "Study":
        """A study of the same candidate under another scenario."""
        return replace(self, scenario=scenario)

    @cached_property
    def machine(self) -> Machine:
        """The candidate's instance type, or its devices alone where it is no instance."""
        return machine_named(self.candidate, self.inventory)

    @cached_property
    def node(self) -> Node:
        return node_for(self.machine, self.scenario, self.inventory)

    @cached_property
    def deployment(self) -> Deployment:
        """The model with the engine, formats and settings that run on the candidate's device."""
        return deploy(self.node, self.model, self.scenario, self.inventory)

    @property
    def engine(self) -> EngineProfile:
        return self.deployment.engine

    @cached_property
    def memory(self) -> ServingMemory:
        """Memory of one rank of the candidate, compiled: it answers for any length and load."""
        return compile_memory(self.deployment, self.candidate.layout)

    @cached_property
    def step(self) -> Step:
        """Operators of one rank of the candidate, compiled: they answer for any batch."""
        return compile_step(self.deployment, self.candidate.layout)

    @property
    def replicas(self) -> int:
        return max(self.candidate.replicas, 1)

    def holds(self, users: int, tokens: int) -> bool:
        """Whether all the candidate's replicas hold `users` requests of `tokens` tokens each."""
        return self.workload.capacity_in(int(self.memory.max_sequences(tokens)) * self.replicas) >= users

    @cached_property
    def room(self) -> float:
        """Requests of the asked length that one of the candidate's replicas runs at once."""
        return self.memory.at_once(held_tokens(self.step.speed.scheduler, self.workload))

    @property
    def most_users(self) -> int:
        """Requests of the asked length that the memory of all the candidate's replicas holds at once."""
        return int(self.memory.max_sequences(self.scenario.workload.total_tokens)) * self.replicas

    @property
    def most_within_level(self) -> int:
        """Users on all the candidate's replicas that still see the service level; 0 where one alone does not, or no
        level is asked.
        """
        level = self.scenario.service_level
        if not level or self.most_users < self.replicas:
            return 0
        return most_users(self.step, self.workload, level, self.room) * self.replicas

    def longest(self, users: int) -> int:
        """Longest context [tokens] at which `users` requests fit on the candidate; 0 where none does."""
        return self.memory.max_context(-(-users // self.replicas))

    def prefill(self) -> tuple[OperatorTime, ...]:
        """Seconds of one prompt of the asked length on the candidate, operator by operator."""
        return prefill_operators(self.step, *self.scenario.workload.uncached_tokens)

    def decode(self, users: float) -> tuple[OperatorTime, ...]:
        """Seconds of one decode step on the candidate, operator by operator, with `users` on all its replicas and half
        of each answer written.
        """
        workload = self.scenario.workload
        batch = max(users / self.replicas, 1.0)
        return decode_operators(self.step, batch, read_tokens(self.step, workload), workload.draft_tokens)

    @cached_property
    def performance(self) -> PerformanceReport:
        """Speed of the candidate at the scenario's own load, with the parts that its latencies are made of."""
        workload = self.workload
        busy = workload.busy_replicas(self.replicas)
        speed = performance(self.step, workload, workload.concurrency / busy, self.room, busy, detail=True)
        if not self.scenario.workload.is_finite or self.scenario.workload.encodes:
            return speed
        from estimator.serving.load.replay import with_replay

        return with_replay(speed, self.replay, self.step, self.scenario.workload, busy)

    @property
    def workload(self) -> ServingWorkload:
        """The scenario's requests as a stream that goes on for ever, whatever number of them is asked."""
        return self.scenario.workload.steady

    @cached_property
    def replay(self) -> "ReplayReport":
        """Percentiles, goodput and queue of the scenario's traffic under the engine's own scheduler, over all replicas.

        Raises InputError for a traffic that can not be sent.
        """
        from estimator.serving.load.replay import Limits, replay

        workload = self.scenario.workload
        limits = Limits.of(self.memory, self.step, workload.total_tokens)
        busy = self.workload.busy_replicas(self.replicas)
        return replay(self.step, workload, limits, busy, self.scenario.service_level)

    def at_users(self, users: int) -> PerformanceReport:
        """Speed of the candidate with `users` requests in flight on all its replicas."""
        workload = self.scenario.workload.with_users(users)
        busy = min(self.replicas, users)
        return performance(self.step, workload, users / busy, self.room, busy)

    def operating_points(self, most: int = 8192) -> Iterator[tuple[int, PerformanceReport]]:
        """(users, speed) of the candidate at 1, 2, 4 … users, at the most that keep the service level, and at the most
        that its memory holds.
        """
        limit = min(most, self.most_users)
        loads = {2**power for power in range(limit.bit_length())} | ({limit} if limit >= 1 else set())
        for users in sorted(loads | ({min(self.most_within_level, limit)} - {0})):
            yield users, self.at_users(users)

    def evaluation(self) -> Evaluation:
        """The candidate judged under this study's scenario, in its own layout."""
        layout = self.candidate.layout
        moe = self.model.architecture.is_moe
        placement = replace(
            self.scenario.placement,
            machines=self.candidate.machines,
            tp=layout.tp,
            pp=layout.pp,
            ep=layout.ep if moe else None,
            dp=layout.dp if moe else None,
        )
        scenario = replace(self.scenario, placement=placement)
        return rank(self.model, scenario, self.inventory, self.prices, (self.machine,)).rows[0]

    def best(self) -> Evaluation:
        """The best evaluation of the candidate's machine under this study's scenario, whatever its layout."""
        return rank(self.model, self.scenario, self.inventory, self.prices, (self.machine,)).rows[0]

    def layouts(self) -> tuple[Evaluation, ...]:
        """Evaluations of every legal layout of the candidate's machine, the one with most ranks last."""
        placement = Placement(instance=self.scenario.placement.instance, machines=self.candidate.machines)
        free = replace(self.scenario, placement=placement)
        rows = rank(self.model, free, self.inventory, self.prices, (self.machine,), every_layout=True).rows
        return tuple(sorted(rows, key=lambda row: (row.candidate.layout.devices, row.candidate.layout)))
