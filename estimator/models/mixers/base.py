"""The questions that every token mixer answers, for one layer and one sequence."""

from abc import ABC, abstractmethod

from estimator.models.tensors import Tensor
from estimator.records import record


class Mixer(ABC):
    """A token mixer of one layer and what it answers, in elements per sequence; what its kind lacks is 0."""

    __slots__ = ()

    module = "self_attn"
    """Name of the mixer's module in published checkpoints."""

    state_element_bytes = 0
    """Bytes of one element of the recurrent state where the kind fixes them; 0 leaves it to the configuration."""

    is_latent = False
    """Whether all heads share one compressed vector per token in the cache (MLA and DeepSeek-V4)."""

    chunked = False
    """Whether the window is a fixed chunk of the sequence (Llama-4) rather than the last tokens."""

    @property
    @abstractmethod
    def tensors(self) -> tuple[Tensor, ...]:
        """Every tensor of the mixer, weights and biases."""

    @property
    def cache_width(self) -> float:
        """Elements that one cached token takes in this layer."""
        return 0

    @property
    def window(self) -> int:
        """Number of last tokens whose cache this layer keeps; 0 is all of them."""
        return 0

    @property
    def growing_width(self) -> float:
        """Elements of cache that every further token adds for good in this layer."""
        return 0 if self.window else self.cache_width

    @property
    def window_width(self) -> float:
        """Elements of cache per token that this layer keeps for the last `window` tokens only."""
        return self.cache_width if self.window else 0

    @property
    def index_width(self) -> float:
        """Elements per token of the keys of a sparse-attention indexer; not part of `cache_elements`."""
        return 0

    @property
    def cross_width(self) -> float:
        """Elements of cache per source token (encoder output, image), independent of the generated text."""
        return 0

    @property
    def state_elements(self) -> int:
        """Elements of this layer's recurrent state for one sequence, whatever its length."""
        return 0

    @property
    def conv_state_elements(self) -> int:
        return 0

    @property
    def cache_ways(self) -> int:
        """The most tensor-parallel ranks over which this layer's cache divides; further ranks hold copies."""
        return 1

    @property
    def query_heads(self) -> int:
        """Query heads of softmax attention, which tensor parallelism must divide; 0 for recurrent mixers."""
        return 0

    @property
    def normed_across_heads(self) -> bool:
        """Whether a norm spans the heads of all tensor-parallel ranks, which then sum its squares up between them."""
        return False

    @property
    def key_value_heads(self) -> int:
        """Key-value heads of attention that caches each head's own vectors; 0 for every other mixer."""
        return 0

    @property
    def delta_heads(self) -> int:
        """Heads of a delta rule, whose state a prompt's chunks correct one after the other; 0 for every other mixer."""
        return 0

    @property
    def has_sinks(self) -> bool:
        """Whether softmax counts a learned logit per head beside those of the tokens (gpt-oss)."""
        return False

    @property
    def cached_head_dim(self) -> int:
        """Elements of one cached head's vector, where each head has its own; 0 where heads share a vector."""
        return 0

    @property
    def decode_head_width(self) -> int:
        """Elements that decode attention takes and gives per query head: its query and its output."""
        return 0

    @property
    def read_growing_width(self) -> float:
        """Elements that decode reads for every token before it, also where an earlier layer caches them."""
        return self.growing_width

    @property
    def read_window_width(self) -> float:
        """Elements that decode reads for each of the last `window` tokens, also where an earlier layer caches them."""
        return self.window_width

    @property
    def attended_tokens(self) -> int:
        """Cached tokens that one query attends to, where an indexer chooses them; 0 is all."""
        return 0

    @property
    def key_width(self) -> int:
        """Elements of one token's cached keys, the latent vector included."""
        return 0

    @property
    def value_width(self) -> int:
        """Elements of one token's values: cached beside the keys, or the part of the latent vector that serves."""
        return 0

    @property
    def expanded_key_width(self) -> int:
        """Elements of one token's keys of all heads, where a latent vector is expanded before it is cached."""
        return self.key_width

    @property
    def expanded_value_width(self) -> int:
        """Elements of one token's values of all heads, where a latent vector is expanded before it is cached."""
        return self.value_width

    @property
    def convolved_tokens(self) -> int:
        """Tokens that a short convolution keeps per sequence: its kernel less one; 0 without a convolution."""
        return 0

    def cache_elements(self, tokens: int) -> int:
        """Elements of keys and values of `tokens` tokens in this layer, before any replication over ranks."""
        return int(tokens * self.growing_width + min(tokens, self.window) * self.window_width)

    def attention_flops(self, new: int, cached: int = 0) -> float:
        """FLOPs outside the projections for `new` causal tokens after `cached` ones, as prefill runs them."""
        return 0.0

    def decode_flops(self, new: int, cached: int = 0) -> float:
        """FLOPs outside the projections for `new` tokens after `cached` ones, as decode runs them."""
        return self.attention_flops(new, cached)

    def unfilled_flops(self, new: int, cached: int = 0) -> float:
        """FLOPs that sparse attention spends, as decode runs it, on tokens that it could choose and that are not there;
        0 where nothing is chosen.
        """
        return 0.0


@record(frozen=True, slots=True)
class Parallel(Mixer):
    """Several mixers in one block: T5's self and cross attention, Falcon-H1's attention beside Mamba."""

    parts: tuple[Mixer, ...]

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        return tuple(tensor for part in self.parts for tensor in part.tensors)

    @property
    def cache_width(self) -> float:
        return sum(part.cache_width for part in self.parts)

    @property
    def window(self) -> int:
        return max(part.window for part in self.parts)

    @property
    def growing_width(self) -> float:
        return sum(part.growing_width for part in self.parts)

    @property
    def window_width(self) -> float:
        return sum(part.window_width for part in self.parts)

    @property
    def index_width(self) -> float:
        return sum(part.index_width for part in self.parts)

    @property
    def cross_width(self) -> float:
        return sum(part.cross_width for part in self.parts)

    @property
    def state_elements(self) -> int:
        return sum(part.state_elements for part in self.parts)

    @property
    def conv_state_elements(self) -> int:
        return sum(part.conv_state_elements for part in self.parts)

    @property
    def cache_ways(self) -> int:
        return min((part.cache_ways for part in self.parts if part.cache_width), default=1)

    @property
    def query_heads(self) -> int:
        return min((part.query_heads for part in self.parts if part.query_heads), default=0)

    @property
    def key_value_heads(self) -> int:
        return min((part.key_value_heads for part in self.parts if part.key_value_heads), default=0)

    @property
    def read_growing_width(self) -> float:
        return sum(part.read_growing_width for part in self.parts)

    @property
    def read_window_width(self) -> float:
        return sum(part.read_window_width for part in self.parts)

    @property
    def key_width(self) -> int:
        return sum(part.key_width for part in self.parts)

    @property
    def value_width(self) -> int:
        return sum(part.value_width for part in self.parts)

    @property
    def expanded_key_width(self) -> int:
        return sum(part.expanded_key_width for part in self.parts)

    @property
    def expanded_value_width(self) -> int:
        return sum(part.expanded_value_width for part in self.parts)

    @property
    def convolved_tokens(self) -> int:
        return max(part.convolved_tokens for part in self.parts)

    def attention_flops(self, new: int, cached: int = 0) -> float:
        return sum(part.attention_flops(new, cached) for part in self.parts)


def causal_pairs(new: int, cached: int = 0, window: int = 0, chunked: bool = False) -> float:
    """Query-key pairs of `new` causal tokens after `cached` ones, under a window if there is one; continuous in both
    counts.

    A sliding window of w tokens costs w n - w²/2 once it is full, a fixed chunk starts anew every w tokens.
    """
    return _pairs(new + cached, window, chunked) - _pairs(cached, window, chunked)


def _pairs(tokens: int, window: int, chunked: bool) -> float:
    if not window or tokens <= window:
        return tokens * tokens / 2
    if chunked:
        full, rest = divmod(tokens, window)
        return full * window * window / 2 + rest * rest / 2
    return window * tokens - window * window / 2


def side_by_side(mixer: Mixer | None) -> tuple[Mixer, ...]:
    """The mixers of one block: several where they run in parallel, none where it has none."""
    return mixer.parts if isinstance(mixer, Parallel) else (mixer,) if mixer else ()
