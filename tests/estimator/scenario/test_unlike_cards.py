"""Cards of different kinds in one machine: layers by memory, one card after the other, under llama.cpp alone."""

import pytest

from catalog.load import Catalog
from catalog.questions import scenario as scenario_of
from estimator.advice.launch import launch
from estimator.errors import InputError
from estimator.ranking.rank import rank
from estimator.results import Evaluation
from estimator.scenario.scenario import Scenario
from estimator.units import GIB

MODEL, MIXED = "Qwen/Qwen3-32B", "rtx3090+rtx4060-ti-16gb"


def asked(catalog: Catalog, accelerator: str, **keywords: object) -> Scenario:
    usual: dict[str, object] = {
        "model": MODEL,
        "weights": "gguf-q4_k_m",
        "engine": "llamacpp",
        "concurrency": 1,
        "input_tokens": 512,
        "output_tokens": 128,
        "max_model_len": 4096,
    }
    return scenario_of(catalog, accelerator=accelerator, **{**usual, **keywords})


def answer(catalog: Catalog, accelerator: str, **keywords: object) -> Evaluation:
    scenario = asked(catalog, accelerator, **keywords)
    return rank(catalog.model(MODEL), scenario, catalog.inventory, catalog.prices("us-east-1")).rows[0]


def tpot_s(row: Evaluation) -> float:
    assert row.performance
    return row.performance.tpot_s.typical


def test_two_cards_of_one_kind_are_the_same_named_once_or_twice(catalog: Catalog) -> None:
    named, counted = answer(catalog, "rtx3090+rtx3090"), answer(catalog, "rtx3090", count=2, pp=2)
    assert str(named.candidate.layout) == str(counted.candidate.layout) == "TP1·PP2"
    assert named.memory
    assert counted.memory
    assert named.memory.kv_cache_bytes == pytest.approx(counted.memory.kv_cache_bytes)
    assert tpot_s(named) == pytest.approx(tpot_s(counted), rel=1e-3)


def test_a_token_takes_each_cards_time_for_its_share_of_the_layers(catalog: Catalog) -> None:
    """24 and 16 GiB: three fifths of the layers at 936 GB/s, two fifths at 288; both at the larger card's share of it,
    0.77 where Ada's is 0.82.
    """
    fast, slow = (tpot_s(answer(catalog, name, count=2, pp=2)) for name in ("rtx3090", "rtx4060-ti-16gb"))
    assert tpot_s(answer(catalog, MIXED)) == pytest.approx(0.6 * fast + 0.4 * slow, rel=0.05)


def test_they_hold_what_both_hold(catalog: Catalog) -> None:
    mixed = answer(catalog, MIXED).memory
    assert mixed
    assert 2 * mixed.usable_bytes == pytest.approx(40 * GIB, rel=0.01)
    assert 2 * mixed.weights_bytes > answer(catalog, "rtx3090").memory.weights_bytes  # type: ignore[union-attr]


def test_a_model_too_large_for_either_fits_both(catalog: Catalog) -> None:
    big = {"weights": "gguf-q8_0"}
    assert answer(catalog, "rtx3090", **big).reason != answer(catalog, MIXED, **big).reason
    assert answer(catalog, MIXED, **big).verdict == "fits"
    host = answer(catalog, "rtx3090", **big)
    assert host.verdict == "does_not_fit"


def test_no_unlike_machine_is_of_class_a(catalog: Catalog) -> None:
    assert answer(catalog, "rtx3090", count=2, pp=2).confidence == "A"
    assert answer(catalog, MIXED).confidence != "A"


def test_other_engines_say_that_they_divide_evenly(catalog: Catalog) -> None:
    row = answer(catalog, MIXED, engine="vllm", weights="int4-awq")
    assert row.verdict == "not_supported"
    assert row.reason
    assert "gives every device an equal part" in row.reason


def test_names_are_understood_as_drivers_print_them(catalog: Catalog) -> None:
    assert asked(catalog, "NVIDIA GeForce RTX 3090 + GeForce RTX 4060 Ti 16GB").placement.accelerator == MIXED


def test_the_command_splits_by_memory(catalog: Catalog) -> None:
    row, scenario = answer(catalog, MIXED), asked(catalog, MIXED)
    line = launch(catalog.model(MODEL), scenario, row, catalog.inventory).line
    assert "--split-mode layer" in line
    assert "--tensor-split 24,16" in line


@pytest.mark.parametrize(
    ("accelerator", "keywords", "field", "words"),
    [
        ("rtx3090+rtx9999", {}, "accelerator", "unknown accelerator"),
        ("rtx3090+rx7900-xtx", {}, "accelerator", "one vendor"),
        ("rtx3090+trainium2", {}, "accelerator", "one vendor"),
        (MIXED, {"count": 2}, "count", "every card is named"),
        (MIXED, {"tp": 2}, "accelerator", "by their memory"),
        (MIXED, {"usable_memory_gib": 20.0}, "usable_memory", "not alike"),
        ("+".join(["rtx3090"] * 17), {}, "accelerator", "at most 16"),
        ("rtx3090+", {}, "accelerator", "unknown accelerator"),
    ],
)
def test_what_can_not_be_is_refused_by_its_field(
    catalog: Catalog, accelerator: str, keywords: dict[str, object], field: str, words: str
) -> None:
    with pytest.raises(InputError, match=words) as refusal:
        answer(catalog, accelerator, **keywords)
    assert refusal.value.field == field
