"""Models that see: the language model inside, and the parameters of the tower beside it."""

from dataclasses import replace

from estimator.architecture import Architecture, Layer
from estimator.hf_config.decoder import attention, hidden_size, norms, stack
from estimator.hf_config.dense import qwen2, qwen3
from estimator.hf_config.fields import Fields
from estimator.hf_config.gemma import gemma2
from estimator.hf_config.hybrid import qwen3_next
from estimator.hf_config.latent import deepseek
from estimator.hf_config.moe import llama4, qwen_moe
from estimator.hf_config.registry import Reader, reads
from estimator.mixers import CrossAttention
from estimator.mlps import DenseMlp
from estimator.tensors import Tensor

NO_TOWER = "the configuration does not describe the vision tower; its parameters are not counted"


def with_tower(f: Fields, reader: Reader, class_name: str, tower: int | None) -> Architecture:
    """The language model of a wrapper class; what only the outer level says (tied embeddings) reaches it."""
    inner = dict(f.required_section("text_config").config) if f.has("text_config") else dict(f.config)
    for name in ("tie_word_embeddings", "dtype", "torch_dtype"):
        if inner.get(name) is None and f.config.get(name) is not None:
            inner[name] = f.config[name]
    text = Fields(inner, "text_config" if f.has("text_config") else "", class_name)
    architecture = reader(text)
    if tower is None:
        return replace(architecture, notes=(*architecture.notes, NO_TOWER), tower_missing=True)
    return replace(architecture, vision_parameters=tower)


_WRAPPERS: dict[str, tuple[Reader, str]] = {
    "Qwen2VLForConditionalGeneration": (qwen2, "Qwen2ForCausalLM"),
    "Qwen2_5_VLForConditionalGeneration": (qwen2, "Qwen2ForCausalLM"),
    "Qwen3VLForConditionalGeneration": (qwen3, "Qwen3ForCausalLM"),
    "Qwen3VLMoeForConditionalGeneration": (qwen_moe, "Qwen3MoeForCausalLM"),
    "Qwen3_5ForConditionalGeneration": (qwen3_next, "Qwen3_5ForCausalLM"),
    "Qwen3_5MoeForConditionalGeneration": (qwen3_next, "Qwen3_5MoeForCausalLM"),
    "Gemma3ForConditionalGeneration": (gemma2, "Gemma3ForCausalLM"),
    "Llama4ForConditionalGeneration": (llama4, "Llama4ForCausalLM"),
    "KimiK25ForConditionalGeneration": (deepseek, "DeepseekV3ForCausalLM"),
}


@reads(
    Qwen2VLForConditionalGeneration="qwen2_vl",
    Qwen2_5_VLForConditionalGeneration="qwen2_5_vl",
    Qwen3VLForConditionalGeneration="qwen3_vl",
    Qwen3VLMoeForConditionalGeneration="qwen3_vl_moe",
    Qwen3_5ForConditionalGeneration="qwen3_5",
    Qwen3_5MoeForConditionalGeneration="qwen3_5_moe",
    Gemma3ForConditionalGeneration="gemma3",
    Llama4ForConditionalGeneration="llama4",
    KimiK25ForConditionalGeneration="kimi_k25",
)
def wrapped(f: Fields) -> Architecture:
    reader, class_name = _WRAPPERS[f.class_name]
    return with_tower(f, reader, class_name, None)


@reads(MllamaForConditionalGeneration="mllama")
def mllama(f: Fields) -> Architecture:
    return with_tower(f, mllama_text, "MllamaForCausalLM", None)


@reads(MllamaForCausalLM="mllama_text_model")
def mllama_text(f: Fields) -> Architecture:
    """Llama with cross-attention layers to the image; eight spare rows in the embedding."""
    hidden, own = hidden_size(f), attention(f)
    cross = CrossAttention(hidden, own.heads, own.kv_heads, own.head_dim, head_norm=True)
    mlp, around = DenseMlp(hidden, f.size("intermediate_size")), norms(hidden, 2)
    crossing = set(f.integers("cross_attention_layers"))
    gates = (Tensor("gates", "norm", 2, split="whole"),)
    layers = [
        Layer(cross, mlp, (*around, *gates)) if layer in crossing else Layer(own, mlp, around)
        for layer in range(f.layers())
    ]
    spare = (Tensor("embed_spare", "embedding", 8, hidden),)
    architecture = stack(f, layers)
    return replace(architecture, embedding=(*architecture.embedding, *spare))
