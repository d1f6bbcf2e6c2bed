"""NVIDIA ModelOpt: an algorithm for the checkpoint, or one for every module.

Names: modelopt/torch/export/model_config.py and quant_utils.py (QUANTIZATION_*).
"""

from estimator.errors import InputError
from estimator.models.formats import WeightFormat, integer_format, weight_format
from estimator.models.formats.microscaled import MXFP4_LINEAR
from estimator.models.hf_config.fields import Fields
from estimator.models.module_names import Patterns
from estimator.models.quantization.compressed import LINEAR_CLASS, scheme
from estimator.models.quantization.exceptions import (
    MOST_FORMATS,
    Rule,
    Rules,
    everywhere,
    names_in,
    sixteen_bit,
    wherever_named,
)

MIXED = "MIXED_PRECISION"
ALGORITHMS = {
    "FP8": "fp8",
    "FP8_PER_CHANNEL_PER_TOKEN": "fp8",
    "FP8_PB_WO": "fp8-block",
    "FP8_PB_REAL": "fp8-block",
    "FP8_BLOCK_SCALES": "fp8-block",
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
UNQUANTISED = ("NONE", "BF16", "FP16", "UNQUANTIZED")


def read(f: Fields) -> Rules:
    """Rules of a ModelOpt configuration: the checkpoint's algorithm, or one for listed or grouped modules; what a mixed
    one does not name stays 16-bit.
    """
    algorithm = f.text("quant_algo", default=_unnamed_algorithm(f))
    if algorithm != MIXED:
        return everywhere(_algorithm(algorithm, f))
    if not f.has("quantized_layers"):
        return _grouped(f)
    listed = listed_rules(f)
    return [Rule(None, listed[-1].weights), Rule(None, sixteen_bit()), *listed]


def _unnamed_algorithm(f: Fields) -> str | None:
    """What `quant_algo: null` means: the layers have algorithms of their own, or the cache alone is quantised.

    Where it is absent, groups describe the weights.
    """
    if not f.is_null("quant_algo"):
        return MIXED if f.has("config_groups") else None
    return MIXED if f.has("quantized_layers") else "NONE"


def listed_rules(f: Fields) -> Rules:
    """Rules from ModelOpt's `quantized_layers`, the smallest format last: it names the checkpoint."""
    layers = f.required_section("quantized_layers")
    modules: dict[WeightFormat, list[str]] = {}
    for name in layers.config:
        own = layers.required_section(str(name))
        merged = Fields({"group_size": f.config.get("group_size"), **own.config}, own.path)
        modules.setdefault(_algorithm(own.text("quant_algo"), merged), []).append(str(name))
    if not 0 < len(modules) <= MOST_FORMATS:
        raise f.wrong("quantized_layers", modules, f"expected one to {MOST_FORMATS} formats")
    listed = [Rule(Patterns(names), wherever_named(weights)) for weights, names in modules.items()]
    return sorted(listed, key=lambda rule: -rule.weights.bits)


def _grouped(f: Fields) -> Rules:
    """Rules from `config_groups` as ModelOpt writes them into config.json: targets, and their numbers or algorithm."""
    groups = f.required_section("config_groups")
    if not 0 < len(groups.config) <= MOST_FORMATS:
        raise f.wrong("config_groups", groups.config, f"expected one to {MOST_FORMATS} groups")
    rules: Rules = []
    for name in groups.config:
        group = groups.required_section(str(name))
        weights = group.required_section("weights")
        numbers = _algorithm(weights.text("quant_algo"), weights) if weights.has("quant_algo") else scheme(weights)
        targets = names_in(group, "targets") if group.has("targets") else []
        everything = not targets or LINEAR_CLASS in targets
        rules.append(Rule(None, numbers) if everything else Rule(Patterns(targets), wherever_named(numbers)))
    rules.sort(key=lambda rule: (rule.targets is not None, -rule.weights.bits))
    return rules if rules[0].targets is None else [Rule(None, rules[-1].weights), Rule(None, sixteen_bit()), *rules]


def _algorithm(name: str, f: Fields) -> WeightFormat:
    """The format of an algorithm, without the exceptions that are usual for it: the configuration lists its own."""
    name = name.upper()
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
