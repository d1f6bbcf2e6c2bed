"""NVIDIA ModelOpt: an algorithm for the checkpoint, or one for every module.

Names: modelopt/torch/export/model_config.py and quant_utils.py (QUANTIZATION_*).
"""

from estimator.errors import InputError
from estimator.models.formats import WeightFormat, integer_format, weight_format
from estimator.models.formats.microscaled import MXFP4_LINEAR
from estimator.models.hf_config.fields import Fields
from estimator.models.module_names import Patterns
from estimator.models.quantization.exceptions import MOST_FORMATS, Rule, Rules, everywhere, sixteen_bit

ALGORITHMS = {
    "FP8": "fp8",
    "FP8_PER_CHANNEL_PER_TOKEN": "fp8",
    "FP8_PB_WO": "fp8-block",
    "FP8_PB_REAL": "fp8-block",
    "NVFP4": "nvfp4",
    "NVFP4_AWQ": "nvfp4",
    "NVFP4_SVDQUANT": "nvfp4",
    "W4A16_NVFP4": "nvfp4",
    "W4A8_NVFP4_FP8": "nvfp4",
    "W4A16_AWQ": "int4-awq",
    "W4A8_AWQ": "int4-packed",
    "W8A16": "int8-wo",
    "W8A8_SQ_PER_CHANNEL": "int8",
    "INT8_SQ": "int8",
    "MXFP8": "mxfp8",
}
LINEAR_MXFP4 = ("MXFP4", "W4A8_MXFP4_FP8")
UNQUANTISED = ("NONE", "BF16", "FP16")


def read(f: Fields) -> Rules:
    """Rules of a ModelOpt configuration: the checkpoint's algorithm; modules that a mixed one does not list stay
    16-bit.
    """
    algorithm = f.text("quant_algo", default=_unnamed_algorithm(f))
    if algorithm != "MIXED_PRECISION":
        return everywhere(_algorithm(algorithm, f))
    listed = listed_rules(f)
    return [Rule(None, listed[-1].weights), Rule(None, sixteen_bit()), *listed]


def _unnamed_algorithm(f: Fields) -> str | None:
    """What `quant_algo: null` means: the layers have algorithms of their own, or the cache alone is quantised."""
    if not f.is_null("quant_algo"):
        return None
    return "MIXED_PRECISION" if f.has("quantized_layers") else "NONE"


def listed_rules(f: Fields) -> Rules:
    """Rules from ModelOpt's `quantized_layers`, the smallest format last: it names the checkpoint."""
    layers = f.required_section("quantized_layers")
    modules: dict[str, list[str]] = {}
    for name in layers.config:
        modules.setdefault(layers.required_section(str(name)).text("quant_algo"), []).append(str(name))
    if not 0 < len(modules) <= MOST_FORMATS:
        raise f.wrong("quantized_layers", modules, f"expected one to {MOST_FORMATS} formats")
    listed = [Rule(Patterns(names), _algorithm(name, f)) for name, names in modules.items()]
    return sorted(listed, key=lambda rule: -rule.weights.bits)


def _algorithm(name: str, f: Fields) -> WeightFormat:
    """The format of an algorithm, without the exceptions that are usual for it: the configuration lists its own."""
    if name in LINEAR_MXFP4:
        return MXFP4_LINEAR
    if name in UNQUANTISED:
        return sixteen_bit()
    if name not in ALGORITHMS:
        raise InputError("quantization_config.quant_algo", f"{name[:40]!a} is not understood")
    group = f.size("group_size", default=128)
    if name == "W4A8_AWQ":  # INT4 in blocks, products in FP8
        return integer_format(4, "packed", group)
    if name == "W4A16_AWQ":
        return integer_format(4, "awq", group)
    return weight_format(ALGORITHMS[name])._replace(exceptions=())
