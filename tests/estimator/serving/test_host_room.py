"""Layers on the host keep their cache there: sequences that run at once never need more RAM than there is."""

import pytest

from catalog.load import Catalog
from estimator.layout import Layout
from estimator.scenario.nodes import node_for
from estimator.scenario.placement import devices
from estimator.scenario.scenario import Placement, Scenario
from estimator.serving.deployment import Deployment, deploy
from estimator.serving.memory import compile_memory
from estimator.serving.memory.host_cache import HOST_RESERVE_BYTES
from estimator.serving.offload import HostSplit, offload
from estimator.units import GIB

TOKENS = 32_768
MODEL = "meta-llama/Llama-3.3-70B-Instruct"


def deployment(catalog: Catalog, host_gib: float) -> Deployment:
    scenario = Scenario(
        MODEL,
        "gguf-q4_k_m",
        engine="llamacpp",
        placement=Placement(accelerator="rtx4090", count=1, host_memory_gib=host_gib),
    )
    machine = devices("rtx4090", 1, catalog.inventory)
    return deploy(node_for(machine, scenario, catalog.inventory), catalog.model(MODEL), scenario, catalog.inventory)


def split_on(catalog: Catalog, host_gib: float) -> HostSplit | None:
    asked = deployment(catalog, host_gib)
    assert asked.host
    return offload(asked, asked.host, "layers", TOKENS)


@pytest.mark.parametrize("host_gib", [40, 48, 64, 256])
def test_weights_and_cache_on_the_host_are_no_more_than_its_ram(catalog: Catalog, host_gib: float) -> None:
    split = split_on(catalog, host_gib)
    assert split
    one = compile_memory(deployment(catalog, host_gib), Layout()).sequence_bytes(TOKENS) * split.layout.host / 80
    assert one > GIB
    assert split.host_bytes + split.max_concurrency * one <= host_gib * GIB - HOST_RESERVE_BYTES
    assert 1 <= split.max_concurrency <= split.memory.max_sequences(TOKENS)


def test_more_ram_holds_more_until_the_card_is_full(catalog: Catalog) -> None:
    held = [split.max_concurrency for gib in (40, 44, 256, 512) if (split := split_on(catalog, gib))]
    assert len(held) == 4
    assert held == sorted(held)
    assert held[2] == held[3]


def test_a_host_that_holds_the_layers_but_no_sequence_is_no_way(catalog: Catalog) -> None:
    least = split_on(catalog, 256)
    assert least
    weights_gib = (least.host_bytes + HOST_RESERVE_BYTES) / GIB
    assert split_on(catalog, weights_gib + 0.1) is None
    assert split_on(catalog, weights_gib - 1) is None
