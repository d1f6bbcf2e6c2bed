"""Readers of early decoders of the GPT kind: GPT-1, CTRL, XGLM, BioGPT."""

from dataclasses import replace

from estimator.models.architecture import Architecture, Layer
from estimator.models.hf_config.decoder import even_heads, norms, plain_mlp, stack
from estimator.models.hf_config.fields import Fields
from estimator.models.hf_config.registry import reads


@reads(OpenAIGPTLMHeadModel="openai-gpt", CTRLLMHeadModel="ctrl")
def gpt1(f: Fields) -> Architecture:
    """GPT-1 and CTRL: GPT-1 norms after its halves and not at the end; CTRL's positions are computed and its head has a
    bias.
    """
    hidden, ctrl = f.size("n_embd", "hidden_size"), f.class_name == "CTRLLMHeadModel"
    mixer = even_heads(hidden, f.size("n_head", "num_attention_heads"), bias=True)
    width = f.size("dff", default=8192) if ctrl else 4 * hidden
    layer = Layer(mixer, plain_mlp(hidden, width, True), norms(hidden, 2, True))
    positions = f.size("n_positions", "max_position_embeddings")
    return stack(
        f,
        [layer] * f.layers("n_layer", "num_hidden_layers"),
        tied=True,
        final_norms=1 if ctrl else 0,
        norm_bias=True,
        head_bias=ctrl,
        positions=0 if ctrl else positions,
        rotary=0,
        hidden=hidden,
    )


@reads(XGLMForCausalLM="xglm", BioGptForCausalLM="biogpt")
def xglm(f: Fields) -> Architecture:
    """XGLM and BioGPT: pre-norm with biases; XGLM computes its positions, BioGPT learns them with two spare rows."""
    hidden, xglm_names = f.size("d_model", "hidden_size"), f.class_name == "XGLMForCausalLM"
    f.refuse_unless("add_cross_attention", False)
    mixer = even_heads(hidden, f.size("attention_heads", "num_attention_heads"), bias=True)
    layer = Layer(mixer, plain_mlp(hidden, f.size("ffn_dim", "intermediate_size"), True), norms(hidden, 2, True))
    positions = 0 if xglm_names else f.size("max_position_embeddings") + 2
    layers = [layer] * f.layers("num_layers", "num_hidden_layers")
    return stack(f, layers, tied=True, norm_bias=True, positions=positions, rotary=0, hidden=hidden)


@reads(GPTNeoXJapaneseForCausalLM="gpt_neox_japanese")
def gpt_neox_japanese(f: Fields) -> Architecture:
    """GPT-NeoX without biases, but for one on the last attention's output."""
    hidden = f.size("hidden_size")
    mixer = even_heads(hidden, f.size("num_attention_heads"), bias=False)
    mlp = plain_mlp(hidden, f.factor("intermediate_multiple_size", default=4) * hidden, False)
    layer, count = Layer(mixer, mlp, norms(hidden, 2, True)), f.layers()
    last = replace(layer, mixer=replace(mixer, output_bias=True))
    return stack(f, [*[layer] * (count - 1), last], tied=True, norm_bias=True)
