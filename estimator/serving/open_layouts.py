"""The layouts that a placement leaves open on a machine, and why another can not run there."""

from collections.abc import Sequence

from estimator.engines.profiles import EngineProfile
from estimator.engines.support import layout_exclusion
from estimator.errors import InputError, Refusal
from estimator.layout import Layout
from estimator.layouts.context_parallel import check_context_parallel, context_parallel_refusal
from estimator.layouts.legal import layout_refusal, legal_layouts, legal_tensor_parallel
from estimator.models.model import Model
from estimator.scenario.nodes import Node
from estimator.scenario.scenario import Placement
from estimator.serving.deployment import Deployment


class OpenLayouts:
    """Layouts of one model that a placement leaves open, under the asked decode context parallelism.

    `engine` is the one that the scenario names; a machine may run its stand-in. Raises InputError for a context
    parallelism that the engine does not know for the model.
    """

    def __init__(self, model: Model, engine: EngineProfile, placement: Placement, dcp: int) -> None:
        check_context_parallel(model, engine, dcp)
        self.model, self.engine, self.placement, self.dcp = model, engine, placement, dcp

    @property
    def explicit(self) -> Layout | None:
        """The layout that the placement insists on; None leaves it open."""
        placement, sparse = self.placement, self.model.architecture.is_moe
        if not (placement.tp or placement.pp or placement.ep or (placement.dp and sparse)):
            return None
        dp = (placement.dp or 1) if sparse else 1
        return Layout(tp=placement.tp or 1, pp=placement.pp or 1, ep=placement.ep or 1, dp=dp)

    @property
    def replicas(self) -> int | None:
        """Independent replicas that `dp` asks for of a model without experts; None leaves their number open."""
        return None if self.model.architecture.is_moe else self.placement.dp

    def engine_devices(self, node: Node) -> int:
        """Devices that one engine may span: an explicit layout may stand on as many machines as are asked for."""
        machines = self.placement.machines if self.explicit else 1
        return node.devices * (machines or 1)

    def on(self, node: Node, engine: EngineProfile) -> Sequence[Layout]:
        """Legal layouts on one machine under the asked context parallelism; an explicit one may span several.

        Raises InputError for an explicit layout that is legal nowhere, or not on the machine that is named.
        """
        layouts = self._explicit(node, engine) if self.explicit else self._legal(node, engine)
        return self._with_replicas(node, layouts)

    def _legal(self, node: Node, engine: EngineProfile) -> Sequence[Layout]:
        """Every legal layout on one machine under the asked context parallelism; unlike cards take turns."""
        if node.machine.cards:
            return (Layout(pp=node.devices),) if node.devices <= self.model.architecture.layers else ()
        legal = legal_layouts(self.model, node.devices, engine, node.device)
        if self.dcp == 1:
            return legal
        divisible = [layout for layout in legal if not self.dcp_refusal(layout.tp, engine)]
        if self.named and not divisible and (illegal := self._widest_context_parallel_refusal(node, engine)):
            raise InputError(*illegal)
        return divisible

    def _explicit(self, node: Node, engine: EngineProfile) -> Sequence[Layout]:
        """The layout that the placement insists on, where it can run."""
        layout = self.explicit or Layout()
        devices = self.engine_devices(node)
        illegal = layout_refusal(self.model, layout, devices if self.named else layout.devices, engine, node.device)
        illegal = illegal or self.dcp_refusal(layout.tp, engine)
        if illegal and (self.named or engine is self.engine):
            raise InputError(*illegal)
        return () if illegal or layout.devices > devices else (layout,)

    def _with_replicas(self, node: Node, layouts: Sequence[Layout]) -> Sequence[Layout]:
        """The layouts of which the machines hold the replicas that are asked for."""
        replicas, devices = self.replicas or 1, node.devices * (self.placement.machines or 1)
        enough = [layout for layout in layouts if layout.devices * replicas <= devices]
        if layouts and not enough and self.named:
            least = min(layouts, key=lambda layout: layout.devices)
            needed = f"{replicas} replicas of {least} need {least.devices * replicas} accelerators"
            raise InputError("dp", f"{needed}, the candidate has {devices}")
        return enough

    @property
    def named(self) -> bool:
        """Whether the placement names the machine, so that what does not go there is an error of the question."""
        return bool(self.placement.instance or self.placement.accelerator)

    def dcp_refusal(self, tp: int, engine: EngineProfile) -> Refusal | None:
        """Why the asked number of `tp` ranks can not share a sequence's tokens."""
        return context_parallel_refusal(self.model, tp, self.dcp, engine) if self.dcp > 1 else None

    def _widest_context_parallel_refusal(self, node: Node, engine: EngineProfile) -> Refusal | None:
        """Why the asked number of ranks can not share a sequence at the machine's widest tensor parallelism."""
        widest = legal_tensor_parallel(self.model, engine, node.devices, node.device)
        return self.dcp_refusal(widest[-1], engine) if widest else None

    def refusal(self, node: Node, deployment: Deployment) -> Refusal | None:
        """Why no open layout runs on a machine: that of the explicit layout, else of one device."""
        layout, engine = self.explicit or Layout(), deployment.engine
        illegal = layout_refusal(self.model, layout, self.engine_devices(node), engine, node.device)
        illegal = illegal or self._widest_context_parallel_refusal(node, engine)
        return illegal or self.cut_refusal(deployment, layout)

    def cut_refusal(self, deployment: Deployment, layout: Layout) -> Refusal | None:
        """Why the engine can not divide the model's stored blocks, or a cache in host memory, over the ranks of a
        layout.
        """
        if deployment.cache_host and layout.tp > 1:
            return Refusal("tp", "a cache in host memory is not modelled under tensor parallelism")
        device, weights, architecture = deployment.device, deployment.weights, self.model.architecture
        reason = layout_exclusion(deployment.engine, device, weights, architecture, layout)
        return Refusal("tp", reason) if reason else None
