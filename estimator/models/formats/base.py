"""A number format: how weights or cache are stored, and which kernels multiply them."""

from math import ceil
from typing import NamedTuple

from estimator.models.tensors import Role, Tensor

LINEAR: frozenset[Role] = frozenset({"attention", "mlp", "shared_expert", "expert"})
USUAL_HEAD = 128
"""Width of a head that `CacheFormat.bits` is stated for: that of most published models."""
EXPERTS: frozenset[Role] = frozenset({"expert"})
EVERYTHING: frozenset[Role] = LINEAR | {"embedding", "head", "router"}


class Stored(NamedTuple):
    """How one class of tensors is stored that is an exception to its weight format."""

    role: Role
    name: str
    """One tensor's name; empty for every tensor of the role."""
    bits: float
    """Average stored bits per weight over the layers."""


class WeightFormat(NamedTuple):
    """A weight format: how quantised matrices are stored, and which peak of a device multiplies them."""

    id: str
    name: str
    payload_bits: float
    """Bits of the number alone."""
    compute: str
    """The accelerator peak that a product uses: fp32, bf16, fp8, int8, fp4."""
    kernel: str
    """Key of the GEMM constants: 16, 8 (fp8), 8t (fp8, one scale a tensor), i8, i4, 4 (nvfp4), mx."""
    quantises: frozenset[Role] = frozenset()
    """Tensor roles stored so; every other role stays at `rest_bits`."""
    rest_bits: float = 16.0
    scale_bits: float = 0.0
    """Scale and zero point of one block."""
    block: tuple[int, int] = (0, 0)
    """(outputs, inputs) that share a scale; 0 is the whole side."""
    input_bits: float = 0.0
    """Bits per input channel of a matrix: GPTQ's group index."""
    exceptions: tuple[Stored, ...] = ()
    row: int = 0
    """Inputs that a super-block spans; matrices with other rows take `narrow_bits` instead."""
    narrow_bits: tuple[tuple[float, float], ...] = ()
    """(these bits, these instead)."""
    average_bits: float = 0.0
    """Bits per weight of a whole file, where a format mixes types; 0 is worked out from payload and scales."""
    source: str = ""
    output_bits: float = 0.0
    """Bits per output channel of a matrix, beside the scales of its blocks."""
    matrix_bits: float = 0.0
    """Bits once per matrix: the codebooks of vector quantisation."""

    @property
    def bits(self) -> float:
        """Stored bits per weight of a large quantised matrix, scales and zero points included."""
        if self.average_bits:
            return self.average_bits
        outputs, inputs = self.block
        return self.payload_bits + (self.scale_bits / ((outputs or 4096) * (inputs or 4096)) if self.scale_bits else 0)

    def quantised(self, tensor: Tensor) -> bool:
        """Whether tensors of a tensor's role are stored in the format; exceptions by name are not looked at."""
        return tensor.role in self.quantises

    def exception(self, role: Role, name: str) -> Stored | None:
        """How tensors of a role and name are stored where that is not the format's own way."""
        return next((each for each in self.exceptions if each.role == role and each.name in ("", name)), None)

    def kind_bits(self, role: Role, name: str = "") -> float:
        """Average stored bits per weight of large matrices of a role, or of a named kind where tensors of it differ."""
        if stored := self.exception(role, name):
            return stored.bits
        return self.bits if role in self.quantises else self.rest_bits

    def bits_of(self, tensor: Tensor) -> float:
        """Average stored bits per weight of one tensor."""
        return self.bytes_of(tensor) * 8 / tensor.parameters if tensor.parameters else self.bits

    def bytes_of(self, tensor: Tensor) -> float:
        """Stored bytes of one tensor, every scale counted: blocks are rounded up on both sides."""
        if stored := self.exception(tensor.role, tensor.name):
            return tensor.parameters * self._fitting(stored.bits, tensor) / 8
        if tensor.role not in self.quantises:
            return tensor.parameters * self.rest_bits / 8
        return (tensor.parameters * self._fitting(self.payload_bits, tensor) + self._scale_bits_of(tensor)) / 8

    def _fitting(self, bits: float, tensor: Tensor) -> float:
        if self.row and tensor.inputs % self.row and tensor.inputs > 1:
            return dict(self.narrow_bits).get(bits, bits)
        return bits

    def scales_of(self, tensor: Tensor) -> int:
        """Number of blocks of a tensor that carry a scale of their own."""
        if not self.scale_bits or not self.quantised(tensor) or not tensor.parameters:
            return 0
        outputs, inputs = self.block[0] or tensor.outputs, self.block[1] or tensor.inputs
        return tensor.copies * ceil(tensor.outputs / outputs) * ceil(tensor.inputs / inputs)

    def _scale_bits_of(self, tensor: Tensor) -> float:
        matrix_bits = tensor.inputs * self.input_bits + tensor.outputs * self.output_bits + self.matrix_bits
        return self.scales_of(tensor) * self.scale_bits + tensor.copies * matrix_bits


class CacheFormat(NamedTuple):
    """A format of the KV cache: how keys and values are stored."""

    id: str
    name: str
    bits: float
    """Bits of one element with its scale, in heads 128 wide where each head's vector has a scale of its own."""
    scale_bits: float = 0.0
    """Bits of the scale of one head's vector."""

    def bits_of(self, head_dim: int) -> float:
        """Bits of one cached element in heads of a width, its share of the scale included."""
        return self.bits + self.scale_bits * (1 / head_dim - 1 / USUAL_HEAD)
