"""EXAONE 4: which layers see a window only."""

import pytest

from estimator.errors import InputError
from estimator.models.hf_config import read

EXAONE = {
    "architectures": ["Exaone4ForCausalLM"],
    "hidden_size": 512,
    "num_hidden_layers": 8,
    "num_attention_heads": 8,
    "num_key_value_heads": 2,
    "intermediate_size": 1024,
    "vocab_size": 1000,
    "max_position_embeddings": 65_536,
    "head_dim": 64,
    "sliding_window": 4096,
}


def windowed(config: dict[str, object]) -> int:
    """Layers that see a window only."""
    architecture = read(config)
    return sum(group.count for group in architecture.groups if getattr(group.layer.mixer, "window", 0))


def test_exaone_windows_by_letters_by_number_or_by_list() -> None:
    assert windowed(EXAONE | {"sliding_window_pattern": "LLLG"}) == 6
    assert windowed(EXAONE | {"sliding_window_pattern": 4}) == 6
    kinds = ["sliding_attention", "full_attention"] * 4
    assert windowed(EXAONE | {"layer_types": kinds}) == 4
    with pytest.raises(InputError, match="sliding_window"):
        read({name: value for name, value in EXAONE.items() if name != "sliding_window"})
