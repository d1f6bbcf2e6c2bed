"""One training run judged on one kind of machine: the settings that make it fit, its time and its cost."""

from collections.abc import Sequence
from typing import NamedTuple

from estimator.cost.bill import bill, not_supported
from estimator.engines.training_constants import Framework, TrainingConstants
from estimator.errors import InputError, unknown_name
from estimator.hardware.devices import Machine
from estimator.hardware.prices import RegionPrices
from estimator.layout import Layout
from estimator.models.model import Model
from estimator.results import Candidate, Confidence, CostReport, Evaluation, TrainingMemory, TrainingReport
from estimator.scenario import training_workload as workload
from estimator.scenario.inventory import Inventory
from estimator.scenario.nodes import Node, node_for
from estimator.scenario.scenario import Scenario, check_place
from estimator.scenario.training_workload import TrainingWorkload
from estimator.training import memory, smaller_runs, speed
from estimator.training.cost import run_duration
from estimator.training.network import links_of
from estimator.training.run import Run
from estimator.training.search import Cluster, Search, SetupTrial, offloads_on
from estimator.training.support import refusal, unsupported_setting
from estimator.training.weights import count_adapters, count_trainable
from estimator.units import size_text

CLUSTER_SIZES = (1, 2, 4, 8)
"""Numbers of machines tried until a run fits."""


class ClusterTrial(NamedTuple):
    """A training run on a number of identical machines, under the best setup for them."""

    cluster: Cluster
    run: Run
    trial: SetupTrial


class TrainingJudge:
    """Judges machines for one training run, with one inventory and one region's prices.

    `detail` looks for a change of the run that fits where it does not. Raises InputError for a run that can not be
    asked.
    """

    def __init__(
        self, model: Model, scenario: Scenario, inventory: Inventory, prices: RegionPrices, detail: bool = False
    ) -> None:
        check_place(scenario)
        self.model, self.scenario, self.inventory, self.prices = model, scenario, inventory, prices
        self.constants = require_training_constants(inventory)
        self.workload = require_training_run(scenario)
        self.framework = require_framework(self.workload, self.constants)
        setting = unsupported_setting(self.framework, self.workload, scenario.placement)
        if setting:
            raise InputError(*setting)
        if self.workload.adapters:
            count_adapters(model.architecture, self.workload)  # raises where the targets match nothing
        limit = model.architecture.max_context
        if limit and self.workload.sequence_length > limit:
            raise InputError(
                "sequence_length", f"{self.workload.sequence_length:,} tokens, but {model.id} holds {limit:,}"
            )
        self.detail = detail
        self.considered = 0
        self._searches: dict[str, Search] = {}
        self._trials: dict[tuple[object, ...], ClusterTrial] = {}

    def evaluation(self, machine: Machine) -> Evaluation:
        """One machine's best setup for the run, priced; over several machines where one does not hold it."""
        at = node_for(machine, self.scenario, self.inventory)
        framework = self.constants.framework_on(at.device, self.framework)
        refused = refusal(self.model, self.workload, framework, at.device, self.constants)
        if framework is not self.framework and not refused:
            setting = unsupported_setting(framework, self.workload, self.scenario.placement)
            refused = setting.reason if setting else None
        sizes = self._cluster_sizes(machine, at.devices)
        if refused or not sizes:
            return not_supported(at, refused or self._too_small(at.devices), self.scenario, self.prices)
        return self._priced(at, self._best(at, framework, sizes))

    def _cluster_sizes(self, machine: Machine, devices: int) -> tuple[int, ...]:
        """Numbers of machines to try: those whose devices the explicit ranks divide."""
        place = self.scenario.placement
        ranks = (place.tp or 1) * (place.pp or 1)
        tried = (place.machines,) if place.machines else CLUSTER_SIZES if machine.efa else CLUSTER_SIZES[:1]
        return tuple(machines for machines in tried if devices * machines % ranks == 0)

    def _too_small(self, devices: int) -> str:
        """Why no number of machines will do. Raises InputError where the machine is the one that was named."""
        place = self.scenario.placement
        ranks = (place.tp or 1) * (place.pp or 1)
        reason = f"TP{place.tp or 1} x PP{place.pp or 1} does not divide its {devices} accelerators"
        if place.instance or place.accelerator:
            raise InputError("tp" if place.tp else "pp", f"{ranks} ranks: {reason}")
        return reason

    def _best(self, at: Node, framework: Framework, sizes: tuple[int, ...]) -> ClusterTrial:
        """The best trial of a kind of machine, searched once however many instance types are of that kind."""
        machine = at.machine
        key = (at.device, at.fabric, at.devices, sizes, machine.network_bytes_per_s, machine.memory_bytes)
        trial = self._trials.get(key)
        if trial is None:
            trial = self._trials[key] = self._search(at, framework, sizes)
        return trial

    def _search(self, at: Node, framework: Framework, sizes: Sequence[int]) -> ClusterTrial:
        """The fewest machines that hold the run, without offloading where any number of them does."""
        machine = at.machine
        own_fabric = self.inventory.fabrics[at.device.fabric]
        links = links_of(machine, at.fabric, own_fabric, self.constants.speed)
        links = links._replace(devices_per_machine=at.devices)
        search = self._search_under(framework)
        least: ClusterTrial | None = None
        for offload in offloads_on(search.run, machine.memory_bytes):
            for machines in sizes:
                self.considered += 1
                cluster = Cluster(
                    device=at.device,
                    devices=at.devices,
                    machines=machines,
                    links=links,
                    host_bytes=machine.memory_bytes,
                )
                trial = search.best(cluster, (offload,))
                on_cluster = ClusterTrial(cluster, search.run.with_setup(trial.setup), trial)
                if trial.step:
                    return on_cluster
                if least is None or trial.peak.device_bytes < least.trial.peak.device_bytes:
                    least = on_cluster
        assert least is not None
        return least

    def _search_under(self, framework: Framework) -> Search:
        search = self._searches.get(framework.id)
        if search is None:
            place = self.scenario.placement
            run = Run(
                architecture=self.model.architecture,
                workload=self.workload,
                framework=framework,
                constants=self.constants,
            )
            search = self._searches[framework.id] = Search(run, place.tp, place.pp or 1, place.ep or 1)
        return search

    def _priced(self, at: Node, best: ClusterTrial) -> Evaluation:
        """The verdict, with the bill of the machines that were needed."""
        machine, (cluster, run, trial) = at.machine, best
        setup = trial.setup
        needed = memory.report_memory(run, trial.peak, cluster.device)
        price = bill(at, cluster.machines, self.scenario, self.prices)
        candidate = Candidate(
            machine=machine.id,
            machines=cluster.machines,
            accelerator=machine.accelerator,
            accelerators=machine.count * cluster.machines,
            layout=Layout(tp=setup.tp, pp=setup.pp, ep=setup.ep, dp=setup.dp * setup.cp),
            replicas=1,
        )
        if trial.step is None:
            return self._does_not_fit(best, candidate, price, needed)
        report = self._report(machine, price.price_usd_per_hour, best, needed, trial.step)
        return Evaluation(
            candidate=candidate,
            verdict="fits",
            reason=_caution(best, needed),
            confidence=self._confidence(cluster),
            memory=None,
            performance=None,
            cost=price,
            training=report,
        )

    def _does_not_fit(
        self, best: ClusterTrial, candidate: Candidate, price: CostReport, needed: TrainingMemory
    ) -> Evaluation:
        """By how much the run misses, under the memory savers that were tried."""
        savers = smaller_runs.describe_savers(best.trial.setup)
        reason = f"{size_text(needed.shortfall_bytes)} short per device even with {savers}"
        if not needed.shortfall_bytes:
            reason = f"host memory too small to offload {size_text(needed.host_bytes)} per device"
        return Evaluation(
            candidate=candidate,
            verdict="does_not_fit",
            reason=reason,
            confidence="C",
            memory=None,
            performance=None,
            cost=price,
            meets_service_level=False,
            suggestion=smaller_runs.suggest(best.run, best.cluster) if self.detail else None,
        )

    def _report(
        self,
        machine: Machine,
        usd_per_hour: float | None,
        best: ClusterTrial,
        needed: TrainingMemory,
        step: speed.TrainingStep,
    ) -> TrainingReport:
        cluster, run, setup = best.cluster, best.run, best.trial.setup
        band = speed.band_of(run, cluster.device)
        per_device = speed.banded(step.tokens / step.seconds, band)
        total = per_device.times(setup.devices)
        duration = run_duration(
            architecture=run.architecture,
            workload=run.workload,
            tokens_per_s=total,
            machines=cluster.machines,
            rules=self.constants.run,
            compiled=cluster.device.kind == "neuron",
            interruptions_per_month=self._interruptions_per_month(machine),
        )
        return TrainingReport(
            setup=setup,
            memory=needed,
            trainable_parameters=count_trainable(run.architecture, run.workload),
            tokens_per_s_per_device=per_device,
            tokens_per_s=total,
            step_s=speed.banded(step.seconds, (1 / band[1], 1 / band[0])),
            mfu=step.mfu,
            step=speed.step_parts(run, step, cluster.device),
            hours=duration.hours,
            usd=None if usd_per_hour is None else duration.hours.times(usd_per_hour),
            run=duration.parts,
            notes=smaller_runs.notes(run, best.trial.peak, cluster.device),
        )

    def _interruptions_per_month(self, machine: Machine) -> float:
        """Interruptions a month of one machine; none where the capacity is not spot."""
        if self.scenario.price_terms != "spot":
            return 0.0
        rules = self.constants.run
        quote = self.prices.quotes.get(machine.id)
        spot_class = (quote.spot_interruption if quote else None) or rules.default_interruption
        return rules.interruptions_per_month.get(spot_class, rules.interruptions_per_month[rules.default_interruption])

    def _confidence(self, cluster: Cluster) -> Confidence:
        """B where runs on such devices over such links were published, else C."""
        measured = self.constants.speed.hardware_factor(cluster.device) and cluster.links.inside_measured
        return "C" if not measured or cluster.device.kind == "neuron" else "B"


def _caution(best: ClusterTrial, needed: TrainingMemory) -> str | None:
    """What the reader of a row that fits must know: what lies on the host, and devices without work."""
    cluster, setup = best.cluster, best.trial.setup
    cautions = []
    if setup.offload != "none" and needed.host_bytes:
        moved = "optimizer states" if setup.offload == "optimizer" else "parameters and optimizer states"
        cautions.append(f"{moved} on the host, {size_text(needed.host_bytes)} for each device")
    idle = cluster.total_devices - setup.devices
    if idle:
        cautions.append(f"{idle} of {cluster.total_devices} devices idle: a step has too few sequences")
    return "; ".join(cautions) or None


def require_training_constants(inventory: Inventory) -> TrainingConstants:
    """The inventory's training constants. Raises InputError where the catalogue has none."""
    if inventory.training is None:
        raise InputError("training", "the catalogue holds no training constants")
    return inventory.training


def require_training_run(scenario: Scenario) -> TrainingWorkload:
    """The training run that a scenario asks for, checked. Raises InputError where it asks for none or an impossible
    one.
    """
    if scenario.training is None:
        raise InputError("train", "the scenario asks for no training run")
    workload.check(scenario.training)
    return scenario.training


def require_framework(run: TrainingWorkload, constants: TrainingConstants) -> Framework:
    """The stack that a run names. Raises InputError with names like it, or all there are."""
    framework = constants.frameworks.get(run.framework)
    if framework is None:
        raise unknown_name("framework", f"unknown {run.framework!r}", run.framework, constants.frameworks)
    return framework
