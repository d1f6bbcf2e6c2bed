"""Embedding, reranking and reward models: published totals, and no cache where nothing is generated token by token."""

from typing import Any

import pytest

from estimator.errors import InputError
from estimator.models.architecture import Architecture
from estimator.models.hf_config import read

LLAMA_8B = {
    "hidden_size": 4096,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "intermediate_size": 14336,
    "vocab_size": 128256,
    "max_position_embeddings": 131072,
    "tie_word_embeddings": False,
}
BERT_BASE = {
    "vocab_size": 30522,
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "max_position_embeddings": 512,
    "type_vocab_size": 2,
}
XLM_R_LARGE = {
    "vocab_size": 250002,
    "hidden_size": 1024,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "intermediate_size": 4096,
    "max_position_embeddings": 8194,
    "type_vocab_size": 1,
    "pad_token_id": 1,
}
NOMIC = {
    "vocab_size": 30528,
    "n_embd": 768,
    "n_layer": 12,
    "n_head": 12,
    "n_inner": 3072,
    "max_position_embeddings": 2048,
    "type_vocab_size": 2,
    "activation_function": "swiglu",
    "qkv_proj_bias": False,
    "mlp_fc1_bias": False,
    "mlp_fc2_bias": False,
}
GTE = {
    "vocab_size": 250048,
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "max_position_embeddings": 8192,
    "type_vocab_size": 1,
    "position_embedding_type": "rope",
    "layer_norm_type": "layer_norm",
}
JINA_V2 = {**BERT_BASE, "vocab_size": 30528, "position_embedding_type": "alibi", "feed_forward_type": "geglu"}
T5_BASE = {
    "d_model": 768,
    "d_kv": 64,
    "d_ff": 3072,
    "num_heads": 12,
    "num_layers": 12,
    "vocab_size": 32128,
    "relative_attention_num_buckets": 32,
    "feed_forward_proj": "relu",
}
QWEN_MATH_RM = {
    "hidden_size": 8192,
    "num_hidden_layers": 80,
    "num_attention_heads": 64,
    "num_key_value_heads": 8,
    "intermediate_size": 29568,
    "vocab_size": 152064,
    "max_position_embeddings": 4096,
    "tie_word_embeddings": False,
}


def architecture(class_name: str, config: dict[str, Any], **fields: Any) -> Architecture:
    return read({**config, **fields, "architectures": [class_name]})


@pytest.mark.parametrize(
    ("class_name", "config", "parameters"),
    [
        ("LlamaModel", LLAMA_8B, 8_030_261_248 - 128_256 * 4096),
        ("LlamaForSequenceClassification", {**LLAMA_8B, "id2label": {"0": "score"}}, 7_504_928_768),
        ("LlamaForTokenClassification", {**LLAMA_8B, "num_labels": 9}, 7_504_924_672 + 9 * 4097),
        ("BertModel", BERT_BASE, 109_482_240),  # BAAI/bge-base-en-v1.5
        ("BertForMaskedLM", BERT_BASE, 109_514_298),
        ("BertForSequenceClassification", {**BERT_BASE, "num_labels": 3}, 109_482_240 + 3 * 769),
        ("XLMRobertaModel", XLM_R_LARGE, 567_754_752),  # BAAI/bge-m3
        ("XLMRobertaForSequenceClassification", {**XLM_R_LARGE, "num_labels": 1}, 567_755_777),  # bge-reranker-v2-m3
        ("NomicBertModel", NOMIC, 136_731_648),  # nomic-ai/nomic-embed-text-v1.5
        ("NewModel", GTE, 305_368_320),  # Alibaba-NLP/gte-multilingual-base
        ("JinaBertModel", JINA_V2, 137_368_320),  # jinaai/jina-embeddings-v2-base-en
        ("LlamaBidirectionalModel", LLAMA_8B, 8_030_261_248 - 128_256 * 4096),
        ("LlamaBidirectionalForSequenceClassification", {**LLAMA_8B, "num_labels": 1}, 7_504_924_672 + 4096),
        ("T5EncoderModel", T5_BASE, 109_628_544),  # the encoder of sentence-t5-base
        ("T5ForTokenClassification", {**T5_BASE, "num_labels": 5}, 109_628_544 + 5 * 769),
        ("Qwen2ForRewardModel", QWEN_MATH_RM, 72_706_203_648 - 152_064 * 8192 + 8192 * 8193 + 8193),
        ("Qwen2ForProcessRewardModel", QWEN_MATH_RM, 72_706_203_648 - 152_064 * 8192 + 8192 * 8193 + 2 * 8193),
    ],
)
def test_published_totals(class_name: str, config: dict[str, Any], parameters: int) -> None:
    model = architecture(class_name, config)
    assert model.parameters == parameters
    assert not model.generates
    assert any("no text is generated" in note for note in model.notes)


@pytest.mark.parametrize(
    ("class_name", "config"),
    [
        ("BertModel", BERT_BASE),
        ("XLMRobertaModel", XLM_R_LARGE),
        ("NewModel", GTE),
        ("LlamaBidirectionalModel", LLAMA_8B),
        ("T5EncoderModel", T5_BASE),
    ],
)
def test_an_encoder_keeps_no_cache(class_name: str, config: dict[str, Any]) -> None:
    model = architecture(class_name, config)
    assert model.cache_elements(4096) == 0
    assert model.sequence_state_bytes() == 0
    mixer = model.groups[0].layer.mixer
    assert mixer is not None
    assert mixer.read_growing_width == mixer.key_width == mixer.value_width == 0


def test_attention_both_ways_is_twice_the_causal_work() -> None:
    encoder = architecture("EuroBertModel", LLAMA_8B).groups[0].layer.mixer
    decoder = architecture("LlamaForCausalLM", LLAMA_8B).groups[0].layer.mixer
    assert encoder is not None
    assert decoder is not None
    assert encoder.attention_flops(1000) == 2 * decoder.attention_flops(1000)


def test_modernbert_reads_two_of_three_layers_through_a_window() -> None:
    config = {
        "vocab_size": 50368,
        "hidden_size": 1024,
        "num_hidden_layers": 28,
        "num_attention_heads": 16,
        "intermediate_size": 2624,
        "max_position_embeddings": 8192,
        "global_attn_every_n_layers": 3,
        "local_attention": 128,
    }
    model = architecture("ModernBertForMaskedLM", config)
    assert model.parameters == 395_881_664  # answerdotai/ModernBERT-large: "395M"
    windows = {group.layer.mixer.window: 0 for group in model.groups if group.layer.mixer}
    for group in model.groups:
        if group.layer.mixer:
            windows[group.layer.mixer.window] += group.count
    assert windows == {0: 10, 128: 18}


def test_positions_of_roberta_start_behind_the_padding_token() -> None:
    assert architecture("XLMRobertaModel", XLM_R_LARGE).max_context == 8192


def test_a_reward_head_of_no_published_class_is_refused() -> None:
    with pytest.raises(InputError, match="reward head"):
        architecture("LlamaForRewardModel", LLAMA_8B)


@pytest.mark.parametrize("class_name", ["WormholeForSequenceClassification", "MambaLMHeadModel", "LlamaForMaskedLM"])
def test_a_head_that_no_known_body_has_is_refused(class_name: str) -> None:
    with pytest.raises(InputError, match="no reader"):
        architecture(class_name, LLAMA_8B)


def test_a_head_has_no_prediction_modules() -> None:
    """GLM-4.5-Air under a score head: the MTP module belongs to the language model."""
    config = {
        **LLAMA_8B,
        "hidden_size": 4096,
        "head_dim": 128,
        "num_attention_heads": 96,
        "moe_intermediate_size": 1408,
        "n_routed_experts": 128,
        "n_shared_experts": 1,
        "num_experts_per_tok": 8,
        "first_k_dense_replace": 1,
        "num_nextn_predict_layers": 1,
    }
    whole, scored = architecture("Glm4MoeForCausalLM", config), architecture("Glm4MoeForSequenceClassification", config)
    assert whole.mtp_layers == 1
    assert scored.mtp_layers == 0
    assert scored.parameters == whole.text_parameters - 128_256 * 4096 + 2 * 4096


def test_a_jina_model_with_norms_over_queries_and_keys_is_refused() -> None:
    remote = {"AutoModel": "jinaai/jina-bert-v2-qk-post-norm--modeling_bert.JinaBertModel"}
    with pytest.raises(InputError, match="auto_map"):
        architecture("JinaBertModel", JINA_V2, auto_map=remote)


def test_aquila_writes_text_although_its_class_has_no_head_in_its_name() -> None:
    model = architecture("AquilaModel", LLAMA_8B)
    assert model.generates
    assert model.parameters == 8_030_261_248


def test_bloom_and_the_first_t5_write_text_under_the_names_of_their_uploads() -> None:
    bloom = {"hidden_size": 14336, "n_layer": 70, "num_attention_heads": 112, "vocab_size": 250880}
    model = architecture("BloomModel", bloom)
    assert model.generates
    assert model.parameters == 176_247_271_424  # bigscience/bloom
    t5 = architecture("T5WithLMHeadModel", T5_BASE)
    assert t5.generates
    assert t5.parameters == architecture("T5ForConditionalGeneration", T5_BASE).parameters


DEBERTA_BASE = {
    "vocab_size": 128100,
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "max_position_embeddings": 512,
    "relative_attention": True,
    "share_att_key": True,
    "position_biased_input": False,
    "type_vocab_size": 0,
}


@pytest.mark.parametrize(
    ("fields", "rows"),
    [
        ({}, 512),
        ({"position_buckets": -1}, 512),
        ({"position_buckets": 0}, 512),
        ({"position_buckets": 256}, 256),
        ({"max_relative_positions": 0}, 512),
        ({"max_relative_positions": -1}, 512),
        ({"max_relative_positions": 100}, 100),
        ({"max_relative_positions": 100, "position_buckets": 1}, 1),
        ({"relative_attention": False}, 0),
    ],
)
def test_deberta_s_table_of_relative_positions_has_two_rows_for_each_bucket_or_else_position(
    fields: dict[str, Any], rows: int
) -> None:
    """transformers' DebertaV2Encoder: nn.Embedding(2 * pos_ebd_size, hidden_size)."""
    without = architecture("DebertaV2Model", DEBERTA_BASE | {"relative_attention": False}).parameters
    assert architecture("DebertaV2Model", DEBERTA_BASE, **fields).parameters - without == 2 * rows * 768
