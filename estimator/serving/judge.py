"""One scenario put to one machine: every layout judged by memory first, then by speed.

Every distinct (device, fabric, layout) is judged once, however many instance types hold it.
"""

from collections.abc import Sequence
from typing import NamedTuple

from estimator.checks import check
from estimator.cost.bill import bill, not_supported
from estimator.engines.profiles import EngineProfile
from estimator.engines.support import refusal
from estimator.errors import InputError, Refusal
from estimator.hardware.devices import Machine
from estimator.hardware.prices import RegionPrices
from estimator.layout import Layout
from estimator.layouts.context_parallel import check_context_parallel, context_parallel_refusal
from estimator.layouts.legal import layout_refusal, legal_layouts, legal_tensor_parallel
from estimator.models.model import Model
from estimator.results import Candidate, Confidence, Evaluation, MemoryReport
from estimator.scenario.inventory import Inventory
from estimator.scenario.nodes import Node, clusters, node_of
from estimator.scenario.scenario import Scenario, check_place
from estimator.scenario.workload import ServiceLevel, check_workload
from estimator.serving.deployment import Deployment, deploy
from estimator.serving.load.performance import ReplicaLoad, load_replica, report_performance
from estimator.serving.memory import compile_memory
from estimator.serving.offload import offload
from estimator.serving.speed.compile import compile_step
from estimator.serving.speed.step import Step
from estimator.units import size_text


class LayoutEstimate(NamedTuple):
    """One layout on one kind of device: its memory, and where one request fits, its speed at its share of the load."""

    deployment: Deployment
    layout: Layout
    machines: int
    replicas: int
    memory: MemoryReport
    confidence: Confidence
    busy_replicas: int = 0
    """Replicas that have work."""
    step: Step | None = None
    load: ReplicaLoad | None = None
    """One replica at its share of the load; None where the memory does not hold one request."""

    @property
    def requests_per_s(self) -> float:
        """Requests that all replicas complete."""
        return self.load.requests_per_s * self.busy_replicas if self.load else 0.0

    @property
    def request_capacity(self) -> int:
        """Whole requests of the asked length that the replicas hold at once."""
        return int(self.memory.max_concurrency) * self.replicas

    def meets(self, level: ServiceLevel) -> bool:
        """Whether a typical request sees the service level; where nothing is asked, all do."""
        return (
            self.load is not None
            and not self.load.overloaded
            and level.met_by(self.load.ttft_s, self.load.point.tpot_s)
        )


class ServingJudge:
    """Judges machines for one scenario, with one inventory and one region's prices."""

    def __init__(
        self, model: Model, scenario: Scenario, inventory: Inventory, prices: RegionPrices, detail: bool = False
    ) -> None:
        check(scenario)
        check_place(scenario)
        check_workload(scenario.workload)
        check(scenario.service_level)
        check(scenario.settings)
        self.model = model
        self.scenario = scenario
        self.inventory = inventory
        self.prices = prices
        self.engine = inventory.engine(scenario.engine, scenario.engine_version)
        self.dcp = scenario.settings.dcp
        self.weights = model.weights(scenario.weights)
        self.tokens = request_tokens(scenario, model)
        check_context_parallel(model, self.engine, self.dcp)
        self.detail = detail
        self.considered = 0
        self._estimates: dict[tuple[object, ...], LayoutEstimate] = {}

    def evaluations(self, machine: Machine, every_layout: bool = False) -> list[Evaluation]:
        """The machine's best layout, or all of its layouts; never empty."""
        node = node_of(machine, self.inventory)
        deployment = deploy(node, self.model, self.scenario, self.inventory)
        engine = deployment.engine
        unsupported = refusal(node.device, engine, deployment.weights)
        if unsupported:
            return [not_supported(node, unsupported, self.scenario, self.prices)]
        estimates = self.estimates(node, deployment)
        if not estimates:
            layout = self.explicit_layout or Layout()
            illegal = layout_refusal(self.model, layout, self.engine_devices(node), engine, node.device)
            illegal = illegal or self.widest_context_parallel_refusal(node, engine)
            reason = str(illegal or f"{engine.name} does not run {self.model.id} here")
            return [not_supported(node, reason, self.scenario, self.prices)]
        if every_layout:
            return [self.evaluation(node, estimate) for estimate in estimates]
        return [self.evaluation(node, self.best(estimates))]

    def estimates(self, node: Node, deployment: Deployment) -> list[LayoutEstimate]:
        """Every layout that the placement leaves open, on one machine; on several where none fits on one."""
        placement = self.scenario.placement
        machines, engine = placement.machines or 1, deployment.engine
        estimates = [
            self.estimate(node, deployment, layout, machines, -(-layout.devices // node.devices))
            for layout in self.layouts(node, engine)
        ]
        if any(each.load for each in estimates) or self.explicit_layout:
            return estimates
        if offloaded := self.with_offload(deployment, machines):
            return [offloaded]
        for span, layout in clusters(node, self.model, engine):
            if (placement.machines and placement.machines % span) or self.dcp_refusal(layout.tp, engine):
                continue
            spread = self.estimate(node, deployment, layout, machines if placement.machines else span, span)
            if spread.load:
                return [spread]
        return estimates

    @property
    def explicit_layout(self) -> Layout | None:
        """The layout that the placement insists on; None leaves it open."""
        placement, sparse = self.scenario.placement, self.model.architecture.is_moe
        if not (placement.tp or placement.pp or placement.ep or (placement.dp and sparse)):
            return None
        dp = (placement.dp or 1) if sparse else 1
        return Layout(tp=placement.tp or 1, pp=placement.pp or 1, ep=placement.ep or 1, dp=dp)

    def engine_devices(self, node: Node) -> int:
        """Devices that one engine may span: pipeline stages may stand on as many machines as are asked for."""
        placement = self.scenario.placement
        return node.devices * (placement.machines or 1) if placement.pp else node.devices

    def layouts(self, node: Node, engine: EngineProfile) -> Sequence[Layout]:
        """Legal layouts on one machine under the asked context parallelism; an explicit one may span several.

        Raises InputError for an explicit layout that is legal nowhere, or not on the machine that is named.
        """
        explicit, placement = self.explicit_layout, self.scenario.placement
        named = placement.instance or placement.accelerator
        if explicit is None:
            legal = legal_layouts(self.model, node.devices, engine, node.device)
            if self.dcp == 1:
                return legal
            divisible = [layout for layout in legal if not self.dcp_refusal(layout.tp, engine)]
            if named and not divisible and (illegal := self.widest_context_parallel_refusal(node, engine)):
                raise InputError(*illegal)
            return divisible
        devices = self.engine_devices(node) if named else explicit.devices
        illegal = layout_refusal(self.model, explicit, devices, engine, node.device)
        illegal = illegal or self.dcp_refusal(explicit.tp, engine)
        if illegal and (named or engine is self.engine):
            raise InputError(*illegal)
        if illegal or explicit.devices > self.engine_devices(node) or explicit.tp * explicit.dp > node.devices:
            return ()
        return (explicit,)

    def dcp_refusal(self, tp: int, engine: EngineProfile) -> Refusal | None:
        """Why the asked number of `tp` ranks can not share a sequence's tokens."""
        return context_parallel_refusal(self.model, tp, self.dcp, engine) if self.dcp > 1 else None

    def widest_context_parallel_refusal(self, node: Node, engine: EngineProfile) -> Refusal | None:
        """Why the asked number of ranks can not share a sequence at the machine's widest tensor parallelism."""
        widest = legal_tensor_parallel(self.model, engine, node.devices, node.device)
        return self.dcp_refusal(widest[-1], engine) if widest else None

    def estimate(self, node: Node, deployment: Deployment, layout: Layout, machines: int, span: int) -> LayoutEstimate:
        """A layout over `span` machines, repeated over `machines` of them; estimated once for equal devices."""
        replicas = machines * node.devices // layout.devices if span == 1 else machines // span
        if self.scenario.placement.dp and not self.model.architecture.is_moe:
            replicas = min(replicas, self.scenario.placement.dp)
        busy = min(replicas, self.scenario.workload.concurrency)
        key = (node.device, node.fabric, node.devices if span > 1 else 0, layout, busy, replicas)
        estimate = self._estimates.get(key)
        if estimate is None:
            self.considered += 1
            report = compile_memory(deployment, layout).report(self.tokens)
            base = LayoutEstimate(
                deployment=deployment,
                layout=layout,
                machines=machines,
                replicas=replicas,
                memory=report,
                confidence=deployment.confidence,
            )
            fits = report.shortfall_bytes <= 0 and report.max_concurrency >= 1
            estimate = self._estimates[key] = self.with_speed(base, busy) if fits else base
        return estimate if estimate.machines == machines else estimate._replace(machines=machines)

    def with_offload(self, deployment: Deployment, machines: int) -> LayoutEstimate | None:
        """Some layers in host memory, where the engine can and the host has room."""
        offloaded = offload(deployment, self.tokens)
        if offloaded is None:
            return None
        report = offloaded.memory.report(self.tokens)._replace(max_concurrency=offloaded.max_concurrency)
        base = LayoutEstimate(
            deployment=deployment,
            layout=offloaded.layout,
            machines=machines,
            replicas=machines,
            memory=report,
            confidence=deployment.confidence,
        )
        return self.with_speed(base, min(machines, self.scenario.workload.concurrency))

    def with_speed(self, estimate: LayoutEstimate, busy_replicas: int) -> LayoutEstimate:
        """A layout that fits, with its speed at its share of the load: requests are spread evenly over the replicas."""
        workload = self.scenario.workload
        step = compile_step(estimate.deployment, estimate.layout)
        concurrency = workload.concurrency / busy_replicas
        load = load_replica(step, workload, concurrency, estimate.memory.max_concurrency, busy_replicas)
        return estimate._replace(confidence=step.confidence, busy_replicas=busy_replicas, step=step, load=load)

    def best(self, estimates: Sequence[LayoutEstimate]) -> LayoutEstimate:
        """The cheapest per output token that meets the service level; at one price that is the fastest.

        Where requests arrive at a rate, everything that keeps up completes the same: the quickest answer wins.
        """
        level = self.scenario.service_level
        arriving = self.scenario.workload.requests_per_second is not None

        def key(estimate: LayoutEstimate) -> tuple[bool, bool, float, bool, float]:
            if estimate.load is None:
                return True, True, estimate.memory.shortfall_bytes, True, 0.0
            keeps_up = self.holds_load(estimate)
            quick = estimate.load.point.request_s if arriving and keeps_up else -estimate.requests_per_s
            return False, not estimate.meets(level), 0.0, arriving and not keeps_up, quick

        return min(estimates, key=key)

    def evaluation(self, node: Node, estimate: LayoutEstimate) -> Evaluation:
        """A layout with its price, verdict and reason."""
        machine, workload = node.machine, self.scenario.workload
        speed = None
        if estimate.step and estimate.load:
            speed = report_performance(estimate.step, workload, estimate.load, estimate.busy_replicas, self.detail)
        short = f"{size_text(estimate.memory.shortfall_bytes)} short per device"
        candidate = Candidate(
            machine=machine.id,
            machines=estimate.machines,
            accelerator=machine.accelerator,
            accelerators=machine.count * estimate.machines,
            layout=estimate.layout,
            replicas=estimate.replicas,
        )
        return Evaluation(
            candidate=candidate,
            verdict="fits" if speed else "does_not_fit",
            reason=self.caution(node, estimate) if speed else short,
            confidence=estimate.confidence,
            memory=estimate.memory,
            performance=speed,
            cost=bill(node, estimate.machines, self.scenario, self.prices, speed),
            meets_service_level=not self.scenario.service_level or estimate.meets(self.scenario.service_level),
            holds_load=speed is not None and self.holds_load(estimate),
        )

    def holds_load(self, estimate: LayoutEstimate) -> bool:
        """Whether the cache holds every request in flight, or the engines keep up with the arrivals."""
        workload = self.scenario.workload
        if workload.requests_per_second is None:
            return estimate.request_capacity >= workload.concurrency
        return estimate.load is not None and estimate.load.utilization < 1

    def caution(self, node: Node, estimate: LayoutEstimate) -> str | None:
        """What the reader of a row that fits must know."""
        workload, engine = self.scenario.workload, estimate.deployment.engine
        if estimate.layout.host:
            return f"{estimate.layout.host} of {self.model.architecture.layers} layers stay in host memory"
        if not self.holds_load(estimate):
            if workload.requests_per_second is not None:
                return f"carries {estimate.requests_per_s:.3g} of {workload.requests_per_second:g} requests/s"
            return f"holds {estimate.request_capacity} of {workload.concurrency} requests at once; the others wait"
        cautions = []
        devices = node.devices * estimate.machines
        if idle := devices - estimate.replicas * estimate.layout.devices:
            kind = "cores" if node.device.kind == "neuron" else "accelerators"
            cautions.append(f"{idle} of {devices} {kind} idle")
        if engine.id != self.engine.id:
            weights = estimate.deployment.weights
            other_format = "" if weights is self.weights else f", as {weights.name}"
            cautions.append(f"under {engine.name}{other_format}")
        return "; ".join(cautions) or None


def request_tokens(scenario: Scenario, model: Model) -> int:
    """Tokens of one whole request. Raises InputError where the model can not hold it."""
    tokens = scenario.workload.total_tokens
    limit = scenario.settings.max_model_len or model.architecture.max_context
    if limit and tokens > limit:
        field = "max_model_len" if scenario.settings.max_model_len else "input_tokens"
        raise InputError(field, f"{tokens:,} tokens a request, but {model.id} holds {limit:,}")
    return tokens
