"""What formats are called: common names, and the endings of checkpoint names."""

import re

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
    "nvfp4-fp8-mixed": "nvfp4-fp8",
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
    """The weight format that the name of a checkpoint announces: `…-FP8`, `…-AWQ`, `…-quantized.w4a16`."""
    name = model_id.rpartition("/")[2].lower()
    for pattern, format_id in _NAME_ENDINGS:
        if re.search(pattern, name):
            return format_id
    return None


def base_name(model_id: str) -> str:
    """The id without such an ending."""
    for pattern, _ in _NAME_ENDINGS:
        shorter = re.sub(pattern, "", model_id, flags=re.IGNORECASE)
        if shorter != model_id:
            return shorter
    return model_id


_NAME_ENDINGS = (
    (r"[-_.]quantized\.w8a8$", "int8"),
    (r"[-_.]quantized\.w8a16$", "int8-wo"),
    (r"[-_.]quantized\.w4a16$", "int4-gptq"),
    (r"[-_.]gptq[-_.]int8$", "int8-gptq"),
    (r"[-_.](gptq|autoround)([-_.]int4)?$", "int4-gptq"),
    (r"[-_.]awq([-_.]int4)?$", "int4-awq"),
    (r"[-_.]fp8([-_.](dynamic|kv|block))*$", "fp8"),
    (r"[-_.]nvfp4$", "nvfp4"),
    (r"[-_.]mxfp4$", "mxfp4"),
    (r"[-_.]bnb[-_.]4bit$", "nf4"),
    (r"[-_.]int8$", "int8"),
    (r"[-_.]int4$", "int4-awq"),
    (r"[-_.]gguf$", "gguf-q4_k_m"),
)


def key(name: str) -> str:
    return re.sub(r"[\s()+,]+", "-", name.strip().lower()[:60]).strip("-")
