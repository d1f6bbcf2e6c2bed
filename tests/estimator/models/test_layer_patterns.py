"""Which layers have experts, attention or a window where a configuration says it by steps, not layer by layer."""

from collections.abc import Callable
from typing import Any

import pytest

from estimator.models.architecture import Layer
from estimator.models.hf_config import read
from estimator.models.mixers import Attention
from estimator.models.mlps import MixtureOfExperts
from tests.estimator.models.test_absent_fields import COUNTED
from tests.estimator.models.test_transformers_classes import config_of

UNLISTED = dict.fromkeys(("layer_types", "mlp_layer_types", "moe_layers", "no_rope_layers"))
"""Lists of layers, which come before steps, taken away."""


def is_sparse(layer: Layer) -> bool:
    return isinstance(layer.mlp, MixtureOfExperts)


def is_windowed(layer: Layer) -> bool:
    return isinstance(layer.mixer, Attention) and layer.mixer.window > 0


def attends(layer: Layer) -> bool:
    return isinstance(layer.mixer, Attention)


def layers_of(model_type: str, changes: dict[str, Any], kind: Callable[[Layer], bool]) -> list[int]:
    """Layers of a kind, of transformers' default configuration with changes, in the section of its text where it has
    one; None takes a field away."""
    config = config_of(COUNTED[model_type], model_type)
    section = config.get("text_config", config) | UNLISTED | changes
    stated = {name: value for name, value in section.items() if value is not None}
    architecture = read({**config, "text_config": stated} if "text_config" in config else stated)
    return sorted(index for group in architecture.groups if kind(group.layer) for index in group.indices)


@pytest.mark.parametrize(
    ("model_type", "changes", "layers"),
    [
        # the last of every few layers
        ("qwen2_moe", {"num_hidden_layers": 6, "decoder_sparse_step": 2}, [1, 3, 5]),
        ("qwen3_moe", {"num_hidden_layers": 7, "decoder_sparse_step": 3, "mlp_only_layers": [2]}, [5]),
        ("llama4_text", {"num_hidden_layers": 5, "interleave_moe_layer_step": 2}, [1, 3]),
        ("ernie4_5_moe", {"num_hidden_layers": 8, "moe_layer_interval": 2, "moe_layer_start_index": 2}, [3, 5, 7]),
        ("ernie4_5_vl_moe", {"num_hidden_layers": 7, "moe_layer_interval": 2, "moe_layer_start_index": [3, 3]}, [3, 5]),
        # counted from the first
        ("deepseek_v3", {"num_hidden_layers": 7, "first_k_dense_replace": 2, "moe_layer_freq": 2}, [2, 4, 6]),
    ],
)
def test_experts_stand_in_the_layers_that_the_step_reaches(
    model_type: str, changes: dict[str, Any], layers: list[int]
) -> None:
    assert layers_of(model_type, changes, is_sparse) == layers


@pytest.mark.parametrize(
    ("model_type", "changes", "layers"),
    [
        ("gemma2", {"num_hidden_layers": 4}, [0, 2]),
        ("gpt_neo", {"num_layers": 4, "attention_layers": ["global", "local", "local", "global"]}, [1, 2]),
        ("gemma3_text", {"num_hidden_layers": 7, "sliding_window_pattern": 3}, [0, 1, 3, 4, 6]),
        ("cohere2", {"num_hidden_layers": 5}, [0, 1, 2, 4]),
        ("cwm", {"num_hidden_layers": 6, "sliding_window": 100}, [1, 2, 3, 5]),
        ("gpt_oss", {"num_hidden_layers": 4}, [0, 2]),
        ("olmo3", {"num_hidden_layers": 5, "sliding_window": 100}, [0, 1, 2, 4]),
    ],
)
def test_windows_slide_in_all_layers_but_each_of_a_period(
    model_type: str, changes: dict[str, Any], layers: list[int]
) -> None:
    assert layers_of(model_type, changes, is_windowed) == layers


@pytest.mark.parametrize(
    ("model_type", "changes", "layers"),
    [
        (
            "jamba",
            {"num_hidden_layers": 12, "attn_layer_period": 5, "attn_layer_offset": 3},
            [3, 8],
        ),
        ("qwen3_next", {"num_hidden_layers": 7, "full_attention_interval": 3}, [2, 5]),
        ("recurrent_gemma", {"num_hidden_layers": 7}, [2, 5]),
    ],
)
def test_attention_stands_in_one_layer_of_a_period(model_type: str, changes: dict[str, Any], layers: list[int]) -> None:
    assert layers_of(model_type, changes, attends) == layers


def test_ernie_reads_its_head_from_its_embedding() -> None:
    for model_type in ("ernie4_5_moe", "ernie4_5_vl_moe"):
        assert read(config_of(COUNTED[model_type], model_type)).tied
