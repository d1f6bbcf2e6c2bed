"""Names of uploads and of tables lead to the model whose architecture they have, and to no other."""

import pytest

from catalog import names
from catalog.load import Catalog, load
from estimator.errors import InputError


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load()


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("EleutherAI/gpt-j-6b (MLPerf gptj)", "EleutherAI/gpt-j-6b"),
        ("Qwen3-235B-A22B-128K (GGUF general.name)", "Qwen/Qwen3-235B-A22B"),
        ("neuralmagic/Meta-Llama-3.1-70B-Instruct-quantized.w4a16", "meta-llama/Llama-3.1-70B"),
        ("hugging-quants/Meta-Llama-3.1-8B-Instruct-AWQ-INT4", "meta-llama/Llama-3.1-8B"),
        ("TheBloke/Llama-2-13B-chat-GPTQ", "meta-llama/Llama-2-13b-hf"),
        ("unsloth/Qwen3-32B-bnb-4bit", "Qwen/Qwen3-32B"),
        ("bartowski/Qwen_Qwen3-14B-GGUF", "Qwen/Qwen3-14B"),
        ("Meta-Llama-3-8B.Q4_K_M.gguf", "meta-llama/Meta-Llama-3-8B"),
        ("nvidia/DeepSeek-R1-0528-FP4-v2", "deepseek-ai/DeepSeek-R1-0528"),
        ("THUDM/GLM-4.5-Air-FP8", "zai-org/GLM-4.5-Air"),
        ("LLAMA3.1_405B", "meta-llama/Llama-3.1-405B"),
        ("google/gemma-3-27b-it-qat-q4_0-gguf", "google/gemma-3-27b-it"),
        ("LLaMA v3.1 70B", "meta-llama/Llama-3.1-70B"),
        ("qwen3moe 30B.A3B Q4_K - Medium", "Qwen/Qwen3-30B-A3B"),
        ("Llama 2 70B", "meta-llama/Llama-2-70b-hf"),
        ("google/gemma-2-9b-it-bnb-4bit", "google/gemma-2-9b"),
    ],
)
def test_other_spellings_lead_to_the_model(catalog: Catalog, name: str, found: str) -> None:
    assert catalog.model_id(name) == found


@pytest.mark.parametrize(
    "name",
    [
        "Qwen3MoeForCausalLM (id not in excerpt)",
        "nemotron (compose; exact id not in excerpt)",
        "LLaMA v2 (GGUF general.name)",
        "llama",
        "8B-Instruct",
        "acme/gpt2-xs",
        "my_GPT2",
        "acme/Llama-3.1-9B",
        "acme/Llama-3.1-8B-Pruned",
        "(GGUF)",
        "-" * 300,
    ],
)
def test_what_names_no_architecture_is_refused(catalog: Catalog, name: str) -> None:
    with pytest.raises(InputError, match="model: unknown model"):
        catalog.model_id(name)


def test_every_name_of_a_model_leads_to_it(catalog: Catalog) -> None:
    for summary in catalog.models.values():
        for name in (summary.id, *summary.aliases):
            assert catalog.model_id(name) == summary.id


@pytest.mark.parametrize("ending", ["-FP8-dynamic", "-quantized.w4a16", "-AWQ", "-bnb-4bit", "-GGUF", ".Q4_K_M.gguf"])
def test_every_model_is_found_in_every_format(catalog: Catalog, ending: str) -> None:
    for model_id in catalog.model_ids:
        assert catalog.model_id(f"uploader/{model_id.rpartition('/')[2]}{ending}") == model_id


def test_what_stands_for_several_models_stands_for_none() -> None:
    known = names.index([("acme/Tiny-1B-Instruct", "a"), ("acme/Tiny-1B-Thinking", "b"), ("acme/Tiny-2B", "c")])
    assert [known.get(key) for key in names.reductions("Tiny 1B")] == ["a", "a", "a"]
    assert [known.get(key) for key in names.reductions("Tiny-1B-Preview")] == [None, None, "a"]
    assert known["tiny2b"] == "c"
