"""Compiled memory of catalogue models, for the tests of memory, engines and layouts."""

from typing import Protocol

from catalog.load import Catalog
from estimator.layout import Layout
from estimator.models.formats import cache_format
from estimator.models.model import Model
from estimator.scenario.scenario import EngineSettings
from estimator.serving.memory import ServingMemory, compile_memory
from estimator.units import GIB

ONE = Layout()
START_UP = EngineSettings(memory_utilization=0.95, max_model_len=8192)
"""What the published vLLM start-ups on H100 were run with."""


class Held(Protocol):
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


def held_in(catalog: Catalog) -> Held:
    inventory, named = catalog.inventory, catalog.model

    def held(
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
        return compile_memory(
            named(name),
            named(name).weights(weights),
            cache_format(kv),
            layout,
            inventory.accelerators[device],
            inventory.engine(engine, version),
            settings,
            drafts,
        )

    return held


def gib(size: float) -> float:
    return size / GIB
