"""Values that transformers' configuration classes give to absent fields, where classes differ.

Source: the configuration classes of transformers 5.24; tests/data/transformers_classes.json holds their defaults.
"""

from collections.abc import Mapping

ABSENT: Mapping[str, Mapping[str, object]] = {
    "CodeGenForCausalLM": {"rotary_dim": 64},
    "DeepseekV2ForCausalLM": {"first_k_dense_replace": 0},
    "DeepseekV32ForCausalLM": {"first_k_dense_replace": 3},
    "DoryForCausalLM": {"head_dim": 256},
    "Ernie4_5ForCausalLM": {"head_dim": 128},
    "GPTJForCausalLM": {"rotary_dim": 64},
    "Gemma4UnifiedForCausalLM": {"use_bidirectional_attention": "vision"},
    "GraniteMoeHybridForCausalLM": {"num_local_experts": 8},
    "Glm4MoeForCausalLM": {"first_k_dense_replace": 1},
    "GlmMoeDsaForCausalLM": {"first_k_dense_replace": 3},
    "GteModel": {"type_vocab_size": 1},
    "HrmTextForCausalLM": {"head_dim": 128},
    "Inkling2ForCausalLM": {"unpadded_vocab_size": 200058},
    "LongcatFlashForCausalLM": {"zero_expert_num": 256},
    "MT5ForConditionalGeneration": {"feed_forward_proj": "gated-gelu", "tie_word_embeddings": True},
    "GteNewModel": {"type_vocab_size": 1},
    "MiniMaxM3ForCausalLM": {"rotary_dim": 64},
    "MiniMaxM3SparseForCausalLM": {"rotary_dim": 64},
    "MiniMaxM3VLForCausalLM": {"rotary_dim": 64},
    "NewModel": {"type_vocab_size": 1},
    "NystromformerModel": {"conv_kernel_size": 65},
    "Qwen3NextForCausalLM": {"num_experts": 512},
    "UMT5ForConditionalGeneration": {"feed_forward_proj": "gated-gelu", "tie_word_embeddings": True},
    "XLMRobertaXLModel": {"type_vocab_size": 1},
}
"""Class -> fields that mean something else, when they are absent, than the readers' usual default. Null stays null."""

MULTI_HEAD = frozenset((
    "AfmoeForCausalLM", "ApertusForCausalLM", "AquilaForCausalLM", "AquilaModel", "ArceeForCausalLM",
    "BaiChuanForCausalLM",
    "BaichuanForCausalLM", "BailingMoeForCausalLM", "BailingMoeV2ForCausalLM", "Cohere2ForCausalLM",
    "CohereForCausalLM", "DeepseekForCausalLM", "ExaoneForCausalLM", "FlexOlmoForCausalLM", "GraniteForCausalLM",
    "GraniteMoeForCausalLM", "GraniteMoeHybridForCausalLM", "GraniteMoeSharedForCausalLM", "Grok1ModelForCausalLM",
    "HunYuanDenseV1ForCausalLM", "HunYuanMoEV1ForCausalLM", "HyperCLOVAXForCausalLM", "InternLM2ForCausalLM",
    "InternLMForCausalLM", "Jais2ForCausalLM", "LLaMAForCausalLM", "LlamaForCausalLM",
    "MiniCPMForCausalLM", "NemotronForCausalLM",
    "Olmo2ForCausalLM", "Olmo3ForCausalLM", "OlmoForCausalLM", "OlmoHybridForCausalLM", "OlmoeForCausalLM",
    "OrionForCausalLM", "Phi3ForCausalLM", "XverseForCausalLM", "YiForCausalLM",
))  # fmt: skip
"""One key-value head per query head. The others' default is some number, so absence is an error."""

OWN_HEAD_DIM = frozenset((
    "AfmoeForCausalLM", "Cohere2MoeForCausalLM", "CwmForCausalLM", "FlintForCausalLM", "Kolibri1ForCausalLM",
    "LagunaForCausalLM", "LaraMiniForCausalLM", "Lfm3ForCausalLM", "MellumForCausalLM",
    "Gemma2ForCausalLM", "Gemma3ForCausalLM", "Gemma3nForCausalLM",
    "Gemma4ForCausalLM", "Gemma4UnifiedForCausalLM", "GemmaForCausalLM", "GptOssForCausalLM", "HYV3ForCausalLM",
    "MiniMaxM1ForCausalLM", "MiniMaxM2ForCausalLM", "MiniMaxM3SparseForCausalLM", "MiniMaxM3VLForCausalLM",
    "MiniMaxText01ForCausalLM",
    "Ministral3ForCausalLM", "NemotronHForCausalLM", "Qwen3ForCausalLM",
    "Qwen3NextForCausalLM", "Qwen3_5ForCausalLM", "Qwen3_5MoeForCausalLM", "SeedOssForCausalLM",
    "SolarOpenForCausalLM", "VaultGemmaForCausalLM",
))  # fmt: skip
"""Heads that do not share the hidden size evenly in general, so absence of `head_dim` is an error."""
