"""Linear attention and convolutions: a state of fixed size in place of a cache."""

from estimator.models.mixers.base import Mixer
from estimator.models.tensors import Tensor
from estimator.records import record


@record(frozen=True, slots=True)
class GatedDeltaNet(Mixer):
    """Gated delta rule (arXiv:2412.06464) as in Qwen3-Next and Qwen3.5: fast weights per value head."""

    hidden: int
    key_heads: int
    value_heads: int
    key_dim: int
    value_dim: int
    kernel: int

    module = "linear_attn"

    @property
    def _convolved(self) -> int:
        return 2 * self.key_heads * self.key_dim + self.value_heads * self.value_dim

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        values = self.value_heads * self.value_dim
        return (
            Tensor("in_proj_qkv", "attention", self._convolved, self.hidden),
            Tensor("in_proj_z", "attention", values, self.hidden),
            Tensor("in_proj_b", "attention", self.value_heads, self.hidden),
            Tensor("in_proj_a", "attention", self.value_heads, self.hidden),
            Tensor("conv1d", "norm", self._convolved, self.kernel),
            Tensor("A_log", "norm", self.value_heads),
            Tensor("dt_bias", "norm", self.value_heads),
            Tensor("norm", "norm", self.value_dim, split="whole"),
            Tensor("out_proj", "attention", self.hidden, values, split="rows"),
        )

    @property
    def state_elements(self) -> int:
        return self.value_heads * self.value_dim * self.key_dim

    @property
    def delta_heads(self) -> int:
        return self.value_heads

    @property
    def conv_state_elements(self) -> int:
        return self._convolved * (self.kernel - 1)

    @property
    def convolved_tokens(self) -> int:
        return self.kernel - 1

    @property
    def cache_ways(self) -> int:
        return self.key_heads

    def attention_flops(self, new: int, cached: int = 0) -> float:
        """FLOPs of reading, correcting and querying the state: three products with it per token."""
        return 6.0 * new * self.state_elements


@record(frozen=True, slots=True)
class KimiDeltaAttention(Mixer):
    """Kimi delta attention (Kimi Linear, arXiv:2510.26692): a gated delta rule with a decay per channel."""

    hidden: int
    heads: int
    head_dim: int
    kernel: int
    full_rank_gate: bool = False
    """The output gate is one matrix instead of a low-rank pair (Kimi-K3)."""
    full_rank_decay: bool = False
    """The forget gate is one matrix instead of a low-rank pair (Ling hybrid)."""

    module = "self_attn"
    state_element_bytes = 4  # float32 whatever the model's type

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        width = self.heads * self.head_dim
        gate = (
            (Tensor("g_proj", "attention", width, self.hidden),)
            if self.full_rank_gate
            else (
                Tensor("g_a_proj", "attention", self.head_dim, self.hidden, split="whole"),
                Tensor("g_b_proj", "attention", width, self.head_dim),
            )
        )
        decay = (
            (Tensor("f_proj", "attention", width, self.hidden),)
            if self.full_rank_decay
            else (
                Tensor("f_a_proj", "attention", self.head_dim, self.hidden, split="whole"),
                Tensor("f_b_proj", "attention", width, self.head_dim),
            )
        )
        return (
            Tensor("q_proj", "attention", width, self.hidden),
            Tensor("k_proj", "attention", width, self.hidden),
            Tensor("v_proj", "attention", width, self.hidden),
            Tensor("conv1d", "norm", 3 * width, self.kernel),
            *decay,
            Tensor("dt_bias", "norm", width),
            Tensor("A_log", "norm", self.heads),
            Tensor("b_proj", "attention", self.heads, self.hidden),
            *gate,
            Tensor("o_norm", "norm", self.head_dim, split="whole"),
            Tensor("o_proj", "attention", self.hidden, width, split="rows"),
        )

    @property
    def state_elements(self) -> int:
        return self.heads * self.head_dim * self.head_dim

    @property
    def delta_heads(self) -> int:
        return self.heads

    @property
    def conv_state_elements(self) -> int:
        return 3 * self.heads * self.head_dim * (self.kernel - 1)

    @property
    def convolved_tokens(self) -> int:
        return self.kernel - 1

    @property
    def cache_ways(self) -> int:
        return self.heads

    def attention_flops(self, new: int, cached: int = 0) -> float:
        return 6.0 * new * self.state_elements


@record(frozen=True, slots=True)
class LightningAttention(Mixer):
    """Lightning attention (MiniMax-01, arXiv:2501.08313): linear attention with a fixed decay per head."""

    hidden: int
    heads: int
    head_dim: int
    head_norm: bool = False
    """Queries and keys are normed head by head (Ling 2.5)."""

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        width = self.heads * self.head_dim
        normed = (Tensor("head_norm", "norm", 2 * self.head_dim, split="whole"),) if self.head_norm else ()
        return (
            *normed,
            Tensor("qkv_proj", "attention", 3 * width, self.hidden),
            Tensor("output_gate", "attention", width, self.hidden),
            Tensor("norm", "norm", width),
            Tensor("out_proj", "attention", self.hidden, width, split="rows"),
        )

    @property
    def state_elements(self) -> int:
        return self.heads * self.head_dim * self.head_dim

    @property
    def cache_ways(self) -> int:
        return self.heads

    def attention_flops(self, new: int, cached: int = 0) -> float:
        """FLOPs of updating and querying the state."""
        return 4.0 * new * self.state_elements


@record(frozen=True, slots=True)
class ShortConvolution(Mixer):
    """Token mixer of LFM2: a gated convolution over a few tokens, without a cache."""

    hidden: int
    kernel: int
    bias: bool = False

    module = "conv"

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        bias = (Tensor("bias", "norm", 5 * self.hidden),) if self.bias else ()
        return (
            Tensor("in_proj", "attention", 3 * self.hidden, self.hidden),
            Tensor("conv", "norm", self.hidden, self.kernel),
            Tensor("out_proj", "attention", self.hidden, self.hidden, split="rows"),
            *bias,
        )

    @property
    def conv_state_elements(self) -> int:
        return self.hidden * (self.kernel - 1)

    @property
    def convolved_tokens(self) -> int:
        return self.kernel - 1

    @property
    def cache_ways(self) -> int:
        return self.hidden

    def attention_flops(self, new: int, cached: int = 0) -> float:
        return 2.0 * new * self.hidden * self.kernel


@record(frozen=True, slots=True)
class Convolutions(Mixer):
    """Short depthwise convolutions along the text, beside attention: over its keys and values, or what it adds."""

    channels: int
    """Vectors' elements that are convolved, all together."""
    kernel: int

    module = "sconv"

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        return (Tensor("conv1d", "norm", self.channels, self.kernel),)

    @property
    def conv_state_elements(self) -> int:
        return self.channels * (self.kernel - 1)

    @property
    def convolved_tokens(self) -> int:
        return self.kernel - 1

    @property
    def cache_ways(self) -> int:
        return 1

    def attention_flops(self, new: int, cached: int = 0) -> float:
        """FLOPs of the convolutions over `new` tokens."""
        return 2.0 * self.channels * self.kernel * new
