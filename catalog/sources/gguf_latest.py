"""GGUF architectures of document readers, diffusion models and later windows, as fields of config.json.

Names and keys: llama.cpp conversion/command_r.py, granite.py, laguna.py, muse_glimmer.py, hrm_text.py, hunyuan.py,
ernie.py, deepseek.py, pangu.py, llada.py and bert.py. What a file's tensors contradict is refused, so an entry can not
be silently wrong.
"""

from collections.abc import Mapping
from typing import Any

from catalog.sources.gguf_table import FULL, SLIDING, Conversion, Keys, shared_experts, sliding_types, windowed


def _cohere2_moe(k: Keys) -> dict[str, Any]:
    """Command A with experts: their width has a key of its own, beside that of the dense layers before them."""
    modules = k.whole("nextn_predict_layers")
    return {
        **windowed(k),
        "num_hidden_layers": k.whole("block_count") - modules,
        "num_nextn_predict_layers": modules,
        "intermediate_size": k.whole("expert_feed_forward_length") or None,
        "prefix_dense_intermediate_size": k.whole("feed_forward_length") or None,
        "num_shared_experts": k.whole("expert_shared_count"),
    }


def _granite_windows(k: Keys) -> dict[str, Any]:
    """Granite with windows, dense or with experts, which share one architecture in GGUF."""
    experts = k.whole("expert_count")
    return {
        **windowed(k),
        "architectures": ["GraniteMoeSWAForCausalLM" if experts else "GraniteSWAForCausalLM"],
        "shared_intermediate_size": k.whole("expert_shared_feed_forward_length"),
    }


def _laguna(k: Keys) -> dict[str, Any]:
    """Laguna: heads by layer; where it slides, every fourth layer is full, from the first on."""
    heads = k.per_layer("attention.head_count")
    kinds = [SLIDING if k.whole("attention.sliding_window") and layer % 4 else FULL for layer in range(len(heads))]
    dense = k.whole("leading_dense_block_count")
    gate = k.header.tensors.get("blk.0.attn_gate.weight")
    by_element = gate is not None and len(gate.shape) == 2 and bool(heads) and gate.shape[1] != heads[0]
    return {
        "num_attention_heads": heads[0] if heads else None,
        "num_attention_heads_per_layer": heads,
        "layer_types": sliding_types(k) or kinds,
        "mlp_layer_types": ["dense" if layer < dense else "sparse" for layer in range(len(heads))],
        "gating": "per-element" if by_element else "per-head",
    }


def _hrm(k: Keys) -> dict[str, Any]:
    """HRM-Text: two stacks that are passed in turns, every pass a block of its own in the file."""
    stack = k.whole("hrm.layers_per_stack")
    return {
        "num_hidden_layers": stack or None,
        "num_layers_per_stack": stack or None,
        "H_cycles": k.whole("hrm.h_cycles") or None,
        "L_cycles": k.whole("hrm.l_cycles") or None,
    }


def _llada(k: Keys) -> dict[str, Any]:
    """LLaDA: Llama's parts under the names of OLMo."""
    table = k.header.tensors.get("token_embd.weight")
    return {
        "block_type": "llama",
        "d_model": k.whole("embedding_length"),
        "n_heads": k.whole("attention.head_count"),
        "n_kv_heads": k.whole("attention.head_count_kv") or None,
        "n_layers": k.whole("block_count"),
        "mlp_hidden_size": k.whole("feed_forward_length"),
        "embedding_size": table.shape[1] if table else None,
        "max_sequence_length": k.whole("context_length") or None,
        "weight_tying": "output.weight" not in k.header.tensors,
    }


def _jina_bert(k: Keys) -> dict[str, Any]:
    """jina-embeddings-v2: no positions in the file, since ALiBi computes them."""
    types = k.header.tensors.get("token_types.weight")
    return {
        "position_embedding_type": "alibi",
        "feed_forward_type": "geglu",
        "type_vocab_size": types.shape[1] if types and len(types.shape) == 2 else 1,
    }


LATEST: Mapping[str, Conversion] = {
    "cohere2moe": Conversion("Cohere2MoeForCausalLM", extra=_cohere2_moe),
    "granite_swa": Conversion("GraniteSWAForCausalLM", "num_local_experts", _granite_windows),
    "laguna": Conversion("LagunaForCausalLM", extra=_laguna),
    "muse-glimmer": Conversion("MuseGlimmerTextForCausalLM", extra=windowed),
    "hrm_text": Conversion("HrmTextForCausalLM", extra=_hrm),
    "hunyuan_vl": Conversion("HunYuanDenseV1ForCausalLM"),
    "paddleocr": Conversion("Ernie4_5ForCausalLM"),
    "deepseek2-ocr": Conversion("DeepseekForCausalLM", "n_routed_experts", shared_experts),
    "pangu-embedded": Conversion("PanguEmbeddedForCausalLM", extra=windowed),
    "llada": Conversion("LLaDAModelLM", extra=_llada),
    "jina-bert-v2": Conversion("JinaBertModel", extra=_jina_bert),
}
"""GGUF architecture -> its conversion."""
