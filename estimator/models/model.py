"""A published model: its architecture, and what its checkpoint and card say."""

from collections.abc import Mapping
from dataclasses import field
from typing import Any, NamedTuple

from estimator.errors import InputError, Refusal
from estimator.models import hf_config
from estimator.models.architecture import Architecture
from estimator.models.file_mix import as_written
from estimator.models.formats import LINEAR, WeightFormat, weight_format
from estimator.models.misnomers import misnomer
from estimator.models.published import Explanation, explain
from estimator.models.quantization import quantization_section, read_quantization
from estimator.records import record

NGRAM = "ngram"
"""Name of the drafter that looks the next tokens up in the text so far."""


METHODS = {"": "draft_model", "chain": "eagle3", "block": "dflash", "borrowed": "mtp"}
"""How an architecture drafts -> the method by which engines start it."""


class Drafter(NamedTuple):
    """A drafter beside a model's own prediction modules, as engines start it on the same devices."""

    model: "Model | None"
    """A smaller model, or a head that reads the target's hidden states; None looks tokens up, which takes no pass."""

    @property
    def method(self) -> str:
        """How engines call it: ngram, draft_model, eagle3, dflash or mtp."""
        if self.model is None:
            return NGRAM
        return METHODS[self.model.architecture.drafts]


@record(frozen=True, slots=True, eq=False)
class Model:
    """A model with its checkpoint; compared and hashed by identity."""

    id: str
    """Name of the upload, or of the folder or file it was read from; always printable."""
    architecture: Architecture
    native_weights: str = "bf16"
    """The checkpoint's own weight format."""
    published: Explanation | None = None
    """The upload's own parameter count, taken apart."""
    licence: str = ""
    release: str = ""
    source: str = ""
    checkpoint: WeightFormat = field(default_factory=lambda: weight_format("bf16"))
    """`native_weights` with what this very checkpoint leaves 16-bit."""
    stored_bytes: int | None = None
    """Bytes of all weight files together, as their headers say; None where none was read."""
    path: str = ""
    """Folder or file on disk as it was given, which is where an engine finds it; empty for an upload."""
    notes: tuple[str, ...] = ()
    """Remarks on this very checkpoint, beside the architecture's own notes."""
    drafter: Drafter | None = None
    """What proposes tokens where speculation is asked for; None is the model's own prediction modules."""
    unknown_weights: Refusal | None = None
    """Why the checkpoint's own format is not known; parameters, cache and every named format are answered anyway."""

    @property
    def draft_model(self) -> "Model | None":
        """The model or head that drafts for this one; None where its own modules draft, or a look-up in the text."""
        return self.drafter.model if self.drafter else None

    @property
    def location(self) -> str:
        """Where an engine finds the checkpoint: its path on disk, or the upload's name."""
        return self.path or self.id

    @property
    def tower_parameters(self) -> int:
        """Parameters of the vision tower with its projector: as configured, else what the published total holds besides
        the text model.
        """
        architecture = self.architecture
        if architecture.tower_missing and self.published:
            return max(0, self.published.published - architecture.parameters)
        return architecture.vision_parameters

    def weights(self, name: str) -> WeightFormat:
        """The weight format of a name, as this model has it: the checkpoint's own, exceptions included, where that is
        meant.

        `native` asks for it outright, and `fp8` also means the checkpoint's `fp8-block`. Raises InputError for an
        unknown name, a format that the model can not have, and `native` where the checkpoint's format is not known.
        """
        if name in ("native", self.native_weights):
            if self.unknown_weights:
                raise InputError(*self.unknown_weights)
            return self.checkpoint
        weights = as_written(weight_format(name), self.architecture)
        if weights.id == self.checkpoint.id or self.checkpoint.id.startswith(f"{weights.id}-"):
            return self.checkpoint
        refusal = misnomer(self.architecture, weights)
        if refusal:
            raise InputError(*refusal)
        return weights


def read_model(model_id: str, entry: Mapping[str, Any]) -> Model:
    """A model from a catalogue entry (catalog/data/README.md) or a fetched checkpoint's `{"config": …, "quantization":
    …}`.

    `quantization` may also sit in the configuration, as in config.json. Raises InputError, UnsupportedArchitecture.
    """
    config = entry["config"]
    architecture = hf_config.read(config)
    stored_bytes = (entry.get("published") or {}).get("stored_bytes")
    unknown = None
    try:
        checkpoint = _checkpoint(entry, architecture)
    except InputError as error:
        checkpoint = as_stored(architecture, stored_bytes)
        way_on = (
            "name a format with --weights" if stored_bytes is None else "its kernels are taken for weight-only ones"
        )
        unknown = Refusal("weights", f"the checkpoint's own format is not understood ({error}); {way_on}")
    return Model(
        id=model_id,
        architecture=architecture,
        native_weights=checkpoint.id,
        published=explain(architecture, entry.get("published") or {}),
        licence=entry.get("licence", ""),
        release=str(entry.get("release", "")),
        source=entry.get("source", ""),
        checkpoint=checkpoint,
        stored_bytes=stored_bytes,
        notes=(unknown.reason,) if unknown else (),
        unknown_weights=unknown if stored_bytes is None else None,
    )


def as_stored(architecture: Architecture, stored_bytes: int | None) -> WeightFormat:
    """The weight format of files of which only the size is known: linear layers at the bits that the bytes come to.

    Where no bytes are known either, a placeholder of 16 bits that `Model.weights` refuses to hand out.
    """
    plain = weight_format("bf16")._replace(id="unknown", name="a format that is not understood")
    linear = sum(
        group.weight_sets * tensor.parameters
        for group in (*architecture.groups, *architecture.encoder)
        for tensor in group.layer.tensors
        if tensor.role in LINEAR
    )
    if not stored_bytes or not linear:
        return plain
    bits = (8 * stored_bytes - plain.rest_bits * (architecture.parameters - linear)) / linear
    if not 0.5 <= bits < plain.rest_bits:
        return plain._replace(id="as-stored", name="as its files store it") if bits >= plain.rest_bits else plain
    return plain._replace(
        id="as-stored",
        name=f"as its files store it, {bits:.3g}-bit",
        payload_bits=bits,
        kernel="i8" if bits > 6 else "i4",
        quantises=LINEAR,
    )


def _checkpoint(entry: Mapping[str, Any], architecture: Architecture) -> WeightFormat:
    config = entry["config"]
    section = entry.get("quantization") or quantization_section(config)
    if not section:
        return weight_format(architecture.dtype)
    experts = config.get("expert_dtype")  # DeepSeek-V4 writes it beside the section
    return read_quantization({"expert_dtype": experts, **section} if experts else section, architecture)
