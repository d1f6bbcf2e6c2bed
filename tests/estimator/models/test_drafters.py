"""Heads that draft for another model, and drafters beside the model that verifies."""

from dataclasses import replace

import pytest

from catalog.load import Catalog
from estimator.errors import InputError
from estimator.models.drafter import check_serves, drafter_upload, drafting
from estimator.models.model import Model, read_model

EAGLE3 = {
    "architectures": ["LlamaForCausalLMEagle3"],
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "num_hidden_layers": 1,
    "max_position_embeddings": 2048,
    "vocab_size": 128256,
    "draft_vocab_size": 32000,
    "torch_dtype": "float16",
}
DFLASH = {
    "architectures": ["DFlashDraftModel"],
    "hidden_size": 4096,
    "intermediate_size": 12288,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "num_hidden_layers": 5,
    "max_position_embeddings": 40960,
    "vocab_size": 151936,
    "dflash_config": {"target_layer_ids": [1, 9, 17, 25, 33]},
}


def head(config: dict[str, object], name: str = "head") -> Model:
    return read_model(name, {"config": config})


def test_eagle3_of_llama_8b_has_the_published_size() -> None:
    """811 MB (MiB) in 16 bit, with tables of indices: a matrix over three states, a layer of doubled input, a head."""
    eagle = head(EAGLE3).architecture
    hidden, kv, wide = 4096, 1024, 2 * 4096
    attention = (hidden + 2 * kv) * wide + hidden * hidden
    assert eagle.parameters == 3 * hidden * hidden + attention + 3 * hidden * 14336 + 32000 * hidden + 4 * hidden
    assert 2 * eagle.parameters / 2**20 == pytest.approx(811, rel=0.003)
    assert (eagle.drafts, eagle.cache_elements(1)) == ("chain", 2 * kv)


def test_the_authors_own_uploads_are_told_by_their_vocabulary() -> None:
    plain = head({**EAGLE3, "architectures": ["LlamaForCausalLM"], "model_type": "llama"})
    assert plain.architecture.class_name == "LlamaForCausalLMEagle3"
    assert plain.architecture.parameters == head(EAGLE3).architecture.parameters


def test_listed_states_and_another_target_width_count() -> None:
    listed = {**EAGLE3, "eagle_config": {"eagle_aux_hidden_state_layer_ids": [1, 2, 3, 4, 5]}}
    more = head(listed).architecture.parameters - head(EAGLE3).architecture.parameters
    assert more == 2 * 4096 * 4096
    wider = head({**EAGLE3, "target_hidden_size": 8192}).architecture.parameters - head(EAGLE3).architecture.parameters
    assert wider == 3 * 4096 * 4096


def test_speculators_keep_their_layer_in_a_section() -> None:
    inner = {name: value for name, value in EAGLE3.items() if name not in ("architectures", "draft_vocab_size")}
    outer = {"architectures": ["Eagle3Speculator"], "draft_vocab_size": 32000, "transformer_layer_config": inner}
    assert head(outer).architecture.parameters == head(EAGLE3).architecture.parameters


def test_dflash_stores_neither_embedding_nor_head() -> None:
    dflash = head(DFLASH).architecture
    layer = (4096 + 2 * 1024) * 4096 + 4096 * 4096 + 3 * 4096 * 12288 + 2 * 128 + 2 * 4096
    assert dflash.parameters == 5 * layer + 5 * 4096 * 4096 + 2 * 4096
    assert (dflash.drafts, dflash.head[0].outputs) == ("block", 151936)


def test_a_head_serves_nothing_alone() -> None:
    with pytest.raises(InputError, match="drafts for another model"):
        check_serves(head(EAGLE3))


def test_drafters_of_other_tokens_or_widths_are_refused(catalog: Catalog) -> None:
    llama, qwen = catalog.model("meta-llama/Llama-3.1-8B"), catalog.model("Qwen/Qwen3-0.6B")
    with pytest.raises(InputError, match=r"151,936 tokens, meta-llama/Llama-3\.1-8B 128,256"):
        drafting(llama, "Qwen/Qwen3-0.6B", lambda name: qwen)
    narrow = replace(head({**EAGLE3, "hidden_size": 2048, "num_attention_heads": 16}), id="narrow")
    with pytest.raises(InputError, match=r"2,048 wide states, meta-llama/Llama-3\.1-8B is 4,096"):
        drafting(llama, "narrow", lambda name: narrow)
    with pytest.raises(InputError) as refused:
        drafting(llama, "nonsuch", catalog.model)
    assert refused.value.field == "draft_model"


def test_a_model_with_a_drafter_is_one_model(catalog: Catalog) -> None:
    llama = catalog.model("meta-llama/Llama-3.1-8B")
    small = catalog.model("meta-llama/Llama-3.2-1B")
    assert drafting(llama, None, catalog.model) is llama
    first = drafting(llama, "small", lambda name: small)
    assert first is drafting(llama, "small", lambda name: small)
    assert first.drafter is not None
    assert first.drafter.model is small
    assert first.drafter.method == "draft_model"


def test_ngram_has_nothing_to_read() -> None:
    assert drafter_upload("NGram ") is None
    assert drafter_upload("Qwen/Qwen3-0.6B") == "Qwen/Qwen3-0.6B"
    assert drafter_upload(None) is None


GEMMA4_31B_ASSISTANT = {
    "architectures": ["Gemma4AssistantForCausalLM"],
    "backbone_hidden_size": 5376,
    "use_ordered_embeddings": False,
    "text_config": {
        "model_type": "gemma4_text",
        "hidden_size": 1024,
        "intermediate_size": 8192,
        "num_hidden_layers": 4,
        "num_kv_shared_layers": 4,
        "num_attention_heads": 32,
        "num_key_value_heads": 16,
        "num_global_key_value_heads": 4,
        "head_dim": 256,
        "global_head_dim": 512,
        "attention_k_eq_v": True,
        "sliding_window": 1024,
        "vocab_size": 262144,
        "hidden_size_per_layer_input": 0,
        "layer_types": ["sliding_attention"] * 3 + ["full_attention"],
        "tie_word_embeddings": True,
    },
}


def test_gemma_4_assistants_have_the_published_470_million_and_no_cache_of_their_own(catalog: Catalog) -> None:
    """google/gemma-4-31B-it-assistant: 470 million parameters; it reads the keys and values of the 31B."""
    assistant = head(GEMMA4_31B_ASSISTANT, "assistant")
    assert assistant.architecture.parameters == pytest.approx(470e6, rel=0.002)
    assert assistant.architecture.cache_elements(1) == 0
    target = catalog.model("google/gemma-4-31B-it")
    drafted = drafting(target, "assistant", lambda name: assistant)
    assert drafted.drafter is not None
    assert drafted.drafter.method == "mtp"
    with pytest.raises(InputError, match="made for 5,376 wide states"):
        drafting(catalog.model("google/gemma-4-26B-A4B-it"), "assistant", lambda name: assistant)


def test_an_assistant_that_would_keep_a_cache_is_refused() -> None:
    text = {**GEMMA4_31B_ASSISTANT["text_config"], "num_kv_shared_layers": 2}  # type: ignore[dict-item]
    with pytest.raises(InputError, match="num_kv_shared_layers"):
        head({**GEMMA4_31B_ASSISTANT, "text_config": text})


def test_an_ordered_embedding_adds_its_centroids_and_the_order_of_tokens() -> None:
    ordered = head({**GEMMA4_31B_ASSISTANT, "use_ordered_embeddings": True, "num_centroids": 2048})
    more = ordered.architecture.parameters - head(GEMMA4_31B_ASSISTANT).architecture.parameters
    assert more == 2048 * 1024 + 262_144


def test_a_narrower_eagle_reads_the_states_it_was_made_for(catalog: Catalog) -> None:
    wide = {**EAGLE3, "target_hidden_size": 8192}
    drafter = replace(head(wide), id="narrower")
    target = catalog.model("meta-llama/Llama-3.1-70B")
    assert drafting(target, "narrower", lambda name: drafter).draft_model is drafter
    with pytest.raises(InputError, match="made for 8,192 wide states"):
        drafting(catalog.model("meta-llama/Llama-3.1-8B"), "narrower", lambda name: drafter)
