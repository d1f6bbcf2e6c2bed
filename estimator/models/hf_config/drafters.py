"""Readers of heads that propose tokens from another model's hidden states: EAGLE-3, DFlash, Gemma 4's assistants.

They share that model's embedding, and EAGLE and DFlash its LM head too; what they share is not stored with them.
"""

from dataclasses import replace

from estimator.models.architecture import Architecture, Layer, LayerGroup
from estimator.models.hf_config.decoder import attention, hidden_size, norms, stack, windows
from estimator.models.hf_config.fields import Fields
from estimator.models.hf_config.gemma import gemma4
from estimator.models.hf_config.registry import reads
from estimator.models.mlps import DenseMlp
from estimator.models.tensors import Tensor

AUXILIARY = 3
"""Layers of the target whose hidden states EAGLE-3 takes, where the configuration lists none (arXiv:2503.01840)."""


@reads(LlamaForCausalLMEagle3="", Eagle3LlamaForCausalLM="", Eagle3Speculator="", Eagle3DraftModel="")
def eagle3(f: Fields) -> Architecture:
    """EAGLE-3 (arXiv:2503.01840): three hidden states joined into one, a decoder layer, and an LM head of its own over
    the commonest tokens.

    The first layer reads the embedded token beside the hidden state (vLLM's and SGLang's llama_eagle3.py).
    """
    inner = f.section("transformer_layer_config") or f
    hidden, count = hidden_size(inner), inner.layers()
    listed = (f.section("eagle_config") or f).config.get("eagle_aux_hidden_state_layer_ids")
    states = len(listed) if isinstance(listed, list) and listed else AUXILIARY
    target = f.size("target_hidden_size", default=hidden)
    vocabulary = f.size("draft_vocab_size", default=inner.size("vocab_size"))
    mixer = attention(inner, qkv_bias=inner.flag("attention_bias"), output_bias=inner.flag("attention_bias"))
    mlp = DenseMlp(hidden, inner.size("intermediate_size"), bias=inner.flag("mlp_bias"))
    first = Layer(replace(mixer, input_width=2 * hidden), mlp, norms(hidden, 3))
    others = [Layer(mixer, mlp, norms(hidden, 2))] * (count - 1)
    joined = Tensor("fc", "attention", hidden, states * target)
    return replace(_head_of(inner, [first, *others], joined, vocabulary), target_hidden=target)


@reads(DFlashDraftModel="")
def dflash(f: Fields) -> Architecture:
    """DFlash (arXiv:2602.06036): a few Qwen3 layers that fill a block of masked tokens in one pass, from hidden states
    of several layers joined into one; the LM head is the target's.
    """
    listed = (f.section("dflash_config") or f).config.get("target_layer_ids")
    hidden, count = hidden_size(f), f.layers()
    states = len(listed) if isinstance(listed, list) and listed else count
    mixer, mlp = attention(f, head_norm=True), DenseMlp(hidden, f.size("intermediate_size"))
    layers = [Layer(replace(mixer, window=window), mlp, norms(hidden, 2)) for window in windows(f, count)]
    joined = Tensor("fc", "attention", hidden, states * hidden)
    architecture = _head_of(f, layers, joined, f.size("vocab_size"))
    return replace(architecture, tied=True, final=norms(hidden, 2), drafts="block")


@reads(Gemma4AssistantForCausalLM="gemma4_assistant", Gemma4UnifiedAssistantForCausalLM="gemma4_unified_assistant")
def gemma4_assistant(f: Fields) -> Architecture:
    """Gemma 4's assistants: a small Gemma 4 whose layers all read the target's keys and values and keep none.

    The target's hidden state beside the embedded token is projected down into it, and its own back up for the next
    draft (transformers modeling_gemma4_assistant.py).
    """
    unified = f.class_name == "Gemma4UnifiedAssistantForCausalLM"
    text = f.section("text_config") or f
    body = gemma4(Fields(text.config, text.path, "Gemma4UnifiedForCausalLM" if unified else "Gemma4ForCausalLM"))
    if any(group.layer.mixer and group.layer.mixer.cache_width for group in body.groups):
        raise text.wrong("num_kv_shared_layers", text.config.get("num_kv_shared_layers"), "expected every layer")
    target, hidden = f.size("backbone_hidden_size"), body.hidden
    projections = (
        Tensor("pre_projection", "attention", hidden, 2 * target),
        Tensor("post_projection", "attention", target, hidden),
    )
    if f.flag("use_ordered_embeddings"):
        count = f.size("num_centroids", default=2048)
        centroids = Tensor("centroids", "head", count, hidden), Tensor("token_ordering", "norm", body.vocabulary)
        body = replace(body, final=(*body.final, *centroids))
    first, *others = body.groups
    layer = replace(first.layer, extras=(*first.layer.extras, *projections))
    rest = replace(first, count=first.count - 1, indices=first.indices[1:])
    groups = (LayerGroup(1, layer, first.indices[:1]), *([rest] if rest.count else []), *others)
    return replace(body, groups=groups, drafts="borrowed", target_hidden=target)


def _head_of(f: Fields, layers: list[Layer], joined: Tensor, vocabulary: int) -> Architecture:
    """The head around its layers: what joins hidden states works in each pass, as if it stood in the first layer."""
    first, *others = layers
    first = replace(first, extras=(*first.extras, joined))
    architecture = stack(f, [first, *others])
    head = (Tensor("lm_head", "head", vocabulary, hidden_size(f)),)
    return replace(architecture, embedding=(), head=head, tied=False, drafts="chain")
