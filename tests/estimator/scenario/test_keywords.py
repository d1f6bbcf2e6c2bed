"""A scenario by keyword: each field finds its part, presets come first, and what is none is refused by name."""

import pytest

from estimator.errors import InputError
from estimator.scenario.keywords import with_keywords
from estimator.scenario.presets import cut_to_context, preset
from estimator.scenario.scenario import EngineSettings, Placement, Scenario, check_place
from estimator.scenario.training_workload import TrainingWorkload
from estimator.scenario.workload import ServingWorkload


def test_fields_of_every_part_find_their_places() -> None:
    asked = with_keywords(
        Scenario(), weights="int8", concurrency=3, ttft_s=0.5, max_num_seqs=9, instance="g6e.xlarge", pue=1.2
    )
    assert asked.weights == "int8"
    assert asked.workload.concurrency == 3
    assert asked.service_level.ttft_s == 0.5
    assert asked.settings.max_num_seqs == 9
    assert asked.placement.instance == "g6e.xlarge"
    assert asked.ownership.pue == 1.2
    assert asked.training is None


def test_a_training_field_makes_it_a_run() -> None:
    assert with_keywords(Scenario(), method="qlora").training == TrainingWorkload("qlora")


def test_a_preset_fills_first_and_what_is_said_beside_it_stands() -> None:
    chat = preset("chatbot")
    asked = with_keywords(Scenario(), concurrency=7, preset="chatbot")
    assert asked.workload == with_keywords(chat.applied_to(Scenario()), concurrency=7).workload
    assert asked.workload.concurrency == 7


def test_a_whole_part_is_taken_and_then_changed() -> None:
    asked = with_keywords(Scenario(), workload=ServingWorkload(input_tokens=5), output_tokens=6)
    assert (asked.workload.input_tokens, asked.workload.output_tokens) == (5, 6)


@pytest.mark.parametrize(
    ("keywords", "field", "reason"),
    [
        ({"concurency": 3}, "concurency", "concurrency"),
        ({"concurrency": 0}, "concurrency", "out of range"),
        ({"preset": "chatbott"}, "preset", "no preset 'chatbott'; one of chatbot"),
    ],
)
def test_what_can_not_be_said_is_refused(keywords: dict[str, object], field: str, reason: str) -> None:
    with pytest.raises(InputError) as raised:
        with_keywords(Scenario(), **keywords)
    assert raised.value.field == field
    assert reason in f"{raised.value} {raised.value.near}"


@pytest.mark.parametrize(
    ("placement", "terms", "field"),
    [
        (Placement(instance="p5.48xlarge", accelerator="h100-sxm"), "on-demand", "accelerator"),
        (Placement(count=2), "on-demand", "count"),
        (Placement(usable_memory_gib=20), "on-demand", "usable_memory"),
        (Placement(accelerator="rtx3090+rtx4090", usable_memory_gib=20), "on-demand", "usable_memory"),
        (Placement(accelerator="rtx3090+rtx4090", tp=2), "on-demand", "accelerator"),
        (Placement(), "hourly", "price_terms"),
    ],
)
def test_places_that_contradict_themselves_are_refused(placement: Placement, terms: str, field: str) -> None:
    with pytest.raises(InputError) as raised:
        check_place(Scenario(placement=placement, price_terms=terms))
    assert raised.value.field == field


def test_training_over_unlike_cards_is_refused() -> None:
    run = Scenario(placement=Placement(accelerator="rtx3090+rtx4090"), training=TrainingWorkload("lora"))
    with pytest.raises(InputError, match="not alike"):
        check_place(run)


def test_a_prompt_is_cut_to_what_the_model_holds_beside_the_answer() -> None:
    asked = Scenario(workload=ServingWorkload(input_tokens=6000, output_tokens=1000))
    shorter, note = cut_to_context(asked, 4096)
    assert shorter.workload.total_tokens == 4096
    assert note == "cut from 6,000 to 3,096 input tokens, the model holds 4,096"
    own = Scenario(workload=asked.workload, settings=EngineSettings(max_model_len=5000))
    assert cut_to_context(own, 4096)[0].workload.total_tokens == 5000


@pytest.mark.parametrize("longest", [None, 7000, 8000, 1000, 500])
def test_what_fits_or_leaves_no_prompt_stays_as_it_is(longest: int | None) -> None:
    asked = Scenario(workload=ServingWorkload(input_tokens=6000, output_tokens=1000))
    assert cut_to_context(asked, longest) == (asked, "")


def test_a_training_run_is_not_cut() -> None:
    run = Scenario(workload=ServingWorkload(input_tokens=6000), training=TrainingWorkload("lora"))
    assert cut_to_context(run, 4096) == (run, "")
