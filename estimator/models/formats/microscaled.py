"""Floats of 4 and 8 bits in small blocks, by who packs them: MXFP4 in every linear layer, and MLX's modes.

Sources: OCP Microscaling Formats 1.0 (32 numbers share an E8M0 scale); mlx.core.quantize, whose modes quantise
embedding and head as well; OpenAI's own MXFP4, of the experts alone, stands in the table.
"""

from estimator.models.formats.base import LINEAR, WeightFormat
from estimator.models.formats.integers import integer_format

MXFP4_LINEAR = WeightFormat(
    id="mxfp4-linear",
    name="MXFP4, linear layers",
    payload_bits=4,
    compute="bf16",
    kernel="mx",
    quantises=LINEAR,
    scale_bits=8,
    block=(1, 32),
)
MLX_MODES = {"mxfp4": (4, 32), "mxfp8": (8, 32), "nvfp4": (4, 16)}
"""Bits of a number and inputs that share a scale."""


def mlx_format(mode: str) -> WeightFormat:
    """The weight format of a mode of MLX other than `affine`; every layer with weights has it."""
    bits, group = MLX_MODES[mode]
    return integer_format(bits, "mlx", group)._replace(
        id=f"{mode}-mlx", name=f"MLX {mode.upper()}", payload_bits=bits, scale_bits=8
    )


def parse(name: str) -> WeightFormat | None:
    """The format of an id such as `mxfp4-linear` or `nvfp4-mlx`; None for anything else."""
    mode, _, packer = name.partition("-")
    if packer == "mlx" and mode in MLX_MODES:
        return mlx_format(mode)
    return MXFP4_LINEAR if name == MXFP4_LINEAR.id else None
