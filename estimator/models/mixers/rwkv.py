"""Recurrences without keys over the past: RWKV-4, RWKV-7 and the gated linear unit of Griffin."""

from estimator.models.mixers.base import Mixer
from estimator.models.tensors import Tensor
from estimator.records import record


@record(frozen=True, slots=True)
class Rwkv4(Mixer):
    """RWKV-4's time mixing (arXiv:2305.13048): a weighted mean per channel, and the token before."""

    hidden: int
    inner: int

    module = "attention"
    state_element_bytes = 4  # numerator, denominator and maximum are float32 (transformers modeling_rwkv.py)

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        return (
            Tensor("key", "attention", self.inner, self.hidden),
            Tensor("value", "attention", self.inner, self.hidden),
            Tensor("receptance", "attention", self.inner, self.hidden),
            Tensor("output", "attention", self.hidden, self.inner, split="rows"),
            Tensor("time_decay_first", "norm", self.inner, copies=2),
            Tensor("time_mix", "norm", self.hidden, copies=3, split="whole"),
        )

    @property
    def state_elements(self) -> int:
        return 3 * self.inner + 2 * self.hidden  # and the last token of both halves of the block

    @property
    def cache_ways(self) -> int:
        return self.inner

    def attention_flops(self, new: int, cached: int = 0) -> float:
        """FLOPs of the update: about eight operations per channel and token (engineering guess)."""
        return 8.0 * new * self.inner


@record(frozen=True, slots=True)
class Rwkv7(Mixer):
    """RWKV-7's time mixing (arXiv:2503.14456): a generalised delta rule over one matrix per head."""

    hidden: int
    head_dim: int
    decay_rank: int
    rate_rank: int
    value_rank: int
    """Rank of the mix with the first layer's values; 0 in the first layer, which has none."""
    gate_rank: int

    module = "attn"
    state_element_bytes = 4  # float32 whatever the model's type

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        width = self.hidden
        ranks = self.decay_rank + self.rate_rank + self.value_rank + self.gate_rank
        biases = 3 if self.value_rank else 2  # of decay, rate and value
        return (
            *(Tensor(name, "attention", width, width) for name in ("r_proj", "k_proj", "v_proj")),
            Tensor("o_proj", "attention", width, width, split="rows"),
            Tensor("lora_down", "attention", ranks, width, split="whole"),
            Tensor("lora_up", "attention", width, ranks),
            Tensor("lora_bias", "norm", width, copies=biases),
            Tensor("mix", "norm", width, copies=6, split="whole"),
            Tensor("k_k_k_a_r_k", "norm", width, copies=3),
            Tensor("g_norm", "norm", width, copies=2),
        )

    @property
    def state_elements(self) -> int:
        return self.hidden * self.head_dim + 2 * self.hidden  # a matrix per head; the last token of both halves

    @property
    def cache_ways(self) -> int:
        return self.hidden // self.head_dim

    def attention_flops(self, new: int, cached: int = 0) -> float:
        """FLOPs of reading, correcting and querying the state: three products with it per token."""
        return 6.0 * new * self.hidden * self.head_dim


@record(frozen=True, slots=True)
class GatedLinearRecurrence(Mixer):
    """Griffin's real-gated linear recurrent unit (arXiv:2402.19427), behind a short convolution."""

    hidden: int
    inner: int
    heads: int
    """Blocks of the gates' block-diagonal matrices."""
    kernel: int

    module = "temporal_block"
    state_element_bytes = 4  # float32 (transformers modeling_recurrent_gemma.py)

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        block = self.inner // self.heads
        return (
            Tensor("linear_y", "attention", self.inner, self.hidden),
            Tensor("linear_x", "attention", self.inner, self.hidden),
            Tensor("linear_out", "attention", self.hidden, self.inner, split="rows"),
            Tensor("linear_bias", "norm", 2 * self.inner + self.hidden),
            Tensor("conv_1d", "norm", self.inner, self.kernel + 1),
            Tensor("gates", "norm", block, block, 2 * self.heads),
            Tensor("gate_bias_and_decay", "norm", self.inner, copies=3),
        )

    @property
    def state_elements(self) -> int:
        return self.inner

    @property
    def conv_state_elements(self) -> int:
        return self.inner * (self.kernel - 1)

    @property
    def convolved_tokens(self) -> int:
        return self.kernel - 1

    @property
    def cache_ways(self) -> int:
        return self.heads

    def attention_flops(self, new: int, cached: int = 0) -> float:
        """FLOPs of the gates and the update of every channel."""
        return new * self.inner * (4.0 * self.inner / self.heads + 8.0)
