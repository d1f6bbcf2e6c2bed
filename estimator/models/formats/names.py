"""Names of formats: as people and tools spell them, and as checkpoint names end in them."""

import re
from functools import lru_cache

from estimator.models.formats import exllama, gguf

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
    """The weight format that the name of a checkpoint announces: `…-FP8`, `…-AWQ-INT4`, `….Q5_K_M.gguf`, `…-4bit`.

    A guess by habit of the uploaders, not a fact: the upload's own configuration decides where it is read.
    """
    organisation, _, name = model_id.lower().rpartition("/")
    by_uploader = _UPLOADERS.get(organisation)
    packer = by_uploader or ("mlx" if "mlx" in name else None)
    if packer:
        bits = _MLX_BITS.search(name)
        mode = re.search(r"[-_.](mxfp4|mxfp8|nvfp4)(?:[-_.]mlx)?$", name)
        if bits or mode:
            return f"int{bits[1] or bits[2]}-{packer}" if bits else f"{mode[1] if mode else ''}-{packer}"
    if organisation in _MX_UPLOADERS and re.search(r"mxfp4", name):
        return "mxfp4-linear"
    announced = exllama.announced(name)
    if announced:
        return announced
    if _BLOCKWISE_UPLOADS.match(model_id.lower()):
        return "fp8-block"
    return next((format_id for pattern, format_id in _NAME_ENDINGS if re.search(pattern, name)), _file_format(name))


_MLX_BITS = re.compile(
    r"(?:(?<!fp[48])[-_]|(?<!\d)\.)(?:mlx[-_.])?(?:([2-8])[-_.]?bits?|q([2-8]))(?:[-_.](?:mlx|awq|dwq(?:[-_.]\w+)?))?$"
)
"""Width of an MLX upload, which no decimals or other format precede: `6.5bit` and `MXFP4-Q8` are mixes of their own."""
USUAL_MIX = "gguf-q4_k_m"
"""Taken for a GGUF repository that does not say which of its files is meant: engineering guess, the commonest one."""
_NEAREST_MIX = {
    "ud-q8_k_xl": "q8_0", "ud-q6_k_xl": "q6_k", "ud-q5_k_xl": "q5_k_m", "ud-q4_k_xl": "q4_k_m", "ud-q3_k_xl": "q3_k_m",
    "ud-q2_k_xl": "q2_k", "q8": "q8_0", "q6": "q6_k", "q5": "q5_k_m", "q4": "q4_k_m", "q3": "q3_k_m", "q2": "q2_k",
}  # fmt: skip
"""Presets nearest to names that are none. unsloth's dynamic mixes (`UD-`) differ from model to model: UD-Q4_K_XL is
2 % larger than Q4_K_M for Qwen3-0.6B and 5 % smaller for Qwen3-30B-A3B. Those of IQ types are not near their names:
UD-IQ2_XXS of DeepSeek-R1-0528 is a quarter larger than IQ2_XXS."""
_MX_UPLOADERS = ("amd", "quark")
"""Organisations whose MXFP4 uploads, made with Quark, are of the linear layers and not of the experts alone."""
_UPLOADERS = {"mlx-community": "mlx", "lmstudio-community": "mlx"}
"""Organisations whose `…-4bit` uploads are all of one packer."""
_BLOCKWISE_UPLOADS = re.compile(r"(qwen/qwen3|zai-org/glm-5|stepfun-ai/step-3|sgl-project/deepseek-v4).*-fp8$")
"""Families whose makers' `…-FP8` uploads have a scale for every 128x128 block: `weight_block_size` in the
configurations of Qwen3-32B-FP8, GLM-5.2-FP8, Step-3.7-Flash-FP8 and DeepSeek-V4-Flash-FP8."""


def _file_format(name: str) -> str | None:
    """The format of a GGUF repository, of one of its files (`…-GGUF:Q6_K`, as llama.cpp and Ollama ask for it), of a
    file, or of one of Ollama's tags (`…:8b-q4_K_M`); a repository alone is taken for the usual mix.
    """
    parts = re.search(r"(?:[-_.]((?:ud[-_])?(?:iq|q|bf|f)\d[a-z0-9_]*))?[-_.]gguf(?::((?:ud-)?\w+))?$", name)
    parts = parts or re.search(r"(?<!fp[48])[-_.:]((?:ud[-_])?i?q\d(?:_[k\d])?(?:_[a-z]{1,3})?)()$", name)
    if parts is None:
        return None
    says = (parts[2] or parts[1] or USUAL_MIX).replace("ud_", "ud-")
    mix = gguf.parse(_NEAREST_MIX.get(says, says.replace("ud-q", "q")))
    return mix.id if mix else None


_NAME_ENDINGS = (
    (r"[-_.]quantized\.w8a8$", "int8"),
    (r"[-_.]quantized\.w8a16$", "int8-wo"),
    (r"[-_.]quantized\.w4a16$", "int4-gptq"),
    (r"[-_.](fp8[-_.]w8a8|w8a8[-_.]fp8)$", "fp8"),
    (r"[-_.]w8a8$", "int8"),
    (r"[-_.]w4a16([-_.]g128)?$", "int4-packed"),
    (r"[-_.](unsloth[-_.])?bnb[-_.](4bit|nf4)$|[-_.]nf4$", "nf4"),
    (r"[-_.]awq[-_.]8[-_.]?bits?$", "int8-packed"),
    (r"[-_.]gptq[-_.](int8|8bits?)([-_.]\d+g)?$", "int8-gptq"),
    (r"[-_.](bnb[-_.])?8bit$", "int8-bnb"),
    (r"[-_.](gptq)([-_.](int4|4bits?)([-_.]\d+g)?)?$", "int4-gptq"),
    (r"[-_.]int4[-_.]a?sym([-_.]inc)?$", "int4-gptq"),
    (r"[-_.](int4[-_.])?autoround([-_.](int4|awq|gptq))?$", "int4-gptq"),
    (r"[-_.](int4[-_.])?awq([-_.](int4|4bit))?$", "int4-awq"),
    (r"[-_.]fp8[-_.]block$", "fp8-block"),
    (r"[-_.](auto)?fp8([-_.](dynamic|static|kv|v\d|per[-_.]?(tensor|channel)))*$", "fp8"),
    (r"[-_.](nv)?fp4(a16)?([-_.]v\d)?$", "nvfp4"),
    (r"[-_.]mxfp4a16$", "mxfp4-linear"),
    (r"[-_.]mxfp8$", "mxfp8"),
    (r"[-_.]mxfp4([-_.]preview)?$", "mxfp4"),
    (r"[-_.]mlx$", "int4-mlx"),
    (r"[-_.]hqq([-_.]4bit)?$", "int4-hqq"),
    (r"[-_.]quark[-_.]?fp8|[-_.]fp8[-_.]quark$", "fp8"),
    (r"[-_.]int8$", "int8"),
    (r"[-_.]int4$", "int4-awq"),
    (r"[-_.](bf16|bfloat16|unquantized|dequantized)$", "bf16"),
    (r"[-_.](fp?16|float16)$", "fp16"),
    (r"[-_.]4[-_.]?bit$", "nf4"),
)
"""Endings of upload names, the first that fits counts. `-4bit` alone is bitsandbytes' (transformers' own); unsloth's
dynamic uploads leave some modules 16-bit, which only their configuration tells."""


@lru_cache(maxsize=256)
def key(name: str) -> str:
    """A format's name as the tables are keyed: lower case, one dash for every run of blanks, brackets and commas."""
    return re.sub(r"[\s()+,]+", "-", name.strip().lower()[:60]).strip("-")
