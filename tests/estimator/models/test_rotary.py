"""Which dimensions of a head are rotated, and how many rows the tables of rotations have, by each family's fields."""

from typing import Any

import pytest

from estimator.models.hf_config import read
from tests.estimator.models.test_absent_fields import COUNTED
from tests.estimator.models.test_transformers_classes import config_of

LLAMA = {
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": 4096,
    "num_attention_heads": 32,
    "num_hidden_layers": 2,
    "intermediate_size": 11_008,
    "vocab_size": 32_000,
    "max_position_embeddings": 4096,
}
NEOX = {
    "architectures": ["GPTNeoXForCausalLM"],
    "hidden_size": 2560,
    "num_attention_heads": 32,
    "num_hidden_layers": 2,
    "intermediate_size": 10_240,
    "vocab_size": 50_280,
    "max_position_embeddings": 2048,
}


@pytest.mark.parametrize(
    ("changes", "dimensions"),
    [
        ({}, 128),
        ({"partial_rotary_factor": 0.25}, 32),
        ({"rope_parameters": {"partial_rotary_factor": 0.5}}, 64),
        ({"rope_parameters": {"rope_theta": 1e6}, "partial_rotary_factor": 0.75}, 96),
        ({"rope_parameters": {"partial_rotary_factor": 0.5}, "partial_rotary_factor": 0.75}, 64),
        ({"rotary_dim": 48}, 48),
        ({"partial_rotary_factor": 4.0}, 128),
    ],
)
def test_the_rotated_share_of_a_head_of_128(changes: dict[str, Any], dimensions: int) -> None:
    assert read({**LLAMA, **changes}).rotary_dim == dimensions


def test_a_quarter_of_a_head_of_dolly_is_rotated() -> None:
    """Heads of 80; databricks/dolly-v2-3b says rotary_pct 0.25."""
    assert read({**NEOX, "rotary_pct": 0.25}).rotary_dim == 20


@pytest.mark.parametrize(
    ("changes", "rows"),
    [
        ({}, 4096),
        ({"rope_scaling": {"type": "linear", "factor": 4.0}}, 4 * 4096),
        ({"rope_scaling": {"rope_type": "dynamic", "factor": 2.0}}, 2 * 4096),
        ({"rope_scaling": {"rope_type": "yarn", "factor": 4.0}}, 4096),
        ({"rope_scaling": {"rope_type": "linear"}}, 4096),
        ({"rope_scaling": {"rope_type": "linear", "factor": 0.5}}, 4096),
        ({"rope_scaling": {"rope_type": "linear", "factor": 9999.0}}, 1024 * 4096),
        ({"rope_local_base_freq": 10_000.0}, 2 * 4096),
        (
            {"rope_parameters": {"full_attention": {"rope_type": "linear", "factor": 8.0}, "sliding_attention": {}}},
            9 * 4096,
        ),
    ],
)
def test_each_table_has_a_row_for_every_position_and_linear_scaling_stretches_it(
    changes: dict[str, Any], rows: int
) -> None:
    assert read({**LLAMA, **changes}).rotary_positions == rows


@pytest.mark.parametrize(
    "model_type",
    [
        "gpt2",
        "opt",
        "bloom",
        "mpt",
        "gpt_neo",
        "mamba",
        "mamba2",
        "falcon_mamba",
        "rwkv",
        "t5",
        "bart",
        "olmo_hybrid",
        "kimi_linear",
    ],
)
def test_models_whose_positions_are_learned_biased_or_none_rotate_nothing(model_type: str) -> None:
    assert read(config_of(COUNTED[model_type], model_type)).rotary_dim == 0
