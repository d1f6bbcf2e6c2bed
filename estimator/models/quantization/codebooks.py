"""Vector and trellis quantisation: EXL2, EXL3, AQLM, VPTQ.

Layouts: AQLM aqlm/inference.py (codes, codebooks, scales), VPTQ vptq/layers/vqlinear.py (indices, centroids).
"""

from math import ceil, log2

from estimator.models.formats import LINEAR, WeightFormat
from estimator.models.formats.exllama import HEAD_BITS, LEAST_BITS, MOST_BITS, exllama_format
from estimator.models.hf_config.fields import Fields
from estimator.models.module_names import Patterns
from estimator.models.quantization.exceptions import MOST_FORMATS, Rule, Rules, everywhere, sixteen_bit


def exl2(f: Fields) -> Rules:
    """ExLlamaV2: an average over the linear layers, scales included, and a width of its own for the head."""
    return everywhere(exllama_format(2, _average_bits(f), f.size("head_bits", default=int(HEAD_BITS), most=16)))


def exl3(f: Fields) -> Rules:
    """ExLlamaV3: a trellis code, and signs with scales for every input and output channel in 16 bit."""
    return everywhere(exllama_format(3, _average_bits(f), f.size("head_bits", default=int(HEAD_BITS), most=16)))


def _average_bits(f: Fields) -> float:
    bits = f.number("bits")
    if not LEAST_BITS <= bits <= MOST_BITS:
        raise f.wrong("bits", bits, f"expected {LEAST_BITS:g} to {MOST_BITS:g}")
    return bits


def aqlm(f: Fields) -> Rules:
    """AQLM (arXiv:2401.06118): codes into additive codebooks, a 16-bit scale per output, the codebooks per matrix."""
    group = f.factor("in_group_size") * f.factor("out_group_size", default=1)
    books, width = f.factor("num_codebooks"), f.size("nbits_per_codebook", most=16)
    return everywhere(
        WeightFormat(
            id="aqlm",
            name=f"AQLM, {books}x{width} bits for {group} weights",
            payload_bits=books * (8 if width <= 8 else 16) / group,
            compute="bf16",
            kernel="i4",
            quantises=LINEAR,
            output_bits=16.0,
            matrix_bits=16.0 * books * 2**width * group,
        )
    )


def vptq(f: Fields) -> Rules:
    """VPTQ (arXiv:2409.17066): every layer's own vector length and centroids, in packed indices."""
    layers = f.section("config_for_layers") or f.section("shared_layer_config")
    if layers is None:
        raise f.missing("config_for_layers", "shared_layer_config")
    modules: dict[WeightFormat, list[str]] = {}
    for name in layers.config:
        modules.setdefault(_vptq_layer(layers.required_section(str(name))), []).append(str(name))
    if not 0 < len(modules) <= MOST_FORMATS:
        raise f.wrong("config_for_layers", modules, f"expected one to {MOST_FORMATS} formats")
    shared = not f.has("config_for_layers")
    rules = [Rule(Patterns([f"*{n}" if shared else n for n in names]), each) for each, names in modules.items()]
    commonest = max(modules, key=lambda each: len(modules[each]))
    return [Rule(None, commonest), Rule(None, sixteen_bit()), *rules]


def _vptq_layer(f: Fields) -> WeightFormat:
    """The last entry of each list describes the main codebook; the first is that of outlier columns."""
    vector = _last(f, "vector_lens")
    centroids, residual = _last(f, "num_centroids"), _last(f, "num_res_centroids", least=-1)
    books = max(f.count("group_num", default=1), 1)
    if vector < 1 or centroids < 2:
        raise f.wrong("num_centroids", centroids, "expected a vector length and two centroids or more")
    index = ceil(log2(centroids)) + (ceil(log2(residual)) if residual > 1 else 0)
    return WeightFormat(
        id="vptq",
        name="VPTQ",
        payload_bits=index / vector,
        compute="bf16",
        kernel="i4",
        quantises=LINEAR,
        input_bits=32.0 if f.flag("enable_norm", default=True) else 0.0,
        matrix_bits=16.0 * books * vector * (centroids + max(residual, 0)),
    )


def _last(f: Fields, field: str, least: int = 1) -> int:
    value = f.config.get(field)
    last = value[-1] if isinstance(value, list) and value else None
    if type(last) is not int or not least <= last <= 1 << 24:
        raise f.wrong(field, value, "expected a list that ends in a whole number")
    return last
