"""Which settings an engine starts with on a device: by memory and name, as vLLM's own start-ups say."""

import pytest

from catalog.load import Catalog
from estimator.engines.memory_policy import device_defaults


@pytest.mark.parametrize(
    ("device", "sequences", "tokens"),
    [
        ("h100-sxm", 1024, 8192),
        ("a100-80gb-sxm", 256, 2048),
        ("a800-80gb-sxm", 1024, 8192),  # not named A100: github.com/emocat17/GraphRAG vllm.log
        ("gb10", 256, 2048),  # NVML tells no memory: github.com/sostrowsk/dgx-spark-local-llm
        ("jetson-thor", 256, 2048),
        ("gh200-144gb", 1024, 8192),
        ("l4", 256, 2048),
    ],
)
def test_vllm_tells_large_devices_by_memory_and_name(
    catalog: Catalog, device: str, sequences: int, tokens: int
) -> None:
    policy = catalog.inventory.engine("vllm", "0.13.0").memory
    defaults = device_defaults(policy, catalog.inventory.accelerators[device])
    assert (defaults.max_num_seqs, defaults.max_num_batched_tokens) == (sequences, tokens)


def test_only_nvidia_keeps_the_size_of_unified_memory_to_itself(catalog: Catalog) -> None:
    policy = catalog.inventory.engine("vllm", "0.13.0").memory
    assert device_defaults(policy, catalog.inventory.accelerators["ryzen-ai-max-395"]).max_num_batched_tokens == 8192
