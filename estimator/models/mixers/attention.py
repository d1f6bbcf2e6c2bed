"""Softmax attention over cached keys and values: multi-head, grouped-query, multi-query, windowed, cross."""

from estimator.models.mixers.base import Mixer, causal_pairs
from estimator.models.tensors import Tensor
from estimator.records import record


@record(frozen=True, slots=True)
class Attention(Mixer):
    """Multi-head, grouped-query (arXiv:2305.13245) and multi-query attention, full or over a window."""

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
    head_norm_bias: bool = False
    full_width_norm: bool = False
    """RMSNorm over all query and all key heads together (OLMo-2, MiniMax-M2)."""
    gated: bool = False
    """q_proj also yields a gate of the same width (Qwen3-Next)."""
    separate_gate: bool = False
    """A matrix of its own yields that gate (AFMoE)."""
    head_gate: bool = False
    """One gate per head, from a small projection (Step-3.5)."""
    sinks: bool = False
    """One learned logit per head (gpt-oss)."""
    shared_projection: bool = False
    """Values are the un-rotated keys: no v_proj, yet both are cached (Gemma 4's attention_k_eq_v)."""
    stores_cache: bool = True
    """False where the layer reads an earlier layer's keys and values (Gemma 3n, Gemma 4 E)."""
    index_heads: int = 0
    """Heads of a block-sparse index branch (MiniMax-M3); 0 where the layer has none."""
    index_dim: int = 0
    input_width: int = 0
    """Width that queries, keys and values are projected from, where it is not the stream's (Zamba); 0 is the same."""
    bidirectional: bool = False
    """Every token attends to all others of its text (encoders), so nothing is cached."""

    @property
    def v_dim(self) -> int:
        return self.value_dim or self.head_dim

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        q, taken = self.heads * self.head_dim, self.input_width or self.hidden
        k, v = self.kv_heads * self.head_dim, self.kv_heads * self.v_dim
        tensors = [
            Tensor("q_proj", "attention", q * (2 if self.gated else 1), taken),
            Tensor("o_proj", "attention", self.hidden, self.heads * self.v_dim, split="rows"),
        ]
        if not self.stores_cache:
            k = v = 0
        elif self.shared_projection:
            v = 0
        if k:
            tensors.append(Tensor("k_proj", "attention", k, taken, ways=self.kv_heads))
        if v:
            tensors.append(Tensor("v_proj", "attention", v, taken, ways=self.kv_heads))
        if self.separate_gate:
            tensors.append(Tensor("gate_proj", "attention", self.heads * self.v_dim, self.hidden))
        if self.head_gate:
            tensors.append(Tensor("g_proj", "attention", self.heads, self.hidden))
        return (*tensors, *self._vectors(q, k, v), *self._index)

    def _vectors(self, q: int, k: int, v: int) -> tuple[Tensor, ...]:
        tensors = []
        if self.qkv_bias:
            tensors.append(Tensor("qkv_bias", "norm", q + k + v))
        if self.output_bias:
            tensors.append(Tensor("o_bias", "norm", self.hidden, split="whole"))
        if self.head_norm:
            vectors = (2 if k else 1) * (2 if self.head_norm_bias else 1)
            tensors.append(Tensor("qk_norm", "norm", self.head_dim, 1, vectors, split="whole"))
        if self.full_width_norm:
            tensors.append(Tensor("qk_norm", "norm", q + k, split="whole"))
        if self.sinks:
            tensors.append(Tensor("sinks", "norm", self.heads))
        return tuple(tensors)

    @property
    def _index(self) -> tuple[Tensor, ...]:
        if not self.index_heads:
            return ()
        return (
            Tensor("index_q_proj", "attention", self.index_heads * self.index_dim, self.hidden, split="whole"),
            Tensor("index_k_proj", "attention", self.index_dim, self.hidden, split="whole"),
            Tensor("index_norm", "norm", self.index_dim, 1, 2, split="whole"),
        )

    @property
    def normed_across_heads(self) -> bool:
        return self.full_width_norm

    @property
    def cache_ways(self) -> int:
        return self.kv_heads

    @property
    def cache_width(self) -> int:
        return self._read_width if self.stores_cache and not self.bidirectional else 0

    @property
    def index_width(self) -> int:
        return self.index_dim if self.index_heads else 0

    @property
    def query_heads(self) -> int:
        return self.heads

    @property
    def key_value_heads(self) -> int:
        return self.kv_heads

    @property
    def has_sinks(self) -> bool:
        return self.sinks

    @property
    def cached_head_dim(self) -> int:
        return self.head_dim

    @property
    def decode_head_width(self) -> int:
        return self.head_dim + self.v_dim

    @property
    def read_growing_width(self) -> float:
        return 0 if self.window else self._read_width

    @property
    def read_window_width(self) -> float:
        return self._read_width if self.window else 0

    @property
    def _read_width(self) -> int:
        return 0 if self.bidirectional else self.kv_heads * (self.head_dim + self.v_dim)

    @property
    def key_width(self) -> int:
        return self.kv_heads * self.head_dim if self.cache_width else 0

    @property
    def value_width(self) -> int:
        return self.kv_heads * self.v_dim if self.cache_width else 0

    def attention_flops(self, new: int, cached: int = 0) -> float:
        """FLOPs of scores and weighted values of `new` tokens after `cached` ones; an encoder's window lies around each
        token.
        """
        if self.bidirectional:
            pairs = float(new * min(new + cached, self.window or new + cached))
        else:
            pairs = causal_pairs(new, cached, self.window, self.chunked)
        return 2 * self.heads * (self.head_dim + self.v_dim) * pairs


@record(frozen=True, slots=True)
class RoutedAttention(Attention):
    """Attention whose query and output projections are experts, beside those of the MLP (JetMoE, arXiv:2404.07413):
    every head that a token's experts bring attends to the same keys and values.
    """

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        width = self.kv_heads * self.head_dim
        return tuple(Tensor(name, "attention", width, self.hidden, ways=self.kv_heads) for name in ("k_proj", "v_proj"))


@record(frozen=True, slots=True)
class CrossAttention(Mixer):
    """Attention over an encoder's output or an image, whose keys and values are computed once."""

    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    head_norm: bool = False
    qkv_bias: bool = False
    output_bias: bool = False

    module = "cross_attn"

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        norms = (Tensor("qk_norm", "norm", self.head_dim, 1, 2, split="whole"),) if self.head_norm else ()
        return (
            Tensor("q_proj", "attention", self.heads * self.head_dim, self.hidden),
            Tensor("k_proj", "attention", self.kv_heads * self.head_dim, self.hidden, ways=self.kv_heads),
            Tensor("v_proj", "attention", self.kv_heads * self.head_dim, self.hidden, ways=self.kv_heads),
            Tensor("o_proj", "attention", self.hidden, self.heads * self.head_dim, split="rows"),
            *norms,
            *self._biases,
        )

    @property
    def _biases(self) -> tuple[Tensor, ...]:
        width = (self.heads + 2 * self.kv_heads) * self.head_dim
        biases = (Tensor("qkv_bias", "norm", width),) if self.qkv_bias else ()
        return (*biases, Tensor("o_bias", "norm", self.hidden, split="whole")) if self.output_bias else biases

    @property
    def cache_ways(self) -> int:
        return self.kv_heads

    @property
    def query_heads(self) -> int:
        return self.heads

    @property
    def key_value_heads(self) -> int:
        return self.kv_heads

    @property
    def cross_width(self) -> int:
        return 2 * self.kv_heads * self.head_dim
