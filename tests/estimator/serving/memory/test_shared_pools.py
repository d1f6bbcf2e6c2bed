"""Pools of fixed shares: SGLang's cache of hybrid models, and of models with window layers."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.load import Catalog
from estimator.engines.memory_policy import Shares
from estimator.engines.profiles import with_prefixes
from estimator.errors import InputError
from estimator.ranking.rank import evaluate
from estimator.scenario.scenario import EngineSettings, Placement, Scenario
from estimator.scenario.workload import ServingWorkload
from estimator.serving.deployment import prefixes_kept
from estimator.serving.memory.cache import LayerKind, page_table
from tests.estimator.serving.memory_cases import MemoryOf, memory_in

HYBRID = (LayerKind(8, 4096.0), LayerKind(24, 0.0, state_bytes=2_146_304.0))
"""Qwen3.5-9B: 8 layers that keep every token, 24 with a state (github.com/ovg-project/kvcached pull 459)."""
WINDOWED = (LayerKind(18, 2048.0), LayerKind(18, 2048.0, window=128))
"""gpt-oss-120b: half of the layers keep 128 tokens."""
SHARES = Shares(kind="shares", state_ratio=0.9, states=3, window_ratio=0.8, windowed=())
STEP = 8192


@pytest.fixture(scope="module")
def memory_of(catalog: Catalog) -> MemoryOf:
    return memory_in(catalog)


def test_a_state_has_the_bytes_that_a_server_prints(memory_of: MemoryOf) -> None:
    """ "Elastic mamba cell padded: raw=2146304B" of a layer of Qwen3.5-9B (kvcached pull 459, SGLang 0.5.13)."""
    kinds = memory_of("Qwen/Qwen3.5-9B", engine="sglang").plan.kinds
    assert {kind.state_bytes for kind in kinds if kind.state_bytes} == {2_146_304}


@pytest.mark.parametrize("states", [1, 3, 5])
def test_states_have_their_share_of_the_cache_whatever_else_there_is(states: int) -> None:
    """model_runner_kv_cache_mixin.py: 0.9 / 1.9 of the rest, in whole states, of which a request takes some."""
    pool = page_table(HYBRID, replace(SHARES, states=states), STEP)
    rest = 50 * 2**30
    slots = rest * 0.9 / 1.9 / (24 * 2_146_304)
    tokens = rest / 1.9 / (8 * 4096)
    assert rest / pool.page_bytes == pytest.approx(tokens)
    assert pool.sequences(tokens, 100) == pytest.approx(slots / states)
    long = int(tokens / 4)
    assert pool.sequences(tokens, long) == pytest.approx(4, rel=1e-4)
    assert pool.longest(tokens) == int(tokens)
    most = slots / states
    assert pool.together(most * 0.99).longest(tokens) == int(tokens / (most * 0.99))
    assert pool.together(most * 1.01).longest(tokens) == 0


def test_a_draft_keeps_a_state_of_its_own() -> None:
    """per_req x (1 + D / ratio) of every state slot: a request of three takes D more."""
    plain, drafting = page_table(HYBRID, SHARES, STEP), page_table(HYBRID, SHARES, STEP, drafts=3)
    assert drafting.pages(1) == pytest.approx(plain.pages(1) * 2)


def test_window_layers_have_room_for_eight_tokens_of_ten() -> None:
    """swa_full_tokens_ratio 0.8: F + 0.8 S bytes a token. While a prompt is computed all of it is there."""
    pool = page_table(WINDOWED, SHARES, STEP)
    assert pool.page_bytes == 18 * 2048 * 1.8
    assert pool.pages(1000) == 1250
    assert pool.while_decoding.pages(1000) == 1000
    assert pool.while_decoding.pages(100) == 125
    assert pool.pages(20_000) == 20_000
    assert pool.longest(1250) == 1000
    assert pool.longest(20_000) == 20_000


def test_windows_of_other_models_keep_every_token(memory_of: MemoryOf) -> None:
    """is_hybrid_swa_model names classes; Gemma 3 is none of them, gpt-oss is."""
    gemma = memory_of("google/gemma-3-12b-it", engine="sglang").plan.pool
    assert gemma.pages(5000) == 5000
    assert gemma.page_bytes == memory_of("google/gemma-3-12b-it", engine="trtllm").plan.pool.token_bytes
    gpt = memory_of("openai/gpt-oss-20b", weights="mxfp4", engine="sglang").plan.pool
    assert gpt.page_bytes == pytest.approx(0.9 * 24 * 2 * 8 * 64 * 2)


@pytest.mark.parametrize(("version", "states"), [("0.5.9", 3), ("0.5.13.post1", 3), ("0.5.14", 5), ("0.5.19", 5)])
def test_a_request_takes_five_states_since_summer_2026(catalog: Catalog, version: str, states: int) -> None:
    """github.com/sgl-project/sglang issues 27418 (auto is no_buffer) and 38846 (5 state slots per request)."""
    engine = catalog.inventory.engine("sglang", version)
    kept, dropped = with_prefixes(engine, kept=True), with_prefixes(engine, kept=False)
    assert isinstance(engine.memory.cache, Shares)
    assert isinstance(kept.memory.cache, Shares)
    assert isinstance(dropped.memory.cache, Shares)
    assert (engine.memory.cache.states, kept.memory.cache.states, dropped.memory.cache.states) == (states, states, 1)


def test_a_card_runs_as_few_requests_as_its_server_said(catalog: Catalog) -> None:
    """Issue 38846: "max_running_requests is capped to 9 by the mamba state cache (47, 5 state slots per request)"."""
    model = catalog.model("Qwen/Qwen3.5-27B")
    scenario = Scenario(
        engine="sglang",
        weights="fp8",
        workload=ServingWorkload(input_tokens=1000, output_tokens=500, concurrency=32),
        placement=Placement(accelerator="rtx6000-ada", count=1),
        settings=EngineSettings(memory_utilization=0.9),
    )

    def most(settings: EngineSettings) -> float:
        row = evaluate(model, replace(scenario, settings=settings), catalog.inventory, catalog.prices(scenario.region))
        return row.memory.max_concurrency

    capped = most(scenario.settings)
    assert 8 < capped < 11
    free = most(replace(scenario.settings, prefix_caching=False))
    assert free == pytest.approx(5 * capped, rel=0.1)


def test_prompts_that_repeat_can_not_go_without_the_cache_they_repeat_from() -> None:
    scenario = Scenario(
        engine="sglang", workload=ServingWorkload(prefix_cache_hit=0.5), settings=EngineSettings(prefix_caching=False)
    )
    with pytest.raises(InputError, match="prefix_caching: prompts repeat"):
        prefixes_kept(scenario)


@given(
    kinds=st.sampled_from([HYBRID, WINDOWED, (*HYBRID, *WINDOWED), HYBRID[1:], WINDOWED[1:]]),
    pages=st.floats(1, 1e7),
    states=st.integers(1, 5),
    sequences=st.integers(1, 50),
)
def test_the_longest_sequences_are_those_that_still_fit(
    kinds: tuple[LayerKind, ...], pages: float, states: int, sequences: int
) -> None:
    pool = page_table(kinds, replace(SHARES, states=states), STEP).together(sequences)
    longest = pool.longest(pages)
    assert longest == 0 or pool.pages(min(longest, 1 << 40)) <= pages
    if longest < 1 << 40:
        assert pool.pages(longest + 1) > pages
