"""ExLlama's weight formats, which are averages: EXL2 and EXL3 at any number of bits per weight.

Layouts: exllamav2 doc/convert.md (bits are averages with all scales), exllamav3 modules/quant/exl3.py (a trellis code,
and signs with scales, suh and svh, for every input and output channel in 16 bit).
"""

import re

from estimator.models.formats.base import LINEAR, Stored, WeightFormat

LEAST_BITS, MOST_BITS = 1.0, 8.0
HEAD_BITS = 6.0
"""Default of both converters (-hb)."""
USUAL_BITS = 4.0
"""Taken where a name says exl2 or exl3 and no more: engineering guess, the commonest upload."""
_ID = re.compile(r"exl([23])-(\d(?:\.\d{1,2})?)bpw")
_ENDINGS = (
    re.compile(r"[-_.](?P<bits>\d(?:\.\d{1,2})?)[-_.]?bpw(?:[-_.]h\d)?[-_.]exl(?P<version>[23])$"),
    re.compile(r"[-_.]exl(?P<version>[23])(?:[-_.@](?P<bits>\d(?:[._]\d{1,2})?)(?:[-_.]?bpw)?(?:[-_.]h\d)?)?$"),
)


def exllama_format(version: int, bits: float, head_bits: float = HEAD_BITS) -> WeightFormat:
    """The weight format EXL2 or EXL3 at an average of `bits` per weight, with the head at a width of its own."""
    channel_bits = 16.0 if version == 3 else 0.0
    return WeightFormat(
        id=f"exl{version}-{bits:.{1 if round(bits, 1) == bits else 2}f}bpw",
        name=f"ExLlamaV{version}, {bits:g} bits",
        payload_bits=bits,
        compute="bf16",
        kernel="i4" if bits <= 6 else "i8",
        quantises=LINEAR,
        input_bits=channel_bits,
        output_bits=channel_bits,
        exceptions=(Stored("head", "", head_bits),),
    )


def parse(name: str) -> WeightFormat | None:
    """The ExLlama format of an id such as `exl3-3.5bpw`; None for anything else."""
    parts = _ID.fullmatch(name)
    if parts is None or not LEAST_BITS <= float(parts[2]) <= MOST_BITS:
        return None
    return exllama_format(int(parts[1]), float(parts[2]))


def announced(name: str) -> str | None:
    """The ExLlama format that an upload's name ends in: `…-exl3`, `…-4.65bpw-h6-exl2`, `…-exl2-5_0`; None for other
    names.
    """
    for ending in _ENDINGS:
        parts = ending.search(name)
        if parts:
            bits = float((parts["bits"] or str(USUAL_BITS)).replace("_", "."))
            return exllama_format(int(parts["version"]), bits).id if LEAST_BITS <= bits <= MOST_BITS else None
    return None
