"""Token mixers: attention of every kind and recurrent layers. Each knows its own arithmetic.

A mixer answers, for one layer and one sequence:
`tensors` (weights), `cache_elements(tokens)`, `state_elements`, `conv_state_elements`,
`attention_flops(new, cached)` and how many ranks its cache divides over (`cache_ways`).
"""

from dataclasses import dataclass

from estimator.tensors import Tensor


@dataclass(frozen=True, slots=True)
class Attention:
    """Multi-head, grouped-query and multi-query attention, full or over a sliding window."""

    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    value_dim: int = 0
    """Width of a value head where it differs from the key's (MiMo-V2); 0 is the same."""
    window: int = 0
    """Tokens a query can look back on; 0 is all of them."""
    chunked: bool = False
    """The window is a fixed chunk (Llama-4), not a sliding one."""
    qkv_bias: bool = False
    output_bias: bool = False
    head_norm: bool = False
    """RMSNorm over each query and key head (Qwen3, Gemma 3)."""
    full_width_norm: bool = False
    """RMSNorm over all query and all key heads together (OLMo-2, MiniMax-M2)."""
    gated: bool = False
    """q_proj also yields a gate of the same width (Qwen3-Next)."""
    sinks: bool = False
    """One learned logit per head (gpt-oss)."""
    stores_cache: bool = True
    """False where the layer reads an earlier layer's keys and values (Gemma 3n, Gemma 4 E)."""

    @property
    def v_dim(self) -> int:
        return self.value_dim or self.head_dim

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        q = self.heads * self.head_dim
        k, v = self.kv_heads * self.head_dim, self.kv_heads * self.v_dim
        tensors = [
            Tensor("q_proj", "attention", q * (2 if self.gated else 1), self.hidden),
            Tensor("o_proj", "attention", self.hidden, self.heads * self.v_dim, split="rows"),
        ]
        if self.stores_cache:
            tensors += [
                Tensor("k_proj", "attention", k, self.hidden, ways=self.kv_heads),
                Tensor("v_proj", "attention", v, self.hidden, ways=self.kv_heads),
            ]
        if self.qkv_bias:
            tensors.append(Tensor("qkv_bias", "norm", q + k + v))
        if self.output_bias:
            tensors.append(Tensor("o_bias", "norm", self.hidden, split="whole"))
        if self.head_norm:
            tensors.append(Tensor("qk_norm", "norm", self.head_dim, 1, 2 if self.stores_cache else 1, split="whole"))
        if self.full_width_norm:
            tensors.append(Tensor("qk_norm", "norm", q + k, split="whole"))
        if self.sinks:
            tensors.append(Tensor("sinks", "norm", self.heads))
        return tuple(tensors)

    @property
    def cache_ways(self) -> int:
        return self.kv_heads

    @property
    def cache_width(self) -> int:
        """Elements one cached token takes."""
        return self.kv_heads * (self.head_dim + self.v_dim) if self.stores_cache else 0

    def cache_elements(self, tokens: int) -> int:
        return self.cache_width * (min(tokens, self.window) if self.window else tokens)

    state_elements = 0
    conv_state_elements = 0

    def attention_flops(self, new: int, cached: int = 0) -> float:
        """FLOPs of scores and weighted values for `new` causal tokens after `cached` ones."""
        pairs = new * new / 2 + new * cached
        if self.window and new + cached > self.window:
            full = max(self.window - cached, 0)  # queries that still see every earlier token
            pairs = full * full / 2 + full * min(cached, self.window) + (new - full) * self.window
        return 2 * self.heads * (self.head_dim + self.v_dim) * pairs


@dataclass(frozen=True, slots=True)
class LatentAttention:
    """Multi-head latent attention (DeepSeek-V2, arXiv:2405.04434): one compressed vector per token."""

    hidden: int
    heads: int
    query_rank: int
    """Width of the compressed query; 0 where queries are projected directly."""
    kv_rank: int
    nope_dim: int
    rope_dim: int
    value_dim: int
    index_heads: int = 0
    index_dim: int = 0
    """Lightning indexer (DeepSeek-V3.2); 0 where the layer owns none."""
    index_top_k: int = 0

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        head = self.nope_dim + self.rope_dim
        query: tuple[Tensor, ...]
        if self.query_rank:
            query = (
                Tensor("q_a_proj", "attention", self.query_rank, self.hidden, split="whole"),
                Tensor("q_a_layernorm", "norm", self.query_rank, split="whole"),
                Tensor("q_b_proj", "attention", self.heads * head, self.query_rank),
            )
        else:
            query = (Tensor("q_proj", "attention", self.heads * head, self.hidden),)
        return (
            *query,
            Tensor("kv_a_proj_with_mqa", "attention", self.kv_rank + self.rope_dim, self.hidden, split="whole"),
            Tensor("kv_a_layernorm", "norm", self.kv_rank, split="whole"),
            Tensor("kv_b_proj", "attention", self.heads * (self.nope_dim + self.value_dim), self.kv_rank),
            Tensor("o_proj", "attention", self.hidden, self.heads * self.value_dim, split="rows"),
        )

    @property
    def cache_ways(self) -> int:
        return 1  # every tensor-parallel rank holds the whole latent cache

    @property
    def cache_width(self) -> int:
        return self.kv_rank + self.rope_dim

    def cache_elements(self, tokens: int) -> int:
        return tokens * self.cache_width

    state_elements = 0
    conv_state_elements = 0

    def attention_flops(self, new: int, cached: int = 0) -> float:
        """Prefill runs un-absorbed, so each head attends with nope + rope wide keys."""
        pairs = new * new / 2 + new * cached
        return 2 * self.heads * (self.nope_dim + self.rope_dim + self.value_dim) * pairs


Mixer = Attention | LatentAttention
