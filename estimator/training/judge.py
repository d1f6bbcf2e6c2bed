"""Training runs ranked: what each machine costs and takes for the same run, with the settings that make it fit."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from estimator.cost.bill import bill, not_supported
from estimator.engines.training_constants import Framework, TrainingConstants
from estimator.errors import InputError
from estimator.hardware.devices import Machine
from estimator.hardware.prices import RegionPrices
from estimator.layout import Layout
from estimator.models.model import Model
from estimator.results import (
    VERDICTS,
    Candidate,
    Confidence,
    Evaluation,
    Leaderboard,
    TrainingMemory,
    TrainingReport,
)
from estimator.scenario import training_workload as workload
from estimator.scenario.inventory import Inventory
from estimator.scenario.placement import machines_for
from estimator.scenario.rigs import Rig, rig
from estimator.scenario.scenario import Scenario, check_place
from estimator.scenario.training_workload import TrainingWorkload
from estimator.training import cost, memory, speed
from estimator.training import smaller_runs as advice
from estimator.training.network import links_of
from estimator.training.run import Run
from estimator.training.search import Bed, Found, Search, offloads_of
from estimator.training.support import refusal
from estimator.training.weights import adapters, trainable
from estimator.units import GIB

CLUSTERS = (1, 2, 4, 8)
"""Numbers of machines tried until a run fits."""


def rank_training(
    model: Model,
    scenario: Scenario,
    inventory: Inventory,
    prices: RegionPrices,
    machines: Iterable[Machine] | None = None,
    detail: bool = False,
) -> Leaderboard:
    """Every machine with the settings that fit the run and lose least speed: cheapest run first.

    `detail` looks for a change of the run that fits where it does not. Raises InputError for a run that can not be
    asked.
    """
    judge = Judge(model, scenario, inventory, prices, detail)
    if machines is None:
        machines = machines_for(scenario, inventory, prices)
    rows = sorted((judge.evaluation(machine) for machine in machines), key=rank_key)
    return Leaderboard(_with_badges(rows), judge.considered)


class Laid(NamedTuple):
    """A run on machines of one kind."""

    bed: Bed
    run: Run
    found: Found


class Judge:
    """One run against one inventory and one region's prices."""

    def __init__(
        self, model: Model, scenario: Scenario, inventory: Inventory, prices: RegionPrices, detail: bool = False
    ) -> None:
        check_place(scenario)
        self.model, self.scenario, self.inventory, self.prices = model, scenario, inventory, prices
        self.constants = constants_of(inventory)
        self.workload = asked_of(scenario)
        self.framework = framework_of(self.workload, self.constants)
        if self.workload.adapters:
            adapters(model.architecture, self.workload)  # raises where the targets match nothing
        limit = model.architecture.max_context
        if limit and self.workload.sequence_length > limit:
            raise InputError(
                "sequence_length", f"{self.workload.sequence_length:,} tokens, but {model.id} holds {limit:,}"
            )
        self.detail = detail
        self.considered = 0
        self._searches: dict[str, Search] = {}
        self._seen: dict[tuple[object, ...], Laid] = {}

    def evaluation(self, machine: Machine) -> Evaluation:
        """The machine's best setup, priced; over several machines where one does not hold the run."""
        here = rig(machine, self.inventory)
        framework = self.constants.frameworks["neuronx"] if here.device.kind == "neuron" else self.framework
        refused = refusal(self.model, self.workload, here.device)
        clusters = self._clusters(machine, here.devices)
        if refused or not clusters:
            return not_supported(here, refused or self._too_small(here.devices), self.scenario, self.prices)
        return self._priced(here, self._laid(here, framework, clusters))

    def _clusters(self, machine: Machine, devices: int) -> tuple[int, ...]:
        """Numbers of machines to try: those whose devices the explicit ranks divide."""
        asked = self.scenario.placement
        ranks = (asked.tp or 1) * (asked.pp or 1)
        tried = (asked.machines,) if asked.machines else CLUSTERS if machine.efa else CLUSTERS[:1]
        return tuple(machines for machines in tried if devices * machines % ranks == 0)

    def _too_small(self, devices: int) -> str:
        """Why no number of machines will do. Raises InputError where the machine is the one that was named."""
        asked = self.scenario.placement
        ranks = (asked.tp or 1) * (asked.pp or 1)
        reason = f"TP{asked.tp or 1} x PP{asked.pp or 1} does not divide its {devices} accelerators"
        if asked.instance or asked.accelerator:
            raise InputError("tp" if asked.tp else "pp", f"{ranks} ranks: {reason}")
        return reason

    def _laid(self, here: Rig, framework: Framework, clusters: tuple[int, ...]) -> Laid:
        """The fewest machines that hold the run, without offloading where any number of them does."""
        machine = here.machine
        key = (here.device, here.fabric, here.devices, clusters, machine.network_bytes_per_s, machine.memory_bytes)
        found = self._seen.get(key)
        if found is None:
            found = self._seen[key] = self._search(here, framework, clusters)
        return found

    def _search(self, here: Rig, framework: Framework, clusters: Sequence[int]) -> Laid:
        machine = here.machine
        links = links_of(machine, here.fabric, self.constants.speed)._replace(devices_per_machine=here.devices)
        search = self._searches.get(framework.id)
        if search is None:
            asked, run = self.scenario.placement, Run(self.model.architecture, self.workload, framework, self.constants)
            search = self._searches[framework.id] = Search(run, asked.tp, asked.pp or 1, asked.ep or 1)
        least: Laid | None = None
        for offload in offloads_of(search.run):
            for machines in clusters:
                self.considered += 1
                bed = Bed(here.device, here.devices, machines, links, machine.memory_bytes)
                found = search.best(bed, (offload,))
                laid = Laid(bed, search.run.at(found.setup), found)
                if laid.found.step:
                    return laid
                if least is None or laid.found.peak.device < least.found.peak.device:
                    least = laid
        assert least is not None
        return least

    def _priced(self, here: Rig, laid: Laid) -> Evaluation:
        machine, (bed, run, (setup, _, step)) = here.machine, laid
        held = memory.report(run, laid.found.peak, bed.device)
        price = bill(here, bed.machines, self.scenario, self.prices)
        candidate = Candidate(
            machine.id,
            bed.machines,
            machine.accelerator,
            machine.count * bed.machines,
            Layout(setup.tp, setup.pp, setup.ep, setup.dp * setup.cp),
            1,
        )
        if step is None:
            reason = f"{held.shortfall_bytes / GIB:.1f} GiB short per device even with {advice.savers(setup)}"
            if not held.shortfall_bytes:
                reason = f"host memory too small to offload {held.host_bytes / GIB:,.0f} GiB per device"
            change = advice.suggestion(run, bed) if self.detail else None
            return Evaluation(candidate, "does_not_fit", reason, "C", None, None, price, False, suggestion=change)
        report = self._report(machine, price.price_usd_per_hour, laid, held, step)
        idle = bed.total - setup.devices
        caution = f"{idle} of {bed.total} devices idle: a step has too few sequences" if idle else None
        confidence = self._confidence(bed)
        return Evaluation(candidate, "fits", caution, confidence, None, None, price, training=report)

    def _report(
        self, machine: Machine, usd_per_hour: float | None, laid: Laid, held: TrainingMemory, step: speed.Step
    ) -> TrainingReport:
        bed, run, (setup, *_) = laid
        band = speed.band_of(run, bed.device)
        each = speed.banded(step.tokens / step.seconds, band)
        total = each.times(setup.devices)
        lasting = cost.duration(
            run.architecture,
            run.workload,
            total,
            bed.machines,
            self.constants.run,
            bed.device.kind == "neuron",
            self._interruptions(machine),
        )
        return TrainingReport(
            setup=setup,
            memory=held,
            trainable_parameters=trainable(run.architecture, run.workload),
            tokens_per_s_per_device=each,
            tokens_per_s=total,
            step_s=speed.banded(step.seconds, (1 / band[1], 1 / band[0])),
            mfu=step.mfu,
            step=speed.parts(run, step, bed.device),
            hours=lasting.hours,
            usd=None if usd_per_hour is None else lasting.hours.times(usd_per_hour),
            run=lasting.parts,
            notes=advice.notes(run, laid.found.peak, bed.device),
        )

    def _interruptions(self, machine: Machine) -> float:
        """Interruptions a month of one machine; none where the capacity is not spot."""
        if self.scenario.price_terms != "spot":
            return 0.0
        rules = self.constants.run
        offered = self.prices.quotes.get(machine.id)
        named = (offered.spot_interruption if offered else None) or rules.default_interruption
        return rules.interruptions_per_month.get(named, rules.interruptions_per_month[rules.default_interruption])

    def _confidence(self, bed: Bed) -> Confidence:
        measured = self.constants.speed.factor_of(bed.device)
        return "C" if not measured or bed.device.kind == "neuron" else "B"


def constants_of(inventory: Inventory) -> TrainingConstants:
    """The inventory's training constants. Raises InputError where the catalogue has none."""
    if inventory.training is None:
        raise InputError("training", "the catalogue holds no training constants")
    return inventory.training


def asked_of(scenario: Scenario) -> TrainingWorkload:
    """The run that a scenario asks for. Raises InputError."""
    if scenario.training is None:
        raise InputError("train", "the scenario asks for no training run")
    workload.check(scenario.training)
    return scenario.training


def framework_of(asked: TrainingWorkload, constants: TrainingConstants) -> Framework:
    """The stack of that id. Raises InputError listing what exists."""
    found = constants.frameworks.get(asked.framework)
    if found is None:
        raise InputError("framework", f"unknown {asked.framework!r}; one of {', '.join(constants.frameworks)}")
    return found


def rank_key(row: Evaluation) -> tuple[int, bool, float, float, str]:
    """What fits first: the cheapest run, then the shortest; then what comes nearest to fitting."""
    run = row.training
    if run is None:
        return VERDICTS.index(row.verdict), True, 0.0, 0.0, row.candidate.machine
    return 0, run.usd is None, run.usd.typical if run.usd else 0.0, run.hours.typical, row.candidate.machine


def _with_badges(rows: list[Evaluation]) -> tuple[Evaluation, ...]:
    """The cheapest run is the best value; a tie can not be told from the row above."""
    badged: list[Evaluation] = []
    for row, above in zip(rows, [None, *rows[:-1]], strict=True):
        here, there = row.training, above.training if above else None
        tie = bool(here and there and here.usd and there.usd and here.usd.overlaps(there.usd))
        badged.append(row._replace(tie=tie, best_value=above is None and bool(here and here.usd)))
    return tuple(badged)
