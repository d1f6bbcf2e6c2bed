"""What answers on a device: the engine and the formats that are asked for, or those that stand in for them there."""

from typing import NamedTuple

from estimator.engines.profiles import EngineProfile, caching_prefixes
from estimator.engines.speed_constants import Efficiency, EngineSpeed, calibrated
from estimator.engines.support import stand_in
from estimator.layout import Layout
from estimator.models.formats import CacheFormat, WeightFormat, cache_format, weight_format
from estimator.models.model import Model
from estimator.results import Confidence
from estimator.scenario.inventory import Inventory
from estimator.scenario.rigs import Rig, engine_on
from estimator.scenario.scenario import Scenario
from estimator.serving.memory import ServingMemory, compile_memory
from estimator.serving.offload import step_with_host
from estimator.serving.speed.step import Step, compile_step


class Setup(NamedTuple):
    """One scenario's model on one kind of device, ready to be compiled for any layout."""

    here: Rig
    model: Model
    scenario: Scenario
    inventory: Inventory
    engine: EngineProfile
    """The one that is asked for, or the one that stands in for it here."""
    weights: WeightFormat
    """As this checkpoint has them, or what the engine loads in their place."""
    cache: CacheFormat
    efficiency: Efficiency
    """With the user's own measurements."""

    @property
    def speed(self) -> EngineSpeed:
        return self.efficiency.engines[self.engine.speed]

    @property
    def confidence(self) -> Confidence:
        return self.efficiency.confidence(self.here.device, self.speed)

    def memory(self, layout: Layout) -> ServingMemory:
        """One rank's memory, ready to be asked about lengths and loads."""
        settings, workload = self.scenario.settings, self.scenario.workload
        engine = caching_prefixes(self.engine) if workload.prefix_cache_hit else self.engine
        return compile_memory(
            self.model, self.weights, self.cache, layout, self.here.device, engine, settings, workload.draft_tokens
        )

    def step(self, layout: Layout) -> Step:
        """One rank's operators, with the host's layers in turn where the layout leaves some there."""
        here, speed = self.here, self.speed
        step = compile_step(
            self.model,
            self.weights,
            self.cache,
            layout,
            here.device,
            here.fabric,
            speed,
            self.efficiency,
            here.devices,
            self.scenario.settings.stripes,
        )
        if not layout.host:
            return step
        return step_with_host(step, self.model, self.weights, self.cache, here, layout.host, speed, self.inventory)


def setup_on(here: Rig, model: Model, scenario: Scenario, inventory: Inventory) -> Setup:
    """The setup of a scenario on that machine. Raises InputError for an unknown engine or format."""
    asked = inventory.engine(scenario.engine, scenario.engine_version)
    engine = engine_on(here.device, asked, inventory)
    weights = model.weights(scenario.weights)
    if engine is not asked:
        weights = weight_format(stand_in(engine, weights.id))
    efficiency = calibrated(inventory.efficiency, scenario.calibrations)
    return Setup(here, model, scenario, inventory, engine, weights, cache_format(scenario.kv), efficiency)
