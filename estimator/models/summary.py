"""A model in figures, as the `model` verb and the picker's details show it."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from estimator.models.architecture import Architecture, LayerGroup
from estimator.models.formats.base import WeightFormat
from estimator.models.labels import class_label
from estimator.models.model import Model
from estimator.models.tensors import Role, Tensor, parameters

CACHE_BYTES = 2
"""Cache figures are stated at 16 bit."""


class Parameters(NamedTuple):
    """Parameter counts of a model. `text` is the language model alone; MTP modules and towers are counted apart."""

    text: int
    active: int
    """Per token of ordinary decoding, embedding and head included."""
    mtp: int | None
    """None where the class's modules are not modelled."""
    vision: int | None
    """None where the configuration does not describe the tower."""
    total: int
    embedding: int
    lm_head: int
    """0 where it is the embedding itself."""
    attention: int
    """All token mixers, recurrent ones too, without norms and biases."""
    mlp: int
    """Dense and shared feed-forward parts."""
    experts: int


class KvCache(NamedTuple):
    """Cache of a model: bytes at 16 bit, and states in elements, since they have a type of their own."""

    bytes_per_token: float
    """Layers that keep every token."""
    window_bytes_per_token: float
    window_tokens: int | None
    indexer_bytes_per_token: float
    cross_bytes_per_source_token: float
    state_elements_per_sequence: int
    conv_state_elements_per_sequence: int


class LayerRow(NamedTuple):
    """One kind of layer in the details table."""

    kind: str
    layers: int
    parameters: int
    """Parameters of one layer of this kind."""
    bytes_per_token: float


class ModelSummary(NamedTuple):
    """One model in figures."""

    model: str
    architecture: str
    parameters: Parameters
    kv_cache: KvCache
    max_context: int
    layers: tuple[LayerRow, ...]
    notes: tuple[str, ...]


def summary(model: Model) -> ModelSummary:
    """A model in figures, summed over the architecture's own tensors and mixers."""
    a = model.architecture
    return ModelSummary(
        model=model.id,
        architecture=a.class_name,
        parameters=_parameters(a),
        kv_cache=_cache(a),
        max_context=a.max_context,
        layers=tuple(map(_row, a.groups)),
        notes=(*a.notes, *model.notes),
    )


def _parameters(a: Architecture) -> Parameters:
    return Parameters(
        text=a.text_parameters,
        active=a.active_parameters,
        mtp=None if a.mtp_missing else parameters(a.mtp),
        vision=None if a.tower_missing else a.vision_parameters,
        total=a.parameters,
        embedding=parameters(a.embedding),
        lm_head=0 if a.tied else parameters(a.head),
        attention=_of_role(a, "attention"),
        mlp=_of_role(a, "mlp", "shared_expert"),
        experts=_of_role(a, "expert"),
    )


def _of_role(a: Architecture, *roles: Role) -> int:
    stacks: Iterable[LayerGroup] = (*a.groups, *a.encoder)
    return sum(g.weight_sets * parameters(t for t in g.layer.tensors if t.role in roles) for g in stacks)


def _cache(a: Architecture) -> KvCache:
    mixers = [(group.count, group.layer.mixer) for group in a.groups if group.layer.mixer]
    windows = {mixer.window for _, mixer in mixers if mixer.window_width}
    return KvCache(
        bytes_per_token=CACHE_BYTES * _whole(sum(count * mixer.growing_width for count, mixer in mixers)),
        window_bytes_per_token=CACHE_BYTES * _whole(sum(count * mixer.window_width for count, mixer in mixers)),
        window_tokens=max(windows, default=None),
        indexer_bytes_per_token=CACHE_BYTES * _whole(sum(count * mixer.index_width for count, mixer in mixers)),
        cross_bytes_per_source_token=CACHE_BYTES * _whole(sum(count * mixer.cross_width for count, mixer in mixers)),
        state_elements_per_sequence=a.state_elements,
        conv_state_elements_per_sequence=a.conv_state_elements,
    )


def _whole(value: float) -> float:
    return int(value) if value == int(value) else value


class StoredPart(NamedTuple):
    """Weights of one width in a checkpoint."""

    name: str
    bytes: float
    roles: tuple[str, ...]


def text_tensors(a: Architecture) -> Iterator[tuple[int, Tensor]]:
    """Every tensor of the language model with the times that it is there; a tied head is its embedding."""
    for tensor in (*a.embedding, *(() if a.tied else a.head), *a.final):
        yield 1, tensor
    for group in (*a.groups, *a.encoder):
        for tensor in group.layer.tensors:
            yield group.weight_sets, tensor


def stored(model: Model) -> tuple[StoredPart, ...]:
    """The language model's weights as its checkpoint stores them: in its format, in other widths, what stays wider."""
    weights = model.checkpoint
    rest = f"{weights.rest_bits:g}-bit"
    sizes: dict[str, dict[str, float]] = {weights.name: {}}
    for count, tensor in text_tensors(model.architecture):
        role = tensor.role.replace("_", " ")
        part = sizes.setdefault(_width(weights, tensor), {})
        part[role] = part.get(role, 0.0) + count * weights.bytes_of(tensor)
    sizes[rest] = sizes.pop(rest, {})  # comes last
    return tuple(StoredPart(name, sum(size.values()), tuple(size)) for name, size in sizes.items() if size)


def _width(weights: WeightFormat, tensor: Tensor) -> str:
    """The format's name, or the bits of what an upload stores otherwise; a format of mixed types names them all."""
    if not weights.quantised(tensor) or weights.bits_of(tensor) >= weights.rest_bits:
        return f"{weights.rest_bits:g}-bit"
    other = weights.exception(tensor.role, tensor.name)
    if other is None or weights.average_bits or other.bits == weights.bits:
        return weights.name
    return f"{other.bits:.3g}-bit"


def _row(group: LayerGroup) -> LayerRow:
    mixer, mlp = group.layer.mixer, group.layer.mlp
    names = [class_label(part) for part in (mixer, mlp) if part]
    if mixer and mixer.window and not mixer.is_latent:
        names[0] += f" over {mixer.window:,} tokens"
    width = (mixer.growing_width + mixer.window_width) if mixer else 0
    return LayerRow(
        kind=" + ".join(names) or "none",
        layers=group.count,
        parameters=parameters(group.layer.tensors),
        bytes_per_token=CACHE_BYTES * width,
    )
