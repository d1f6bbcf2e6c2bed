"""compressed-tensors (llm-compressor): groups of targets, each with its own number format and sparsity.

Names: compressed_tensors/quantization/quant_args.py, compressors/sparse_compressors.
"""

from estimator.models.formats import WeightFormat, integer_format, weight_format
from estimator.models.formats.microscaled import MXFP4_LINEAR
from estimator.models.hf_config.fields import Fields
from estimator.models.module_names import Patterns
from estimator.models.quantization.exceptions import (
    MOST_FORMATS,
    Rule,
    Rules,
    everywhere,
    exception_names,
    names_in,
    sixteen_bit,
    with_head,
)

SPARSE_24 = ("sparse-24-bitmask", "marlin-24")
LINEAR_CLASS = "Linear"
EMBEDDING, EMBEDDING_MODULE = "Embedding", "embed_tokens"
"""Targets that name torch's class rather than a module, and the module of the second."""
UNPACKED = ("int-quantized", "naive-quantized")
"""File formats that keep an integer of any width in a byte of its own (compressors/quantized_compressors)."""
MASK_BITS = 1.0
"""Bits of a weight's place in its mask: one of a bitmask, two for each of the two kept out of four."""
BYTE_BITS = 8.0


def read(f: Fields) -> Rules:
    """Rules of a compressed-tensors configuration: groups of targets, each with its format.

    Every linear layer is a target where no module is named, the output projection among them.
    """
    rules = [] if not f.has("config_groups") else _groups(f)
    sparsity = f.section("sparsity_config")
    if not rules:
        if sparsity is None:
            raise f.missing("config_groups")
        rules = everywhere(with_head(sixteen_bit()._replace(quantises=weight_format("fp8").quantises)))
    if not Patterns(exception_names(f)).match("lm_head"):
        rules = [Rule(targets, with_head(weights)) for targets, weights in rules]
    file_format = f.text("format", default="")
    if sparsity and sparsity.text("format", default="dense") in SPARSE_24:
        return _sparse(rules, sparsity, Patterns(exception_names(f)))
    return [Rule(targets, _half(weights)) for targets, weights in rules] if file_format in SPARSE_24 else rules


def _sparse(rules: Rules, sparsity: Fields, kept: Patterns) -> Rules:
    """Rules where the modules that a `sparsity_config` targets and does not ignore keep two of every four weights."""
    targets, ignored = (names_in(sparsity, field) if sparsity.has(field) else [] for field in ("targets", "ignore"))
    halved = [Rule(named, _half(weights)) for named, weights in rules]
    whole = not targets or LINEAR_CLASS in targets
    dense = Patterns(name for name in ignored if name not in kept.spelled)
    if whole and not dense:
        return halved
    if len(rules) > 1:
        raise sparsity.wrong("targets", targets, "modules of their own beside several groups are not followed")
    [(_, main)], [(_, half)] = rules, halved
    sparse = halved if whole else [Rule(None, main), Rule(Patterns(targets), half)]
    return [*sparse, Rule(dense, main)] if dense else sparse


def _groups(f: Fields) -> Rules:
    groups = f.required_section("config_groups")
    if len(groups.config) > MOST_FORMATS:
        raise f.wrong("config_groups", groups.config, f"more than {MOST_FORMATS} groups")
    rules: Rules = []
    for name in groups.config:
        group = groups.required_section(str(name))
        targets = names_in(group, "targets") if group.has("targets") else []
        weights = group.section("weights")
        if weights is not None:  # a group of activations alone leaves the weights as they are
            in_bytes = group.text("format", default=f.text("format", default="")) in UNPACKED
            rules.append(_rule(targets, _in_bytes(scheme(weights)) if in_bytes else scheme(weights)))
    rules.sort(key=lambda rule: rule.targets is not None)
    if rules and rules[0].targets is not None:  # what no group names is not quantised
        return [Rule(None, rules[-1].weights), Rule(None, sixteen_bit()), *rules]
    return rules


def _rule(targets: list[str], weights: WeightFormat) -> Rule:
    """A group's format where its targets say: names and patterns of modules, or the classes Linear and Embedding."""
    if EMBEDDING in targets:
        weights = with_head(weights, "embedding")
    named = [EMBEDDING_MODULE if target == EMBEDDING else target for target in targets]
    return Rule(None if LINEAR_CLASS in targets or not targets else Patterns(named), weights)


def _in_bytes(weights: WeightFormat) -> WeightFormat:
    """The format with every number in a byte, where it is narrower."""
    if weights.payload_bits >= BYTE_BITS:
        return weights
    return weights._replace(id=f"{weights.id}-bytes", name=f"{weights.name}, a byte each", payload_bits=BYTE_BITS)


def _half(weights: WeightFormat) -> WeightFormat:
    """The format where two of every four weights are zero and not stored."""
    return weights._replace(
        id=f"{weights.id}-sparse", name=f"{weights.name}, 2:4 sparse", payload_bits=weights.payload_bits / 2 + MASK_BITS
    )


def scheme(w: Fields) -> WeightFormat:
    """One `weights` entry: number type, bits, and what shares a scale."""
    bits, kind = w.size("num_bits", most=16), w.text("type", default="int")
    strategy = w.text("strategy", default="group" if w.has("group_size") else "tensor")
    group = w.size("group_size", default=0) if strategy in ("group", "tensor_group") else 0
    if bits == 16:
        return sixteen_bit()
    if kind == "float" and bits == 8:
        if strategy == "block":
            sides = w.integers("block_structure") if isinstance(w.config.get("block_structure"), list) else [128, 128]
            return weight_format("fp8-block")._replace(block=(sides[0], sides[-1]))
        return weight_format("mxfp8" if group == 32 else "fp8")
    if kind == "float" and bits == 4 and group in (16, 32):
        return weight_format("nvfp4")._replace(exceptions=()) if group == 16 else MXFP4_LINEAR
    if kind == "int" and bits <= 8:
        return _integers(w, bits, group)
    raise w.wrong("type", f"{kind} of {bits} bits, {strategy}", "this number format is not understood")


def _integers(w: Fields, bits: int, group: int) -> WeightFormat:
    zero = 0 if w.flag("symmetric", default=True) else bits
    if bits == 8 and not group:
        return weight_format("int8")._replace(scale_bits=16.0 + zero)
    index = 32.0 if w.config.get("actorder") in ("group", True) else 0.0
    weights = weight_format("int4-g32") if (bits, group) == (4, 32) else integer_format(bits, "packed", group)
    return weights._replace(scale_bits=16.0 + zero, input_bits=index)
