"""Which tensors of a quantised checkpoint are stored otherwise: rules by module name, averaged over the layers."""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from estimator.models.architecture import Architecture
from estimator.models.formats import Stored, WeightFormat, weight_format
from estimator.models.hf_config.fields import Fields
from estimator.models.module_names import Patterns, named, places_of
from estimator.models.tensors import Role, Tensor

MOST_FORMATS = 64
"""Rules of one checkpoint: engineering guess, ten times what published ones have."""
MOST_NAMES = 100_000
EXCEPTION_LISTS = (
    "ignore",
    "ignored_layers",
    "modules_to_not_convert",
    "exclude_modules",
    "exclude",
    "skip_modules",
    "llm_int8_skip_modules",
    "linear_weights_not_to_quantize",
)
"""Fields that list modules which stay 16-bit, in the spellings of compressed-tensors, vLLM, transformers, ModelOpt,
Quark, HQQ, bitsandbytes and AQLM."""
CONVERTER_LISTS = ("ignore", "exclude_modules")
"""Fields that ModelOpt adds to the section of an FP8 checkpoint of which it converts some layers: modules that it
leaves as they are."""


class Rule(NamedTuple):
    """Modules by name or pattern, and the format that they are stored in."""

    targets: Patterns | None
    """None is every module."""
    weights: WeightFormat


Rules = list[Rule]
"""In order of precedence, weakest first. The first is the checkpoint's format by name."""


def everywhere(weights: WeightFormat) -> Rules:
    """The rule of a checkpoint in one format."""
    return [Rule(None, weights)]


def exception_names(f: Fields) -> list[str]:
    """Module names and patterns that a quantisation's configuration leaves 16-bit, whatever it calls the list.

    Where an FP8 checkpoint was converted in part, the converter's own list names what stays FP8, and is none of them.
    """
    converted = f.config.get("quant_method") == "fp8" and f.has("quantized_layers")
    fields = [field for field in EXCEPTION_LISTS if f.has(field) and not (converted and field in CONVERTER_LISTS)]
    return [name for field in fields for name in names_in(f, field)]


def names_in(f: Fields, field: str) -> list[str]:
    """A field's list of module names. Raises InputError for anything else."""
    value = f.config[field]
    if not isinstance(value, list) or len(value) > MOST_NAMES or not all(isinstance(each, str) for each in value):
        raise f.wrong(field, value, "expected a list of module names")
    return [each for each in value if each]


def with_head(weights: WeightFormat, role: Role = "head") -> WeightFormat:
    """A weight format that quantises the output projection (or another role) as well."""
    return weights._replace(quantises=weights.quantises | {role})


def wherever_named(weights: WeightFormat) -> WeightFormat:
    """A weight format as a rule has it that names modules, be they tables outside the layers."""
    return with_head(with_head(weights), "embedding")


def sixteen_bit() -> WeightFormat:
    """The format of modules that a rule leaves alone."""
    return weight_format("bf16")


def with_exceptions(rules: Rules, kept: Patterns, architecture: Architecture) -> WeightFormat:
    """The first rule's format, with every tensor class stored at the bits that its layers average to under all
    rules.
    """
    main = rules[0].weights
    parameters: Counter[tuple[Role, str]] = Counter()
    for count, matrix in _matrices(architecture):
        parameters[matrix.role, matrix.name] += count * matrix.parameters
    by_role: dict[Role, list[StoredClass]] = {}
    for tensor in tensor_classes(architecture):
        usual, bits = main.bits_of(tensor), _average_bits(rules, kept, tensor, architecture)
        stored = StoredClass(name=tensor.name, parameters=parameters[tensor.role, tensor.name], usual=usual, bits=bits)
        by_role.setdefault(tensor.role, []).append(stored)
    own = [each for role, classes in by_role.items() for each in _stored(role, classes)]
    return main._replace(exceptions=(*own, *main.exceptions))


def _average_bits(rules: Rules, kept: Patterns, tensor: Tensor, architecture: Architecture) -> float:
    """Stored bits per weight of a tensor class over the layers; in each the last rule that names it counts."""
    main = rules[0].weights
    by_layer = kept.by_layer or any(targets.by_layer for targets, _ in rules if targets)
    layers: Counter[float] = Counter()
    for places in places_of(architecture, tensor, by_layer):
        bits = [main.bits_of(tensor)] * len(places.indices)
        for targets, weights in rules[1:]:
            own = weights.bits_of(tensor)
            bits = _where(named(targets, tensor, places), own, bits) if targets else [own] * len(bits)
        if kept and any(each != main.rest_bits for each in bits):
            bits = _where(named(kept, tensor, places), main.rest_bits, bits)
        for each in bits:
            layers[each] += places.layers
    if len(layers) < 2:
        return next(iter(layers), main.bits_of(tensor))
    return sum(count * each for each, count in layers.items()) / sum(layers.values())


def _where(chosen: list[bool], own: float, otherwise: list[float]) -> list[float]:
    return [own if here else other for here, other in zip(chosen, otherwise, strict=True)]


class StoredClass(NamedTuple):
    """Tensors of one role and name: how many parameters, and the bits of each by the format and by all rules."""

    name: str
    parameters: int
    usual: float
    bits: float


def _stored(role: Role, classes: list[StoredClass]) -> list[Stored]:
    """The exceptions of a role: none where all is as usual, one where its tensors are alike, else one by name each.

    What multiplies several tensors of a role at once asks for the role alone: the last is their average.
    """
    if all(each.bits == each.usual for each in classes):
        return []
    if len({each.bits for each in classes}) == 1:
        return [Stored(role, "", classes[0].bits)]
    average = sum(each.parameters * each.bits for each in classes) / sum(each.parameters for each in classes)
    return [*(Stored(role, each.name, each.bits) for each in classes), Stored(role, "", average)]


def tensor_classes(a: Architecture) -> list[Tensor]:
    """One matrix of each role and name of an architecture; vectors are never quantised."""
    classes: dict[tuple[Role, str], Tensor] = {}
    for _, tensor in _matrices(a):
        classes.setdefault((tensor.role, tensor.name), tensor)
    return list(classes.values())


def _matrices(a: Architecture) -> Iterator[tuple[int, Tensor]]:
    """Every matrix of an architecture with the times that it is there."""
    for tensor in (*a.embedding, *a.head):
        yield 1, tensor
    for group in a.groups:
        yield from ((group.weight_sets, tensor) for tensor in group.layer.tensors if tensor.role != "norm")
