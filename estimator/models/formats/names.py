"""What formats are called: common names, and the endings of checkpoint names."""

import re

from estimator.models.formats import gguf

ALIASES = {
    "bfloat16": "bf16",
    "float16": "fp16",
    "half": "fp16",
    "float32": "fp32",
    "float8": "fp8",
    "fp8-dynamic": "fp8",
    "fp8-marlin-weight-only": "fp8",
    "w8a8": "int8",
    "w8a16": "int8-wo",
    "int8-weight-only": "int8-wo",
    "gptq-int8": "int8-gptq",
    "int4": "int4-awq",
    "awq": "int4-awq",
    "awq-int4": "int4-awq",
    "awq-int4-gemm": "int4-awq",
    "awq-int4-gemv": "int4-awq",
    "w4a16": "int4-awq",
    "int4-awq-g128": "int4-awq",
    "gptq": "int4-gptq",
    "gptq-int4": "int4-gptq",
    "int4-gptq-g128": "int4-gptq",
    "autoround-int4": "int4-gptq",
    "fp4": "nvfp4",
    "nvfp4-modelopt": "nvfp4",
    "nvfp4-uniform-w4a4": "nvfp4",
    "nvfp4-fp8-mixed": "nvfp4-fp8-channel",
    "bnb": "nf4",
    "bnb-int8": "int8-bnb",
    "bnb.nf4": "nf4",
    "bnb.nf4-dq": "nf4-dq",
    "gguf-mxfp4-moe": "gguf-mxfp4",
}
CACHE_ALIASES = {
    "auto": "bf16",
    "fp16": "bf16",
    "bfloat16": "bf16",
    "float16": "bf16",
    "f16": "bf16",
    "fp8-e4m3": "fp8",
    "fp8-e5m2": "fp8",
    "int8-per-token-head": "int8",
    "q8-0": "q8_0",
    "q4-0": "q4_0",
}


def format_in_name(model_id: str) -> str | None:
    """The weight format that the name of a checkpoint announces: `…-FP8`, `…-AWQ-INT4`, `….Q5_K_M.gguf`."""
    name = model_id.rpartition("/")[2].lower()
    return next((format_id for pattern, format_id in _NAME_ENDINGS if re.search(pattern, name)), _file_format(name))


def _file_format(name: str) -> str | None:
    """Of a GGUF repository or file; one that does not say which mix is taken for the usual one."""
    named = re.search(r"(?:[-_.]((?:iq|q|bf|f)\d[a-z0-9_]*))?[-_.]gguf$", name)
    if named is None:
        return None
    mix = gguf.parse(named[1]) if named[1] else None
    return mix.id if mix else "gguf-q4_k_m"


_NAME_ENDINGS = (
    (r"[-_.]quantized\.w8a8$", "int8"),
    (r"[-_.]quantized\.w8a16$", "int8-wo"),
    (r"[-_.]quantized\.w4a16$", "int4-gptq"),
    (r"[-_.]gptq[-_.]int8$", "int8-gptq"),
    (r"[-_.](gptq|autoround)([-_.]int4)?$", "int4-gptq"),
    (r"[-_.](int4[-_.])?awq([-_.](int4|4bit))?$", "int4-awq"),
    (r"[-_.](auto)?fp8([-_.](dynamic|kv|block|v\d))*$", "fp8"),
    (r"[-_.](nv)?fp4([-_.]v\d)?$", "nvfp4"),
    (r"[-_.]mxfp4([-_.]preview)?$", "mxfp4"),
    (r"[-_.]bnb[-_.]4bit$", "nf4"),
    (r"[-_.]int8$", "int8"),
    (r"[-_.]int4$", "int4-awq"),
)


def key(name: str) -> str:
    return re.sub(r"[\s()+,]+", "-", name.strip().lower()[:60]).strip("-")
