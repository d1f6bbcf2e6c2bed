"""What a deployment's step reads, against what its memory keeps."""

import pytest

from catalog.load import Catalog
from estimator.models.architecture import INDEX_ELEMENT_BYTES
from estimator.serving.speed.step import Step
from tests.estimator.serving.steps import step_on


def state_bytes(step: Step) -> float:
    return sum(each.times * each.state_bytes for each in step.operators.states)


@pytest.mark.parametrize(
    "name", ["Qwen/Qwen3.5-397B-A17B", "nvidia/NVIDIA-Nemotron-Nano-9B-v2", "Qwen/Qwen3-Next-80B-A3B-Instruct"]
)
def test_a_step_reads_the_states_that_memory_keeps(catalog: Catalog, name: str) -> None:
    model = catalog.model(name)
    step = step_on(catalog.inventory, model, "h100-sxm")
    assert state_bytes(step) == pytest.approx(model.architecture.sequence_state_bytes())


def test_vllm_before_0_12_keeps_states_in_16_bit(catalog: Catalog) -> None:
    model = catalog.model("nvidia/NVIDIA-Nemotron-Nano-9B-v2")
    old, new = (step_on(catalog.inventory, model, "h100-sxm", engine=engine) for engine in ("vllm-0.11", "vllm"))
    assert model.architecture.state_element_bytes == 4
    assert 0.5 <= state_bytes(old) / state_bytes(new) < 0.55  # short convolutions are 16 bit in both


def test_an_indexer_reads_its_keys_with_their_scales(catalog: Catalog) -> None:
    step = step_on(catalog.inventory, catalog.model("deepseek-ai/DeepSeek-V3.2"), "h200-sxm", weights="fp8-block")
    assert {each.index_bytes for each in step.operators.decode_attention} == {128 * INDEX_ELEMENT_BYTES}
