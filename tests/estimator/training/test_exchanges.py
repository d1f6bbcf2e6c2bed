"""What the ranks of a training run exchange in a step, in bytes over the slowest link that these take."""

import pytest

from catalog.load import Catalog
from estimator.layout import TrainingSetup
from estimator.scenario.training_workload import TrainingWorkload
from estimator.training.network import CommunicationTime, Links, communication_time
from estimator.training.run import Run

PARAMETERS, LAYERS, HIDDEN = 8_030_261_248, 32, 4096
"""Of Llama 3.1 8B."""
INSIDE, OUTSIDE = 400e9, 50e9
LINKS = Links(
    devices_per_machine=8, inside_bytes_per_s=INSIDE, outside_bytes_per_s=OUTSIDE, vcpus=192, host_bytes_per_s=25e9
)


def exchanged(catalog: Catalog, workload: TrainingWorkload, links: Links = LINKS, **setup: object) -> CommunicationTime:
    constants = catalog.inventory.training
    assert constants
    architecture = catalog.model("meta-llama/Llama-3.1-8B").architecture
    run = Run(architecture, workload, constants.frameworks["torchtitan"], constants)
    return communication_time(run._replace(setup=TrainingSetup(**setup)), links)  # type: ignore[arg-type]


def test_one_device_exchanges_nothing(catalog: Catalog) -> None:
    assert exchanged(catalog, TrainingWorkload("full")) == CommunicationTime(0.0, 0.0)


@pytest.mark.parametrize(
    ("sharding", "dp", "link"), [("none", 4, INSIDE), ("zero1", 8, INSIDE), ("zero2", 16, OUTSIDE)]
)
def test_gradients_go_around_the_ring_twice_a_step_whatever_is_accumulated(
    catalog: Catalog, sharding: str, dp: int, link: float
) -> None:
    for accumulation in (1, 3):
        times = exchanged(catalog, TrainingWorkload("full"), dp=dp, sharding=sharding, accumulation=accumulation)
        assert times.overlappable_s == pytest.approx(2 * 2 * PARAMETERS * (dp - 1) / dp / link)
        assert times.exposed_s == 0


@pytest.mark.parametrize(("method", "passes"), [("full", 3), ("lora", 2)])
@pytest.mark.parametrize(("dp", "link"), [(8, INSIDE), (16, OUTSIDE)])
def test_sharded_weights_are_gathered_twice_and_gradients_reduced_once_each_micro_batch(
    catalog: Catalog, method: str, passes: int, dp: int, link: float
) -> None:
    times = exchanged(catalog, TrainingWorkload(method), dp=dp, sharding="zero3", accumulation=3)
    assert times.overlappable_s == pytest.approx(3 * passes * 2 * PARAMETERS * (dp - 1) / dp / link)


def test_hybrid_sharding_gathers_inside_and_reduces_between_machines_once_a_step(catalog: Catalog) -> None:
    setup = {"dp": 16, "sharding": "hybrid", "shard_group": 8, "accumulation": 3}
    gathered_s = 3 * 3 * 2 * PARAMETERS * 7 / 8 / INSIDE
    reduced_s = 2 * 2 * PARAMETERS * 15 / 16 / OUTSIDE / 8
    times = exchanged(catalog, TrainingWorkload("full"), **setup)
    assert times.overlappable_s == pytest.approx(gathered_s + reduced_s)
    inside = exchanged(catalog, TrainingWorkload("full"), dp=8, sharding="hybrid", shard_group=8)
    assert inside.overlappable_s == pytest.approx(3 * 2 * PARAMETERS * 7 / 8 / INSIDE)


def test_a_divided_sequence_sends_its_cache_around_three_times(catalog: Catalog) -> None:
    workload = TrainingWorkload("lora", sequence_length=8192)
    times = exchanged(catalog, workload, cp=4, micro_batch=2, accumulation=3)
    cache_bytes = 2 * 8192 * LAYERS * 2 * 1024
    assert times.overlappable_s == pytest.approx(3 * 6 * cache_bytes * 3 / 4 / INSIDE)


def test_tensor_parallel_ranks_reduce_four_times_a_layer_over_links_that_are_slow(catalog: Catalog) -> None:
    constants = catalog.inventory.training
    assert constants
    reference = constants.speed.reference_link_bytes_per_s
    slow = LINKS._replace(inside_bytes_per_s=reference / 4, inside_latency_s=1e-5)
    times = exchanged(
        catalog, TrainingWorkload("lora", sequence_length=4096), slow, tp=4, micro_batch=2, accumulation=3
    )
    volume = 8 * 3 / 4 * LAYERS * 4096 * HIDDEN * 2
    latency_s = 4 * LAYERS * 1e-5 / 2
    assert times.exposed_s == pytest.approx(6 * (latency_s + volume * 3 / reference))
    fast = LINKS._replace(inside_bytes_per_s=2 * reference)
    assert exchanged(catalog, TrainingWorkload("lora"), fast, tp=4).exposed_s == 0
