"""Quantisation sections of integer checkpoints: AWQ, GPTQ, AutoRound, HQQ, MLX, EETQ, quanto, BitNet, bitsandbytes."""

import re
from collections.abc import Mapping

from estimator.models.formats import EXPERTS, LINEAR, WeightFormat, integer_format, weight_format
from estimator.models.formats.microscaled import MLX_MODES, MXFP4_LINEAR, mlx_format
from estimator.models.hf_config.fields import Fields
from estimator.models.module_names import Patterns
from estimator.models.quantization.exceptions import (
    MOST_FORMATS,
    MOST_NAMES,
    Rule,
    Rules,
    everywhere,
    sixteen_bit,
    with_head,
)

WIDTHS = (2, 3, 4, 8)
"""Bits that AutoGPTQ, GPTQModel, AutoAWQ and AutoRound pack."""
GPTQ_FILES = ("gptq", "gptq_v2", "marlin", "bitblas", "bitblas_v1", "exllama", "exllama_v2", "qqq", "gemm", "gemv")
"""`checkpoint_format` of files that hold every weight; `marlin_24` keeps two of four."""
CHATGLM_WIDTHS = (4, 8)
LEAST_HIGGS_BITS = 2
_REGULAR_EXPRESSION = re.compile(r"[*+?^$|\\\[\](){}]")


def awq(f: Fields) -> Rules:
    """AutoAWQ: packed zero points, unless symmetric."""
    zeros = f.flag("zero_point", default=True)
    return everywhere(_packed(f, f.size("bits", "w_bit", default=4), "awq", zeros))


def gptq(f: Fields) -> Rules:
    """GPTQ files store zero points and a group index even where both are trivial.

    `modules_in_block_to_quantize` names what is quantised at all; `dynamic` (GPTQModel) overrides by regular
    expression, `-:` leaves out, and the first that matches a module counts.
    """
    f.refuse_unless("checkpoint_format", *GPTQ_FILES)
    main = _packed(f, f.size("bits"), "gptq", True)
    if f.config.get("lm_head") is True:
        main = with_head(main)
    rules = everywhere(main)
    blocks = _flat_names(f, "modules_in_block_to_quantize")
    if blocks:
        named = [*(f"*{name}" for name in blocks), *(["lm_head"] if "head" in main.quantises else [])]
        rules += [Rule(None, sixteen_bit()), Rule(Patterns(named), main)]
    overrides = f.section("dynamic")
    if overrides:
        rules += reversed([_dynamic(str(pattern), overrides, f, main) for pattern in overrides.config])
    return _bounded(f, "dynamic", rules)


def chatglm(f: Fields) -> Rules:
    """ChatGLM's own `quantization_bit`: the layers' matrices symmetric by row, as its quantization.py packs them."""
    bits = f.size("bits")
    if bits not in CHATGLM_WIDTHS:
        raise f.wrong("bits", bits, f"ChatGLM packs {' or '.join(map(str, CHATGLM_WIDTHS))} bits")
    return everywhere(integer_format(bits, "packed", 0))


def _dynamic(pattern: str, overrides: Fields, f: Fields, main: WeightFormat) -> Rule:
    """One entry of GPTQModel's `dynamic`: what it does not name is as in the whole checkpoint, the head among it."""
    expression = pattern.removeprefix("-:").removeprefix("+:")
    targets = Patterns([f"re:{expression}"])
    if pattern.startswith("-:") or overrides.config[pattern] is False:
        return Rule(targets, sixteen_bit())
    own = overrides.required_section(pattern)
    merged = Fields({**f.config, **own.config}, own.path)
    weights = _packed(merged, merged.size("bits"), "gptq", True)
    return Rule(targets, weights._replace(quantises=main.quantises))


def auto_round(f: Fields) -> Rules:
    """AutoRound: integers, or NVFP4 and MX formats by `data_type`; `extra_config` overrides by module name or pattern.

    `block_name_to_quantize` confines it to some blocks.
    """
    main = _auto_round_scheme(f)
    rules = everywhere(main)
    blocks = _flat_names(f, "block_name_to_quantize", "to_quant_block_names")
    if blocks and not any("layers" in block for block in blocks):
        rules = [Rule(None, main), Rule(None, sixteen_bit()), Rule(Patterns(blocks), main)]
    extra = f.section("extra_config")
    by_scheme: dict[WeightFormat, list[str]] = {}
    for name in extra.config if extra else ():
        own = extra.required_section(str(name)) if extra else f
        scheme = _auto_round_scheme(Fields({**f.config, **own.config}, own.path))
        by_scheme.setdefault(scheme, []).append(_as_pattern(str(name)))
    rules += [Rule(Patterns(names), with_head(scheme)) for scheme, names in by_scheme.items()]
    return _bounded(f, "extra_config", rules)


def _auto_round_scheme(f: Fields) -> WeightFormat:
    bits, kind = f.size("bits", most=32), f.text("data_type", default="int")
    if bits >= 16:
        return sixteen_bit()
    if kind.startswith("nv_fp"):
        return weight_format("nvfp4")._replace(exceptions=())
    if kind.startswith("mx_"):
        return MXFP4_LINEAR if bits == 4 else weight_format("mxfp8")
    if kind.startswith("fp"):
        return weight_format("fp8")
    return _packed(f, bits, "autoround", True)


def hqq(f: Fields) -> Rules:
    """HQQ: one setting (`weight_quant_params`) for all linear layers, or one for each kind of layer by its name."""
    settings = f.section("quant_config") or f
    if settings.has("weight_quant_params"):
        return everywhere(_hqq_scheme(settings))
    if settings.has("nbits"):
        return everywhere(_hqq_weights(settings))
    tags = [str(tag) for tag in settings.config if isinstance(settings.config[tag], Mapping)]
    if not tags:
        raise settings.missing("weight_quant_params")
    rules = [Rule(Patterns([f"*{tag}"]), _hqq_scheme(settings.required_section(tag))) for tag in tags]
    return _bounded(f, "quant_config", [Rule(None, rules[0].weights), Rule(None, sixteen_bit()), *rules])


def _hqq_scheme(settings: Fields) -> WeightFormat:
    """A setting's numbers, with scales and zero points in 16 bit or quantised to 8 themselves."""
    weights = _hqq_weights(settings.section("weight_quant_params") or settings)
    if settings.has("scale_quant_params"):
        weights = weights._replace(scale_bits=weights.scale_bits - 8)
    if settings.has("zero_quant_params"):
        weights = weights._replace(scale_bits=weights.scale_bits - 8)
    return weights


def _hqq_weights(params: Fields) -> WeightFormat:
    bits = params.size("nbits", most=8)
    group = params.size("group_size", default=0) if params.has("group_size") else 0
    return integer_format(bits, "hqq", group)


def mlx(f: Fields) -> Rules:
    """mlx-lm: every layer with weights, embedding and head included; modules are overridden, or left out, by name."""
    rules = everywhere(_mlx_scheme(f))
    for name, own in f.config.items():
        if isinstance(own, Mapping):
            merged = Fields({"mode": f.config.get("mode"), **own}, f"{f.path}.{name[:40]}")
            rules.append(Rule(Patterns([_transformers_name(name)]), _mlx_scheme(merged)))
        elif own is False:
            rules.append(Rule(Patterns([_transformers_name(name)]), sixteen_bit()))
    return _merged(f, rules)


def _transformers_name(name: str) -> str:
    """MLX keeps the experts of a layer in one module of its own name."""
    return name.replace("switch_mlp", "experts")


def _mlx_scheme(f: Fields) -> WeightFormat:
    mode, bits, group = f.text("mode", default="affine"), f.size("bits", most=8), f.size("group_size")
    if mode == "affine":
        return integer_format(bits, "mlx", group)
    if mode not in MLX_MODES or MLX_MODES[mode][0] != bits:
        raise f.wrong("mode", mode, "expected affine, mxfp4, mxfp8 or nvfp4")
    return mlx_format(mode)


def eetq(f: Fields) -> Rules:
    """EETQ: 8 bits and a 16-bit scale per output."""
    kind = f.text("weights", default="int8")
    if kind != "int8":
        raise f.wrong("weights", kind, "expected int8")
    return everywhere(weight_format("int8-wo"))


def quanto(f: Fields) -> Rules:
    """quanto: a scale per output at 8 bits, in groups of 128 inputs below."""
    kind = f.text("weights")
    known = {"int8": weight_format("int8-wo"), "float8": weight_format("fp8")}
    for bits in (2, 4):
        known[f"int{bits}"] = integer_format(bits, "quanto")
    if kind not in known:
        raise f.wrong("weights", kind, f"expected one of {', '.join(known)}")
    return everywhere(known[kind])


def bitnet(f: Fields) -> Rules:
    """BitNet b1.58 (arXiv:2402.17764): ternary, four to a byte, a scale per matrix; 16-bit while `online`."""
    if f.text("quantization_mode", default="offline") == "online":
        return everywhere(sixteen_bit()._replace(quantises=LINEAR))
    ternary = integer_format(2, "packed", 0)
    return everywhere(ternary._replace(id="bitnet", name="BitNet, ternary", scale_bits=16.0, block=(0, 0)))


def w4afp8(f: Fields) -> Rules:
    """SGLang's W4AFP8: INT4 experts in groups of 128, all other linear layers in FP8 blocks."""
    experts = integer_format(4, "packed", f.size("group_size", default=128))
    main = weight_format("fp8-block")
    return [Rule(None, main), Rule(Patterns(["experts"]), experts._replace(quantises=frozenset({"expert"})))]


def w8a8(f: Fields) -> Rules:
    """SGLang's w8a8_int8: INT8 with a scale per output channel, activations quantised as they come."""
    return everywhere(weight_format("int8"))


def blockwise(f: Fields) -> Rules:
    """SGLang's blockwise_int8: INT8 with a float32 scale for every block of the two sides that a field states."""
    outputs, inputs = f.pair("weight_block_size")
    main = weight_format("int8")._replace(id="int8-block", name=f"INT8, {outputs}x{inputs} blocks", scale_bits=32.0)
    return everywhere(main._replace(block=(outputs, inputs)))


def experts_alone(f: Fields) -> Rules:
    """vLLM's experts_int8: routed experts in INT8 with a scale per output channel, all else as it is."""
    return everywhere(weight_format("int8-wo")._replace(id="int8-experts", name="INT8 experts", quantises=EXPERTS))


def higgs(f: Fields) -> Rules:
    """HIGGS (transformers HiggsConfig): Hadamard-rotated vectors on a grid, a 16-bit scale per group of 256."""
    bits = f.size("bits", default=4, most=4)
    if bits < LEAST_HIGGS_BITS:
        raise f.wrong("bits", bits, "expected 2, 3 or 4")
    group = f.size("group_size", default=256)
    main = integer_format(bits, "packed", group)
    return everywhere(main._replace(id="higgs", name=f"HIGGS, {bits} bits", payload_bits=float(bits)))


def bitsandbytes(f: Fields) -> Rules:
    """bitsandbytes: LLM.int8() or NF4, whose scales may be quantised again."""
    if f.flag("load_in_8bit", "_load_in_8bit"):
        return everywhere(weight_format("int8-bnb"))
    if not f.flag("load_in_4bit", "_load_in_4bit"):
        raise f.missing("load_in_4bit", "load_in_8bit")
    return everywhere(weight_format("nf4-dq" if f.flag("bnb_4bit_use_double_quant") else "nf4"))


def _packed(f: Fields, bits: int, packer: str, zeros: bool) -> WeightFormat:
    """Integers as one of the packers with zero points stores them."""
    if bits not in WIDTHS:
        raise f.wrong("bits", bits, "expected 2, 3, 4 or 8")
    group = f.config.get("group_size", f.config.get("q_group_size", 128))
    if isinstance(group, bool) or not isinstance(group, int) or not (group in (-1, 0) or 0 < group <= 1 << 20):
        raise f.wrong("group_size", group, "expected a whole number, or -1 for a whole row")
    weights = integer_format(bits, packer, max(group, 0))
    return weights if zeros else weights._replace(scale_bits=16.0)


def _flat_names(f: Fields, *fields: str) -> list[str]:
    """Names in a field that holds one, a list, or a list of lists."""
    value = next((f.config[field] for field in fields if f.has(field)), [])
    names: list[object] = []
    for each in value if isinstance(value, list) else [value]:
        names += each if isinstance(each, list) else [each]
    if len(names) > MOST_NAMES or not all(isinstance(name, str) for name in names):
        raise f.wrong(fields[0], value, "expected module names")
    return [name for name in names if isinstance(name, str) and name]


def _as_pattern(name: str) -> str:
    """A key of AutoRound's `extra_config`, which is searched as an expression where it has the signs of one."""
    bare = name.replace(".*", "").replace(".", "")
    return f"re:.*{name}" if _REGULAR_EXPRESSION.search(bare) or ".*" in name else name


def _bounded(f: Fields, field: str, rules: Rules) -> Rules:
    if len(rules) > MOST_FORMATS:
        raise f.wrong(field, rules, f"more than {MOST_FORMATS} rules")
    return rules


def _merged(f: Fields, rules: Rules) -> Rules:
    """Rules of equal format after the first as one, so that a list by layer is followed in one pass."""
    first, *rest = rules
    names: dict[WeightFormat, list[str]] = {}
    for targets, weights in rest:
        names.setdefault(weights, []).extend(targets.spelled if targets else ())
    return _bounded(f, "quantization", [first, *(Rule(Patterns(each), weights) for weights, each in names.items())])
