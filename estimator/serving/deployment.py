"""The deployment of a scenario on a device: the engine and formats asked for, or those that stand in for them there."""

from typing import NamedTuple

from estimator.engines.memory_policy import RuleOfThumb
from estimator.engines.profiles import EngineProfile, with_prefixes, without_expert_parallel
from estimator.engines.speed_constants import Efficiency, EngineSpeed, calibrated
from estimator.engines.support import FILE_TYPES, stand_in
from estimator.errors import InputError
from estimator.hardware.devices import Accelerator, Fabric
from estimator.layout import Layout
from estimator.models.adapters import Adapters, read_adapters
from estimator.models.file_mix import as_written
from estimator.models.formats import CacheFormat, WeightFormat, cache_format, weight_format
from estimator.models.model import Model
from estimator.results import Confidence
from estimator.scenario.inventory import Inventory
from estimator.scenario.nodes import Node, engine_on, host_cpu
from estimator.scenario.scenario import COMPILE_CACHES, EngineSettings, Scenario

DEFAULT_SETTINGS = EngineSettings()


class Deployment(NamedTuple):
    """A model under one engine on one kind of device: with a layout, all that memory and speed are compiled from.

    Hashable: model, device, fabric, engine and constants count by identity, everything else by value.
    """

    model: Model
    weights: WeightFormat
    """As this checkpoint has them, or what the engine loads in their place."""
    cache: CacheFormat
    device: Accelerator
    fabric: Fabric
    """Links between the devices of one machine."""
    engine: EngineProfile
    """The engine that is asked for, or the one that stands in for it on this kind of device."""
    speed: EngineSpeed
    """Constants of the engine class."""
    efficiency: Efficiency
    """Constants of kernels, links and runtimes, with the user's own measurements."""
    machine_devices: int = 0
    """Devices of one machine, which share `fabric`; 0 is all of them."""
    settings: EngineSettings = DEFAULT_SETTINGS
    draft_tokens: int = 0
    """Tokens proposed in each step by the model's own prediction modules, which then stay loaded."""
    host: Accelerator | None = None
    """CPU and RAM beside the devices, for what the engine keeps there; None where it keeps nothing."""

    @property
    def adapters(self) -> Adapters | None:
        """The slots that the engine makes for adapters; None where it serves the base model alone."""
        return engine_adapters(self.engine, self.settings)

    @property
    def cache_host(self) -> Accelerator | None:
        """The CPU whose RAM holds the cache in the place of the devices; None where they hold it."""
        return self.host if self.settings.kv_on_host else None

    def host_share(self, layout: Layout) -> float:
        """Share of one machine's CPU and RAM that an engine in this layout has: that of its devices; above 1 where it
        stands on several machines.
        """
        return layout.devices / self.machine_devices if self.machine_devices else 1.0

    @property
    def confidence(self) -> Confidence:
        """Class of evidence (A, B, C) behind the constants of this deployment's device and engine."""
        return self.efficiency.confidence(self.device, self.speed)


def engine_adapters(engine: EngineProfile, settings: EngineSettings) -> Adapters | None:
    """The slots that an engine makes for the adapters of its settings; None for none."""
    slots = engine.program.adapters
    if not settings.lora or slots is None:
        return None
    asked = read_adapters(settings.lora)
    rank = min((each for each in slots.ranks if each >= asked.rank), default=asked.rank)
    return asked._replace(rank=rank, vocabulary=slots.vocabulary)


def check_start(engine: EngineProfile, settings: EngineSettings) -> None:
    """Raises InputError where an engine has no such way to start as the settings ask for."""
    if settings.compile_cache not in (None, *COMPILE_CACHES):
        raise InputError("compile_cache", f"{settings.compile_cache!r}; expected one of {', '.join(COMPILE_CACHES)}")
    if settings.enforce_eager and not engine.program.eager_option:
        raise InputError("enforce_eager", f"{engine.name} has no option for it")
    if settings.prefix_caching is not None and engine.program.prefix_options is None:
        raise InputError("prefix_caching", f"{engine.name} has no option for it")
    if (settings.admission_steps or 1) > 1 and not engine.admission:
        raise InputError("admission_steps", f"{engine.name} begins whoever waits at its next step")
    if settings.kv_on_host and not engine.program.host_cache_option:
        raise InputError("kv_on_host", f"{engine.name} has no option for it")
    if settings.lora:
        read_adapters(settings.lora)
        if engine.program.adapters is None:
            raise InputError("lora", f"how {engine.name} serves adapters is not modelled; vLLM and SGLang are")
    memory = engine.memory
    if settings.compile_cache and (isinstance(memory, RuleOfThumb) or not memory.activations.compiles_embedding):
        raise InputError("compile_cache", f"{engine.name} does not compile while it measures its memory")


def host_cache_refusal(deployment: Deployment) -> str | None:
    """Why a cache in host memory can not be answered for on a machine; None where it can, or where none is asked."""
    device, drafter = deployment.device, deployment.model.drafter
    if not deployment.settings.kv_on_host or device.kind == "cpu":
        return None
    if "unified-memory" in device.tags:
        return f"{device.name} has no other memory than the host's for the cache"
    if deployment.host is None:
        return "how much RAM there is for the cache is not known: state the host memory"
    if deployment.draft_tokens and (drafter is None or drafter.model):
        return "a cache in host memory beside one of drafts is not modelled"
    return None


def requested_engine(scenario: Scenario, inventory: Inventory) -> EngineProfile:
    """The engine that a scenario names, without what it can not do beside adapters. Raises InputError for none."""
    engine = inventory.engine(scenario.engine, scenario.engine_version)
    slots = engine.program.adapters
    limited = scenario.settings.lora and slots is not None and not slots.beside_expert_parallel
    return without_expert_parallel(engine) if limited else engine


def prefixes_kept(scenario: Scenario) -> bool | None:
    """Whether prompts' caches are kept for others that begin alike: as said, or because prompts repeat; None leaves it
    to the engine. Raises InputError where they repeat and nothing is to be kept.
    """
    repeated, kept = scenario.workload.prefix_cache_hit > 0, scenario.settings.prefix_caching
    if repeated and kept is False:
        raise InputError("prefix_caching", "prompts repeat (prefix_cache_hit), so it can not be off")
    return kept if kept is not None else repeated or None


def deploy(node: Node, model: Model, scenario: Scenario, inventory: Inventory) -> Deployment:
    """The deployment of a scenario on a machine. Raises InputError for an unknown engine or format."""
    requested = requested_engine(scenario, inventory)
    engine = engine_on(node.device, requested, inventory)
    weights = model.weights(scenario.weights)
    if engine is not requested or weights.id in FILE_TYPES:
        weights = as_written(weight_format(stand_in(engine, weights.id)), model.architecture)
    efficiency = calibrated(inventory.efficiency, scenario.calibrations)
    kept = prefixes_kept(scenario)
    offloads = engine.program.offloads and node.device.kind == "gpu"
    if "weights" in engine.program.offloads:  # slower than a smaller format, so only where its room is stated
        offloads = offloads and scenario.placement.host_memory_gib is not None
    return Deployment(
        model=model,
        weights=weights,
        cache=cache_format(scenario.kv),
        device=node.device,
        fabric=node.fabric,
        engine=engine if kept is None else with_prefixes(engine, kept),
        speed=efficiency.engines[engine.speed_on(node.device.vendor)],
        efficiency=efficiency,
        machine_devices=node.devices,
        settings=scenario.settings,
        draft_tokens=scenario.workload.draft_tokens,
        host=host_cpu(node.machine, inventory) if offloads else None,
    )
