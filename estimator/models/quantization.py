"""`quantization_config` and `hf_quant_config.json` -> a weight format with its exceptions."""

from collections.abc import Callable, Mapping

from estimator.errors import InputError
from estimator.models.architecture import Architecture
from estimator.models.formats import Stored, WeightFormat, weight_format
from estimator.models.hf_config.fields import Fields
from estimator.models.module_names import Patterns, matched_share
from estimator.models.tensors import Tensor

Read = list[tuple[Patterns | None, WeightFormat]]
"""Formats in order of precedence, weakest first: for every module, or for those that the patterns name."""


def read_quantization(config: Mapping[str, object], architecture: Architecture) -> WeightFormat:
    """The checkpoint's own format: what it quantises, and tensor class by tensor class what it leaves 16-bit.

    Raises InputError for a method or layout that is not understood.
    """
    f = Fields(config, "quantization_config")
    f = f.section("quantization") or f  # hf_quant_config.json
    method = f.text("quant_method", "quant_type", default="modelopt" if f.has("quant_algo") else "")
    reader = _METHODS.get(method)
    if reader is None:
        raise InputError(
            "quantization_config.quant_method", f"{method[:40]!a} is not understood; known: {', '.join(_METHODS)}"
        )
    kept = Patterns(_names(f, *(("modules_to_not_convert",) if method == "fp8" else _EXCEPTION_LISTS)))
    formats = reader(f)
    if method == "compressed-tensors" and not kept.match("lm_head") and not architecture.tied:
        formats = [(targets, each._replace(quantises=each.quantises | {"head"})) for targets, each in formats]
    return with_exceptions(formats, kept, architecture)


_MOST_FORMATS = 16
_EXCEPTION_LISTS = ("ignore", "modules_to_not_convert", "exclude_modules", "llm_int8_skip_modules")


def with_exceptions(formats: Read, kept: Patterns, architecture: Architecture) -> WeightFormat:
    """The first format, with every tensor class at the bits that its layers average to."""
    main = formats[0][1]
    exceptions = list(main.exceptions)
    for tensor in tensor_classes(architecture):
        bits = usual = main.bits_of(tensor)
        for targets, each in formats[1:]:
            share = matched_share(architecture, targets, tensor) if targets else 1.0
            bits += share * (each.bits_of(tensor) - bits)
        if kept and main.quantised(tensor):
            bits += matched_share(architecture, kept, tensor) * (main.rest_bits - bits)
        if bits != usual:
            exceptions.append(Stored(tensor.role, tensor.name, bits))
    return main._replace(exceptions=tuple(exceptions))


def tensor_classes(a: Architecture) -> list[Tensor]:
    """One matrix of each role and name; vectors are never quantised."""
    found: dict[tuple[str, str], Tensor] = {}
    for tensor in (*a.embedding, *a.head, *(t for group in a.groups for t in group.layer.tensors)):
        if tensor.role != "norm":
            found.setdefault((tensor.role, tensor.name), tensor)
    return list(found.values())


def _names(f: Fields, *fields: str) -> list[str]:
    return [name for field in fields if f.has(field) for name in _words(f, field)]


def _words(f: Fields, field: str) -> list[str]:
    value = f.config[field]
    if not isinstance(value, list) or len(value) > 100_000 or not all(isinstance(each, str) for each in value):
        raise f.wrong(field, value, "expected a list of module names")
    return [each for each in value if each]


def _one(name: str) -> Read:
    return [(None, weight_format(name))]


def _fp8(f: Fields) -> Read:
    """DeepSeek's blocks or one scale per tensor; NVIDIA's re-quantised uploads list what they changed."""
    main = weight_format("fp8")
    if f.has("weight_block_size"):
        sides = f.integers("weight_block_size")
        if len(sides) != 2 or not all(sides):
            raise f.wrong("weight_block_size", sides, "expected two whole numbers")
        main = weight_format("fp8-block")._replace(block=(sides[0], sides[1]))
    return [(None, main), *(_listed(f) if f.has("quantized_layers") else [])]


def _awq(f: Fields) -> Read:
    return [(None, _integers(f, f.size("bits", "w_bit", default=4), f.flag("zero_point", default=True), False))]


def _gptq(f: Fields) -> Read:
    """GPTQ files store zero points and a group index even where both are trivial."""
    return [(None, _integers(f, f.size("bits"), True, True))]


def _integers(f: Fields, bits: int, zeros: bool, index: bool) -> WeightFormat:
    if bits not in (2, 3, 4, 8):
        raise f.wrong("bits", bits, "expected 2, 3, 4 or 8")
    group = f.config.get("group_size", f.config.get("q_group_size", 128))
    if isinstance(group, bool) or not isinstance(group, int) or not (group == -1 or 0 < group <= 1 << 20):
        raise f.wrong("group_size", group, "expected a whole number, or -1 for a whole row")
    base = weight_format("int8-gptq" if bits == 8 else "int4-gptq" if index else "int4-awq")
    return base._replace(
        payload_bits=float(bits),
        block=(1, 0 if group == -1 else group),
        scale_bits=16.0 + (bits if zeros else 0),
        input_bits=32.0 if index else 0.0,
    )


def _bitsandbytes(f: Fields) -> Read:
    if f.flag("load_in_8bit", "_load_in_8bit"):
        return _one("int8-bnb")
    if not f.flag("load_in_4bit", "_load_in_4bit"):
        raise f.missing("load_in_4bit", "load_in_8bit")
    return _one("nf4-dq" if f.flag("bnb_4bit_use_double_quant") else "nf4")


_ALGORITHMS = {
    "FP8": "fp8",
    "FP8_PER_CHANNEL_PER_TOKEN": "fp8",
    "FP8_PB_WO": "fp8-block",
    "FP8_PB_REAL": "fp8-block",
    "NVFP4": "nvfp4",
    "NVFP4_AWQ": "nvfp4",
    "W4A16_NVFP4": "nvfp4",
    "W4A16_AWQ": "int4-awq",
    "W8A8_SQ_PER_CHANNEL": "int8",
    "INT8_SQ": "int8",
    "MXFP4": "mxfp4",
    "MXFP8": "mxfp8",
}


def _modelopt(f: Fields) -> Read:
    """NVIDIA ModelOpt; modules that a mixed checkpoint does not list stay 16-bit."""
    algorithm = f.text("quant_algo")
    if algorithm != "MIXED_PRECISION":
        return [(None, _algorithm(algorithm))]
    listed = _listed(f)
    return [(None, listed[-1][1]), (None, weight_format("bf16")), *listed]


def _listed(f: Fields) -> Read:
    """The formats in `quantized_layers`, the smallest last: it names the checkpoint."""
    layers = f.required_section("quantized_layers")
    modules: dict[str, list[str]] = {}
    for name in layers.config:
        modules.setdefault(layers.required_section(str(name)).text("quant_algo"), []).append(str(name))
    if not 0 < len(modules) <= _MOST_FORMATS:
        raise f.wrong("quantized_layers", modules, f"expected one to {_MOST_FORMATS} formats")
    listed: Read = [(Patterns(names), _algorithm(name)) for name, names in modules.items()]
    return sorted(listed, key=lambda each: -each[1].bits)


def _algorithm(name: str) -> WeightFormat:
    if name not in _ALGORITHMS:
        raise InputError("quantization_config.quant_algo", f"{name[:40]!a} is not understood")
    return _listing_its_own(_ALGORITHMS[name])


def _listing_its_own(name: str) -> WeightFormat:
    """A format without the exceptions that are usual for it: the configuration says which it makes."""
    return weight_format(name)._replace(exceptions=())


def _compressed(f: Fields) -> Read:
    """compressed-tensors: groups of targets, each with its own number format."""
    groups = f.required_section("config_groups")
    if len(groups.config) > _MOST_FORMATS:
        raise f.wrong("config_groups", groups.config, f"more than {_MOST_FORMATS} groups")
    read: Read = []
    for name in groups.config:
        group = groups.required_section(str(name))
        targets = [target for target in _names(group, "targets") if target != "Linear"]
        read.append((Patterns(targets) if targets else None, _scheme(group.required_section("weights"))))
    if not read:
        raise f.missing("config_groups")
    read.sort(key=lambda each: each[0] is not None)
    return read


def _scheme(w: Fields) -> WeightFormat:
    """One `weights` entry: number type, bits, and what shares a scale."""
    bits, kind = w.size("num_bits", most=16), w.text("type", default="int")
    strategy = w.text("strategy", default="group" if w.has("group_size") else "tensor")
    group = w.size("group_size", default=0) if strategy in ("group", "tensor_group") else 0
    if kind == "float" and bits == 8:
        if strategy == "block":
            return weight_format("fp8-block")
        return weight_format("mxfp8" if group == 32 else "fp8")
    if kind == "float" and bits == 4 and group in (16, 32):
        nv = group == 16
        return (
            _listing_its_own("nvfp4")
            if nv
            else weight_format("mxfp4")._replace(quantises=weight_format("nvfp4").quantises)
        )
    if kind == "int" and bits in (4, 8):
        zero = 0 if w.flag("symmetric", default=True) else bits
        if not group:
            return weight_format("int8" if bits == 8 else "int4-g32")._replace(block=(1, 0), scale_bits=16.0 + zero)
        base = weight_format("int4-g32" if bits == 4 else "int8-gptq")
        index = 32.0 if w.text("actorder", default="") == "group" else 0.0
        return base._replace(block=(1, group), scale_bits=16.0 + zero, input_bits=index)
    raise w.wrong("type", f"{kind} of {bits} bits, {strategy}", "this number format is not understood")


_METHODS: dict[str, Callable[[Fields], Read]] = {
    "fp8": _fp8,
    "fbgemm_fp8": lambda f: _one("fp8"),
    "modelopt": _modelopt,
    "modelopt_fp4": _modelopt,
    "modelopt_mixed": _modelopt,
    "compressed-tensors": _compressed,
    "awq": _awq,
    "gptq": _gptq,
    "auto-round": lambda f: [(None, _integers(f, f.size("bits"), True, False))],
    "bitsandbytes": _bitsandbytes,
    "mxfp4": lambda f: _one("mxfp4"),
}
