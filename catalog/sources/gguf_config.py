"""GGUF metadata -> the config.json fields of the class it was converted from.

Keys: llama.cpp gguf-py/gguf/constants.py. Shapes in GGUF run from the inside out.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from catalog.sources.gguf import Header
from estimator.errors import InputError, UnsupportedArchitecture
from estimator.models.formats import Stored, WeightFormat, weight_format
from estimator.models.model import Model, read_model
from estimator.models.tensors import Role
from estimator.printable import printable

CLASSES = {
    "llama": "LlamaForCausalLM",
    "mistral3": "LlamaForCausalLM",
    "qwen2": "Qwen2ForCausalLM",
    "qwen2moe": "Qwen2MoeForCausalLM",
    "qwen3": "Qwen3ForCausalLM",
    "qwen3moe": "Qwen3MoeForCausalLM",
    "gemma": "GemmaForCausalLM",
    "gemma2": "Gemma2ForCausalLM",
    "gemma3": "Gemma3ForCausalLM",
    "phi2": "PhiForCausalLM",
    "phi3": "Phi3ForCausalLM",
    "starcoder2": "Starcoder2ForCausalLM",
    "command-r": "CohereForCausalLM",
    "olmo2": "Olmo2ForCausalLM",
    "granite": "GraniteForCausalLM",
    "deepseek2": "DeepseekV3ForCausalLM",
    "gpt-oss": "GptOssForCausalLM",
    "seed_oss": "SeedOssForCausalLM",
    "smollm3": "SmolLM3ForCausalLM",
    "internlm2": "InternLM2ForCausalLM",
    "arcee": "ArceeForCausalLM",
    "apertus": "ApertusForCausalLM",
    "cohere2": "Cohere2ForCausalLM",
    "ernie4_5": "Ernie4_5ForCausalLM",
    "glm4": "Glm4ForCausalLM",
    "hunyuan-dense": "HunYuanDenseV1ForCausalLM",
    "minimax-m2": "MiniMaxM2ForCausalLM",
    "olmo": "OlmoForCausalLM",
    "olmoe": "OlmoeForCausalLM",
    "orion": "OrionForCausalLM",
    "phimoe": "PhiMoEForCausalLM",
    "stablelm": "StableLmForCausalLM",
}
FIELDS = {
    "block_count": "num_hidden_layers",
    "embedding_length": "hidden_size",
    "feed_forward_length": "intermediate_size",
    "attention.head_count": "num_attention_heads",
    "attention.head_count_kv": "num_key_value_heads",
    "attention.key_length": "head_dim",
    "attention.sliding_window": "sliding_window",
    "context_length": "max_position_embeddings",
    "expert_used_count": "num_experts_per_tok",
    "expert_feed_forward_length": "moe_intermediate_size",
    "expert_shared_feed_forward_length": "shared_expert_intermediate_size",
    "leading_dense_block_count": "first_k_dense_replace",
    "attention.q_lora_rank": "q_lora_rank",
    "attention.kv_lora_rank": "kv_lora_rank",
    "expert_shared_count": "n_shared_experts",
}
EXPERTS = {
    "MixtralForCausalLM": "num_local_experts",
    "GptOssForCausalLM": "num_local_experts",
    "MiniMaxM2ForCausalLM": "num_local_experts",
    "PhiMoEForCausalLM": "num_local_experts",
    "DeepseekV3ForCausalLM": "n_routed_experts",
    "DeepseekV2ForCausalLM": "n_routed_experts",
}
PLACES: dict[str, tuple[Role, str]] = {
    "token_embd": ("embedding", ""),
    "output": ("head", ""),
    "attn_q": ("attention", "q_proj"),
    "attn_k": ("attention", "k_proj"),
    "attn_v": ("attention", "v_proj"),
    "attn_output": ("attention", "o_proj"),
    "attn_q_a": ("attention", "q_a_proj"),
    "attn_q_b": ("attention", "q_b_proj"),
    "attn_kv_a_mqa": ("attention", "kv_a_proj_with_mqa"),
    "ffn_gate": ("mlp", "gate_proj"),
    "ffn_up": ("mlp", "up_proj"),
    "ffn_down": ("mlp", "down_proj"),
    "ffn_gate_exps": ("expert", "gate_proj"),
    "ffn_up_exps": ("expert", "up_proj"),
    "ffn_down_exps": ("expert", "down_proj"),
    "ffn_gate_shexp": ("shared_expert", "gate_proj"),
    "ffn_up_shexp": ("shared_expert", "up_proj"),
    "ffn_down_shexp": ("shared_expert", "down_proj"),
    "ffn_gate_inp": ("router", ""),
}
"""llama.cpp's tensor names -> ours; fused ones keep the nominal type."""
FILE_TYPES = {
    0: "f32", 1: "f16", 2: "q4_0", 3: "q4_1", 7: "q8_0", 8: "q5_0", 9: "q5_1", 10: "q2_k", 11: "q3_k_s",
    12: "q3_k_m", 13: "q3_k_l", 14: "q4_k_s", 15: "q4_k_m", 16: "q5_k_s", 17: "q5_k_m", 18: "q6_k",
    19: "iq2_xxs", 20: "iq2_xs", 21: "q2_k_s", 23: "iq3_xxs", 24: "iq1_s", 25: "iq4_nl", 26: "iq3_s",
    27: "iq3_m", 28: "iq2_s", 29: "iq2_m", 30: "iq4_xs", 31: "iq1_m", 32: "bf16", 36: "tq1_0", 37: "tq2_0", 38: "mxfp4",
}  # fmt: skip
"""`general.file_type`, llama.h's llama_ftype."""
DERIVED = ("rope_freqs", "rope_factors", "mm.", "v.")
"""Tensors that conversion adds: rotary tables, and the vision parts of multimodal files."""
TOLERANCE = 0.002
"""Norms and biases that a conversion merges or leaves out."""


def model(header: Header, path: Path) -> Model:
    """The model in a file, weights as stored.

    Raises InputError for metadata that is missing or contradicts the tensors, UnsupportedArchitecture.
    """
    kind, source = str(header.metadata.get("general.architecture", "")), printable(path)
    if kind not in CLASSES:
        known = f"no reader for this GGUF architecture; {', '.join(CLASSES)} are read"
        raise UnsupportedArchitecture(printable(kind, 60), known)
    found = read_model(printable(path.stem, 100), {"config": config(header, kind, source), "source": source})
    described = found.architecture.text_parameters
    held = sum(each.stored.elements for name, each in header.tensors.items() if not name.startswith(DERIVED))
    if abs(held - described) > TOLERANCE * held:
        raise InputError(source, f"its tensors hold {held:,} parameters, its metadata describes {described:,}")
    stored = weights(header)
    return replace(found, native_weights=stored.id, checkpoint=stored)


def weights(header: Header) -> WeightFormat:
    """The file's own mix of types: the nominal one, with the exact bits of every kind of tensor."""
    elements: Counter[tuple[Role, str]] = Counter()
    sizes: Counter[tuple[Role, str]] = Counter()
    for name, tensor in header.tensors.items():
        kind = re.sub(r"^blk\.\d+\.|\.(weight|bias)$", "", name)
        place = PLACES.get(kind)
        if place and name.endswith(".weight"):
            elements[place] += tensor.stored.elements
            sizes[place] += tensor.stored.bytes
    exceptions = tuple(Stored(*place, 8 * sizes[place] / elements[place]) for place in elements if elements[place])
    nominal = weight_format(f"gguf-{_mix(header)}")
    return nominal._replace(exceptions=(*exceptions, *nominal.exceptions))


def _mix(header: Header) -> str:
    """The quantiser's preset by the name people know; else the type that most weights have, with its bits."""
    named = FILE_TYPES.get(_whole(header.metadata, "general.file_type", -1))
    if named or not header.stored:
        return named or "f16"
    dtype, most = max(header.stored.items(), key=lambda each: each[1].elements)
    return f"{dtype.lower()}-{8 * most.bytes / max(most.elements, 1):.2f}-bpw"


def config(header: Header, kind: str, source: str) -> dict[str, Any]:
    """The fields that the class's reader needs."""
    found: dict[str, Any] = {"architectures": [CLASSES[kind]]}
    for key, field in FIELDS.items():
        value = header.metadata.get(f"{kind}.{key}")
        if isinstance(value, list):
            value = _uniform(value, f"{kind}.{key}", source)
        if value is not None:
            found[field] = value
    experts = header.metadata.get(f"{kind}.expert_count", 0)
    if experts:
        if found["architectures"] == ["LlamaForCausalLM"]:
            found["architectures"] = ["MixtralForCausalLM"]
        found[EXPERTS.get(found["architectures"][0], "num_experts")] = experts
    embedding = header.tensors.get("token_embd.weight")
    if embedding is None or len(embedding.shape) != 2:
        raise InputError(source, "no token_embd.weight of two dimensions")
    found["vocab_size"] = embedding.shape[1]
    found["tie_word_embeddings"] = "output.weight" not in header.tensors
    if kind == "deepseek2":
        found |= _latent(header.metadata, found)
    return found


def _latent(metadata: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """Latent attention: the file caches kv_lora_rank + rope, and names the un-absorbed widths `_mla`."""
    rope = _whole(metadata, "deepseek2.rope.dimension_count")
    key, value = (
        _whole(metadata, f"deepseek2.attention.{side}_length_mla")
        or _whole(metadata, f"deepseek2.attention.{side}_length")
        for side in ("key", "value")
    )
    correction = _whole(metadata, "deepseek2.expert_gating_func") == 2  # sigmoid routing came with V3's bias
    return {
        "architectures": ["DeepseekV3ForCausalLM" if correction else "DeepseekV2ForCausalLM"],
        "qk_rope_head_dim": rope,
        "qk_nope_head_dim": key - rope,
        "v_head_dim": value,
        "q_lora_rank": found.get("q_lora_rank"),
        "num_key_value_heads": found.get("num_attention_heads"),
    }


def _whole(metadata: Mapping[str, Any], key: str, otherwise: int = 0) -> int:
    """A whole number of the metadata; anything else counts as absent."""
    value = metadata.get(key)
    return value if isinstance(value, int) else otherwise


def _uniform(values: list[Any], key: str, source: str) -> Any:
    """A per-layer list whose layers are all alike; what differs from layer to layer is not described here."""
    if any(value != values[0] for value in values):
        raise InputError(source, f"{key} differs from layer to layer, which is not read from GGUF; use config.json")
    return values[0] if values else None
