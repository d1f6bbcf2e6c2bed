"""Quantisation sections of FP8, MXFP4 and their kin, as transformers and DeepSeek write them."""

from estimator.models.formats import LINEAR, WeightFormat, weight_format
from estimator.models.formats.microscaled import MXFP4_LINEAR
from estimator.models.hf_config.fields import Fields
from estimator.models.module_names import Patterns
from estimator.models.quantization.exceptions import (
    Rule,
    Rules,
    everywhere,
    names_in,
    sixteen_bit,
    wherever_named,
)
from estimator.models.quantization.modelopt import listed_rules

EXPERT_FORMAT = ("expert_dtype", "routed_experts_quant_method", "store_dtype")
"""Fields of an FP8 section that say how the routed experts are stored: DeepSeek-V4, Ling 3 and MiMo-V2.6 as their
loaders in vLLM and SGLang read them."""
EXPERT_GROUP = ("routed_experts_group_size", "mxfp4_block_size")
MX_GROUP = 32


def fp8(f: Fields) -> Rules:
    """FP8 in DeepSeek's blocks or with one scale per tensor, with experts perhaps in four bits; NVIDIA's re-quantised
    uploads list what they changed, and `modules_to_convert` tables that are stored like the layers.
    """
    main = weight_format("fp8")
    if f.has("weight_block_size"):
        main = blocked(f, "weight_block_size")
    listed = listed_rules(f) if f.has("quantized_layers") else []
    tables = names_in(f, "modules_to_convert") if f.has("modules_to_convert") else []
    converted = [Rule(Patterns(tables), wherever_named(main))] if tables else []
    return [*everywhere(main), *_experts_apart(f), *listed, *converted]


def _experts_apart(f: Fields) -> Rules:
    """The rule of routed experts that an FP8 checkpoint stores as MXFP4; none where they are FP8 like the rest."""
    field = next((field for field in EXPERT_FORMAT if f.has(field)), EXPERT_FORMAT[0])
    kind = f.text(field, default="fp8").lower()
    if kind.startswith(("fp8", "float8")):
        return []
    if kind not in ("fp4", "mxfp4"):
        raise f.wrong(field, kind, "expected fp8, fp4 or mxfp4")
    for group in EXPERT_GROUP:
        f.refuse_unless(group, MX_GROUP)
    return [Rule(Patterns(["experts"]), weight_format("mxfp4"))]


def blocked(f: Fields, field: str) -> WeightFormat:
    """FP8 in blocks of the two sides that a field states."""
    sides = f.integers(field)
    if len(sides) != 2 or not all(sides):
        raise f.wrong(field, sides, "expected two whole numbers")
    return weight_format("fp8-block")._replace(block=(sides[0], sides[1]))


def plain_fp8(f: Fields) -> Rules:
    """FP8 with a scale per tensor or channel, as FBGEMM and PTPC store it."""
    return everywhere(weight_format("fp8"))


def mxfp4(f: Fields) -> Rules:
    """OpenAI's MXFP4: routed experts only."""
    return everywhere(weight_format("mxfp4"))


def mxfp8(f: Fields) -> Rules:
    """MXFP8: FP8 with a power-of-two scale for every 32 inputs."""
    return everywhere(weight_format("mxfp8"))


def fp_quant(f: Fields) -> Rules:
    """FP-Quant (transformers FPQuantConfig): NVFP4 or MXFP4 in every linear layer."""
    return _four_bit_floats(f, "forward_dtype")


def four_over_six(f: Fields) -> Rules:
    """Four Over Six (arXiv:2512.02010): NVFP4 or MXFP4 blocks, or 16-bit masters."""
    if f.flag("keep_master_weights"):
        return everywhere(sixteen_bit()._replace(quantises=LINEAR))
    return _four_bit_floats(f, "weight_dtype" if f.has("weight_dtype") else "dtype")


def _four_bit_floats(f: Fields, field: str) -> Rules:
    kind = f.text(field, default="nvfp4")
    if kind not in ("nvfp4", "mxfp4"):
        raise f.wrong(field, kind, "expected nvfp4 or mxfp4")
    return everywhere(weight_format("nvfp4")._replace(exceptions=()) if kind == "nvfp4" else MXFP4_LINEAR)
