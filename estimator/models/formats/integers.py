"""Weight-only integers of 1 to 8 bits, by the tool that packs them: what shares a scale, and what else is stored.

Sources: the packers' own code. GPTQ, AWQ: AutoGPTQ qlinear and AutoAWQ WQLinear (qweight, scales, packed zero points,
g_idx); HQQ: hqq/core/quantize.py (scale and zero in 16 bit, 3-bit numbers ten to a word); MLX: mlx.core.quantize (scale
and bias in the model's type, embedding and head included); torchao: Int4WeightOnlyConfig; quanto: QBitsTensor;
compressed-tensors: pack_quantized (as many numbers as fit in a word of 32 bits).
"""

import re
from typing import NamedTuple

from estimator.models.formats.base import EVERYTHING, LINEAR, WeightFormat
from estimator.models.tensors import Role


class Packer(NamedTuple):
    """How one tool packs integer weights: words, scales, zero points and what it leaves alone."""

    name: str
    group: int
    """Inputs that share a scale where nothing else is said; 0 is a whole row."""
    zero_bits: int = 16
    """Bits of a block's zero point; 0 takes the number's own bits, as packed zero points do, -1 is none."""
    index_bits: int = 0
    """Bits per input channel: GPTQ's group index."""
    whole_words: frozenset[int] = frozenset()
    """Widths whose numbers do not cross the border of a 32-bit word."""
    quantises: frozenset[Role] = LINEAR


PACKERS = {
    "awq": Packer(name="AWQ", group=128, zero_bits=0),
    "gptq": Packer(name="GPTQ", group=128, zero_bits=0, index_bits=32),
    "autoround": Packer(name="AutoRound", group=128, zero_bits=0),
    "hqq": Packer(name="HQQ", group=64, whole_words=frozenset({3})),
    "mlx": Packer(name="MLX", group=64, quantises=EVERYTHING),
    "torchao": Packer(name="torchao", group=128),
    "quanto": Packer(name="quanto", group=128),
    "packed": Packer(name="packed", group=128, zero_bits=-1, whole_words=frozenset({3, 5, 6, 7})),
}
WIDEST_WEIGHT_ONLY = 6
"""Bits up to which the 4-bit kernels' constants are taken: engineering guess, no engine publishes 5- or 6-bit ones."""
_NAMED = re.compile(rf"int([1-8])-({'|'.join(PACKERS)})(?:-(?:g(\d{{1,6}})|(channel)))?")


def integer_format(bits: int, packer_id: str, group: int | None = None) -> WeightFormat:
    """The weight format of `bits`-wide integers as a tool packs them; `group` inputs share a scale, 0 is a
    whole row.
    """
    packer = PACKERS[packer_id]
    group = packer.group if group is None else group
    suffix = "" if group == packer.group else f"-g{group}" if group else "-channel"
    numbers = 32 / (32 // bits) if bits in packer.whole_words else float(bits)
    return WeightFormat(
        id=f"int{bits}-{packer_id}{suffix}",
        name=f"{packer.name} INT{bits}, {f'groups of {group}' if group else 'per channel'}",
        payload_bits=numbers,
        compute="bf16",
        kernel="i8" if bits > WIDEST_WEIGHT_ONLY else "i4",
        quantises=packer.quantises,
        scale_bits=16.0 + (max(packer.zero_bits, 0) or (bits if packer.zero_bits == 0 else 0)),
        block=(1, group),
        input_bits=float(packer.index_bits),
    )


def parse(name: str) -> WeightFormat | None:
    """The integer format of an id such as `int3-hqq`, `int4-mlx-g32` or `int8-gptq-channel`; None for anything else."""
    parts = _NAMED.fullmatch(name)
    if parts is None or (parts[3] and int(parts[3]) == 0):
        return None
    return integer_format(int(parts[1]), parts[2], 0 if parts[4] else int(parts[3]) if parts[3] else None)
