"""LoRA adapters beside a base model: the slots an engine makes, and what a step with them takes longer."""

import pytest

from catalog.load import Catalog
from estimator.advice.launch import launch
from estimator.errors import InputError
from estimator.layout import Layout
from estimator.models.adapters import Adapters, read_adapters
from estimator.ranking.rank import rank
from estimator.results import Evaluation
from estimator.scenario.scenario import EngineSettings, Placement, Scenario
from estimator.scenario.workload import ServingWorkload
from estimator.training.lora import adapter_parameters
from tests.estimator.serving.memory_cases import memory_in

LLAMA, QWEN_MOE = "meta-llama/Llama-3.1-8B", "Qwen/Qwen3-30B-A3B"
ONE = Layout()
VOCABULARY_SLOTS = 2 * 2 * 16 * (128_256 + 4096)
"""Bytes of embedding and head of Llama-3.1-8B, A and B of rank 16, in 16 bit."""


def best(
    catalog: Catalog,
    lora: str | None,
    model: str = LLAMA,
    engine: str = "vllm",
    placement: Placement | None = None,
    users: int = 64,
) -> Evaluation:
    scenario = Scenario(
        model,
        "bf16",
        workload=ServingWorkload(512, 128, users),
        engine=engine,
        settings=EngineSettings(lora=lora),
        placement=placement or Placement(accelerator="h100-sxm", count=1),
    )
    return rank(catalog.model(model), scenario, catalog.inventory, catalog.prices("us-east-1")).rows[0]


def slot_bytes(catalog: Catalog, lora: str, layout: Layout = ONE, model: str = LLAMA, engine: str = "vllm") -> float:
    memory = memory_in(catalog)(model, layout, engine=engine, settings=EngineSettings(lora=lora))
    return memory.report(1024).adapter_bytes


def test_an_adapter_of_all_linear_layers_of_llama_8b_has_42_million_parameters(catalog: Catalog) -> None:
    """PEFT prints 41,943,040 trainable parameters for rank 16 on q, k, v, o, gate, up and down."""
    assert adapter_parameters(catalog.model(LLAMA).architecture, 16, "all-linear") == 41_943_040


def test_a_slot_on_one_device_is_the_adapter_with_its_vocabulary(catalog: Catalog) -> None:
    assert slot_bytes(catalog, "1@16") == 2 * 41_943_040 + VOCABULARY_SLOTS
    assert slot_bytes(catalog, "5@16") == 5 * slot_bytes(catalog, "1@16")
    assert slot_bytes(catalog, "1@16", engine="sglang") == 2 * 41_943_040


def test_two_ranks_divide_one_side_of_every_slot(catalog: Catalog) -> None:
    sides = (
        (4096 + 2048)  # q: A whole, B by outputs
        + 2 * (4096 + 512)  # k, v
        + (2048 + 4096)  # o: A by inputs, B whole
        + 2 * (4096 + 7168)  # gate, up
        + (7168 + 4096)  # down
    )
    assert slot_bytes(catalog, "1@16", Layout(2)) == 2 * 16 * 32 * sides + VOCABULARY_SLOTS


def test_key_heads_that_are_copied_have_their_whole_side_on_each_rank(catalog: Catalog) -> None:
    eight, sixteen = (slot_bytes(catalog, "1@16", Layout(tp), engine="sglang") for tp in (8, 16))
    keys = 2 * 16 * 32 * 2 * (4096 + 128)
    halved = 2 * 16 * 32 * (256 + 256 + 2 * 896 + 896)  # q, o, gate, up, down
    assert eight - sixteen == halved
    assert sixteen > keys


def test_experts_have_a_slot_each(catalog: Catalog) -> None:
    """48 layers of 128 experts, three matrices between 2,048 and 768 each."""
    experts = 2 * 16 * 48 * 128 * 3 * (2048 + 768)
    dense = 2 * 16 * 48 * ((2048 + 4096) + 2 * (2048 + 512) + (4096 + 2048))
    assert slot_bytes(catalog, "1@16", model=QWEN_MOE, engine="sglang") == experts + dense
    dealt_out = slot_bytes(catalog, "1@16", Layout(4, ep=4), model=QWEN_MOE, engine="sglang")
    sliced = slot_bytes(catalog, "1@16", Layout(4), model=QWEN_MOE, engine="sglang")
    assert dealt_out < experts / 4 + dense < sliced


def test_vllm_makes_slots_of_the_next_rank_it_knows(catalog: Catalog) -> None:
    assert slot_bytes(catalog, "2@12") == slot_bytes(catalog, "2@16")
    assert slot_bytes(catalog, "2@12", engine="sglang") == 0.75 * slot_bytes(catalog, "2@16", engine="sglang")


def test_slots_are_taken_from_the_cache(catalog: Catalog) -> None:
    alone, beside = best(catalog, None).memory, best(catalog, "32@64").memory
    assert alone
    assert beside
    assert alone.kv_cache_bytes - beside.kv_cache_bytes == pytest.approx(beside.adapter_bytes)
    assert beside.adapter_bytes == 32 * 4 * (2 * 41_943_040 + VOCABULARY_SLOTS)


def test_one_adapter_costs_a_7b_two_milliseconds_a_token(catalog: Catalog) -> None:
    """Punica (arXiv:2310.18547) adds 2 ms a token on A100 to a 7B with seven adapted projections a layer."""
    name, a100 = "meta-llama/Llama-2-7b-hf", Placement(accelerator="a100-80gb-sxm", count=1)
    tpots = [best(catalog, lora, name, placement=a100, users=1).performance for lora in (None, "1@16")]
    assert tpots[0]
    assert tpots[1]
    assert tpots[1].tpot_s.typical - tpots[0].tpot_s.typical == pytest.approx(0.002, rel=0.15)


def test_more_adapters_of_higher_rank_are_slower(catalog: Catalog) -> None:
    speeds = [best(catalog, lora).performance for lora in (None, "1@16", "16@16", "16@128")]
    tokens = [speed.output_tokens_per_s.typical for speed in speeds if speed]
    assert tokens == sorted(tokens, reverse=True)
    assert 0.7 < tokens[1] / tokens[0] < 0.95  # vLLM pulls 11267 and 15655: 8 to 34 % less with one adapter


def test_the_class_of_a_row_with_adapters_is_at_most_b(catalog: Catalog) -> None:
    assert best(catalog, None).confidence == "A"
    assert best(catalog, "1").confidence == "B"


def test_vllm_deals_no_experts_out_beside_adapters(catalog: Catalog) -> None:
    spread = Placement(accelerator="h100-sxm", count=4, tp=4, ep=4)
    assert best(catalog, None, QWEN_MOE, placement=spread).verdict == "fits"
    assert best(catalog, "1", QWEN_MOE, "sglang", placement=spread).verdict == "fits"
    with pytest.raises(InputError, match="vLLM with adapters has no expert parallelism"):
        best(catalog, "1", QWEN_MOE, placement=spread)


@pytest.mark.parametrize("engine", ["tgi", "trtllm", "llamacpp", "transformers"])
def test_an_engine_whose_adapters_are_not_modelled_says_so(catalog: Catalog, engine: str) -> None:
    with pytest.raises(InputError, match="adapters is not modelled") as refusal:
        best(catalog, "1", engine=engine)
    assert refusal.value.field == "lora"


@pytest.mark.parametrize(("text", "number", "rank"), [("1@1", 1, 1), ("10000@512", 10_000, 512), (" 8@R32 ", 8, 32)])
def test_ten_thousand_adapters_of_rank_512_are_the_most(text: str, number: int, rank: int) -> None:
    assert read_adapters(text) == Adapters(number, rank)


@pytest.mark.parametrize("text", ["0", "8@0", "8@513", "x", "8@@16", "-1", "10001", ""])
def test_text_that_is_no_number_of_adapters_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="expected") as refusal:
        read_adapters(text)
    assert refusal.value.field == "lora"


@pytest.mark.parametrize(
    ("engine", "options"),
    [
        ("vllm", "--enable-lora --max-loras 4 --max-lora-rank 32"),
        ("sglang", "--max-loras-per-batch 4 --max-lora-rank 24"),
    ],
)
def test_the_command_makes_the_slots_that_were_counted(catalog: Catalog, engine: str, options: str) -> None:
    row = best(catalog, "4@24", engine=engine)
    scenario = Scenario(LLAMA, "bf16", engine=engine, settings=EngineSettings(lora="4@24"))
    assert options in launch(catalog.model(LLAMA), scenario, row, catalog.inventory).line
