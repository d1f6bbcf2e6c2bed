"""Attention over compressed keys and values: MLA, its sparse indexer, DeepSeek-V4's compressed attention."""

from estimator.models.mixers.base import Mixer, causal_pairs
from estimator.models.tensors import Tensor
from estimator.records import record


@record(frozen=True, slots=True)
class Indexer:
    """Lightning indexer (DeepSeek-V3.2): small heads that choose the `top_k` tokens worth attending to."""

    heads: int
    dim: int
    top_k: int
    pool_tokens: int = 0
    """Tokens whose keys are pooled before they are scored (the hybrid GLM-5); 0 scores every token."""

    def flops(self, new: int, cached: int) -> float:
        """FLOPs of scoring `new` causal tokens against every key that the indexer keeps."""
        return 2 * self.heads * self.dim * causal_pairs(new, cached) / (self.pool_tokens or 1)

    def tensors(self, hidden: int, query_rank: int) -> tuple[Tensor, ...]:
        """Tensors of the indexer in one layer. Tensor parallelism does not divide it: every rank runs it whole."""
        pooling = (
            (
                Tensor("indexer.pool_ape", "norm", self.pool_tokens, self.dim, split="whole"),
                Tensor("indexer.pool_gate", "attention", self.dim, hidden, split="whole"),
            )
            if self.pool_tokens
            else ()
        )
        return (
            *pooling,
            Tensor("indexer.wq_b", "attention", self.heads * self.dim, query_rank, split="whole"),
            Tensor("indexer.wk", "attention", self.dim, hidden, split="whole"),
            Tensor("indexer.weights_proj", "router", self.heads, hidden, split="whole"),
            Tensor("indexer.k_norm", "norm", self.dim, 1, 2, split="whole"),
        )


@record(frozen=True, slots=True)
class LatentAttention(Mixer):
    """Multi-head latent attention (DeepSeek-V2, arXiv:2405.04434): one compressed vector per token."""

    hidden: int
    heads: int
    query_rank: int
    """Width of the compressed query; 0 where queries are projected directly."""
    kv_rank: int
    nope_dim: int
    rope_dim: int
    value_dim: int
    indexer: Indexer | None = None
    """DeepSeek-V3.2's; None where the layer owns none."""
    sparse_top_k: int = 0
    """Tokens attended to, by this layer's or an earlier layer's indexer; 0 is all."""
    bias: bool = False
    """Biases on the down-projections and the output (attention_bias)."""
    separate_gate: bool = False
    """A matrix of its own gates the output (Kimi-K3)."""
    head_gate: bool = False
    """One gate per head, from a small projection (Ling hybrid)."""
    sinks: bool = False
    """One learned logit per head (Hunyuan V4)."""
    window: int = 0
    """Tokens a query can look back on; 0 is all of them."""
    gated_queries: bool = False
    """One matrix yields queries and output gates, from the compressed query before and after its norm (A.X K2)."""
    rope_norm: bool = False
    """RMSNorm over the rotated part of the keys (dots3)."""

    is_latent = True

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        head = self.nope_dim + self.rope_dim
        query: tuple[Tensor, ...]
        if self.gated_queries:
            query = (
                Tensor("q_a_proj", "attention", self.query_rank, self.hidden, split="whole"),
                Tensor("q_a_layernorm", "norm", self.query_rank, split="whole"),
                Tensor("q_gate_proj", "attention", self.heads * (head + self.value_dim), 2 * self.query_rank),
            )
        elif self.query_rank:
            query = (
                Tensor("q_a_proj", "attention", self.query_rank, self.hidden, split="whole"),
                Tensor("q_a_layernorm", "norm", self.query_rank, split="whole"),
                Tensor("q_b_proj", "attention", self.heads * head, self.query_rank),
            )
        else:
            query = (Tensor("q_proj", "attention", self.heads * head, self.hidden),)
        value = self.heads * self.value_dim
        gate = (Tensor("g_proj", "attention", value, self.hidden),) if self.separate_gate else ()
        if self.head_gate:
            gate = (*gate, Tensor("g_proj", "attention", self.heads, self.hidden))
        biases = self.query_rank + self.kv_rank + self.rope_dim + self.hidden
        if self.sinks:
            gate = (*gate, Tensor("sinks", "norm", self.heads))
        bias = (Tensor("bias", "norm", biases, split="whole"),) if self.bias else ()
        if self.rope_norm:
            bias = (*bias, Tensor("k_rope_norm", "norm", self.rope_dim, split="whole"))
        return (
            *query,
            Tensor("kv_a_proj_with_mqa", "attention", self.kv_rank + self.rope_dim, self.hidden, split="whole"),
            Tensor("kv_a_layernorm", "norm", self.kv_rank, split="whole"),
            Tensor("kv_b_proj", "attention", self.heads * (self.nope_dim + self.value_dim), self.kv_rank),
            *gate,
            Tensor("o_proj", "attention", self.hidden, value, split="rows"),
            *bias,
            *(self.indexer.tensors(self.hidden, self.query_rank or self.hidden) if self.indexer else ()),
        )

    @property
    def cache_width(self) -> int:
        return self.kv_rank + self.rope_dim  # one copy, and every tensor-parallel rank holds it (cache_ways = 1)

    @property
    def index_width(self) -> int:
        return self.indexer.dim if self.indexer else 0

    @property
    def query_heads(self) -> int:
        return self.heads

    @property
    def decode_head_width(self) -> int:
        return 2 * self.kv_rank + self.rope_dim

    @property
    def attended_tokens(self) -> int:
        return self.sparse_top_k

    @property
    def key_width(self) -> int:
        return self.cache_width

    @property
    def value_width(self) -> int:
        return self.kv_rank

    @property
    def expanded_key_width(self) -> int:
        return self.heads * (self.nope_dim + self.rope_dim)

    @property
    def expanded_value_width(self) -> int:
        return self.heads * self.value_dim

    def attention_flops(self, new: int, cached: int = 0) -> float:
        """FLOPs of attention un-absorbed, as prefill runs it: each head attends with nope + rope wide keys."""
        pairs = causal_pairs(new, cached, self.sparse_top_k or self.window)
        return 2 * self.heads * (self.nope_dim + self.rope_dim + self.value_dim) * pairs + self._choice_flops(
            new, cached
        )

    def decode_flops(self, new: int, cached: int = 0) -> float:
        """FLOPs of attention absorbed, as decode runs it: every head attends over the latent vectors themselves."""
        pairs = causal_pairs(new, cached, self.sparse_top_k or self.window)
        return 2 * self.heads * (2 * self.kv_rank + self.rope_dim) * pairs + self._choice_flops(new, cached)

    def unfilled_flops(self, new: int, cached: int = 0) -> float:
        free = max(new * self.sparse_top_k - causal_pairs(new, cached, self.sparse_top_k), 0.0)
        return 2 * self.heads * (2 * self.kv_rank + self.rope_dim) * free

    def _choice_flops(self, new: int, cached: int) -> float:
        """FLOPs of choosing the tokens; 0 without an indexer."""
        return self.indexer.flops(new, cached) if self.indexer else 0.0


@record(frozen=True, slots=True)
class CompressedSparseAttention(Mixer):
    """Attention of DeepSeek-V4: one shared key-value head, the last tokens raw and the older ones pooled `ratio` to
    one.
    """

    hidden: int
    heads: int
    head_dim: int
    query_rank: int
    output_rank: int
    output_groups: int
    window: int = 128
    ratio: int = 0
    """Tokens pooled into one cached vector; 0 keeps only the window."""
    indexer: Indexer | None = None
    """Chooses among the pooled vectors; its keys are pooled alike."""

    is_latent = True

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        width = self.heads * self.head_dim
        tensors = [
            Tensor("wq_a", "attention", self.query_rank, self.hidden, split="whole"),
            Tensor("wq_b", "attention", width, self.query_rank),
            Tensor("wkv", "attention", self.head_dim, self.hidden, split="whole"),
            Tensor("wo_a", "attention", self.output_rank, width, split="rows"),
            Tensor("wo_b", "attention", self.hidden, self.output_groups * self.output_rank, split="rows"),
            Tensor("norms", "norm", self.query_rank + self.head_dim, split="whole"),
            Tensor("attn_sink", "norm", self.heads),
        ]
        if self.ratio:
            tensors += _compressor("compressor", self.hidden, self.head_dim, self.ratio, self._overlapping)
        if self.indexer:
            tensors += [
                Tensor("indexer.wq_b", "attention", self.indexer.heads * self.indexer.dim, self.query_rank, 1, "whole"),
                Tensor("indexer.weights_proj", "router", self.indexer.heads, self.hidden, split="whole"),
                *_compressor("indexer.compressor", self.hidden, self.indexer.dim, self.ratio, self._overlapping),
            ]
        return tuple(tensors)

    @property
    def _overlapping(self) -> bool:
        """Low ratios pool overlapping spans, with two projections each."""
        return self.ratio == 4

    @property
    def cache_width(self) -> float:
        return self.growing_width

    @property
    def growing_width(self) -> float:
        return self.head_dim / self.ratio if self.ratio else 0

    @property
    def window_width(self) -> float:
        return self.head_dim  # keys and values are the same vector

    @property
    def index_width(self) -> float:
        return self.indexer.dim / self.ratio if self.indexer else 0

    @property
    def query_heads(self) -> int:
        return self.heads

    @property
    def attended_tokens(self) -> int:
        return self.indexer.top_k * self.ratio if self.indexer else 0

    def attention_flops(self, new: int, cached: int = 0) -> float:
        pairs = causal_pairs(new, cached, self.window)
        flops = 0.0
        if self.ratio:
            pairs += causal_pairs(new, cached, self.attended_tokens) / self.ratio
        if self.indexer:
            flops = self.indexer.flops(new, cached) / self.ratio
        return flops + 4 * self.heads * self.head_dim * pairs


def _compressor(name: str, hidden: int, dim: int, ratio: int, overlapping: bool) -> list[Tensor]:
    spans = 2 if overlapping else 1
    return [
        Tensor(f"{name}.ape", "norm", ratio, spans * dim, split="whole"),
        Tensor(f"{name}.wkv_gate", "attention", 2 * spans * dim, hidden, split="whole"),
        Tensor(f"{name}.norm", "norm", dim, split="whole"),
    ]
