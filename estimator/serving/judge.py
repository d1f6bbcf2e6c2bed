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
from estimator.layouts.context_parallel import check_stripes, stripe_refusal
from estimator.layouts.legal import layout_refusal, legal_layouts, legal_tensor_parallel
from estimator.models.model import Model
from estimator.results import Candidate, Confidence, Evaluation, MemoryReport
from estimator.scenario.inventory import Inventory
from estimator.scenario.rigs import Rig, clusters, rig
from estimator.scenario.scenario import Scenario, check_place
from estimator.scenario.workload import ServiceLevel
from estimator.serving.deployment import Deployment, deploy
from estimator.serving.load.performance import Load, carry, report
from estimator.serving.memory import memory_of
from estimator.serving.offload import offload
from estimator.serving.speed.step import Step, compile_step
from estimator.units import GIB


class Trial(NamedTuple):
    """One layout on one kind of device, judged at a load per replica."""

    deployment: Deployment
    layout: Layout
    machines: int
    replicas: int
    memory: MemoryReport
    confidence: Confidence
    busy: int = 0
    """Replicas that have work."""
    step: Step | None = None
    load: Load | None = None
    """One replica at its share of the load; None where the memory does not hold one request."""

    @property
    def requests_per_s(self) -> float:
        return self.load.requests_per_s * self.busy if self.load else 0.0

    @property
    def held(self) -> int:
        """Whole requests of the asked length that the replicas hold at once."""
        return int(self.memory.max_concurrency) * self.replicas

    def meets(self, level: ServiceLevel) -> bool:
        """Whether a typical request sees the service level; where nothing is asked, all do."""
        return self.load is not None and level.met_by(self.load.ttft_s, self.load.point.tpot_s)


class Judge:
    """One scenario against one inventory and one region's prices."""

    def __init__(
        self, model: Model, scenario: Scenario, inventory: Inventory, prices: RegionPrices, detail: bool = False
    ) -> None:
        check(scenario)
        check_place(scenario)
        for part in (scenario.workload, scenario.service_level, scenario.settings):
            check(part)
        self.model = model
        self.scenario = scenario
        self.inventory = inventory
        self.prices = prices
        self.engine = inventory.engine(scenario.engine, scenario.engine_version)
        self.stripes = scenario.settings.stripes
        self.weights = model.weights(scenario.weights)
        self.tokens = request_tokens(scenario, model)
        check_stripes(model, self.engine, self.stripes)
        self.detail = detail
        self.considered = 0
        self.seen: dict[tuple[object, ...], Trial] = {}

    def evaluations(self, machine: Machine, every_layout: bool = False) -> list[Evaluation]:
        """The machine's best layout, or all of its layouts; never empty."""
        here = rig(machine, self.inventory)
        deployment = deploy(here, self.model, self.scenario, self.inventory)
        engine = deployment.engine
        refused = refusal(here.device, engine, deployment.weights)
        if refused:
            return [not_supported(here, refused, self.scenario, self.prices)]
        trials = self.trials(here, deployment)
        if not trials:
            illegal = layout_refusal(self.model, self.wanted or Layout(), self.reach(here), engine, here.device)
            illegal = illegal or self.unstriped(here, engine)
            reason = str(illegal or f"{engine.name} does not run {self.model.id} here")
            return [not_supported(here, reason, self.scenario, self.prices)]
        if every_layout:
            return [self.evaluation(here, trial) for trial in trials]
        return [self.evaluation(here, self.best(trials))]

    def trials(self, here: Rig, deployment: Deployment) -> list[Trial]:
        """Every layout that the placement leaves open, on one machine; on several where none fits on one."""
        asked = self.scenario.placement
        machines, engine = asked.machines or 1, deployment.engine
        layouts = self.layouts(here, engine)
        trials = [
            self.trial(here, deployment, layout, machines, -(-layout.devices // here.devices)) for layout in layouts
        ]
        if any(trial.load for trial in trials) or self.wanted:
            return trials
        if offloaded := self.offloaded(deployment, machines):
            return [offloaded]
        for span, layout in clusters(here, self.model, engine):
            if (asked.machines and asked.machines % span) or self.refused_stripes(layout.tp, engine):
                continue
            trial = self.trial(here, deployment, layout, machines if asked.machines else span, span)
            if trial.load:
                return [trial]
        return trials

    @property
    def wanted(self) -> Layout | None:
        """The explicit layout; None leaves it open."""
        asked, sparse = self.scenario.placement, self.model.architecture.is_moe
        if not (asked.tp or asked.pp or asked.ep or (asked.dp and sparse)):
            return None
        return Layout(asked.tp or 1, asked.pp or 1, asked.ep or 1, (asked.dp or 1) if sparse else 1)

    def reach(self, here: Rig) -> int:
        """Devices that one engine may span: pipeline stages may stand on as many machines as are asked for."""
        asked = self.scenario.placement
        return here.devices * (asked.machines or 1) if asked.pp else here.devices

    def layouts(self, here: Rig, engine: EngineProfile) -> Sequence[Layout]:
        """Legal layouts on one machine, with the stripes that are asked for; an explicit one may span several.

        Raises InputError for an explicit layout that is legal nowhere, or not on the machine that is named.
        """
        wanted, asked = self.wanted, self.scenario.placement
        named = asked.instance or asked.accelerator
        if wanted is None:
            found = legal_layouts(self.model, here.devices, engine, here.device)
            if self.stripes == 1:
                return found
            striped = [layout for layout in found if not self.refused_stripes(layout.tp, engine)]
            if named and not striped and (refused := self.unstriped(here, engine)):
                raise InputError(*refused)
            return striped
        reach = self.reach(here) if named else wanted.devices
        refused = layout_refusal(self.model, wanted, reach, engine, here.device)
        refused = refused or self.refused_stripes(wanted.tp, engine)
        if refused and (named or engine is self.engine):
            raise InputError(*refused)
        if refused:
            return ()
        return (wanted,) if wanted.devices <= self.reach(here) and wanted.tp * wanted.dp <= here.devices else ()

    def refused_stripes(self, tp: int, engine: EngineProfile) -> Refusal | None:
        """Why so many ranks can not stripe a sequence as asked."""
        return stripe_refusal(self.model, tp, self.stripes, engine) if self.stripes > 1 else None

    def unstriped(self, here: Rig, engine: EngineProfile) -> Refusal | None:
        """Why the widest tensor parallelism of a machine can not."""
        widest = legal_tensor_parallel(self.model, engine, here.devices, here.device)
        return self.refused_stripes(widest[-1], engine) if widest else None

    def trial(self, here: Rig, deployment: Deployment, layout: Layout, machines: int, span: int) -> Trial:
        """Judges a layout over `span` machines, repeated over `machines` of them."""
        replicas = machines * here.devices // (layout.devices) if span == 1 else machines // span
        if self.scenario.placement.dp and not self.model.architecture.is_moe:
            replicas = min(replicas, self.scenario.placement.dp)
        busy = min(replicas, self.scenario.workload.concurrency)
        key = (here.device, here.fabric, here.devices if span > 1 else 0, layout, busy, replicas)
        found = self.seen.get(key)
        if found is None:
            self.considered += 1
            found = self.seen[key] = self.judge(deployment, layout, machines, replicas, busy)
        return found if found.machines == machines else found._replace(machines=machines)

    def judge(self, deployment: Deployment, layout: Layout, machines: int, replicas: int, busy: int) -> Trial:
        """Memory first; speed only where one request fits."""
        held = memory_of(deployment, layout).report(self.tokens)
        if held.shortfall_bytes > 0 or held.max_concurrency < 1:
            return Trial(deployment, layout, machines, replicas, held, deployment.confidence)
        return self.carried(deployment, layout, machines, replicas, held, busy)

    def offloaded(self, deployment: Deployment, machines: int) -> Trial | None:
        """Some layers on the host, where the engine can and the host has room."""
        found = offload(deployment, self.tokens)
        if found is None:
            return None
        held = found.memory.report(self.tokens)._replace(max_concurrency=found.max_concurrency)
        busy = min(machines, self.scenario.workload.concurrency)
        return self.carried(deployment, found.layout, machines, machines, held, busy)

    def carried(
        self, deployment: Deployment, layout: Layout, machines: int, replicas: int, held: MemoryReport, busy: int
    ) -> Trial:
        """What fits, at its share of the load."""
        workload = self.scenario.workload
        step = compile_step(deployment, layout)
        load = carry(step, workload, workload.concurrency / busy, held.max_concurrency, busy)
        return Trial(deployment, layout, machines, replicas, held, step.confidence, busy, step, load)

    def best(self, trials: Sequence[Trial]) -> Trial:
        """The cheapest per output token that meets the service level; at one price that is the fastest.

        Where requests arrive at a rate, everything that keeps up completes the same: the quickest answer wins.
        """
        level = self.scenario.service_level
        arriving = self.scenario.workload.requests_per_second is not None

        def key(trial: Trial) -> tuple[bool, bool, float, bool, float]:
            if trial.load is None:
                return True, True, trial.memory.shortfall_bytes, True, 0.0
            carries = self.holds_load(trial)
            quick = trial.load.point.request_s if arriving and carries else -trial.requests_per_s
            return False, not trial.meets(level), 0.0, arriving and not carries, quick

        return min(trials, key=key)

    def evaluation(self, here: Rig, trial: Trial) -> Evaluation:
        """A trial with its price, verdict and reason."""
        machine = here.machine
        speed = None
        if trial.step and trial.load:
            speed = report(trial.step, self.scenario.workload, trial.load, trial.busy, self.detail)
        idle = here.devices * trial.machines - trial.replicas * trial.layout.devices
        if speed is None:
            reason: str | None = f"{trial.memory.shortfall_bytes / GIB:.1f} GiB short per device"
        else:
            reason = self.caution(here, trial, idle)
        return Evaluation(
            Candidate(
                machine.id,
                trial.machines,
                machine.accelerator,
                machine.count * trial.machines,
                trial.layout,
                trial.replicas,
            ),
            "fits" if speed else "does_not_fit",
            reason,
            trial.confidence,
            trial.memory,
            speed,
            bill(here, trial.machines, self.scenario, self.prices, speed),
            not self.scenario.service_level or trial.meets(self.scenario.service_level),
            speed is not None and self.holds_load(trial),
        )

    def holds_load(self, trial: Trial) -> bool:
        """Whether the cache holds every request in flight, or the engines keep up with the arrivals."""
        asked = self.scenario.workload
        if asked.requests_per_second is None:
            return trial.held >= asked.concurrency
        return trial.load is not None and trial.load.utilization < 1

    def caution(self, here: Rig, trial: Trial, idle: int) -> str | None:
        """What the reader of a row that fits must know."""
        if trial.layout.host:
            return f"{trial.layout.host} of {self.model.architecture.layers} layers stay in host memory"
        if not self.holds_load(trial):
            asked = self.scenario.workload
            if asked.requests_per_second is not None:
                return f"carries {trial.requests_per_s:.3g} of {asked.requests_per_second:g} requests/s"
            return f"holds {trial.held} of {asked.concurrency} requests at once; the others wait"
        said = []
        if idle:
            kind = "cores" if here.device.kind == "neuron" else "accelerators"
            said.append(f"{idle} of {here.devices * trial.machines} {kind} idle")
        if trial.deployment.engine.id != self.engine.id:
            kept = trial.deployment.weights is self.weights
            said.append(
                f"under {trial.deployment.engine.name}" + ("" if kept else f", as {trial.deployment.weights.name}")
            )
        return "; ".join(said) or None


def request_tokens(scenario: Scenario, model: Model) -> int:
    """Tokens of one whole request. Raises InputError where the model can not hold it."""
    asked = scenario.workload.total_tokens
    limit = scenario.settings.max_model_len or model.architecture.max_context
    if limit and asked > limit:
        field = "max_model_len" if scenario.settings.max_model_len else "input_tokens"
        raise InputError(field, f"{asked:,} tokens a request, but {model.id} holds {limit:,}")
    return asked
