"""Quantisation sections of AMD Quark: a global setting, and others by layer name or type.

Names: quark/torch/quantization/config/type.py (Dtype, QSchemeType), vllm/model_executor/layers/quantization/quark.
"""

from collections.abc import Mapping

from estimator.models.formats import WeightFormat, integer_format, weight_format
from estimator.models.formats.microscaled import MXFP4_LINEAR
from estimator.models.hf_config.fields import Fields
from estimator.models.module_names import Patterns
from estimator.models.quantization.exceptions import MOST_FORMATS, Rule, Rules, sixteen_bit
from estimator.models.quantization.floats import blocked

MX_GROUP = 32


def read(f: Fields) -> Rules:
    """Rules of a Quark configuration: the global setting or that of linear layers, then those of `layer_quant_config`.

    Without either, what is not named stays 16-bit.
    """
    own = f.section("layer_quant_config")
    rules: Rules = []
    for name in own.config if own else ():
        layer = own.required_section(str(name)) if own else f
        rules.append(Rule(Patterns([str(name)]), _weights(layer)))
    if len(rules) > MOST_FORMATS:
        raise f.wrong("layer_quant_config", rules, f"more than {MOST_FORMATS} rules")
    everything = f.section("global_quant_config")
    by_type = f.section("layer_type_quant_config")
    if by_type and by_type.config:
        if set(by_type.config) != {"Linear"}:
            raise f.wrong("layer_type_quant_config", sorted(by_type.config)[0], "expected Linear alone")
        everything = by_type.required_section("Linear")
    if everything and everything.has("weight"):
        return [Rule(None, _weights(everything)), *rules]
    if not rules:
        raise f.missing("global_quant_config")
    return [Rule(None, rules[0].weights), Rule(None, sixteen_bit()), *rules]


def _weights(f: Fields) -> WeightFormat:
    """The number format of a setting's weights; of two steps (FP8, then INT4) the last is what is stored."""
    value = f.config.get("weight")
    if value is None:
        return sixteen_bit()
    steps = value if isinstance(value, list) else [value]
    if not steps or not isinstance(steps[-1], Mapping):
        raise f.wrong("weight", value, "expected a setting")
    w = Fields(steps[-1], f"{f.path}.weight")
    kind, scheme = w.text("dtype"), w.text("qscheme", default="per_tensor")
    group = w.size("group_size", default=MX_GROUP) if scheme == "per_group" else 0
    if kind in ("fp8_e4m3", "fp8_e5m2"):
        if scheme == "per_block":
            return blocked(w, "block_size")
        return weight_format("mxfp8") if group == MX_GROUP else weight_format("fp8")
    if kind in ("fp4", "mx", "mxfp4"):
        return MXFP4_LINEAR
    if kind in ("mx6", "fp6_e2m3", "fp6_e3m2", "mxfp6"):
        return MXFP4_LINEAR._replace(id="mxfp6-linear", name="MXFP6, linear layers", payload_bits=6)
    if kind in ("bfloat16", "float16"):
        return sixteen_bit()
    if kind in ("int8", "uint8") and not group:
        return weight_format("int8")
    if kind in ("int8", "uint8", "int4", "uint4", "int3", "int2"):
        weights = integer_format(int(kind[-1]), "packed", group)
        zero = 0 if w.flag("symmetric", default=kind.startswith("int")) else int(kind[-1])
        return weights._replace(scale_bits=16.0 + zero)
    raise w.wrong("dtype", kind, "this number format is not understood")
