"""Quantisations that transformers itself defines: NVFP4, Metal, SINQ, and Gemma's per-row integers.

Names and layouts: transformers utils/quantization_config.py and integrations/ (nvfp4, metal_quantization, sinq,
gemma_quant).
"""

from estimator.models.formats import LINEAR, WeightFormat, integer_format, weight_format
from estimator.models.hf_config.fields import Fields
from estimator.models.module_names import Patterns
from estimator.models.quantization.exceptions import MOST_FORMATS, Rule, Rules, everywhere, with_head

METAL_WIDTHS, GEMMA_WIDTHS = (2, 4, 8), (2, 4, 8)
SINQ_COLUMN_BITS = 16.0
"""SINQ scales columns as well as groups of a row: a 16-bit factor for every input channel (arXiv:2509.22944)."""
ROW_SCALE_BITS = 32.0


def nvfp4(f: Fields) -> Rules:
    """NVFP4 in every linear layer."""
    return everywhere(weight_format("nvfp4")._replace(exceptions=()))


def metal(f: Fields) -> Rules:
    """Affine integers in linear layers, packed as MLX packs them: a scale and a bias for every group."""
    group = f.size("group_size", default=64)
    return everywhere(integer_format(_width(f, "bits", METAL_WIDTHS, 4), "mlx", group)._replace(quantises=LINEAR))


def sinq(f: Fields) -> Rules:
    """SINQ: integers in groups of a row, and a second scale for every column."""
    weights = integer_format(f.size("nbits", default=4, most=8), "hqq", f.size("group_size", default=64))
    return everywhere(weights._replace(input_bits=SINQ_COLUMN_BITS))


def gemma(f: Fields) -> Rules:
    """Integers with a scale for every row; expressions name modules of another width; the first counts."""
    tables = f.flag("quantize_embeddings")
    overrides = f.section("module_quant_configs")
    rules = everywhere(_row_wise(f, tables))
    for pattern in reversed([*overrides.config] if overrides else []):
        own = overrides.required_section(pattern) if overrides else f
        merged = Fields({"num_bits": f.config.get("num_bits"), **own.config}, own.path)
        rules.append(Rule(Patterns([f"re:.*(?:{pattern})"]), _row_wise(merged, tables)))
    if len(rules) > MOST_FORMATS:
        raise f.wrong("module_quant_configs", rules, f"more than {MOST_FORMATS} rules")
    return rules


def _row_wise(f: Fields, tables: bool) -> WeightFormat:
    bits = _width(f, "num_bits", GEMMA_WIDTHS, 4)
    weights = with_head(integer_format(bits, "packed", 0)._replace(scale_bits=ROW_SCALE_BITS))
    return with_head(weights, "embedding") if tables else weights


def _width(f: Fields, field: str, legal: tuple[int, ...], default: int) -> int:
    bits = f.size(field, default=default)
    if bits not in legal:
        raise f.wrong(field, bits, f"expected {', '.join(map(str, legal))}")
    return bits
