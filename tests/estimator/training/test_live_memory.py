"""What a run must have at once, and what PyTorch's allocator keeps beside it while there is room."""

from dataclasses import replace

import pytest

from catalog.load import Catalog
from estimator.layout import TrainingSetup
from estimator.scenario.training_workload import TrainingWorkload
from estimator.training import memory
from estimator.training.run import Run
from estimator.training.search import largest_micro_batch, longest_sequence
from estimator.units import GIB


def transformers(catalog: Catalog, shards: int, micro_batch: int, loss: str, **settings: object) -> Run:
    """Llama-3-8B in full at 4,096 tokens under Transformers, as fms-acceleration ran it on A100 of 80 GB."""
    constants = catalog.inventory.training
    assert constants
    asked = TrainingWorkload("full", sequence_length=4096, loss=loss)
    setup = TrainingSetup(
        dp=shards,
        sharding="fsdp" if shards > 1 else "none",
        micro_batch=micro_batch,
        checkpointing="full",
        accumulation=1,
    )
    architecture = catalog.model("meta-llama/Meta-Llama-3-8B").architecture
    run = Run(architecture, asked, constants.frameworks["peft"], constants, setup)
    return run._replace(workload=replace(asked, **settings))


@pytest.mark.parametrize(
    ("shards", "micro_batch", "loss", "allocated_gib"),
    [
        (1, 4, "plain", 74.80),
        (1, 8, "fused", 74.80),
        (2, 4, "plain", 74.80),
        (4, 4, "fused", 37.41),
        (4, 8, "fused", 41.04),
        (4, 16, "fused", 56.17),
        (4, 4, "plain", 44.32),
        (4, 8, "plain", 64.22),
    ],
)
def test_what_is_live_is_what_pytorch_says_it_allocated(
    catalog: Catalog, shards: int, micro_batch: int, loss: str, allocated_gib: float
) -> None:
    """torch.cuda.max_memory_allocated (fms-acceleration, scripts/benchmarks/refs/a100_80gb_liger.csv)."""
    run = transformers(catalog, shards, micro_batch, loss)
    live = memory.live_peak(run, memory.peak_memory(run))
    assert (live.device_bytes - live.resident.overhead_bytes) / GIB == pytest.approx(allocated_gib, rel=0.07)


def test_a_full_card_shows_kept_blocks_in_what_is_left(catalog: Catalog) -> None:
    """75.9 GiB were used of 79.6, where a card with room would have shown 107."""
    device = catalog.inventory.accelerators["a100-80gb-sxm"]
    run = transformers(catalog, 1, 4, "plain")
    peak = memory.peak_memory(run)
    report = memory.report_memory(run, peak, device)
    assert memory.fits(run, peak, device)
    assert peak.device_bytes / GIB > 100
    assert report.peak_bytes.typical / GIB == pytest.approx(75.87, rel=0.03)
    assert report.kept_bytes > 0
    assert "kept blocks" in [part.name for part in report.parts]


def test_a_card_with_room_shows_all_of_it_at_once(catalog: Catalog) -> None:
    """53.4 GiB were in use, of which 37.4 were ever allocated at once."""
    device = catalog.inventory.accelerators["a100-80gb-sxm"]
    run = transformers(catalog, 4, 4, "fused")
    report = memory.report_memory(run, memory.peak_memory(run), device)
    assert report.kept_bytes == 0
    assert report.peak_bytes.typical / GIB == pytest.approx(53.43, rel=0.03)


def test_gradients_of_several_micro_batches_stay_through_the_pass(catalog: Catalog) -> None:
    run = transformers(catalog, 4, 16, "fused")
    several = run.with_setup(run.setup._replace(accumulation=2))
    once, twice = (memory.passing(each, memory.peak_memory(each)) for each in (run, several))
    assert once.resident.gradients_bytes == 0
    assert twice.device_bytes - once.device_bytes == twice.resident.gradients_bytes > 7 * GIB


@pytest.mark.parametrize("shards", [2, 4])
@pytest.mark.parametrize("loss", ["plain", "fused"])
def test_the_largest_micro_batch_and_the_longest_sequence_fit_and_no_more(
    catalog: Catalog, shards: int, loss: str
) -> None:
    device = catalog.inventory.accelerators["a100-80gb-sxm"]
    run = transformers(catalog, shards, 1, loss)
    peak = memory.peak_memory(run)

    def fits(micro_batch: int, tokens: int) -> bool:
        asked = transformers(catalog, shards, micro_batch, loss, sequence_length=tokens)
        return memory.fits(asked, memory.peak_memory(asked), device)

    largest, longest = largest_micro_batch(run, peak, device), longest_sequence(run, peak, device)
    assert fits(largest, 4096) or largest == 0
    assert not fits(largest + 1, 4096)
    assert fits(1, longest) or longest == 0
    assert not fits(1, longest + 64)


@pytest.mark.parametrize("offload", ["optimizer", "parameters"])
def test_an_optimizer_on_the_host_steps_there(catalog: Catalog, offload: str) -> None:
    """The copies that its step makes are the host's, as its moments are."""
    run = transformers(catalog, 1, 4, "fused")
    here = memory.peak_memory(run).resident
    there = memory.peak_memory(run.with_setup(run.setup._replace(offload=offload))).resident
    assert here.copies_bytes > 0
    assert there.copies_bytes == there.optimizer_bytes == 0
    assert there.host_bytes >= here.optimizer_bytes + here.copies_bytes
