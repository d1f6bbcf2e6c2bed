"""Where a model runs at all: its bytes by format, the engines that take it, what is not known of it."""

import pytest

from catalog.load import Catalog
from estimator.advice.reach import engines_for, format_sizes, unknowns
from estimator.models.model import read_model
from estimator.units import GIB

SHAPE = {
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "vocab_size": 128_256,
}


@pytest.mark.parametrize(("format_name", "gib"), [("bf16", 14.96), ("fp8", 8.46), ("gguf-q8_0", 7.95)])
def test_bytes_by_format(catalog: Catalog, format_name: str, gib: float) -> None:
    sizes = {each.format: each for each in format_sizes(catalog.model("meta-llama/Llama-3.1-8B"), catalog.inventory)}
    assert sizes[format_name].bytes / GIB == pytest.approx(gib, rel=0.01)
    device = catalog.inventory.accelerators[sizes[format_name].smallest_device]
    assert sizes[format_name].bytes < device.memory_usable_bytes < 2.5 * sizes[format_name].bytes


def test_a_format_that_the_model_can_not_have_is_left_out(catalog: Catalog) -> None:
    formats = [each.format for each in format_sizes(catalog.model("openai/gpt-oss-20b"), catalog.inventory)]
    assert formats[0] == "mxfp4"
    assert len(formats) == len(set(formats))


@pytest.mark.parametrize(
    ("name", "engine", "reason"),
    [
        ("meta-llama/Llama-3.1-8B", "vLLM", ""),
        ("meta-llama/Llama-3.1-8B", "vLLM on Neuron", ""),
        ("google/flan-t5-xl", "vLLM", "no longer served"),
        ("deepseek-ai/DeepSeek-V3", "vLLM on Neuron", "no recipe"),
        ("meta-llama/Llama-3.1-8B", "vLLM on Gaudi", ""),
        ("meta-llama/Llama-3.1-8B", "AutoAWQ, GEMV kernels", ""),
        ("meta-llama/Llama-3.1-8B", "ExLlamaV2", ""),
        ("nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16", "ExLlamaV2", "would be read as Llama"),
        ("Qwen/Qwen3-8B", "gpt-fast", "Llama, Mistral and Mixtral alone"),
        ("google/gemma-3-27b-it", "LMDeploy TurboMind", "does not read this class"),
        ("Qwen/Qwen3-8B", "AutoAWQ, GEMM kernels", "wraps no model"),
    ],
)
def test_engines_that_take_a_model_and_why_others_do_not(catalog: Catalog, name: str, engine: str, reason: str) -> None:
    reach = {each.engine: each.reason for each in engines_for(catalog.model(name), catalog.inventory)}
    assert reason in reach[engine]
    assert bool(reason) == bool(reach[engine])


def test_a_reason_does_not_repeat_the_engine_that_it_is_of(catalog: Catalog) -> None:
    for each in engines_for(catalog.model("BAAI/bge-m3"), catalog.inventory):
        assert not each.reason.startswith(each.engine)
        assert "H100" not in each.reason


def test_what_is_not_known_is_said() -> None:
    model = read_model("mine", {"config": {**SHAPE, "quantization_config": {"quant_method": "hyper"}}})
    missing = " ".join(unknowns(model))
    assert "weight format" in missing
    assert "licence" in missing
    assert "context" in missing
