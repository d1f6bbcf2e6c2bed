"""Readers of the generation before Llama: GPT-2 to Falcon, with learned or ALiBi positions and plain MLPs."""

from dataclasses import replace

from estimator.models.architecture import Architecture, Layer
from estimator.models.hf_config import older_towers
from estimator.models.hf_config.decoder import (
    attention,
    divides,
    even_heads,
    hidden_size,
    norms,
    plain_mlp,
    stack,
    window_of,
)
from estimator.models.hf_config.fields import Fields
from estimator.models.hf_config.registry import reads
from estimator.models.mixers import Attention
from estimator.models.mlps import DenseMlp
from estimator.models.tensors import Tensor


@reads(GPT2LMHeadModel="gpt2", GPTBigCodeForCausalLM="gpt_bigcode")
def gpt2(f: Fields) -> Architecture:
    """GPT-2 and GPTBigCode: learned positions, biases everywhere; GPTBigCode shares one key-value head."""
    hidden, heads = f.size("n_embd", "hidden_size"), f.size("n_head", "num_attention_heads")
    f.refuse_unless("add_cross_attention", False)
    shared = f.class_name == "GPTBigCodeForCausalLM" and f.flag("multi_query", default=True)
    mixer = even_heads(hidden, heads, 1 if shared else 0, bias=True)
    mlp = plain_mlp(hidden, f.size("n_inner", "intermediate_size", default=4 * hidden), True)
    layer = Layer(mixer, mlp, norms(hidden, 2, True))
    return stack(
        f,
        [layer] * f.layers("n_layer", "num_hidden_layers"),
        tied=True,
        norm_bias=True,
        positions=f.size("n_positions", "max_position_embeddings"),
        rotary=0,
        hidden=hidden,
    )


@reads(GPTJForCausalLM="gptj", CodeGenForCausalLM="codegen")
def gptj(f: Fields) -> Architecture:
    """GPT-J: one LayerNorm before parallel attention and MLP; the head has a bias."""
    hidden, heads = f.size("n_embd", "hidden_size"), f.size("n_head", "num_attention_heads")
    mlp = plain_mlp(hidden, f.size("n_inner", "intermediate_size", default=4 * hidden), True)
    layer = Layer(even_heads(hidden, heads, bias=False), mlp, norms(hidden, 1, True))
    layers = [layer] * f.layers("n_layer", "num_hidden_layers")
    return stack(f, layers, norm_bias=True, head_bias=True, hidden=hidden)


@reads(GPTNeoXForCausalLM="gpt_neox")
def gpt_neox(f: Fields) -> Architecture:
    """GPT-NeoX and Pythia: parallel attention and MLP behind a LayerNorm each, biases throughout."""
    hidden = hidden_size(f)
    mixer = even_heads(hidden, f.size("num_attention_heads"), bias=f.flag("attention_bias", default=True))
    layer = Layer(mixer, plain_mlp(hidden, f.size("intermediate_size"), True), norms(hidden, 2, True))
    return stack(f, [layer] * f.layers(), norm_bias=True)


@reads(PhiForCausalLM="phi phi-msft")
def phi(f: Fields) -> Architecture:
    """Phi-1 and Phi-2: one LayerNorm before parallel attention and MLP; biases everywhere, also on the head."""
    f.refuse_unless("qk_layernorm", False)
    hidden, heads = f.size("hidden_size", "n_embd"), f.size("num_attention_heads", "n_head")
    kv_heads = f.size("num_key_value_heads", "n_head_kv", default=heads)
    mlp = plain_mlp(hidden, f.size("intermediate_size", "n_inner", default=4 * hidden), True)
    layer = Layer(even_heads(hidden, heads, kv_heads, bias=True), mlp, norms(hidden, 1, True))
    layers = [layer] * f.layers("num_hidden_layers", "n_layer")
    return stack(f, layers, norm_bias=True, head_bias=True, hidden=hidden)


@reads(OPTForCausalLM="opt")
def opt(f: Fields) -> Architecture:
    """OPT: a position table with two spare rows; OPT-350M norms after its blocks and projects a narrower embedding."""
    f.refuse_unless("layer_norm_elementwise_affine", True)
    hidden, bias = hidden_size(f), f.flag("enable_bias", default=True)
    mixer = even_heads(hidden, f.size("num_attention_heads"), bias=bias)
    layer = Layer(mixer, plain_mlp(hidden, f.size("ffn_dim"), bias), norms(hidden, 2, True))
    table = f.size("word_embed_proj_dim", default=hidden)
    positions = Tensor("embed_positions", "embedding", f.size("max_position_embeddings") + 2, hidden, split="whole")
    projections = Tensor("project_in_out", "router", hidden, table, 2, split="whole")
    architecture = stack(
        f,
        [layer] * f.layers(),
        tied=True,
        final_norms=1 if f.flag("do_layer_norm_before", default=True) and not f.flag("_remove_final_layer_norm") else 0,
        norm_bias=True,
        final=(projections,) if table != hidden else (),
        rotary=0,
    )
    return replace(
        architecture,
        embedding=(Tensor("embed_tokens", "embedding", architecture.vocabulary, table), positions),
        head=(Tensor("lm_head", "head", architecture.vocabulary, table),),
    )


@reads(BloomForCausalLM="bloom", BloomModel="")
def bloom(f: Fields) -> Architecture:
    """BLOOM: ALiBi, so no position table; a LayerNorm follows the embedding."""
    hidden = f.size("hidden_size", "n_embed")
    mixer = even_heads(hidden, f.size("n_head", "num_attention_heads"), bias=True)
    layer = Layer(mixer, plain_mlp(hidden, 4 * hidden, True), norms(hidden, 2, True))
    layers = [layer] * f.layers("n_layer", "num_hidden_layers")
    return stack(f, layers, tied=True, final_norms=2, norm_bias=True, rotary=0, hidden=hidden)


@reads(MptForCausalLM="mpt", MPTForCausalLM="mpt")
def mpt(f: Fields) -> Architecture:
    """MPT (mosaicml/llm-foundry): ALiBi, no biases, a plain MLP of `expansion_ratio` widths."""
    hidden = f.size("d_model", "hidden_size")
    inner = f.section("attn_config")
    if inner:
        inner.refuse_unless("alibi", True)
        inner.refuse_unless("qk_ln", False)
        inner.refuse_unless("attn_type", "multihead_attention")
    f.refuse_unless("no_bias", True)
    mixer = even_heads(hidden, f.size("n_heads", "num_attention_heads"), bias=False)
    mlp = plain_mlp(hidden, f.factor("expansion_ratio", default=4) * hidden, False)
    layer = Layer(mixer, mlp, norms(hidden, 2))
    return stack(f, [layer] * f.layers(), tied=True, rotary=0, hidden=hidden)


@reads(FalconForCausalLM="falcon RefinedWeb RefinedWebModel", RWForCausalLM="")
def falcon(f: Fields) -> Architecture:
    """Falcon: 7B shares one key-value head; the new decoder has groups, and two LayerNorms before its parallel halves.

    vLLM and TensorRT-LLM both reduce the halves' sum once.
    """
    hidden, heads = hidden_size(f), f.size("num_attention_heads", "n_head")
    new = f.flag("new_decoder_architecture")
    kv_heads = f.size("num_kv_heads", "n_head_kv", default=heads) if new else heads
    if not new and f.flag("multi_query", default=True):
        kv_heads = 1
    bias, parallel = f.flag("bias"), f.flag("parallel_attn", default=True)
    before = f.size("num_ln_in_parallel_attn", default=2, most=2) if new else (1 if parallel else 2)
    mlp = plain_mlp(hidden, f.size("ffn_hidden_size", "intermediate_size", default=4 * hidden), bias)
    mixer = even_heads(hidden, heads, kv_heads, bias=bias)
    layer = Layer(mixer, mlp, norms(hidden, before, True), one_all_reduce=new or parallel)
    rotary = 0 if f.flag("alibi") else None
    return stack(f, [layer] * f.layers("num_hidden_layers", "n_layer"), tied=True, norm_bias=True, rotary=rotary)


@reads(Starcoder2ForCausalLM="starcoder2")
def starcoder2(f: Fields) -> Architecture:
    """StarCoder2 (arXiv:2402.19173): grouped-query attention with biases, a plain MLP, LayerNorms."""
    bias, hidden = f.flag("use_bias", default=True), hidden_size(f)
    f.refuse_unless("mlp_type", "default")
    f.refuse_unless("norm_type", "layer_norm")
    mixer = attention(f, window=window_of(f), qkv_bias=bias, output_bias=bias)
    layer = Layer(
        mixer,
        DenseMlp(hidden=hidden, intermediate=f.size("intermediate_size"), gated=False, bias=bias),
        norms(hidden, 2, True),
    )
    return stack(f, [layer] * f.layers(), tied=True, norm_bias=True)


@reads(PersimmonForCausalLM="persimmon")
def persimmon(f: Fields) -> Architecture:
    """Persimmon: biases everywhere, LayerNorms over each query and key head."""
    hidden, heads = hidden_size(f), f.size("num_attention_heads")
    plain = even_heads(hidden, heads, bias=True)
    normed = f.flag("qk_layernorm", default=True)
    mixer = replace(plain, head_norm=normed, head_norm_bias=normed)
    layer = Layer(mixer, plain_mlp(hidden, f.size("intermediate_size"), True), norms(hidden, 2, True))
    return stack(f, [layer] * f.layers(), norm_bias=True)


@reads(GPTNeoForCausalLM="gpt_neo")
def gpt_neo(f: Fields) -> Architecture:
    """GPT-Neo: global and local attention by turns; only the attention's output has a bias."""
    hidden = hidden_size(f)
    full = even_heads(hidden, f.size("num_heads", "num_attention_heads"), bias=False, output_bias=True)
    local = replace(full, window=f.size("window_size", default=256))
    mlp = plain_mlp(hidden, f.size("intermediate_size", default=4 * hidden), True)
    count = f.layers()
    kinds = f.per_layer("attention_layers", count, ("global", "local"))
    layers = [Layer(full if kind == "global" else local, mlp, norms(hidden, 2, True)) for kind in kinds]
    return stack(f, layers, tied=True, norm_bias=True, positions=f.size("max_position_embeddings"), rotary=0)


@reads(QWenLMHeadModel="qwen")
def qwen1(f: Fields) -> Architecture:
    """The first Qwen: biases on q, k, v; `intermediate_size` counts gate and up together."""
    f.refuse_unless("no_bias", True)
    hidden, heads = hidden_size(f), f.size("num_attention_heads")
    mixer = Attention(
        hidden=hidden, heads=heads, kv_heads=heads, head_dim=f.size("kv_channels", default=128), qkv_bias=True
    )
    layer = Layer(mixer, DenseMlp(hidden, f.size("intermediate_size") // 2), norms(hidden, 2))
    text = stack(f, [layer] * f.layers())
    visual = f.section("visual")  # Qwen-VL has the same class
    return replace(text, vision_parameters=older_towers.qwen_vl(visual, f, hidden)) if visual else text


@reads(ChatGLMModel="chatglm", ChatGLMForConditionalGeneration="", ChatGLMForCausalLM="")
def chatglm(f: Fields) -> Architecture:
    """ChatGLM2, 3 and GLM-4-9B: the head is never tied. The first ChatGLM lacks `ffn_hidden_size` and is refused."""
    hidden, heads = hidden_size(f), f.size("num_attention_heads")
    f.refuse_unless("rmsnorm", True)
    f.refuse_unless("post_layer_norm", True)
    f.refuse_unless("add_bias_linear", False)
    f.refuse_unless("apply_residual_connection_post_layernorm", False)
    groups = f.size("multi_query_group_num") if f.flag("multi_query_attention") else heads
    divides("multi_query_group_num", groups, heads)
    mixer = Attention(
        hidden=hidden,
        heads=heads,
        kv_heads=groups,
        head_dim=f.size("kv_channels", default=128),
        qkv_bias=f.flag("add_qkv_bias", default=True),
    )
    layer = Layer(mixer, DenseMlp(hidden, f.size("ffn_hidden_size")), norms(hidden, 2))
    architecture = stack(f, [layer] * f.layers("num_layers"), vocabulary=f.size("padded_vocab_size", "vocab_size"))
    return replace(architecture, tied=False, rotary_dim=architecture.rotary_dim // 2)


@reads(Phi3SmallForCausalLM="phi3small")
def phi3_small(f: Fields) -> Architecture:
    """Phi-3-small: LayerNorms and biases everywhere; attention may be block-sparse, its cache is not."""
    hidden = hidden_size(f)
    mixer = attention(f, qkv_bias=True, output_bias=True)
    layer = Layer(mixer, DenseMlp(hidden, f.size("ff_intermediate_size"), bias=True), norms(hidden, 2, True))
    return stack(f, [layer] * f.layers(), tied=True, norm_bias=True)
