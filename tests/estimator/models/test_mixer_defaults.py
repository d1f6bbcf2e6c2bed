"""What a mixer keeps beside its cache: nothing where it only attends, the last tokens where it convolves."""

import pytest

from tests.estimator.models.test_architecture import model


@pytest.mark.parametrize(
    ("model_id", "tokens"),
    [
        ("meta-llama/Llama-3.1-8B", {0}),
        ("deepseek-ai/DeepSeek-V3", {0}),
        ("openai/gpt-oss-20b", {0}),
        ("Qwen/Qwen3-Coder-Next", {0, 3}),
        ("moonshotai/Kimi-Linear-48B-A3B-Instruct", {0, 3}),
        ("nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16", {0, 3}),
    ],
)
def test_a_convolution_of_four_keeps_three_tokens_and_attention_keeps_none(model_id: str, tokens: set[int]) -> None:
    mixers = [group.layer.mixer for group in model(model_id).architecture.groups]
    assert {mixer.convolved_tokens for mixer in mixers if mixer} == tokens


@pytest.mark.parametrize(
    ("model_id", "expands"), [("meta-llama/Llama-3.1-8B", False), ("deepseek-ai/DeepSeek-V3", True)]
)
def test_only_latent_vectors_are_expanded_before_they_are_cached(model_id: str, expands: bool) -> None:
    """DeepSeek V3: 128 heads of 192 for keys and 128 for values, from 576 elements; Llama's are what they are."""
    mixer = model(model_id).architecture.groups[0].layer.mixer
    assert mixer
    expanded = (mixer.expanded_key_width, mixer.expanded_value_width)
    assert expanded == ((128 * 192, 128 * 128) if expands else (mixer.key_width, mixer.value_width))
