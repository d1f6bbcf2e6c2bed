"""A slice of `scripts/fuzz_models.py`: mutated configurations and headers end in figures or in one reason."""

from pathlib import Path
from random import Random

import pytest

from scripts.fuzz_models import faults_of_configs, faults_of_headers
from tests.catalog.sources.test_folders import write_gguf

METADATA = {
    "general.architecture": "llama",
    "llama.block_count": 1,
    "llama.embedding_length": 64,
    "llama.feed_forward_length": 96,
    "llama.attention.head_count": 4,
    "llama.attention.head_count_kv": 2,
    "llama.context_length": 512,
}
TENSORS = {
    "token_embd.weight": ((64, 100), 1),
    "output.weight": ((64, 100), 1),
    "output_norm.weight": ((64,), 0),
    "blk.0.attn_norm.weight": ((64,), 0),
    "blk.0.ffn_norm.weight": ((64,), 0),
    "blk.0.attn_q.weight": ((64, 64), 1),
    "blk.0.attn_k.weight": ((64, 32), 1),
    "blk.0.attn_v.weight": ((64, 32), 1),
    "blk.0.attn_output.weight": ((64, 64), 1),
    "blk.0.ffn_gate.weight": ((64, 96), 1),
    "blk.0.ffn_up.weight": ((64, 96), 1),
    "blk.0.ffn_down.weight": ((96, 64), 1),
}


@pytest.mark.parametrize("seed", [11, 12])
def test_mutated_configurations(seed: int) -> None:
    assert list(faults_of_configs(Random(seed), 300)) == []


def test_mutated_headers(tmp_path: Path) -> None:
    file = write_gguf(tmp_path / "model.gguf", METADATA, TENSORS).read_bytes()
    assert list(faults_of_headers(Random(13), 300, file)) == []
