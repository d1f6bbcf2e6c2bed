"""Selective state spaces: Mamba-1 and Mamba-2."""

from estimator.models.mixers.base import Mixer
from estimator.models.tensors import Tensor
from estimator.records import record


@record(frozen=True, slots=True)
class Mamba1(Mixer):
    """Mamba's selective state space (arXiv:2312.00752), as in Jamba and FalconMamba."""

    hidden: int
    inner: int
    state: int
    kernel: int
    rank: int
    """Width of the time-step projection."""
    inner_norms: bool = False
    """RMSNorms over the time step and the B and C vectors (Jamba)."""
    conv_bias: bool = True
    proj_bias: bool = False

    module = "mamba"

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        inner, selected = self.inner, self.rank + 2 * self.state
        tensors = [
            Tensor("in_proj", "attention", 2 * inner, self.hidden),
            Tensor("conv1d", "norm", inner, self.kernel + self.conv_bias),
            Tensor("x_proj", "attention", selected, inner, split="rows"),
            Tensor("dt_proj", "attention", inner, self.rank),
            Tensor("dt_bias", "norm", inner),
            Tensor("A_log", "norm", inner, self.state),
            Tensor("D", "norm", inner),
            Tensor("out_proj", "attention", self.hidden, inner, split="rows"),
        ]
        if self.inner_norms:
            tensors.append(Tensor("inner_norms", "norm", selected, split="whole"))
        if self.proj_bias:
            tensors += [
                Tensor("in_bias", "norm", 2 * inner),
                Tensor("out_bias", "norm", self.hidden, split="whole"),
            ]
        return tuple(tensors)

    @property
    def state_elements(self) -> int:
        return self.inner * self.state

    @property
    def conv_state_elements(self) -> int:
        return self.inner * (self.kernel - 1)

    @property
    def convolved_tokens(self) -> int:
        return self.kernel - 1

    @property
    def cache_ways(self) -> int:
        return self.inner

    def attention_flops(self, new: int, cached: int = 0) -> float:
        return 6.0 * new * self.state_elements


@record(frozen=True, slots=True)
class Mamba2(Mixer):
    """Mamba-2 (arXiv:2405.21060): scalar decay per head, B and C shared by groups of heads."""

    hidden: int
    heads: int
    head_dim: int
    groups: int
    state: int
    kernel: int
    conv_bias: bool = True
    proj_bias: bool = False
    norm: bool = True
    """Gated RMSNorm before the output projection."""

    module = "mamba"

    @property
    def inner(self) -> int:
        return self.heads * self.head_dim

    @property
    def _convolved(self) -> int:
        return self.inner + 2 * self.groups * self.state

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        projected = self.inner + self._convolved + self.heads
        tensors = [
            Tensor("in_proj", "attention", projected, self.hidden),
            Tensor("conv1d", "norm", self._convolved, self.kernel + self.conv_bias),
            Tensor("A_log_D_dt_bias", "norm", self.heads, 3),
            Tensor("out_proj", "attention", self.hidden, self.inner, split="rows"),
        ]
        if self.norm:
            tensors.append(Tensor("norm", "norm", self.inner))
        if self.proj_bias:
            tensors += [
                Tensor("in_bias", "norm", projected),
                Tensor("out_bias", "norm", self.hidden, split="whole"),
            ]
        return tuple(tensors)

    @property
    def state_elements(self) -> int:
        return self.heads * self.head_dim * self.state

    @property
    def conv_state_elements(self) -> int:
        return self._convolved * (self.kernel - 1)

    @property
    def convolved_tokens(self) -> int:
        return self.kernel - 1

    @property
    def cache_ways(self) -> int:
        return self.heads

    def attention_flops(self, new: int, cached: int = 0) -> float:
        return 6.0 * new * self.state_elements
