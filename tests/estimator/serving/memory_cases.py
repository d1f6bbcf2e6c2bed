"""Compiled memory of catalogue models, for the tests of memory, engines and layouts."""

from typing import Protocol

from catalog.load import Catalog
from estimator.layout import Layout
from estimator.models.formats import cache_format
from estimator.models.model import Model
from estimator.scenario.scenario import EngineSettings
from estimator.serving.deployment import Deployment
from estimator.serving.memory import ServingMemory, compile_memory
from estimator.units import GIB

ONE = Layout()
START_UP = EngineSettings(memory_utilization=0.95, max_model_len=8192)
"""What the published vLLM start-ups on H100 were run with."""


class MemoryOf(Protocol):
    """The memory of a model by name."""

    def __call__(
        self,
        name: str,
        layout: Layout = ONE,
        *,
        weights: str = "bf16",
        kv: str = "bf16",
        device: str = "h100-sxm",
        engine: str = "vllm",
        version: str | None = None,
        settings: EngineSettings | None = None,
        drafts: int = 0,
    ) -> ServingMemory: ...


class Named(Protocol):
    """A model by name."""

    def __call__(self, name: str) -> Model: ...


def memory_in(catalog: Catalog) -> MemoryOf:
    inventory, named = catalog.inventory, catalog.model

    def memory_of(
        name: str,
        layout: Layout = ONE,
        *,
        weights: str = "bf16",
        kv: str = "bf16",
        device: str = "h100-sxm",
        engine: str = "vllm",
        version: str | None = None,
        settings: EngineSettings | None = None,
        drafts: int = 0,
    ) -> ServingMemory:
        profile = inventory.engine(engine, version)
        deployment = Deployment(
            model=named(name),
            weights=named(name).weights(weights),
            cache=cache_format(kv),
            device=inventory.accelerators[device],
            fabric=inventory.fabrics["none"],
            engine=profile,
            speed=inventory.efficiency.engines[profile.speed],
            efficiency=inventory.efficiency,
            settings=settings or EngineSettings(),
            draft_tokens=drafts,
        )
        return compile_memory(deployment, layout)

    return memory_of


def gib(size: float) -> float:
    return size / GIB
