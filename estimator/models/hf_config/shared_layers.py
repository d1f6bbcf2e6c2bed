"""Readers of models in which layers share their weights: Zamba's transformer blocks between Mamba layers."""

from collections.abc import Sequence
from dataclasses import replace

from estimator.errors import InputError
from estimator.models.architecture import Architecture, Layer, LayerGroup
from estimator.models.hf_config.decoder import divides, hidden_size, norms, stack
from estimator.models.hf_config.fields import Fields
from estimator.models.hf_config.registry import reads
from estimator.models.mixers import Attention, Mamba1, Mamba2
from estimator.models.mlps import DenseMlp
from estimator.models.tensors import Tensor

HYBRID = "hybrid"
_KINDS = (HYBRID, "mamba", "linear_attention")
_NOTE = "{} transformer blocks share {} set{} of weights; each place has its own cache"


@reads(ZambaForCausalLM="zamba")
def zamba(f: Fields) -> Architecture:
    """Zamba (arXiv:2405.16712): Mamba-1, and one transformer block that comes back every few layers."""
    hidden = hidden_size(f)
    inner = f.factor("mamba_expand", default=2) * hidden
    divides("n_mamba_heads", f.size("n_mamba_heads", default=2), inner)
    given_rank = f.config.get("mamba_dt_rank", "auto")
    mamba = Mamba1(
        hidden=hidden,
        inner=inner,
        state=f.size("mamba_d_state", default=16),
        kernel=f.factor("mamba_d_conv", default=4),
        rank=-(-hidden // 16) if given_rank == "auto" else f.size("mamba_dt_rank"),
        conv_bias=f.flag("mamba_conv_bias", default=True),
        proj_bias=f.flag("mamba_proj_bias"),
    )
    if f.has("layers_block_type") or f.has("layer_types"):
        places = _hybrid_places(f)
    else:
        period, offset = f.size("attn_layer_period", default=6), f.count("attn_layer_offset", default=4)
        places = [2, *(layer + 3 for layer in range(f.layers() - 3) if layer % period == offset)]
    return _with_shared_block(f, Layer(mamba, None, norms(hidden, 1)), places, _shared_block(f), 1, ())


@reads(Zamba2ForCausalLM="zamba2")
def zamba2(f: Fields) -> Architecture:
    """Zamba 2 (arXiv:2411.15242): Mamba-2, transformer blocks used in turn, small adapters of each place's own."""
    hidden = hidden_size(f)
    f.refuse_unless("add_bias_linear", False)
    inner, heads = f.factor("mamba_expand", default=2) * hidden, f.size("n_mamba_heads", default=8)
    divides("n_mamba_heads", heads, inner)
    mamba = Mamba2(
        hidden=hidden,
        heads=heads,
        head_dim=inner // heads,
        groups=f.size("mamba_ngroups", default=1),
        state=f.size("mamba_d_state", default=64),
        kernel=f.factor("mamba_d_conv", default=4),
    )
    rank, wide = f.size("adapter_rank", default=128), 2 * hidden
    intermediate = f.size("intermediate_size", "ffn_hidden_size", default=4 * hidden)
    adapters = [Tensor("adapter_a", "mlp", rank, hidden), Tensor("adapter_b", "mlp", 2 * intermediate, rank)]
    if f.flag("use_shared_attention_adapter"):
        adapters += [
            Tensor("qkv_adapter_a", "attention", rank, wide, 3),
            Tensor("qkv_adapter_b", "attention", wide, rank, 3),
        ]
    places = _hybrid_places(f)
    sets = min(f.size("num_mem_blocks", default=1), len(places))
    layer = Layer(mamba, None, norms(hidden, 1))
    return _with_shared_block(f, layer, places, _shared_block(f), sets, tuple(adapters))


def _hybrid_places(f: Fields) -> list[int]:
    """The layers before which a shared block stands, from 0."""
    name = "layers_block_type" if f.has("layers_block_type") else "layer_types"
    if not f.has(name):
        raise f.missing("layers_block_type", "layer_types")
    places = [place for place, kind in enumerate(f.per_layer(name, f.layers(), _KINDS)) if kind == HYBRID]
    if not places:
        raise InputError(f"{f.path}.{name}".lstrip("."), "no hybrid layer, which would make it a Mamba model")
    return places


def _shared_block(f: Fields) -> Layer:
    """Attention over the stream beside the embedded token, which doubles its input, and a gated MLP."""
    hidden, heads = hidden_size(f), f.size("num_attention_heads")
    kv_heads = f.size("num_key_value_heads", default=heads)
    divides("num_key_value_heads", kv_heads, heads)
    divides("num_attention_heads", heads, 2 * hidden)
    mixer = Attention(
        hidden=hidden,
        heads=heads,
        kv_heads=kv_heads,
        head_dim=f.size("attention_head_dim", default=2 * hidden // heads),
        input_width=f.size("attention_hidden_size", default=2 * hidden),
    )
    mlp = DenseMlp(hidden, f.size("intermediate_size", "ffn_hidden_size", default=4 * hidden))
    return Layer(mixer, mlp, (*norms(mixer.input_width, 1), *norms(hidden, 1)))


def _with_shared_block(
    f: Fields, layer: Layer, places: Sequence[int], shared: Layer, sets: int, own: tuple[Tensor, ...]
) -> Architecture:
    """A stack of one kind of layer, with a block of shared weights at some places and what each of these owns."""
    hidden = hidden_size(f)
    joined = replace(layer, extras=(*layer.extras, Tensor("linear", "mlp", hidden, hidden), *own))
    chosen = set(places)
    kinds = [joined if place in chosen else layer for place in range(f.layers())]
    rotary = shared.mixer.head_dim if isinstance(shared.mixer, Attention) and f.flag("use_mem_rope") else 0
    alone = stack(f, kinds, tied=True, rotary=rotary)
    group = LayerGroup(len(places), shared, tuple(places), stored=sets)
    note = _NOTE.format(len(places), sets, "" if sets == 1 else "s")
    return replace(alone, groups=(*alone.groups, group), notes=(*alone.notes, note))
