"""Parts that most decoder-only readers share: heads, windows, norms, and the stack around the layers."""

from collections.abc import Sequence

from estimator.errors import InputError
from estimator.models.architecture import Architecture, Layer, grouped
from estimator.models.hf_config.class_defaults import MULTI_HEAD, OWN_HEAD_DIM
from estimator.models.hf_config.fields import Fields
from estimator.models.mixers import Attention
from estimator.models.mlps import DenseMlp
from estimator.models.tensors import Tensor

FULL, SLIDING = "full_attention", "sliding_attention"
_CONTEXT = ("max_position_embeddings", "n_positions", "max_seq_len", "seq_length", "model_max_length")
_DTYPES = {"bfloat16": "bf16", "float16": "fp16", "float32": "fp32", "auto": "bf16"}
_STATE_BYTES = {"bfloat16": 2, "float16": 2, "auto": 0, "float32": 4}


def hidden_size(f: Fields) -> int:
    """Width of the residual stream, in elements."""
    return f.size("hidden_size")


def attention(
    f: Fields,
    *,
    window: int = 0,
    qkv_bias: bool = False,
    output_bias: bool = False,
    head_norm: bool = False,
    full_width_norm: bool = False,
    separate_gate: bool = False,
    sinks: bool = False,
) -> Attention:
    """Grouped-query attention from the usual field names. Raises InputError where the heads do not divide."""
    hidden, heads = hidden_size(f), f.size("num_attention_heads")
    shared = "num_key_value_heads" in f.config or f.class_name in MULTI_HEAD
    kv_heads = f.size("num_key_value_heads", default=heads if shared else None)
    divides("num_key_value_heads", kv_heads, heads)
    return Attention(
        hidden=hidden,
        heads=heads,
        kv_heads=kv_heads,
        head_dim=head_dim(f, hidden, heads),
        window=window,
        qkv_bias=qkv_bias,
        output_bias=output_bias,
        head_norm=head_norm,
        full_width_norm=full_width_norm,
        separate_gate=separate_gate,
        sinks=sinks,
    )


def head_dim(f: Fields, hidden: int, heads: int) -> int:
    """Width of one head in elements: `head_dim` where it is given, else the hidden size shared by the heads."""
    if f.has("head_dim") or f.has("attention_head_dim") or f.class_name in OWN_HEAD_DIM:
        return f.size("head_dim", "attention_head_dim")
    if hidden % heads:
        raise InputError("num_attention_heads", f"{heads} heads do not divide the hidden size {hidden}; give head_dim")
    return hidden // heads


def divides(field: str, kv_heads: int, heads: int) -> None:
    """Raises InputError with the legal counts unless `kv_heads` divides `heads`."""
    if heads % kv_heads:
        legal = [str(each) for each in range(1, min(heads, 512) + 1) if heads % each == 0]
        raise InputError(field, f"{kv_heads} does not divide {heads} query heads; legal: {', '.join(legal)}")


def even_heads(hidden: int, heads: int, kv_heads: int = 0, *, bias: bool, output_bias: bool | None = None) -> Attention:
    """Attention whose heads share the hidden size evenly. Raises InputError where they can not."""
    if hidden % heads:
        raise InputError("num_attention_heads", f"{heads} heads do not divide the hidden size {hidden}")
    divides("num_kv_heads", kv_heads or heads, heads)
    output = bias if output_bias is None else output_bias
    return Attention(
        hidden=hidden,
        heads=heads,
        kv_heads=kv_heads or heads,
        head_dim=hidden // heads,
        qkv_bias=bias,
        output_bias=output,
    )


def plain_mlp(hidden: int, intermediate: int, bias: bool) -> DenseMlp:
    """A feed-forward layer of two matrices, without a gate."""
    return DenseMlp(hidden, intermediate, gated=False, bias=bias)


def norms(hidden: int, count: int, bias: bool = False) -> tuple[Tensor, ...]:
    """Tensors of `count` RMSNorms or LayerNorms of one block."""
    return (Tensor("layernorm", "norm", hidden, 1, count * (2 if bias else 1), split="whole"),) if count else ()


def window_of(f: Fields, *names: str) -> int:
    """The sliding window in tokens; 0 where it is absent, null, switched off or not shorter than the context."""
    window = f.count(*(names or ("sliding_window",)), default=0)
    if not f.flag("use_sliding_window", default=True):
        return 0
    return window if window < max_context(f) or not max_context(f) else 0


def windows(f: Fields, layers: int, *, every: int = 0, full: int | None = None) -> list[int]:
    """The window of each layer: as `layer_types` lists them, else full attention in each `every`-th layer.

    `full` is the place, from 0, of the first full one; the last of each `every` where it is not said. `every` 0 slides
    in all layers.
    """
    window = window_of(f)
    if f.has("layer_types"):
        kinds = f.per_layer("layer_types", layers, (FULL, SLIDING))
        if SLIDING in kinds and not f.has("sliding_window"):
            raise f.missing("sliding_window")
        return [window if kind == SLIDING else 0 for kind in kinds]
    if every and "sliding_window" not in f.config:
        raise f.missing("sliding_window")
    place = every - 1 if full is None else full
    return [0 if every and layer % every == place else window for layer in range(layers)]


def max_context(f: Fields) -> int:
    """Longest sequence in tokens; 0 where the configuration states no limit."""
    return f.size(*_CONTEXT, default=0, most=1 << 30)


def stack(
    f: Fields,
    layers: Sequence[Layer],
    *,
    tied: bool = False,
    final_norms: int = 1,
    norm_bias: bool = False,
    head_bias: bool = False,
    positions: int = 0,
    tables: tuple[Tensor, ...] = (),
    final: tuple[Tensor, ...] = (),
    mtp: tuple[Tensor, ...] = (),
    mtp_layers: int = 0,
    rotary: int | None = None,
    hidden: int = 0,
    vocabulary: int = 0,
) -> Architecture:
    """The architecture of a decoder: embedding, layers, final norm and head.

    `tied` is the class's default for tie_word_embeddings; `tables` are looked up beside the embedding, `final` stands
    beside the final norm.
    """
    hidden = hidden or hidden_size(f)
    vocabulary = vocabulary or f.size("vocab_size")
    embedding = [Tensor("embed_tokens", "embedding", vocabulary, hidden)]
    if positions:
        embedding.append(Tensor("embed_positions", "embedding", positions, hidden, split="whole"))
    bias = (Tensor("lm_head_bias", "norm", vocabulary),) if head_bias else ()
    unread = 0 if mtp else f.prediction_modules()
    return Architecture(
        class_name="",
        hidden=hidden,
        vocabulary=vocabulary,
        groups=grouped(layers),
        embedding=(*embedding, *tables),
        head=(Tensor("lm_head", "head", vocabulary, hidden),),
        final=(*norms(hidden, final_norms, norm_bias), *bias, *final),
        max_context=max_context(f),
        tied=f.flag("tie_word_embeddings", default=tied),
        dtype=dtype(f),
        mtp=mtp,
        rotary_dim=rotary_dim(f, layers) if rotary is None else rotary,
        state_element_bytes=state_element_bytes(f),
        rotary_positions=rotary_positions(f),
        mtp_layers=mtp_layers,
        mtp_missing=bool(unread),
        notes=(f"{unread} MTP modules of this class are not modelled and not counted",) if unread else (),
    )


def dtype(f: Fields) -> str:
    """The checkpoint's element type; bf16 where it is not stated. Raises InputError for a type that is no weight's."""
    name = f.text("dtype", "torch_dtype", default="bfloat16").removeprefix("torch.")
    if name not in _DTYPES:
        raise f.wrong("dtype" if f.has("dtype") else "torch_dtype", name, f"expected {', '.join(_DTYPES)}")
    return _DTYPES[name]


def rotary_dim(f: Fields, layers: Sequence[Layer]) -> int:
    """Number of rotated dimensions of a head."""
    if f.has("rotary_dim"):
        return f.size("rotary_dim")
    widths = [layer.mixer.head_dim for layer in layers if isinstance(layer.mixer, Attention)]
    rope = f.section("rope_parameters")
    share = f.number("partial_rotary_factor", "rotary_pct", "rope_pct", default=0) if not rope else 0
    if rope:
        share = rope.number("partial_rotary_factor", default=0) or f.number("partial_rotary_factor", default=0)
    return int(max(widths, default=0) * min(share or 1, 1))


def rotary_positions(f: Fields) -> int:
    """Rows of all rotary tables together: one table a setting, and linear or dynamic scaling stretches its own."""
    rope = f.section("rope_parameters") or f.section("rope_scaling")
    settings = [rope.section(kind) for kind in (FULL, SLIDING) if rope.has(kind)] if rope else []
    stretches = [_stretch(each) for each in (settings or [rope])]
    if f.has("rope_local_base_freq") and not settings:
        stretches.append(1.0)
    return int(max_context(f) * sum(stretches))


def _stretch(rope: Fields | None) -> float:
    if rope is None or rope.text("rope_type", "type", default="") not in ("linear", "dynamic"):
        return 1.0
    return min(max(rope.number("factor", default=1.0), 1.0), MOST_STRETCHED)


MOST_STRETCHED = 1024.0


def state_element_bytes(f: Fields) -> int:
    """Bytes of one element of a recurrent state: as the configuration names it, as the class has it, else 0."""
    usual = "float32" if f.class_name.startswith(FLOAT32_STATES) else "auto"
    name = f.text("mamba_ssm_dtype", "mamba_ssm_cache_dtype", default=usual).removeprefix("torch.")
    if name not in _STATE_BYTES:
        field = "mamba_ssm_dtype" if f.has("mamba_ssm_dtype") else "mamba_ssm_cache_dtype"
        raise f.wrong(field, name, f"expected {', '.join(_STATE_BYTES)}")
    return _STATE_BYTES[name]


FLOAT32_STATES = ("Qwen3_5", "NemotronH")
"""Classes whose configuration defaults to float32 states."""
