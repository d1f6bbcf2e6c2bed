"""Number formats of weights and of the KV cache: bits with their scales, and which tensors stay 16-bit."""

from typing import NamedTuple

from estimator.errors import InputError
from estimator.tensors import Role, Tensor

LINEAR: frozenset[Role] = frozenset({"attention", "mlp", "shared_expert", "expert"})
EXPERTS: frozenset[Role] = frozenset({"expert"})
EVERYTHING: frozenset[Role] = LINEAR | {"embedding", "head", "router"}


class WeightFormat(NamedTuple):
    """How the quantised weight matrices are stored and which peak multiplies them."""

    id: str
    name: str
    bits: float
    """Stored bits per quantised weight, scales and zero points included."""
    compute: str
    """The accelerator peak that a product uses: fp32, bf16, fp8, int8, fp4."""
    kernel: str
    """Key of the GEMM constants: 16, 8 (fp8), 8t (fp8, one scale a tensor), i8, i4, 4 (nvfp4), mx."""
    quantises: frozenset[Role] = frozenset()
    """Tensor roles stored in `bits`; every other role stays at `rest_bits`."""
    rest_bits: float = 16.0
    source: str = ""

    def bits_of(self, tensor: Tensor) -> float:
        return self.bits if tensor.role in self.quantises else self.rest_bits

    def bytes_of(self, tensor: Tensor) -> float:
        return tensor.parameters * self.bits_of(tensor) / 8


class CacheFormat(NamedTuple):
    """How keys and values are cached."""

    id: str
    name: str
    bits: float


_WEIGHTS = (
    WeightFormat("bf16", "bfloat16", 16, "bf16", "16"),
    WeightFormat("fp16", "float16", 16, "bf16", "16"),
    WeightFormat("fp32", "float32", 32, "fp32", "16", EVERYTHING | {"norm"}, 32),
    WeightFormat("fp8", "FP8 per tensor or channel", 8, "fp8", "8t", LINEAR),
    WeightFormat("fp8-block", "FP8, 128x128 blocks", 8 + 32 / 16384, "fp8", "8", LINEAR),
    WeightFormat("int8", "INT8 W8A8", 8, "int8", "8", LINEAR),
    WeightFormat("int8-wo", "INT8 weight-only", 8, "bf16", "i8", LINEAR),
    WeightFormat("int4-awq", "AWQ INT4, groups of 128", 4 + 20 / 128, "bf16", "i4", LINEAR),
    WeightFormat("int4-gptq", "GPTQ INT4, groups of 128", 4 + 20 / 128, "bf16", "i4", LINEAR),
    WeightFormat("mxfp4", "MXFP4 experts", 4 + 8 / 32, "bf16", "mx", EXPERTS),
    WeightFormat("mxfp8", "MXFP8", 8 + 8 / 32, "fp8", "8", LINEAR),
    WeightFormat("nvfp4", "NVFP4", 4 + 8 / 16, "fp4", "4", LINEAR),
    WeightFormat("nf4", "bitsandbytes NF4", 4.5, "bf16", "i4", LINEAR),
    WeightFormat("nf4-dq", "bitsandbytes NF4, double quantised", 4 + 8 / 64 + 32 / (64 * 256), "bf16", "i4", LINEAR),
)
# Bits a weight over a whole Llama-3.1-8B, mixed types and 16-bit norms included: llama.cpp tools/quantize/README.md.
_GGUF_BITS = {
    "f16": 16.0,
    "bf16": 16.0,
    "q8_0": 8.5,
    "q6_k": 6.56,
    "q5_k_m": 5.70,
    "q5_k_s": 5.57,
    "q5_0": 5.57,
    "q4_k_m": 4.89,
    "q4_k_s": 4.67,
    "q4_1": 5.12,
    "q4_0": 4.64,
    "iq4_xs": 4.46,
    "q3_k_l": 4.30,
    "q3_k_m": 4.00,
    "q3_k_s": 3.64,
    "iq3_xxs": 3.25,
    "q2_k": 3.16,
    "iq2_xxs": 2.38,
    "iq1_m": 2.15,
    "iq1_s": 2.00,
}
_GGUF = tuple(
    WeightFormat(f"gguf-{name}", f"GGUF {name.upper()}", bits, "bf16", "16" if bits == 16 else "i4", EVERYTHING)
    for name, bits in _GGUF_BITS.items()
)
_CACHES = (
    CacheFormat("bf16", "16-bit", 16),
    CacheFormat("fp8", "FP8", 8),
    CacheFormat("fp32", "float32", 32),
    CacheFormat("q8_0", "GGML q8_0", 8.5),
    CacheFormat("q4_0", "GGML q4_0", 4.5),
)

WEIGHT_FORMATS = {each.id: each for each in (*_WEIGHTS, *_GGUF)}
CACHE_FORMATS = {each.id: each for each in _CACHES}


def weight_format(name: str) -> WeightFormat:
    """The format of that id. Raises InputError listing what exists."""
    found = WEIGHT_FORMATS.get(name)
    if found is None:
        raise InputError("weights", f"unknown format {name!r}; one of {', '.join(WEIGHT_FORMATS)}")
    return found


def cache_format(name: str) -> CacheFormat:
    """The format of that id. Raises InputError listing what exists."""
    found = CACHE_FORMATS.get(name)
    if found is None:
        raise InputError("kv", f"unknown format {name!r}; one of {', '.join(CACHE_FORMATS)}")
    return found
