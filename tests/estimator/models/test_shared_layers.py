"""Layers that share their weights: stored once, run and cached at every place."""

from typing import Any

import pytest

from estimator.errors import InputError
from estimator.layout import Layout
from estimator.layouts.rank_work import rank_work
from estimator.models.formats import weight_format
from estimator.models.hf_config import read
from estimator.models.summary import text_tensors
from estimator.training.speed import work_per_token
from estimator.training.weights import rank_parameters

ZAMBA2: dict[str, Any] = {
    "architectures": ["Zamba2ForCausalLM"],
    "vocab_size": 32000,
    "max_position_embeddings": 4096,
    "hidden_size": 2560,
    "num_hidden_layers": 54,
    "layers_block_type": ["hybrid" if place in (6, 12, 18, 24, 30, 36, 42, 47, 51) else "mamba" for place in range(54)],
    "mamba_d_state": 64,
    "mamba_d_conv": 4,
    "mamba_expand": 2,
    "mamba_ngroups": 1,
    "n_mamba_heads": 8,
    "intermediate_size": 10240,
    "num_attention_heads": 32,
    "num_key_value_heads": 32,
    "num_mem_blocks": 2,
    "adapter_rank": 128,
    "use_shared_attention_adapter": False,
}
ALBERT: dict[str, Any] = {
    "architectures": ["AlbertModel"],
    "vocab_size": 30000,
    "embedding_size": 128,
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_hidden_groups": 1,
    "inner_group_num": 1,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "max_position_embeddings": 512,
    "type_vocab_size": 2,
}
ONE_BLOCK = 3 * 5120 * 5120 + 5120 * 2560 + 3 * 2560 * 10240 + 5120 + 2560
"""Weights of one shared block of ZAMBA2: attention over twice the stream, gated MLP, two norms."""


def test_albert_base_has_the_parameters_of_its_upload() -> None:
    """albert-base-v2: 11,683,584 with its pooler, of which one layer holds 7,087,872."""
    assert read(ALBERT).parameters == 11_683_584
    assert read({**ALBERT, "num_hidden_groups": 3}).parameters == 11_683_584 + 2 * 7_087_872
    assert read(ALBERT).layers == 12


def test_a_second_set_of_shared_weights_adds_one_block() -> None:
    """transformers builds Zamba2's default with 2,481,848,336 parameters, of one set."""
    assert read({**ZAMBA2, "num_mem_blocks": 1}).parameters == 2_481_848_336
    assert read(ZAMBA2).parameters == 2_481_848_336 + ONE_BLOCK


def test_zamba_comes_back_every_sixth_layer_where_nothing_else_is_said() -> None:
    """Zamba-7B: layer 2, then each sixth from the seventh on; Mamba's two heads need not be stated."""
    small = {
        "architectures": ["ZambaForCausalLM"],
        "vocab_size": 32000,
        "hidden_size": 64,
        "num_hidden_layers": 20,
        "num_attention_heads": 4,
        "num_key_value_heads": 4,
        "intermediate_size": 128,
        "n_mamba_heads": 2,
    }
    stated = read(small)
    attending = {index for group in stated.groups if group.layer.mlp for index in group.indices}
    assert attending == {2, 7, 13, 19}
    without = read({name: value for name, value in small.items() if name != "n_mamba_heads"})
    assert without.groups == stated.groups


def test_every_place_of_a_shared_block_keeps_its_own_cache() -> None:
    assert read(ZAMBA2).cache_elements(1) == 9 * 2 * 32 * 160


def test_shared_weights_are_stored_once_and_read_at_every_place() -> None:
    architecture, weights = read(ZAMBA2), weight_format("bf16")
    stored = sum(count * weights.bytes_of(tensor) for count, tensor in text_tensors(architecture))
    assert stored == 2 * architecture.parameters
    inputs = {product.inputs: count for product, count in rank_work(architecture, Layout()).products}
    assert inputs[5120] == 9, "queries, keys and values of nine places"
    assert architecture.repeated_parameters == 7 * ONE_BLOCK


def test_training_keeps_one_set_and_computes_each_place() -> None:
    architecture = read(ZAMBA2)
    held = rank_parameters(architecture)
    assert held.total == architecture.parameters
    products = work_per_token(architecture, 4096).product_parameters
    embedding = 32000 * 2560
    assert products == architecture.parameters - embedding + embedding + 7 * ONE_BLOCK


def test_what_a_shared_stack_leaves_open_is_named() -> None:
    assert "9 transformer blocks share 2 sets of weights" in read(ZAMBA2).notes[0]
    for field, value in (("layers_block_type", None), ("add_bias_linear", True), ("num_attention_heads", 7)):
        with pytest.raises(InputError) as refusal:
            read({**ZAMBA2, field: value})
        assert field in refusal.value.field or field == "num_attention_heads"
    with pytest.raises(InputError, match="inner_group_num"):
        read({**ALBERT, "inner_group_num": 2})
