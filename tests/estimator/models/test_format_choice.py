"""A format that a model can not have is refused, and a new model starts in one that it can."""

import pytest

from estimator.errors import InputError
from estimator.models.format_choice import format_refusal, starting_weights
from tests.estimator.models.test_architecture import model


@pytest.mark.parametrize("name", ["mxfp4", "gguf-mxfp4"])
def test_a_format_of_experts_is_refused_for_a_dense_model(name: str) -> None:
    dense = model("meta-llama/Llama-3.1-8B")
    refusal = format_refusal(dense, name)
    assert refusal
    assert "quantises routed experts, and LlamaForCausalLM has none" in refusal.reason
    with pytest.raises(InputError, match="under another name"):
        dense.weights(name)


def test_a_format_of_experts_fits_models_with_experts() -> None:
    for name in ("openai/gpt-oss-20b", "mistralai/Mixtral-8x7B-Instruct-v0.1", "deepseek-ai/DeepSeek-V3"):
        assert format_refusal(model(name), "mxfp4") is None


@pytest.mark.parametrize("name", ["bf16", "fp16", "fp32", "fp8", "fp8-mlp", "int4-awq", "nvfp4-mlp", "gguf-q4_k_m"])
def test_other_formats_fit_a_dense_model(name: str) -> None:
    assert format_refusal(model("meta-llama/Llama-3.1-8B"), name) is None


def test_a_model_published_quantised_starts_as_published() -> None:
    assert starting_weights(model("openai/gpt-oss-120b"), "fp8") == "mxfp4"
    assert starting_weights(model("deepseek-ai/DeepSeek-V3"), "bf16") == "fp8-block"


def test_a_16_bit_model_keeps_the_format_asked_for_where_it_can_have_it() -> None:
    dense = model("meta-llama/Llama-3.1-8B")
    assert starting_weights(dense, "fp8") == "fp8"
    assert starting_weights(dense, "mxfp4") == "bf16"
    assert starting_weights(dense, "native") == "bf16"
