"""Readers of heads that propose tokens from another model's hidden states: EAGLE, EAGLE-3, DFlash.

They share that model's embedding, and EAGLE and DFlash its LM head too; what they share is not stored with them.
"""

from dataclasses import replace

from estimator.models.architecture import Architecture, Layer
from estimator.models.hf_config.decoder import attention, hidden_size, norms, stack, windows
from estimator.models.hf_config.fields import Fields
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
    return _head_of(inner, [first, *others], joined, vocabulary)


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


def _head_of(f: Fields, layers: list[Layer], joined: Tensor, vocabulary: int) -> Architecture:
    """The head around its layers: what joins hidden states works in each pass, as if it stood in the first layer."""
    first, *others = layers
    first = replace(first, extras=(*first.extras, joined))
    architecture = stack(f, [first, *others])
    head = (Tensor("lm_head", "head", vocabulary, hidden_size(f)),)
    return replace(architecture, embedding=(), head=head, tied=False, drafts="chain")
