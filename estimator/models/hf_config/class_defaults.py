"""What a class means by a field that is absent, where classes differ; after their configuration classes."""

MULTI_HEAD = frozenset((
    "AfmoeForCausalLM", "ApertusForCausalLM", "AquilaForCausalLM", "ArceeForCausalLM", "BaiChuanForCausalLM",
    "BaichuanForCausalLM", "BailingMoeForCausalLM", "BailingMoeV2ForCausalLM", "Cohere2ForCausalLM",
    "CohereForCausalLM", "DeepseekForCausalLM", "ExaoneForCausalLM", "FlexOlmoForCausalLM", "GraniteForCausalLM",
    "GraniteMoeForCausalLM", "GraniteMoeHybridForCausalLM", "GraniteMoeSharedForCausalLM", "Grok1ModelForCausalLM",
    "HunYuanDenseV1ForCausalLM", "HunYuanMoEV1ForCausalLM", "HyperCLOVAXForCausalLM", "InternLM2ForCausalLM",
    "InternLMForCausalLM", "Jais2ForCausalLM", "LlamaForCausalLM", "MiniCPMForCausalLM", "NemotronForCausalLM",
    "Olmo2ForCausalLM", "Olmo3ForCausalLM", "OlmoForCausalLM", "OlmoHybridForCausalLM", "OlmoeForCausalLM",
    "OrionForCausalLM", "Phi3ForCausalLM", "YiForCausalLM",
))  # fmt: skip
"""One key-value head per query head. The others' default is some number, so absence is an error."""

OWN_HEAD_DIM = frozenset((
    "AfmoeForCausalLM", "CwmForCausalLM", "Gemma2ForCausalLM", "Gemma3ForCausalLM", "Gemma3nForCausalLM",
    "Gemma4ForCausalLM", "GemmaForCausalLM", "Glm4MoeForCausalLM", "GptOssForCausalLM", "HYV3ForCausalLM",
    "MiniMaxM1ForCausalLM", "MiniMaxM2ForCausalLM", "MiniMaxM3SparseForCausalLM", "MiniMaxText01ForCausalLM",
    "Ministral3ForCausalLM", "NemotronHForCausalLM", "Qwen3ForCausalLM", "Qwen3MoeForCausalLM",
    "Qwen3NextForCausalLM", "Qwen3_5ForCausalLM", "Qwen3_5MoeForCausalLM", "SeedOssForCausalLM",
    "SolarOpenForCausalLM", "VaultGemmaForCausalLM",
))  # fmt: skip
"""Heads that do not share the hidden size evenly in general, so absence of `head_dim` is an error."""
