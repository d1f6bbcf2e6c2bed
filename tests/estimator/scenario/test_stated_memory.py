"""Memory that the owner states: of one device, and of the machine beside it."""

from dataclasses import replace

import pytest

from catalog.load import Catalog
from estimator.errors import InputError
from estimator.ranking.rank import rank
from estimator.results import Evaluation
from estimator.scenario.nodes import host_cpu, node_of, with_host_memory
from estimator.scenario.placement import devices
from estimator.scenario.scenario import EngineSettings, Placement, Scenario
from estimator.scenario.workload import ServingWorkload
from estimator.units import GIB

ONE_USER = ServingWorkload(1024, 128, 1)


def first(catalog: Catalog, model: str, weights: str, engine: str = "llamacpp", **placement: object) -> Evaluation:
    scenario = Scenario(
        model,
        weights,
        workload=ONE_USER,
        engine=engine,
        settings=EngineSettings(max_model_len=4096),
        placement=replace(Placement(), **placement),  # type: ignore[arg-type]
    )
    return rank(catalog.model(model), scenario, catalog.inventory, catalog.prices("us-east-1")).rows[0]


@pytest.mark.parametrize(("gib", "verdict"), [(None, "fits"), (62.5, "does_not_fit"), (110, "fits"), (96, "fits")])
def test_a_large_mixture_on_unified_memory(catalog: Catalog, gib: float | None, verdict: str) -> None:
    row = first(catalog, "Qwen/Qwen3-235B-A22B", "gguf-q2_k", accelerator="ryzen-ai-max-395", usable_memory_gib=gib)
    assert row.verdict == verdict
    assert row.memory
    assert row.memory.usable_bytes == (gib or 120) * GIB


def test_a_larger_size_of_a_card(catalog: Catalog) -> None:
    """RTX 4090 with 48 GB, as resold: the catalogue knows the one with 24."""
    assert first(catalog, "Qwen/Qwen3-32B", "gguf-q8_0", accelerator="rtx4090").verdict == "does_not_fit"
    row = first(catalog, "Qwen/Qwen3-32B", "gguf-q8_0", accelerator="rtx4090", usable_memory_gib=48)
    assert row.verdict == "fits"
    assert row.memory
    assert row.memory.device_bytes == 48 * GIB


def test_macs_leave_a_gpu_two_thirds_below_36_gb_and_three_quarters_above(catalog: Catalog) -> None:
    """recommendedMaxWorkingSetSize in llama.cpp logs: 10,922.67 MiB of 16 GB, 21,845.34 of 32, 49,152 of 64."""
    macs = [each for each in catalog.inventory.accelerators.values() if each.kind == "apple"]
    assert macs
    for mac in macs:
        share = 2 / 3 if mac.memory_sold_gb < 36 else 3 / 4
        assert mac.memory_usable_bytes == pytest.approx(mac.memory_sold_gb * GIB * share, rel=1e-4), mac.id


def test_device_memory_without_a_device_is_refused(catalog: Catalog) -> None:
    with pytest.raises(InputError, match="say which accelerator"):
        first(catalog, "Qwen/Qwen3-8B", "bf16", "vllm", usable_memory_gib=20)


def test_host_memory_holds_the_layers_that_a_card_lacks(catalog: Catalog) -> None:
    model, weights = "meta-llama/Llama-3.3-70B-Instruct", "gguf-q4_k_m"
    assert first(catalog, model, weights, accelerator="rtx4090").verdict == "does_not_fit"
    assert first(catalog, model, weights, accelerator="rtx4090", host_memory_gib=12).verdict == "does_not_fit"
    row = first(catalog, model, weights, accelerator="rtx4090", host_memory_gib=64)
    assert row.verdict == "fits"
    assert row.candidate.layout.host > 0


def test_unified_memory_has_no_other_memory_beside_it(catalog: Catalog) -> None:
    machine = with_host_memory(devices("gb10", 1, catalog.inventory), 64)
    assert host_cpu(machine, catalog.inventory) is None


def test_an_instance_keeps_its_own_cpu(catalog: Catalog) -> None:
    inventory = catalog.inventory
    node = node_of(inventory.machines["g5.xlarge"], inventory, Placement(host_memory_gib=128))
    host = host_cpu(node.machine, inventory)
    assert host
    assert host.memory_usable_bytes == 128 * GIB
    assert host.id != "cpu-desktop"
