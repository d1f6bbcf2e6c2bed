"""`quantization_config` and `hf_quant_config.json` -> a weight format with its exceptions, tensor by tensor."""

from collections.abc import Mapping
from importlib import import_module

from estimator.errors import InputError
from estimator.models.architecture import Architecture
from estimator.models.formats import WeightFormat
from estimator.models.hf_config.fields import Fields

__all__ = ["METHODS", "quantization_section", "read_quantization"]

METHODS: Mapping[str, str] = {
    "fp8": "floats.fp8",
    "fbgemm_fp8": "floats.plain_fp8",
    "ptpc_fp8": "floats.plain_fp8",
    "deepseek_v4_fp8": "floats.fp8",
    "mxfp4": "floats.mxfp4",
    "gpt_oss_mxfp4": "floats.mxfp4",
    "mxfp8": "floats.mxfp8",
    "fp_quant": "floats.fp_quant",
    "fouroversix": "floats.four_over_six",
    "modelopt": "modelopt.read",
    "modelopt_fp4": "modelopt.read",
    "modelopt_fp8": "modelopt.read",
    "modelopt_mxfp8": "modelopt.read",
    "petit_nvfp4": "modelopt.read",
    "modelopt_mixed": "modelopt.read",
    "compressed-tensors": "compressed.read",
    "compressed_tensors": "compressed.read",
    "awq": "integers.awq",
    "auto_awq": "integers.awq",
    "awq_marlin": "integers.awq",
    "cpu_awq": "integers.awq",
    "gptq": "integers.gptq",
    "auto_gptq": "integers.gptq",
    "gptq_marlin": "integers.gptq",
    "marlin": "integers.gptq",
    "bitblas": "integers.gptq",
    "auto-round": "integers.auto_round",
    "auto_round": "integers.auto_round",
    "intel/auto-round": "integers.auto_round",
    "inc": "integers.auto_round",
    "hqq": "integers.hqq",
    "mlx": "integers.mlx",
    "eetq": "integers.eetq",
    "quanto": "integers.quanto",
    "bitnet": "integers.bitnet",
    "chatglm": "integers.chatglm",
    "w4afp8": "integers.w4afp8",
    "w8a8_int8": "integers.w8a8",
    "blockwise_int8": "integers.blockwise",
    "experts_int8": "integers.experts_alone",
    "higgs": "integers.higgs",
    "w8a8_fp8": "floats.plain_fp8",
    "bitsandbytes": "integers.bitsandbytes",
    "quark": "quark.read",
    "quark_mxfp4": "quark.read",
    "torchao": "torchao.read",
    "exl2": "codebooks.exl2",
    "exl3": "codebooks.exl3",
    "aqlm": "codebooks.aqlm",
    "vptq": "codebooks.vptq",
    "nvfp4": "transformers_own.nvfp4",
    "metal": "transformers_own.metal",
    "sinq": "transformers_own.sinq",
    "gemma": "transformers_own.gemma",
}
"""Module and function here that read a `quant_method`, imported when one is met: most starts read a 16-bit model."""


_GPTQ_SWITCHES = ("desc_act", "damp_percent", "true_sequential")
"""What AutoGPTQ writes beside the bits and the group."""


def read_quantization(config: Mapping[str, object], architecture: Architecture) -> WeightFormat:
    """The checkpoint's own format: what it quantises, and tensor class by tensor class what it stores otherwise.

    Raises InputError for a method or layout that is not understood.
    """
    from estimator.models.module_names import Patterns
    from estimator.models.quantization.exceptions import exception_names, with_exceptions

    f = Fields(config, "quantization_config")
    f = f.section("quantization") or f  # hf_quant_config.json
    method = f.text("quant_method", "quant_type", default=_unnamed_method(f)).lower()
    if method not in METHODS:
        raise InputError(
            "quantization_config.quant_method", f"{method[:40]!a} is not understood; known: {', '.join(METHODS)}"
        )
    module, _, function = METHODS[method].partition(".")
    rules = getattr(import_module(f"{__name__}.{module}"), function)(f)
    return with_exceptions(rules, Patterns(exception_names(f)), architecture)


def quantization_section(config: Mapping[str, object]) -> Mapping[str, object] | None:
    """The part of a config.json that describes its quantisation; multimodal ones may nest it with the text model."""
    for holder in (config, config.get("text_config")):
        if isinstance(holder, Mapping):
            for name in ("quantization_config", "compression_config", "quantization"):
                section = holder.get(name)
                if isinstance(section, Mapping) and section:
                    return section
                if isinstance(section, str) and section:  # as some conversions write it
                    return {"quant_method": section}
    bits = config.get("quantization_bit")  # ChatGLM's own; 0 in its 16-bit uploads
    return {"quant_method": "chatglm", "bits": bits} if bits else None


def _unnamed_method(f: Fields) -> str:
    """Which tool writes a section without `quant_method`: ModelOpt names an algorithm or groups, MLX bits and a group.

    Before transformers 4.33 bitsandbytes named its switches alone, and AutoGPTQ and AutoAWQ wrote files of their own.
    """
    if "quant_algo" in f.config or f.has("config_groups"):
        return "modelopt"
    if f.has("load_in_4bit") or f.has("load_in_8bit"):
        return "bitsandbytes"
    if f.has("bits") and any(f.has(name) for name in _GPTQ_SWITCHES):
        return "gptq"
    if f.has("w_bit"):
        return "awq"
    return "mlx" if f.has("bits") and f.has("group_size") else ""
