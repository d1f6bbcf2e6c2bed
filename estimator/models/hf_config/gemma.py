"""Readers of Gemma 1 to 4: tied embeddings, sandwich norms, sliding patterns."""

from dataclasses import replace

from estimator.errors import InputError
from estimator.models.architecture import Architecture, Layer
from estimator.models.hf_config.decoder import FULL, SLIDING, attention, divides, hidden_size, norms, stack, windows
from estimator.models.hf_config.dense import llama_like
from estimator.models.hf_config.fields import Fields
from estimator.models.hf_config.moe import experts
from estimator.models.hf_config.registry import reads
from estimator.models.mixers import Attention
from estimator.models.mlps import DenseMlp, Mlp
from estimator.models.tensors import Tensor


@reads(GemmaForCausalLM="gemma")
def gemma(f: Fields) -> Architecture:
    """Gemma 1: Llama with wide heads and a tied embedding."""
    bias = f.flag("attention_bias")
    return llama_like(f, qkv_bias=bias, output_bias=bias, tied=True)


@reads(Gemma2ForCausalLM="gemma2", Gemma3ForCausalLM="gemma3_text")
def gemma2(f: Fields) -> Architecture:
    """Gemma 2 and 3: Gemma 2 alternates window and full attention, Gemma 3 keeps every sixth layer full and norms the
    heads.
    """
    third = f.class_name.startswith("Gemma3")
    every = f.size("sliding_window_pattern", "_sliding_window_pattern", default=6) if third else 2
    bias = f.flag("attention_bias")
    return llama_like(
        f,
        layer_windows=windows(f, f.layers(), every=every),
        qkv_bias=bias,
        output_bias=bias,
        head_norm=third,
        layer_norms=4,
        tied=True,
    )


@reads(VaultGemmaForCausalLM="vaultgemma")
def vaultgemma(f: Fields) -> Architecture:
    """VaultGemma: Gemma 2's window pattern with two norms a block."""
    bias = f.flag("attention_bias")
    return llama_like(f, layer_windows=windows(f, f.layers(), every=2), qkv_bias=bias, output_bias=bias, tied=True)


@reads(Gemma3nForCausalLM="gemma3n_text")
def gemma3n(f: Fields) -> Architecture:
    """Gemma 3n: AltUp's parallel streams, LAuReL's low-rank residual, embeddings per layer; the last layers share a
    cache.
    """
    count, hidden = f.layers(), hidden_size(f)
    bias = f.flag("attention_bias")
    widths = f.integers("intermediate_size") if isinstance(f.config.get("intermediate_size"), list) else []
    width = max(widths, default=0) or f.size("intermediate_size")
    if any(each != width for each in widths):
        raise InputError("intermediate_size", "layers of different widths are not modelled for this class")
    mixer = attention(f, qkv_bias=bias, output_bias=bias, head_norm=True)
    streams, rank = f.factor("altup_num_inputs", default=4), f.size("laurel_rank", default=64)
    owners = count - f.count("num_kv_shared_layers", default=15)
    around = (
        *norms(hidden, 4),
        Tensor("altup", "norm", streams * (streams + streams * streams + hidden) + 2 * hidden, split="whole"),
        Tensor("laurel", "mlp", 2 * rank, hidden, split="whole"),
        Tensor("post_laurel_norm", "norm", hidden, split="whole"),
        *_per_layer_input(f, hidden),
    )
    layers = [
        Layer(replace(mixer, window=window, stores_cache=n < owners), DenseMlp(hidden, width), around)
        for n, window in enumerate(windows(f, count, every=5))
    ]
    projections = Tensor("altup_projections", "mlp", hidden, hidden, 2 * (streams - 1), split="whole")
    table, *rest = _per_layer_table(f, count, hidden)
    return stack(f, layers, tied=True, tables=(table,), final=(*rest, projections))


def _per_layer_input(f: Fields, hidden: int) -> tuple[Tensor, ...]:
    """Tensors of one layer for its own embedding of the token (Gemma 3n, Gemma 4 E)."""
    width = f.size("hidden_size_per_layer_input", default=256)
    return (
        Tensor("per_layer_input_gate", "mlp", width, hidden, split="whole"),
        Tensor("per_layer_projection", "mlp", hidden, width, split="whole"),
        Tensor("post_per_layer_input_norm", "norm", hidden, split="whole"),
    )


def _per_layer_table(f: Fields, layers: int, hidden: int) -> tuple[Tensor, Tensor, Tensor]:
    """An embedding per layer, and the projection of the ordinary embedding that is added to it."""
    width = f.size("hidden_size_per_layer_input", default=256)
    vocabulary = f.size("vocab_size_per_layer_input", default=262_144)
    return (
        Tensor("embed_tokens_per_layer", "embedding", vocabulary, layers * width),
        Tensor("per_layer_model_projection", "router", layers * width, hidden, split="whole"),
        Tensor("per_layer_projection_norm", "norm", width, split="whole"),
    )


@reads(Gemma4ForCausalLM="gemma4_text", Gemma4UnifiedForCausalLM="gemma4_unified_text")
def gemma4(f: Fields) -> Architecture:
    """Gemma 4: wider heads in full layers, which may share keys with values; experts beside the dense MLP; E models as
    3n.
    """
    count, hidden = f.layers(), hidden_size(f)
    owners = count - f.count("num_kv_shared_layers")
    has_own_input = not f.is_null("hidden_size_per_layer_input") and f.class_name == "Gemma4ForCausalLM"
    own_input = f.count("hidden_size_per_layer_input", default=None) if has_own_input else 0
    kinds = f.per_layer("layer_types", count, (FULL, SLIDING))
    mixers = _gemma4_mixers(f, kinds)
    extras = [*norms(hidden, 4), Tensor("layer_scalar", "norm", 1, split="whole")]
    if own_input:
        extras += _per_layer_input(f, hidden)
    if f.flag("enable_moe_block"):
        extras += norms(hidden, 3)
    layers = [
        Layer(replace(mixers[kind], stores_cache=n < owners), _gemma4_mlp(f, shares=n >= owners), tuple(extras))
        for n, kind in enumerate(kinds)
    ]
    if not own_input:
        return stack(f, layers, tied=True)
    table, *rest = _per_layer_table(f, count, hidden)
    return stack(f, layers, tied=True, tables=(table,), final=tuple(rest))


def _gemma4_mixers(f: Fields, kinds: list[str]) -> dict[str, Attention]:
    bias = f.flag("attention_bias")
    local = attention(f, window=f.size("sliding_window"), qkv_bias=bias, output_bias=bias, head_norm=True)
    shares = f.flag("attention_k_eq_v")
    if f.has("per_layer_config"):
        wide = _gemma4_exception(f, kinds)
        groups, width = wide.size("num_key_value_heads", default=local.kv_heads), wide.size("head_dim")
    else:
        groups = f.size("num_global_key_value_heads") if shares else local.kv_heads
        width = f.size("global_head_dim", default=512)
    divides("num_global_key_value_heads", groups, local.heads)
    full = replace(local, window=0, kv_heads=groups, head_dim=width, shared_projection=shares)
    return {FULL: full, SLIDING: local}


def _gemma4_exception(f: Fields, kinds: list[str]) -> Fields:
    """The heads of the full layers, as newer files state them layer by layer. Raises InputError for anything else."""
    per_layer = f.required_section("per_layer_config")
    entries = [per_layer.required_section(str(name)) for name in per_layer.config]
    full = [layer for layer, kind in enumerate(kinds) if kind == FULL]
    layers_named = sorted(int(name) for name in per_layer.config if str(name).isdecimal() and len(str(name)) < 6)
    alike = all(entry.config == entries[0].config for entry in entries)
    if not entries or not alike or layers_named != full or set(entries[0].config) - {"head_dim", "num_key_value_heads"}:
        raise InputError("per_layer_config", "only the heads of the full-attention layers are understood")
    return entries[0]


def _gemma4_mlp(f: Fields, shares: bool) -> Mlp:
    hidden, width = hidden_size(f), f.size("intermediate_size")
    if not f.flag("enable_moe_block"):
        return DenseMlp(hidden, width * (2 if shares and f.flag("use_double_wide_mlp") else 1))
    sparse = experts(f)
    dense = DenseMlp(hidden, width)
    return replace(sparse, shared=dense, router_norm=hidden + sparse.experts, beside_mlp=True)
