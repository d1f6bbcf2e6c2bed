"""The form's fields: what may be typed, what a step does."""

from dataclasses import replace

import pytest

from catalog.load import load
from estimator.errors import InputError
from estimator.scenario.scenario import Scenario
from estimator.scenario.training_workload import TrainingWorkload
from tui.options.fields import Field, sections, stepped, typed
from tui.pages.form import balance, lay_out
from tui.state.session import Session


def fields(scenario: Scenario) -> dict[str, Field]:
    return {field.name: field for section in sections(scenario, load().inventory) for field in section.fields}


@pytest.mark.parametrize(
    ("text", "tokens"),
    [("2k", 2048), ("128k", 131_072), ("1M", 2**20), ("1,000", 1000), (" 512 ", 512)],
)
def test_token_counts_are_read_as_people_write_them(text: str, tokens: int) -> None:
    assert typed(Scenario(), "input-tokens", text).workload.input_tokens == tokens


@pytest.mark.parametrize(("text", "fraction"), [("90%", 0.9), ("0.9", 0.9), (".5", 0.5)])
def test_fractions_may_be_per_cent(text: str, fraction: float) -> None:
    assert typed(Scenario(), "memory-utilization", text).settings.memory_utilization == pytest.approx(fraction)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("input-tokens", "k"),
        ("input-tokens", "0"),
        ("input-tokens", "1.5"),
        ("input-tokens", "9" * 400),
        ("memory-utilization", "101%"),
        ("ttft", "-1s"),
        ("weights", ""),
        ("region", ""),
        ("price-terms", "free"),
    ],
)
def test_what_can_not_be_is_refused_with_the_field(name: str, text: str) -> None:
    with pytest.raises(InputError) as refused:
        typed(Scenario(), name, text)
    assert refused.value.field
    assert "\n" not in str(refused.value)


def test_an_empty_optional_field_is_the_default() -> None:
    asked = typed(Scenario(), "tp", "4")
    assert asked.placement.tp == 4
    assert typed(asked, "tp", "") == Scenario()


def test_what_an_empty_field_shows_may_be_typed() -> None:
    asked = typed(Scenario(), "ttft", "800ms")
    assert typed(asked, "ttft", "any") == Scenario()
    assert typed(typed(Scenario(), "memory-utilization", "0.8"), "memory-utilization", "engine's own") == Scenario()


def test_tokens_of_data_are_decimal_and_those_of_a_context_binary() -> None:
    run = typed(typed(Scenario(), "train", "lora"), "dataset-tokens", "2B").training
    assert run is not None
    assert run.dataset_tokens == 2_000_000_000


def test_steps_double_numbers_and_turn_through_choices() -> None:
    scenario = Scenario()
    assert stepped(scenario, fields(scenario)["input-tokens"], 1).workload.input_tokens == 4096
    assert stepped(scenario, fields(scenario)["concurrency"], -1).workload.concurrency == 8
    assert stepped(scenario, fields(scenario)["deployment"], 1).deployment == "local"
    assert stepped(scenario, fields(scenario)["ttft"], 1).service_level.ttft_s == 1.0
    assert stepped(scenario, fields(scenario)["preset"], 1).workload.input_tokens == 1024


@pytest.mark.parametrize("scenario", [Scenario(), Scenario(deployment="edge", training=TrainingWorkload())])
def test_every_field_can_be_stepped_both_ways(scenario: Scenario) -> None:
    for field in fields(scenario).values():
        for by in (1, -1):
            assert Session().with_scenario(stepped(scenario, field, by))


def test_fields_that_can_not_matter_are_not_shown() -> None:
    assert "usd-per-kwh" not in fields(Scenario())
    assert "usd-per-kwh" in fields(Scenario(deployment="local"))
    assert "optimizer" not in fields(Scenario())
    assert "optimizer" in fields(replace(Scenario(), training=TrainingWorkload()))


@pytest.mark.parametrize("cells", [60, 80, 120, 160])
def test_no_two_fields_share_a_place(cells: int) -> None:
    spots = lay_out(sections(replace(Scenario(), training=TrainingWorkload()), load().inventory), cells, 18)
    assert len({(spot.x, spot.y) for spot in spots}) == len(spots)
    assert all(spot.cells > 8 and spot.x + spot.cells <= cells for spot in spots)


def test_columns_are_balanced() -> None:
    assert balance((4, 11, 6, 12, 2), 2) == (0, 0, 1, 1, 0)


def test_a_bound_may_be_on_a_percentile() -> None:
    asked = typed(typed(Scenario(), "ttft", "1.5s@p95"), "latency", "20s")
    level = asked.service_level
    assert (level.ttft_s, level.ttft_percentile) == (1.5, 95)
    assert (level.latency_s, level.latency_percentile) == (20, None)
    assert fields(asked)["ttft"].text == "1.5s@p95"
    assert stepped(asked, fields(asked)["ttft"], 1).service_level == replace(level, ttft_s=3.0)
    assert typed(typed(asked, "ttft", "1.5s"), "latency", "") == typed(Scenario(), "ttft", "1.5s")
    with pytest.raises(InputError, match="is on no percentile that is counted"):
        typed(Scenario(), "ttft", "1s@p97")


def test_a_traffic_brings_the_numbers_that_it_can_not_do_without() -> None:
    at_a_rate = typed(Scenario(), "traffic", "rate")
    assert at_a_rate.workload.requests_per_second == 1
    burst = typed(at_a_rate, "traffic", "burst")
    assert (burst.workload.kind, burst.workload.requests) == ("burst", 100)
    assert typed(at_a_rate, "traffic", "closed") == Scenario()
    assert "burstiness" in fields(at_a_rate)
    assert "burstiness" not in fields(Scenario())


def test_a_step_goes_through_the_traffics_that_need_no_file() -> None:
    scenario, seen = Scenario(), []
    for _ in range(4):
        seen.append(fields(scenario)["traffic"].text)
        scenario = stepped(scenario, fields(scenario)["traffic"], 1)
    assert seen == ["closed", "rate", "burst", "closed"]


def test_a_step_from_what_an_unset_choice_means_is_the_other_one() -> None:
    asked = stepped(Scenario(), fields(Scenario())["enforce-eager"], 1)
    assert asked.settings.enforce_eager


def test_a_number_that_may_be_0_is_stepped_down_to_it() -> None:
    spare = stepped(Scenario(), fields(Scenario())["spare"], 1)
    assert spare.placement.spare == 1
    assert stepped(spare, fields(spare)["spare"], -1) == Scenario()
    one = typed(Scenario(), "input-tokens", "1")
    assert stepped(one, fields(one)["input-tokens"], -1) == one


@pytest.mark.parametrize("scenario", [Scenario(deployment="local"), Scenario(training=TrainingWorkload())])
def test_every_number_and_every_choice_has_a_step(scenario: Scenario) -> None:
    for field in fields(scenario).values():
        if field.is_number or field.choices:
            assert any(_other(scenario, field, by) for by in (1, -1)), field.name


def _other(scenario: Scenario, field: Field, by: int) -> bool:
    try:
        return stepped(scenario, field, by) != scenario
    except InputError:  # it asks for another field first
        return True


@pytest.mark.parametrize("text", ["1234567.5", "1e7", "250", "0.1"])
def test_a_number_is_shown_whole_and_typed_back_is_the_same(text: str) -> None:
    asked = typed(Scenario(deployment="local"), "hardware-usd", text)
    shown = fields(asked)["hardware-usd"].text
    assert float(shown.replace(",", "")) == float(text)
    assert typed(asked, "hardware-usd", shown) == asked


def test_a_run_has_no_fields_of_a_serving_engine() -> None:
    assert not {"weights", "kv", "engine"} & set(fields(Scenario(training=TrainingWorkload())))
