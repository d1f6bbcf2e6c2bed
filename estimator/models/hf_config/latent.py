"""Readers of models with latent attention: DeepSeek V2 to V4, Kimi, GLM-5, Mistral-4 and their kin."""

from dataclasses import replace

from estimator.models.architecture import Architecture, Layer
from estimator.models.hf_config.decoder import hidden_size, norms, stack
from estimator.models.hf_config.fields import Fields
from estimator.models.hf_config.moe import dense_first, experts, shared_width
from estimator.models.hf_config.registry import reads
from estimator.models.hf_config.shared_experts import deepseek_moe, with_next_token
from estimator.models.mixers import CompressedSparseAttention, Indexer, LatentAttention, Parallel
from estimator.models.mlps import DenseMlp, MixtureOfExperts
from estimator.models.tensors import Tensor


def latent_attention(f: Fields, indexer: Indexer | None = None) -> LatentAttention:
    """Multi-head latent attention from DeepSeek's names. Raises InputError where the model switches it off.

    `q_lora_rank: null` projects queries directly; absent is asked for, as classes default differently.
    `num_key_value_heads` is ignored: there is one latent vector whatever it says.
    """
    f.refuse_unless("use_mla", True)
    return LatentAttention(
        hidden=hidden_size(f),
        heads=f.size("num_attention_heads"),
        query_rank=0 if f.is_null("q_lora_rank") else f.count("q_lora_rank", default=None),
        kv_rank=f.size("kv_lora_rank"),
        nope_dim=f.size("qk_nope_head_dim"),
        rope_dim=f.count("qk_rope_head_dim", default=None),
        value_dim=f.size("v_head_dim"),
        indexer=indexer,
        sparse_top_k=indexer.top_k if indexer else 0,
        bias=f.flag("attention_bias"),
    )


def router_bias(f: Fields) -> bool:
    """Whether the router has a score-correction bias: it comes with DeepSeek-V3's `noaux_tc` selection."""
    method = f.text("topk_method", default="" if f.class_name == "DeepseekV2ForCausalLM" else "noaux_tc")
    return method == "noaux_tc"


@reads(
    DeepseekV2ForCausalLM="deepseek_v2",
    DeepseekV3ForCausalLM="deepseek_v3 kimi_k2",
    MistralLarge3ForCausalLM="",
    Glm4MoeLiteForCausalLM="glm4_moe_lite",
    Mistral4ForCausalLM="mistral4",
)
def deepseek(f: Fields) -> Architecture:
    """DeepSeek-V2 and V3 (arXiv:2412.19437), Kimi K2, GLM-4.7-Flash and Mistral 4: latent attention over experts."""
    if _has_ordinary_heads(f):
        return deepseek_moe(Fields(f.config, f.path, "DeepseekForCausalLM"))
    mixer = latent_attention(f)
    corrected = router_bias(f) and f.class_name != "Mistral4ForCausalLM"
    sparse = experts(f, shared=shared_width(f), router_bias=corrected)
    around = norms(hidden_size(f), 2)
    layers = [Layer(mixer, mlp, around) for mlp in dense_first(f, f.layers(), sparse)]
    return with_next_token(f, layers, Layer(mixer, sparse, around), rotary=mixer.rope_dim)


def _has_ordinary_heads(f: Fields) -> bool:
    """Whether a small model of DeepSeek-V2's class, such as DeepSeek-OCR's, has DeepSeek-MoE's multi-head attention."""
    return f.class_name == "DeepseekV2ForCausalLM" and not f.flag("use_mla", default=True)


@reads(MiniCPM3ForCausalLM="minicpm3", YoutuForCausalLM="youtu")
def dense_latent(f: Fields) -> Architecture:
    """MiniCPM3 and its kin: latent attention over dense MLPs."""
    mixer = latent_attention(f)
    mlp = DenseMlp(hidden_size(f), f.size("intermediate_size"), bias=f.flag("mlp_bias"))
    layer = Layer(mixer, mlp, norms(hidden_size(f), 2))
    return stack(f, [layer] * f.layers(), tied=True, rotary=mixer.rope_dim)


def indexer_owners(f: Fields, layers: int) -> list[bool]:
    """The layers that run an indexer; the others reuse the last one's choice.

    As listed, as a pattern of letters, or every `index_topk_freq`-th behind the first layers (GlmMoeDsaConfig).
    """
    if f.has("indexer_types"):
        return [kind == "full" for kind in f.per_layer("indexer_types", layers, ("full", "shared"))]
    if f.has("index_topk_pattern"):
        pattern = f.text("index_topk_pattern")
        if len(pattern) != layers or set(pattern) - {"F", "S"}:
            raise f.wrong("index_topk_pattern", pattern, f"expected F or S for each of {layers} layers")
        return [letter == "F" for letter in pattern]
    every, first = f.size("index_topk_freq", default=1), f.count("index_skip_topk_offset", default=2)
    return [max(layer - first + 1, 0) % every == 0 for layer in range(layers)]


@reads(DeepseekV32ForCausalLM="deepseek_v32", GlmMoeDsaForCausalLM="glm_moe_dsa")
def sparse_deepseek(f: Fields) -> Architecture:
    """DeepSeek-V3.2 and GLM-5: latent attention behind a lightning indexer.

    Layers marked "shared" reuse the choice of the last "full" one.
    """
    if f.is_null("q_lora_rank"):
        raise f.wrong("q_lora_rank", None, "the indexer projects the compressed query, so there must be one")
    indexer = Indexer(f.size("index_n_heads"), f.size("index_head_dim"), f.size("index_topk"))
    owner = latent_attention(f, indexer)
    reuser = replace(owner, indexer=None)
    count = f.layers()
    owns = indexer_owners(f, count)
    sparse = experts(f, shared=shared_width(f), router_bias=True)
    around = norms(hidden_size(f), 2)
    layers = [
        Layer(owner if owned else reuser, mlp, around)
        for owned, mlp in zip(owns, dense_first(f, count, sparse), strict=True)
    ]
    return with_next_token(f, layers, Layer(owner, sparse, around), rotary=owner.rope_dim)


@reads(LongcatFlashForCausalLM="longcat_flash")
def longcat(f: Fields) -> Architecture:
    """LongCat-Flash: two attentions and two dense MLPs per layer beside experts, some of which pass tokens through."""
    hidden, mixer = hidden_size(f), latent_attention(f)
    f.refuse_unless("router_bias", False)
    real, empty = f.size("n_routed_experts", most=1 << 16), f.count("zero_expert_num", most=1 << 16)
    per_token = max(f.size("moe_topk") * real // (real + empty), 1)  # on average; the rest are empty experts
    dense = DenseMlp(hidden, 2 * f.size("ffn_hidden_size", "intermediate_size"))
    routed = MixtureOfExperts(
        hidden=hidden,
        experts=real,
        per_token=per_token,
        intermediate=f.size("expert_ffn_hidden_size"),
        shared=dense,
        router_bias=True,
    )
    passing = (Tensor("zero_router", "router", empty, hidden, split="whole"), Tensor("zero_bias", "norm", empty))
    around = (*norms(hidden, 4), *(passing if empty else ()))
    return stack(f, [Layer(Parallel((mixer, mixer)), routed, around)] * f.layers(), rotary=mixer.rope_dim)


INDEXED_RATIO = 4
"""Tokens pooled into one where DeepSeek-V4 chooses among them with an indexer."""


@reads(DeepseekV4ForCausalLM="deepseek_v4")
def deepseek_v4(f: Fields) -> Architecture:
    """DeepSeek-V4: compressed sparse attention and hyper-connections; the first layers route by a table of
    token ids.
    """
    f.refuse_unless("mlp_bias", False)
    f.refuse_unless("n_shared_experts", 1)
    hidden, count = hidden_size(f), f.layers()
    ratios = _compress_ratios(f, count)
    indexer = Indexer(f.size("index_n_heads"), f.size("index_head_dim"), f.size("index_topk"))
    sparse = experts(f, shared=shared_width(f), router_bias=True)
    hashed = f.count("num_hash_layers", default=_hash_layers(f, count))
    table = Tensor("tid2eid", "norm", f.size("vocab_size"), sparse.per_token, split="whole")
    streams = f.factor("hc_mult")
    around = (*norms(hidden, 2), *hyper_connections(hidden, streams))
    mixers = {
        ratio: CompressedSparseAttention(
            hidden=hidden,
            heads=f.size("num_attention_heads"),
            head_dim=f.size("head_dim"),
            query_rank=f.size("q_lora_rank"),
            output_rank=f.size("o_lora_rank"),
            output_groups=f.size("o_groups"),
            window=f.size("sliding_window"),
            ratio=ratio,
            indexer=indexer if ratio == INDEXED_RATIO else None,
        )
        for ratio in {0, *ratios}
    }
    by_table = replace(sparse, router_bias=False)
    layers = [
        Layer(mixers[ratio], by_table if place < hashed else sparse, (*around, table) if place < hashed else around)
        for place, ratio in enumerate(ratios)
    ]
    merge = (Tensor("hc_head", "norm", streams, streams * hidden), Tensor("hc_head_base", "norm", streams + 1))
    modules = f.prediction_modules()
    projections = Tensor("e_proj_h_proj", "router", hidden, hidden, 2, split="whole")
    module = (*Layer(mixers[0], sparse, around).tensors, projections, *norms(hidden, 3), *merge)
    rotary = f.size(
        "qk_rope_head_dim", default=max(int(f.size("head_dim") * f.number("partial_rotary_factor", default=0.125)), 1)
    )
    return stack(f, layers, rotary=rotary, final=merge, mtp=module * modules, mtp_layers=modules)


def _compress_ratios(f: Fields, layers: int) -> list[int]:
    """Tokens pooled into one, by layer: as published, or by the words of newer configurations."""
    if f.has("compress_ratios"):
        return f.choices("compress_ratios", layers)
    rates = f.required_section("compress_rates")
    rates.refuse_unless("compressed_sparse_attention", INDEXED_RATIO)
    heavy, indexed = "heavily_compressed_attention", "compressed_sparse_attention"
    kinds = [heavy if place < 2 or place % 2 == 0 else indexed for place in range(layers)]  # DeepseekV4Config
    if f.has("layer_types"):
        kinds = f.per_layer("layer_types", layers, ("sliding_attention", *map(str, rates.config)))
    return [0 if kind == "sliding_attention" else rates.size(kind) for kind in kinds]


def _hash_layers(f: Fields, layers: int) -> int:
    """Layers that route by a table: as listed, else the class's default of three."""
    if not f.has("mlp_layer_types"):
        return min(3, layers)
    return f.per_layer("mlp_layer_types", layers, ("hash_moe", "moe")).count("hash_moe")


def hyper_connections(hidden: int, streams: int) -> tuple[Tensor, ...]:
    """Mixing weights of the residual streams, around attention and around the MLP (hyper-connections,
    arXiv:2512.24880).
    """
    mixes = (2 + streams) * streams
    return (
        Tensor("hc_fn", "norm", mixes, streams * hidden, 2, "whole"),
        Tensor("hc_base_scale", "norm", mixes + 3, 1, 2, "whole"),
    )
