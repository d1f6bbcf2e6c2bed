"""One scenario put to one machine: every layout judged by memory first, then by speed.

Every distinct (device, fabric, layout) is judged once, however many instance types hold it.
"""

from collections.abc import Sequence

from estimator.checks import check
from estimator.cost.bill import bill, not_supported
from estimator.engines.profiles import EngineProfile
from estimator.engines.support import layout_exclusion, refusal
from estimator.errors import InputError, Refusal
from estimator.hardware.devices import Machine
from estimator.hardware.prices import RegionPrices
from estimator.layout import Layout
from estimator.layouts.context_parallel import check_context_parallel, context_parallel_refusal
from estimator.layouts.legal import layout_refusal, legal_layouts, legal_tensor_parallel
from estimator.models.model import Model
from estimator.results import Candidate, Evaluation
from estimator.scenario.inventory import Inventory
from estimator.scenario.media import with_media
from estimator.scenario.nodes import Node, clusters, node_for
from estimator.scenario.scenario import Scenario, check_place, request_tokens
from estimator.scenario.workload import check_level, check_workload
from estimator.serving.deployment import Deployment, check_start, deploy
from estimator.serving.fleet_size import FleetSizes
from estimator.serving.layout_estimate import LayoutEstimate, best_layout
from estimator.serving.load.performance import load_replica, report_performance
from estimator.serving.memory import compile_memory, memory_report
from estimator.serving.offload import offloads
from estimator.serving.speed.compile import compile_step
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
        self.model = model
        scenario = with_media(scenario, model)
        self.traffic = scenario.workload
        """The requests as they are asked for; the scenario's are taken for a stream that goes on for ever."""
        self.scenario = scenario = scenario.steady
        self.inventory = inventory
        self.prices = prices
        self.engine = inventory.engine(scenario.engine, scenario.engine_version)
        self.dcp = scenario.settings.dcp
        self.weights = model.weights(scenario.weights)
        self.tokens = request_tokens(scenario, model)
        check_start(self.engine, scenario.settings)
        check_context_parallel(model, self.engine, self.dcp)
        self.detail, self.replays = detail, replayed
        self.considered = 0
        self._estimates: dict[tuple[object, ...], LayoutEstimate] = {}
        self._max_users: dict[int, int] = {}
        self.sizes = FleetSizes(scenario.workload, scenario.service_level, scenario.placement.most_machines)

    def evaluations(self, machine: Machine, every_layout: bool = False) -> list[Evaluation]:
        """The machine's best layout, or all of its layouts; never empty."""
        node = node_for(machine, self.scenario, self.inventory)
        deployment = deploy(node, self.model, self.scenario, self.inventory)
        engine = deployment.engine
        unsupported = refusal(node.device, engine, deployment.weights, self.model.architecture)
        if unsupported:
            return [not_supported(node, unsupported, self.scenario, self.prices)]
        estimates = self.estimates(node, deployment)
        if not estimates:
            layout = self.explicit_layout or Layout()
            illegal = layout_refusal(self.model, layout, self.engine_devices(node), engine, node.device)
            illegal = illegal or self.widest_context_parallel_refusal(node, engine)
            illegal = illegal or self.cut_refusal(deployment, layout)
            reason = str(illegal or f"{engine.name} does not run {self.model.id} here")
            return [not_supported(node, reason, self.scenario, self.prices)]
        if every_layout:
            return [self.evaluation(node, estimate) for estimate in estimates]
        return [self.evaluation(node, self.best(estimates))]

    def estimates(self, node: Node, deployment: Deployment) -> list[LayoutEstimate]:
        """Every layout that the placement leaves open, on one machine or the number that is asked for.

        Where none of them is right, each stands on as many machines as the load takes; a model that no machine holds
        leaves layers in host memory, or stands on several machines.
        """
        placement = self.scenario.placement
        one_only = placement.count or self.scenario.deployment == "edge"  # as many accelerators as are said, or one
        asked = placement.machines or (1 if one_only else None)
        machines = asked or 1
        estimates = [
            self.estimate(node, deployment, layout, machines, -(-layout.devices // node.devices))
            for layout in self.layouts(node, deployment.engine)
            if not self.cut_refusal(deployment, layout)
        ]
        fitting = [each for each in estimates if each.load]
        if not fitting and not self.explicit_layout:
            fitting = self.with_offload(deployment, machines) or self.spread(node, deployment)
        if not fitting or (not placement.spare and any(map(self.is_right, fitting))):
            return fitting or estimates
        if asked:
            spread = () if self.explicit_layout else self.spread(node, deployment)
            return [*fitting, *spread]
        fleets = self.fleets(node, deployment, fitting)
        alone = fitting[0].machines == 1 and not self.explicit_layout
        if alone and not any(map(self.is_right, fleets)):
            fleets += self.fleets(node, deployment, self.spread(node, deployment))
        return fleets

    def is_right(self, estimate: LayoutEstimate) -> bool:
        """Whether a layout holds the load within the service level."""
        workload = self.scenario.workload
        return not estimate.shortage(workload) and estimate.meets(workload, self.scenario.service_level)

    def fleets(self, node: Node, deployment: Deployment, fitting: Sequence[LayoutEstimate]) -> list[LayoutEstimate]:
        """The layouts that are right on the fewest machines, with the spare ones."""
        spare = self.scenario.placement.spare
        return [self.repeated(node, deployment, one, times, spare) for one, times in self.sizes.smallest(fitting)]

    def repeated(
        self, node: Node, deployment: Deployment, one: LayoutEstimate, groups: int, spare: int
    ) -> LayoutEstimate:
        """A layout on so many groups of machines, of as many as one engine needs, and spare ones."""
        machines = (groups + spare) * one.machines
        if one.layout.host:
            fleet = one._replace(machines=machines, replicas=one.replicas * (groups + spare))
            fleet = self.with_speed(fleet, self.scenario.workload.busy_replicas(fleet.replicas))
        else:
            fleet = self.estimate(node, deployment, one.layout, machines, one.machines)
        return fleet._replace(spare=spare * one.machines)

    def spread(self, node: Node, deployment: Deployment) -> list[LayoutEstimate]:
        """Layouts over several machines that hold a request, up to the first that holds the load within the level."""
        asked_machines, fitting = self.scenario.placement.machines, []
        for span, layout in clusters(node, self.model, deployment.engine):
            if span > (asked_machines or span) or self.dcp_refusal(layout.tp, deployment.engine):
                continue
            if self.cut_refusal(deployment, layout):
                continue
            estimate = self.estimate(node, deployment, layout, asked_machines or span, span)
            if estimate.load:
                fitting.append(estimate)
                if self.is_right(estimate):
                    break
        return fitting

    def cut_refusal(self, deployment: Deployment, layout: Layout) -> Refusal | None:
        """Why the engine can not divide the model's stored blocks over the ranks of a layout."""
        device, weights, architecture = deployment.device, deployment.weights, self.model.architecture
        reason = layout_exclusion(deployment.engine, device, weights, architecture, layout)
        return Refusal("tp", reason) if reason else None

    @property
    def explicit_layout(self) -> Layout | None:
        """The layout that the placement insists on; None leaves it open."""
        placement, sparse = self.scenario.placement, self.model.architecture.is_moe
        if not (placement.tp or placement.pp or placement.ep or (placement.dp and sparse)):
            return None
        dp = (placement.dp or 1) if sparse else 1
        return Layout(tp=placement.tp or 1, pp=placement.pp or 1, ep=placement.ep or 1, dp=dp)

    @property
    def explicit_replicas(self) -> int | None:
        """Independent replicas that `dp` asks for of a model without experts; None leaves their number open."""
        return None if self.model.architecture.is_moe else self.scenario.placement.dp

    def engine_devices(self, node: Node) -> int:
        """Devices that one engine may span: an explicit layout may stand on as many machines as are asked for."""
        machines = self.scenario.placement.machines if self.explicit_layout else 1
        return node.devices * (machines or 1)

    def layouts(self, node: Node, engine: EngineProfile) -> Sequence[Layout]:
        """Legal layouts on one machine under the asked context parallelism; an explicit one may span several.

        Raises InputError for an explicit layout that is legal nowhere, or not on the machine that is named.
        """
        layouts = self.explicit_layouts(node, engine) if self.explicit_layout else self.open_layouts(node, engine)
        return self.with_explicit_replicas(node, layouts)

    def open_layouts(self, node: Node, engine: EngineProfile) -> Sequence[Layout]:
        """Every legal layout on one machine under the asked context parallelism."""
        legal = legal_layouts(self.model, node.devices, engine, node.device)
        if self.dcp == 1:
            return legal
        divisible = [layout for layout in legal if not self.dcp_refusal(layout.tp, engine)]
        if self.named and not divisible and (illegal := self.widest_context_parallel_refusal(node, engine)):
            raise InputError(*illegal)
        return divisible

    def explicit_layouts(self, node: Node, engine: EngineProfile) -> Sequence[Layout]:
        """The layout that the placement insists on, where it can run."""
        layout = self.explicit_layout or Layout()
        devices = self.engine_devices(node)
        illegal = layout_refusal(self.model, layout, devices if self.named else layout.devices, engine, node.device)
        illegal = illegal or self.dcp_refusal(layout.tp, engine)
        if illegal and (self.named or engine is self.engine):
            raise InputError(*illegal)
        return () if illegal or layout.devices > devices else (layout,)

    def with_explicit_replicas(self, node: Node, layouts: Sequence[Layout]) -> Sequence[Layout]:
        """The layouts of which the machines hold the replicas that are asked for."""
        replicas, devices = self.explicit_replicas or 1, node.devices * (self.scenario.placement.machines or 1)
        enough = [layout for layout in layouts if layout.devices * replicas <= devices]
        if layouts and not enough and self.named:
            least = min(layouts, key=lambda layout: layout.devices)
            needed = f"{replicas} replicas of {least} need {least.devices * replicas} accelerators"
            raise InputError("dp", f"{needed}, the candidate has {devices}")
        return enough

    @property
    def named(self) -> bool:
        """Whether the placement names the machine, so that what does not go there is an error of the question."""
        return bool(self.scenario.placement.instance or self.scenario.placement.accelerator)

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
        replicas = min(replicas, self.explicit_replicas or replicas)
        busy = self.scenario.workload.busy_replicas(replicas)
        key = (node.device, node.fabric, node.devices if span > 1 else 0, layout, busy, replicas)
        estimate = self._estimates.get(key)
        if estimate is None:
            self.considered += 1
            report = memory_report(deployment, layout, self.tokens)
            base = LayoutEstimate(
                deployment=deployment,
                layout=layout,
                machines=machines,
                replicas=replicas,
                memory=report,
                confidence=deployment.confidence,
                slots=compile_memory(deployment, layout).slots,
            )
            fits = report.shortfall_bytes <= 0 and report.max_concurrency >= 1
            estimate = self._estimates[key] = self.with_speed(base, busy) if fits else base
        return estimate if estimate.machines == machines else estimate._replace(machines=machines)

    def with_offload(self, deployment: Deployment, machines: int) -> list[LayoutEstimate]:
        """Layers, experts or weights in host memory, where the engine can and the host has room."""
        estimates = []
        for split in offloads(deployment, self.tokens):
            base = LayoutEstimate(
                deployment=deployment,
                layout=split.layout,
                machines=machines,
                replicas=machines,
                memory=split.memory.report(self.tokens)._replace(
                    host_bytes=split.host_bytes, max_concurrency=split.max_concurrency
                ),
                confidence=deployment.confidence,
            )
            estimates.append(self.with_speed(base, self.scenario.workload.busy_replicas(machines)))
        return estimates

    def with_speed(self, estimate: LayoutEstimate, busy_replicas: int) -> LayoutEstimate:
        """A layout that fits, with its speed at its share of the load: requests are spread evenly over the replicas."""
        workload = self.scenario.workload
        step = compile_step(estimate.deployment, estimate.layout)
        concurrency = workload.concurrency / busy_replicas
        load = load_replica(step, workload, concurrency, estimate.room, busy_replicas)
        return estimate._replace(confidence=step.confidence, busy_replicas=busy_replicas, step=step, load=load)

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
        short = f"{size_text(estimate.memory.shortfall_bytes)} short per device"
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
            reason=self.caution(node, estimate, shortage) if speed else short,
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
        key = id(estimate.load)  # one object for all machines that share an estimate
        users = self._max_users.get(key)
        if users is None:
            users = estimate.max_users(self.scenario.workload, self.scenario.service_level)
            self._max_users[key] = users
        return users

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
