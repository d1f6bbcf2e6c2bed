"""One scenario put to one machine: every layout judged by memory first, then by speed.

Every distinct (device, fabric, layout) is judged once, however many instance types hold it.
"""

from collections.abc import Sequence
from math import inf

from estimator.checks import check
from estimator.cost.bill import bill, not_supported
from estimator.engines.support import drafter_refusal, refusal
from estimator.hardware.devices import Machine
from estimator.hardware.prices import RegionPrices
from estimator.models.drafter import check_serves
from estimator.models.model import Model
from estimator.results import Candidate, Evaluation
from estimator.scenario.inventory import Inventory
from estimator.scenario.nodes import Node, node_for
from estimator.scenario.scenario import Scenario, check_place, request_tokens
from estimator.scenario.seen import seen_by
from estimator.scenario.unlike_cards import uneven_refusal
from estimator.scenario.workload import check_level, check_workload
from estimator.serving.deployment import Deployment, check_start, deploy, host_cache_refusal, requested_engine
from estimator.serving.fleets import Fleets
from estimator.serving.layout_estimate import LayoutEstimate, best_layout
from estimator.serving.load.performance import ReplicaLoad, report_performance
from estimator.serving.open_layouts import OpenLayouts
from estimator.units import size_text


class ServingJudge:
    """Judges machines for one scenario, with one inventory and one region's prices."""

    def __init__(
        self,
        model: Model,
        scenario: Scenario,
        inventory: Inventory,
        prices: RegionPrices,
        detail: bool = False,
        replayed: bool = False,
    ) -> None:
        check(scenario)
        check_place(scenario)
        check_workload(scenario.workload)
        check_level(scenario.service_level)
        check(scenario.settings)
        check_serves(model)
        self.model = model
        scenario = seen_by(model, scenario, inventory)
        self.traffic = scenario.workload
        """The requests as they are asked for; the scenario's are taken for a stream that goes on for ever."""
        self.scenario = scenario = scenario.steady
        self.inventory = inventory
        self.prices = prices
        self.engine = requested_engine(scenario, inventory)
        self.weights = model.weights(scenario.weights)
        self.tokens = request_tokens(scenario, model)
        check_start(self.engine, scenario.settings)
        self.detail, self.replays = detail, replayed
        self.layouts = OpenLayouts(model, self.engine, scenario.placement, scenario.settings.dcp)
        self.fleets = Fleets(scenario, self.layouts, self.tokens)
        self._max_users: dict[int, tuple[ReplicaLoad | None, int]] = {}

    @property
    def considered(self) -> int:
        """Distinct layouts that were estimated."""
        return self.fleets.considered

    def evaluations(self, machine: Machine, every_layout: bool = False) -> list[Evaluation]:
        """The machine's best layout, or all of its layouts; never empty."""
        node, deployment = self.place(machine)
        engine = deployment.engine
        unsupported = (
            uneven_refusal(node.machine, engine)
            or refusal(node.device, engine, deployment.weights, self.model.architecture)
            or drafter_refusal(node.device, engine, self.model)
            or host_cache_refusal(deployment)
        )
        if unsupported:
            return [not_supported(node, unsupported, self.scenario, self.prices)]
        estimates = self.fleets.estimates(node, deployment)
        if not estimates:
            reason = str(self.layouts.refusal(node, deployment) or f"{engine.name} does not run {self.model.id} here")
            return [not_supported(node, reason, self.scenario, self.prices)]
        if every_layout:
            return [self.evaluation(node, estimate) for estimate in estimates]
        return [self.evaluation(node, self.best(estimates))]

    def confirmed(self, machine: Machine) -> Evaluation:
        """The machine's best layout on as many machines as a replay takes to keep the level; of a judge that replays,
        for a machine that the scenario can stand on."""
        node, deployment = self.place(machine)
        fleet = self.best(self.fleets.estimates(node, deployment))
        fleet = self.fleets.confirmed(
            node, deployment, fleet, lambda other: level_excess(self.evaluation(node, other), self.scenario)
        )
        return self.evaluation(node, fleet)

    def resized(self, machine: Machine, candidate: Candidate) -> Evaluation:
        """The machine's best layout on as many machines as a candidate of it has, or why it can not run."""
        row = self.evaluations(machine)[0]
        if row.performance is None or row.candidate.machines == candidate.machines:
            return row
        node, deployment = self.place(machine)
        fleet = self.best(self.fleets.estimates(node, deployment))
        groups = (candidate.machines - candidate.spare) // self.fleets.span(node, fleet)
        return self.evaluation(node, self.fleets.sized(node, deployment, fleet, groups))

    def place(self, machine: Machine) -> tuple[Node, Deployment]:
        """The machine as the scenario's engine sees it, and the model on it."""
        node = node_for(machine, self.scenario, self.inventory)
        return node, deploy(node, self.model, self.scenario, self.inventory)

    def best(self, estimates: Sequence[LayoutEstimate]) -> LayoutEstimate:
        """The layout of one machine that answers the scenario best."""
        return best_layout(estimates, self.scenario.workload, self.scenario.service_level)

    def evaluation(self, node: Node, estimate: LayoutEstimate) -> Evaluation:
        """A layout with its price, verdict and reason."""
        machine, workload, level = node.machine, self.scenario.workload, self.scenario.service_level
        speed, times = None, estimate.level_times(workload, level)
        if estimate.step and estimate.load:
            speed = report_performance(estimate.step, workload, estimate.load, estimate.busy_replicas, self.detail)
            if self.replays:
                from estimator.serving.row_replay import replay_row  # of one row alone

                speed, times = replay_row(estimate, self.traffic, level, speed, times)
        met = times is not None and level.met_by(*times) and not (speed and speed.overloaded)
        shortage = estimate.shortage(workload)
        candidate = Candidate(
            machine=machine.id,
            machines=estimate.machines,
            accelerator=machine.accelerator,
            accelerators=machine.count * estimate.machines,
            layout=estimate.layout,
            replicas=estimate.replicas,
            spare=estimate.spare,
        )
        return Evaluation(
            candidate=candidate,
            verdict="fits" if speed else "does_not_fit",
            reason=self.caution(node, estimate, shortage) if speed else _short(estimate),
            confidence=estimate.confidence,
            memory=estimate.memory,
            performance=speed,
            cost=bill(node, estimate.machines, self.scenario, self.prices, speed),
            meets_service_level=not level or (met and shortage is None),
            level_times=times,
            holds_load=speed is not None and shortage is None,
            shortage=shortage,
            max_users=self.max_users(estimate),
        )

    def max_users(self, estimate: LayoutEstimate) -> int:
        """Users that the layout carries within the level, worked out once for equal devices."""
        key = id(estimate.load)  # one object for all machines that share an estimate; it stays alive with its users
        if key not in self._max_users:
            users = estimate.max_users(self.scenario.workload, self.scenario.service_level)
            self._max_users[key] = estimate.load, users
        return self._max_users[key][1]

    def caution(self, node: Node, estimate: LayoutEstimate, shortage: str | None) -> str | None:
        """What the reader of a row that fits must know."""
        engine, devices = estimate.deployment.engine, node.devices * estimate.machines
        cautions = [f"{shortage}; the others wait" if shortage.startswith("holds") else shortage] if shortage else []
        if host := estimate.layout.host:
            layers, part = self.model.architecture.layers, estimate.layout.host_part
            what = (
                f"{host} of {layers} layers stay" if part == "layers" else f"{part} of {host} of {layers} layers stay"
            )
            cautions.append(f"{what} in host memory")
        elif idle := devices - estimate.replicas * estimate.layout.devices:
            kind = "cores" if node.device.kind == "neuron" else "accelerators"
            cautions.append(f"{idle} of {devices} {kind} idle")
        if engine.id != self.engine.id:
            weights = estimate.deployment.weights
            other_format = "" if weights is self.weights else f", as {weights.name}"
            cautions.append(f"under {engine.name}{other_format}")
        return "; ".join(cautions) or None


def _short(estimate: LayoutEstimate) -> str:
    memory = estimate.memory
    where = "per device" if memory.host_cache_bytes is None or memory.left_bytes < 0 else "in host memory"
    return f"{size_text(memory.shortfall_bytes)} short {where}"


def level_excess(row: Evaluation, scenario: Scenario) -> float:
    """By which share a row exceeds the worst kept bound of the level, at most 0 where it keeps all."""
    if row.meets_service_level:
        return min(scenario.service_level.excess(*row.level_times), 0.0) if row.level_times else 0.0
    times = row.level_times
    return max(scenario.service_level.excess(*times), 0.0) if times and row.holds_load else inf
