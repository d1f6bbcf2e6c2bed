"""AWS Neuron's compiled steps, against what its tables print of one batch and length."""

from dataclasses import replace

import pytest

from catalog.load import Catalog
from estimator.layout import Layout
from estimator.scenario.nodes import engine_on
from estimator.scenario.scenario import EngineSettings
from estimator.scenario.workload import ServingWorkload
from estimator.serving.load.operating_point import operate, read_tokens
from estimator.serving.load.performance import performance
from estimator.serving.speed.compile import compile_step
from estimator.serving.speed.step import Step
from tests.estimator.serving.memory_cases import memory_in

LLAMA_8B = "meta-llama/Meta-Llama-3-8B"


def compiled_step(catalog: Catalog, engine: str, version: str, tp: int, settings: EngineSettings) -> Step:
    memory = memory_in(catalog)(LLAMA_8B, Layout(tp=tp), device="inferentia2", engine=engine, version=version)
    return compile_step(memory.deployment._replace(settings=settings), memory.layout)


def test_a_token_takes_the_same_time_wherever_it_stands_in_the_compiled_length(catalog: Catalog) -> None:
    """AWS's tables: 15.22 ms after prompts of 128 tokens with answers of 8,064, 15.31 ms after 4,096 with 4,096."""
    step = compiled_step(catalog, "neuron", "2.18", 24, EngineSettings())
    short, even = ServingWorkload(128, 8064), ServingWorkload(4096, 4096)
    assert read_tokens(step, short) == read_tokens(step, even) == 8192
    assert operate(step, short, 8).tpot_s == operate(step, even, 8).tpot_s
    newer = compiled_step(catalog, "neuron", "2.31", 24, EngineSettings())
    assert read_tokens(newer, short) == 128 + 8064 / 2


def test_query_heads_read_their_cache_each_for_itself(catalog: Catalog) -> None:
    """32 heads over 24 cores are two on each, over 32 cores one: the cache takes half as long."""
    memory_of = memory_in(catalog)
    one, two = (
        compile_step(memory.deployment, memory.layout).operators.decode_attention[0].seconds(8, 8192)
        for memory in (
            memory_of(LLAMA_8B, Layout(tp=32), device="trainium1", engine="neuron", version="2.18"),
            memory_of(LLAMA_8B, Layout(tp=24), device="inferentia2", engine="neuron", version="2.18"),
        )
    )
    assert two == pytest.approx(2 * one)


def test_a_server_compiled_for_a_batch_and_a_length_computes_both_whole(catalog: Catalog) -> None:
    """TGI on inf2.xlarge, compiled for eight sequences of 4,096 tokens: 1.0 s to a first token after 550, 52 ms a token
    for one user.
    """
    settings = EngineSettings(max_num_seqs=8, max_model_len=4096)
    step = compiled_step(catalog, "tgi-neuron", "0.0", 2, settings)
    alone = performance(step, ServingWorkload(550, 177, concurrency=1), 1)
    assert step.padded_tokens(550) == 4096
    assert 0.8 < alone.ttft_s.typical < 1.4
    assert 0.042 < alone.tpot_s.typical < 0.068
    assert sum(part.seconds for part in performance(step, ServingWorkload(550, 177), 1, detail=True).decode) == (
        pytest.approx(alone.tpot_s.typical)
    )
    free = compiled_step(catalog, "tgi-neuron", "0.0", 2, replace(settings, max_num_seqs=1, max_model_len=1024))
    assert performance(free, ServingWorkload(550, 177), 1).tpot_s.typical < 0.75 * alone.tpot_s.typical


def test_an_engine_that_was_made_for_a_device_answers_there_itself(catalog: Catalog) -> None:
    inventory = catalog.inventory
    device, other = inventory.accelerators["inferentia2"], inventory.engine("tgi-neuron")
    assert engine_on(device, other, inventory) is other
    assert engine_on(device, inventory.engine("vllm"), inventory).id == "neuron"
    assert engine_on(device, inventory.engine("lmi"), inventory).id == "neuron"
