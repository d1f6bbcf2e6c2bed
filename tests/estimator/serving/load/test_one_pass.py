"""Models that read a text in one pass and write nothing: batch latency, sequences and tokens per second, no cache."""

from dataclasses import replace
from typing import Any

import pytest

from catalog.load import Catalog
from estimator.documents import document
from estimator.errors import InputError
from estimator.models.model import Model, read_model
from estimator.ranking.rank import rank
from estimator.results import Evaluation
from estimator.scenario.scenario import Placement, Scenario
from estimator.scenario.workload import ServingWorkload

BERT = {
    "architectures": ["BertModel"],
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "vocab_size": 30_522,
    "max_position_embeddings": 512,
    "type_vocab_size": 2,
}
RERANKER = {
    "architectures": ["Qwen3ForSequenceClassification"],
    "hidden_size": 1024,
    "intermediate_size": 3072,
    "num_hidden_layers": 28,
    "num_attention_heads": 16,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "vocab_size": 151_669,
    "max_position_embeddings": 32_768,
}


def model(config: dict[str, Any] = BERT) -> Model:
    return read_model("mine", {"config": config})


def first(catalog: Catalog, read: Model, workload: ServingWorkload, engine: str = "vllm", **place: Any) -> Evaluation:
    placement = Placement(accelerator=place.pop("accelerator", "l4"), count=1, **place)
    scenario = Scenario(read.id, "fp16", workload=workload, engine=engine, placement=placement)
    return rank(read, scenario, catalog.inventory, catalog.prices("us-east-1"), detail=True).rows[0]


def test_a_whole_context_is_read_and_nothing_is_cached(catalog: Catalog) -> None:
    row = first(catalog, model(), ServingWorkload(512, 512, 4))
    assert row.verdict == "fits"
    assert row.confidence == "C"
    assert row.memory
    assert row.memory.kv_cache_bytes == row.memory.kv_capacity_tokens == 0
    assert row.memory.max_concurrency == 2048 // 512  # one step's tokens
    with pytest.raises(InputError, match="513 tokens"):
        first(catalog, model(), ServingWorkload(513, 1, 1))


def test_the_device_s_peak_bounds_sequences_per_second(catalog: Catalog) -> None:
    speed = first(catalog, model(), ServingWorkload(512, 1, 4)).performance
    assert speed
    assert speed.one_pass
    flops = 2 * 12 * (4 * 768**2 + 2 * 768 * 3072) * 512
    assert flops / 121e12 < 1 / speed.requests_per_s.typical < 20 * flops / 121e12
    assert speed.total_tokens_per_s.typical == pytest.approx(512 * speed.requests_per_s.typical)


def test_a_batch_takes_longer_and_reads_more(catalog: Catalog) -> None:
    speeds = [first(catalog, model(), ServingWorkload(128, 1, users)).performance for users in (1, 4, 16)]
    latency = [speed.ttft_s.typical for speed in speeds if speed]
    rates = [speed.requests_per_s.typical for speed in speeds if speed]
    assert latency == sorted(latency)
    assert rates == sorted(rates)


def test_output_tokens_asked_for_change_nothing(catalog: Catalog) -> None:
    few, many = (first(catalog, model(), ServingWorkload(128, output, 4)) for output in (1, 4000))
    assert few.performance == many.performance
    assert few.memory == many.memory


def test_what_is_about_output_tokens_is_absent(catalog: Catalog) -> None:
    answer: Any = document(first(catalog, model(), ServingWorkload(128, 1, 4)))
    assert answer["performance"]["ttft_s"]["typical"] > 0
    for key in ("tpot_s", "output_tokens_per_s", "tokens_per_s_per_user", "decode_bound"):
        assert answer["performance"][key] is None
    assert answer["cost"]["usd_per_1m_output_tokens"] is None
    assert answer["cost"]["usd_per_1m_input_tokens"]["typical"] > 0


def test_a_reranker_on_a_decoder_keeps_its_prompts_in_the_cache(catalog: Catalog) -> None:
    row = first(catalog, model(RERANKER), ServingWorkload(1024, 1, 32))
    assert row.memory
    assert row.memory.kv_capacity_tokens > 10_000
    assert row.performance
    assert row.performance.one_pass


@pytest.mark.parametrize("engine", ["tgi", "trtllm"])
def test_engines_that_only_generate_say_so(catalog: Catalog, engine: str) -> None:
    row = first(catalog, model(), ServingWorkload(128, 1, 1), engine)
    assert row.verdict == "not_supported"
    assert row.reason


def test_more_texts_than_are_read_overload(catalog: Catalog) -> None:
    calm, flooded = (
        first(catalog, model(), replace(ServingWorkload(256, 1), requests_per_second=rate)) for rate in (5.0, 1e6)
    )
    assert calm.holds_load
    assert not flooded.holds_load
