"""torchao as transformers' TorchAoConfig writes it: a name with arguments, or a serialised config object.

Names and default groups: torchao/quantization/quant_api.py.
"""

from collections.abc import Callable, Mapping

from estimator.models.formats import EVERYTHING, WeightFormat, integer_format, weight_format
from estimator.models.formats.microscaled import MXFP4_LINEAR
from estimator.models.hf_config.fields import Fields
from estimator.models.module_names import Patterns
from estimator.models.quantization.exceptions import MOST_FORMATS, Rule, Rules, everywhere, sixteen_bit

Scheme = Callable[[Fields], WeightFormat]


def _fp8(f: Fields) -> WeightFormat:
    return weight_format("fp8")


def _microscaled(f: Fields) -> WeightFormat:
    """MXFP8 or MXFP4 by the type of the weights (torchao MXDynamicActivationMXWeightConfig, whose default is E4M3)."""
    return MXFP4_LINEAR if "float4" in _type_name(f, "float8_e4m3fn") else weight_format("mxfp8")


def _int8_weights(f: Fields) -> WeightFormat:
    group = f.size("group_size", default=0)
    return integer_format(8, "torchao", group) if group else weight_format("int8-wo")


def _integers(default_bits: int, default_group: int) -> Scheme:
    def scheme(f: Fields) -> WeightFormat:
        """Integers of the width and group that the arguments state."""
        width = _type_name(f, f"int{default_bits}")
        bits = int(width[-1]) if width[-1:].isdigit() and 1 <= int(width[-1]) <= 8 else default_bits
        return integer_format(bits, "torchao", _group(f, default_group))

    return scheme


def _intx(f: Fields) -> WeightFormat:
    """Integers of any width, a byte each with a byte of zero point unless packed for one kind of processor.

    Source: torchao IntxWeightOnlyConfig, whose `intx_packing_format` is UNPACKED_TO_INT8 where nothing is said.
    """
    weights = _integers(8, 32)(f)
    packing = f.config.get("intx_packing_format")
    if isinstance(packing, Mapping):
        packing = packing.get("_data")
    if isinstance(packing, str) and "opaque" in packing.lower():
        return weights
    name = f"{weights.name}, a byte each"
    return weights._replace(id=f"{weights.id}-bytes", name=name, payload_bits=8.0, kernel="i8", scale_bits=16.0 + 8)


def _type_name(f: Fields, otherwise: str) -> str:
    """The integer type of the weights, as plain text or as a serialised torch.dtype."""
    if isinstance(f.config.get("weight_dtype"), Mapping):
        f = f.required_section("weight_dtype")
        return f.text("_data")
    return f.text("weight_dtype", default=otherwise).removeprefix("torch.")


def _group(f: Fields, otherwise: int) -> int:
    """Inputs that share a scale, as a number or as a granularity object; 0 is a whole row."""
    granularity = f.section("weight_granularity") or f.section("granularity")
    if granularity is None:
        return f.size("group_size", default=otherwise)
    kind = granularity.text("_type")
    if kind == "PerGroup":
        return granularity.required_section("_data").size("group_size")
    if kind in ("PerAxis", "PerRow"):
        return 0
    raise granularity.wrong("_type", kind, "expected PerGroup, PerAxis or PerRow")


SCHEMES: Mapping[str, Scheme] = {
    "int4weightonly": _integers(4, 128),
    "int8weightonly": _int8_weights,
    "int8dynamicactivationint8weight": lambda f: weight_format("int8"),
    "int8dynamicactivationint4weight": _integers(4, 32),
    "int8dynamicactivationintxweight": _intx,
    "intxweightonly": _intx,
    "uintxweightonly": _integers(4, 64),
    "float8weightonly": _fp8,
    "float8dynamicactivationfloat8weight": _fp8,
    "float8staticactivationfloat8weight": _fp8,
    "float8dynamicactivationint4weight": _integers(4, 128),
    "int4dynamicactivationint4weight": lambda f: integer_format(4, "packed", 0),
    "mxfpinference": _microscaled,
    "mxdynamicactivationmxweight": _microscaled,
    "mxfp8": lambda f: weight_format("mxfp8"),
    "nvfp4inference": lambda f: weight_format("nvfp4")._replace(exceptions=()),
    "nvfp4dynamicactivationnvfp4weight": lambda f: weight_format("nvfp4")._replace(exceptions=()),
}
"""Scheme by the name of its class or function, in lower case without `config` and underscores."""


def read(f: Fields) -> Rules:
    """Rules of a torchao configuration: one scheme, or one for every module name (`FqnToConfig`,
    `ModuleFqnToConfig`).
    """
    kind = f.config.get("quant_type")
    if isinstance(kind, str):
        return everywhere(_scheme(kind, f.section("quant_type_kwargs") or Fields({}, f.path), f))
    settings = f.required_section("quant_type")
    default = settings.section("default") or settings
    by_name = default.text("_type", default="")
    if by_name.lower().removesuffix("config").endswith("fqnto"):
        data = default.required_section("_data")
        modules = data.section("fqn_to_config") or data.required_section("module_fqn_to_config")
        return _by_module(modules, f)
    weights = _object(default, f)
    if f.flag("include_input_output_embeddings"):
        weights = weights._replace(quantises=EVERYTHING)
    return everywhere(weights)


def _by_module(modules: Fields, f: Fields) -> Rules:
    if not 0 < len(modules.config) <= MOST_FORMATS:
        raise f.wrong("quant_type", modules.config, f"expected one to {MOST_FORMATS} modules")
    main: WeightFormat | None = None
    rules: Rules = []
    for name, value in modules.config.items():
        weights = sixteen_bit() if value is None else _object(modules.required_section(str(name)), f)
        if name == "_default":
            main = weights
        else:
            rules.append(Rule(Patterns([str(name)]), weights._replace(quantises=EVERYTHING)))
    first = main or rules[0].weights
    return [Rule(None, first), *([] if main else [Rule(None, sixteen_bit())]), *rules]


def _object(f: Fields, owner: Fields) -> WeightFormat:
    return _scheme(f.text("_type"), f.section("_data") or Fields({}, f.path), owner)


def _scheme(name: str, arguments: Fields, f: Fields) -> WeightFormat:
    scheme = SCHEMES.get(name.lower().replace("_", "").removesuffix("config"))
    if scheme is None:
        raise f.wrong("quant_type", name, f"not understood; known: {', '.join(SCHEMES)}")
    return scheme(arguments)
