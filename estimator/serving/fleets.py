"""Every layout of a deployment on one machine, or on as many machines as the load takes."""

from collections.abc import Callable, Sequence

from estimator.layout import Layout
from estimator.scenario.nodes import Node, clusters
from estimator.scenario.scenario import Scenario
from estimator.serving.deployment import Deployment
from estimator.serving.fleet_size import FleetSizes, least_within
from estimator.serving.layout_estimate import LayoutEstimate
from estimator.serving.load.operating_point import held_tokens
from estimator.serving.memory import compile_memory, memory_report
from estimator.serving.offload import offloads
from estimator.serving.open_layouts import OpenLayouts
from estimator.serving.speed.compile import compile_step


class Fleets:
    """Estimates the layouts of one steady scenario; equal devices are estimated once.

    `tokens` is what one request keeps in cache. `considered` counts the layouts that were estimated.
    """

    def __init__(self, scenario: Scenario, layouts: OpenLayouts, tokens: int) -> None:
        self.scenario, self.layouts, self.tokens = scenario, layouts, tokens
        self.sizes = FleetSizes(scenario.workload, scenario.service_level, scenario.placement.most_machines)
        self.considered = 0
        self._estimates: dict[tuple[object, ...], LayoutEstimate] = {}

    def estimates(self, node: Node, deployment: Deployment) -> list[LayoutEstimate]:
        """Every layout that the placement leaves open, on one machine or the number that is asked for.

        Where none of them is right, each stands on as many machines as the load takes; a model that no machine holds
        leaves layers in host memory, or stands on several machines.
        """
        placement = self.scenario.placement
        asked = None if self.open else placement.machines or 1
        machines = asked or 1
        estimates = [
            self.estimate(node, deployment, layout, machines, -(-layout.devices // node.devices))
            for layout in self.layouts.on(node, deployment.engine)
            if not self.layouts.cut_refusal(deployment, layout)
        ]
        fitting = [each for each in estimates if each.step]
        if not fitting and not self.layouts.explicit:
            fitting = self.with_offload(deployment, machines) or self.spread(node, deployment)
        if not fitting:
            return estimates
        if asked or (not placement.spare and any(map(self.may_be_right, fitting))):
            loaded = list(map(self.loaded, fitting))
            if not placement.spare and any(map(self.is_right, loaded)):
                return loaded
            if asked:
                return loaded if self.layouts.explicit else [*loaded, *map(self.loaded, self.spread(node, deployment))]
        fleets = self.smallest(node, deployment, fitting)
        alone = fitting[0].machines == 1 and not self.layouts.explicit
        if alone and not any(map(self.is_right, fleets)):
            fleets += self.smallest(node, deployment, self.spread(node, deployment))
        return fleets

    def may_be_right(self, estimate: LayoutEstimate) -> bool:
        """Whether one such layout could hold the load, for all that its memory and its highest rate say."""
        return self.sizes.bound(estimate) <= 1

    def is_right(self, estimate: LayoutEstimate) -> bool:
        """Whether a layout holds the load within the service level."""
        workload = self.scenario.workload
        return not estimate.shortage(workload) and estimate.meets(workload, self.scenario.service_level)

    def smallest(self, node: Node, deployment: Deployment, fitting: Sequence[LayoutEstimate]) -> list[LayoutEstimate]:
        """The layouts that are right on the fewest machines, with the spare ones."""
        spare = self.scenario.placement.spare
        return [self.repeated(node, deployment, one, times, spare) for one, times in self.sizes.smallest(fitting)]

    def repeated(
        self, node: Node, deployment: Deployment, one: LayoutEstimate, groups: int, spare: int
    ) -> LayoutEstimate:
        """A layout on so many groups of machines, of as many as one engine needs, and spare ones."""
        machines = (groups + spare) * one.machines
        if one.layout.host:
            fleet = self.loaded(one._replace(machines=machines, replicas=one.replicas * (groups + spare)))
        else:
            fleet = self.loaded(self.estimate(node, deployment, one.layout, machines, one.machines))
        return fleet._replace(spare=spare * one.machines) if spare else fleet

    @property
    def open(self) -> bool:
        """Whether the placement leaves the number of machines to the load."""
        placement = self.scenario.placement
        return not (placement.machines or placement.count or self.scenario.deployment == "edge")

    def sized(self, node: Node, deployment: Deployment, fleet: LayoutEstimate, groups: int) -> LayoutEstimate:
        """A fleet on another number of the machines that one engine takes; its spare ones stay."""
        span = self.span(node, fleet)
        one = fleet._replace(machines=span, replicas=fleet.replicas * span // fleet.machines)
        return self.repeated(node, deployment, one, groups, fleet.spare // span)

    def span(self, node: Node, fleet: LayoutEstimate) -> int:
        """Machines that one engine of a fleet takes."""
        return 1 if fleet.layout.host else -(-fleet.layout.devices // node.devices)

    def confirmed(
        self, node: Node, deployment: Deployment, fleet: LayoutEstimate, excess: Callable[[LayoutEstimate], float]
    ) -> LayoutEstimate:
        """The fleet on as many more machines as it takes until its replay exceeds no bound (`excess`, asked of a fleet
        without spare machines); as it is where none of the numbers that are tried does, or the closed form says no."""
        span = self.span(node, fleet)
        least, most = (fleet.machines - fleet.spare) // span, self.scenario.placement.most_machines // span
        if not self.open or not self.is_right(fleet) or least >= most:
            return fleet
        bare = fleet._replace(spare=0)
        groups = least_within(least, most, lambda count: excess(self.sized(node, deployment, bare, count)))
        return fleet if groups in (0, least) else self.sized(node, deployment, fleet, groups)

    def spread(self, node: Node, deployment: Deployment) -> list[LayoutEstimate]:
        """Layouts over several machines that hold a request, up to the first that holds the load within the level."""
        asked_machines, fitting = self.scenario.placement.machines, []
        for span, layout in clusters(node, self.layouts.model, deployment.engine):
            if span > (asked_machines or span) or self.layouts.dcp_refusal(layout.tp, deployment.engine):
                continue
            if self.layouts.cut_refusal(deployment, layout):
                continue
            estimate = self.estimate(node, deployment, layout, asked_machines or span, span)
            if estimate.step:
                fitting.append(estimate)
                if self.may_be_right(estimate) and self.is_right(self.loaded(estimate)):
                    break
        return fitting

    def estimate(self, node: Node, deployment: Deployment, layout: Layout, machines: int, span: int) -> LayoutEstimate:
        """A layout over `span` machines, repeated over `machines` of them, with its step where a request fits, not yet
        under its load; estimated once for equal devices, with equal hosts where these hold the cache."""
        replicas = machines * node.devices // layout.devices if span == 1 else machines // span
        replicas = min(replicas, self.layouts.replicas or replicas)
        host = (deployment.cache_host, deployment.host_share(layout)) if deployment.cache_host else None
        key = (node.device, node.fabric, node.devices if span > 1 else 0, layout, replicas, host)
        estimate = self._estimates.get(key)
        if estimate is None:
            self.considered += 1
            memory = compile_memory(deployment, layout)
            report = memory_report(memory, self.tokens)
            fits = report.shortfall_bytes <= 0 and report.max_concurrency >= 1
            step = compile_step(deployment, layout) if fits else None
            estimate = self._estimates[key] = LayoutEstimate(
                deployment=deployment,
                layout=layout,
                machines=machines,
                replicas=replicas,
                memory=report,
                confidence=step.confidence if step else deployment.confidence,
                room=memory.at_once(held_tokens(step.speed.scheduler, self.scenario.workload)) if step else 0.0,
                step=step,
            )
        return estimate if estimate.machines == machines else estimate._replace(machines=machines)

    def with_offload(self, deployment: Deployment, machines: int) -> list[LayoutEstimate]:
        """Layers, experts or weights in host memory, where the engine can and the host has room."""
        estimates = []
        for split in offloads(deployment, self.tokens):
            step = compile_step(deployment, split.layout)
            memory = split.memory.report(self.tokens)
            estimates.append(
                LayoutEstimate(
                    deployment=deployment,
                    layout=split.layout,
                    machines=machines,
                    replicas=machines,
                    memory=memory._replace(host_bytes=split.host_bytes, max_concurrency=split.max_concurrency),
                    confidence=step.confidence,
                    room=split.max_concurrency,
                    step=step,
                )
            )
        return estimates

    def loaded(self, estimate: LayoutEstimate) -> LayoutEstimate:
        """A layout at its share of the load, where it has a step: requests are spread evenly over the replicas."""
        if estimate.step is None:
            return estimate
        busy = self.scenario.workload.busy_replicas(estimate.replicas)
        return estimate._replace(busy_replicas=busy, load=self.sizes.load(estimate.step, estimate.room, busy))
