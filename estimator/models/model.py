"""A published model: its architecture, and what its checkpoint and card say."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from estimator.models import hf_config
from estimator.models.architecture import Architecture
from estimator.models.formats import Stored, WeightFormat, weight_format
from estimator.models.published import Explanation, explain
from estimator.models.quantization import read_quantization


@dataclass(frozen=True, slots=True, eq=False)
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

    @property
    def tower_parameters(self) -> int:
        """The vision tower with its projector: as configured, else what the published total holds besides."""
        architecture = self.architecture
        if architecture.tower_missing and self.published:
            return max(0, self.published.published - architecture.parameters)
        return architecture.vision_parameters

    def weights(self, name: str) -> WeightFormat:
        """A weight format for this model: the checkpoint's own, exceptions included, where that is meant.

        `native` asks for it outright, `fp8` also means the checkpoint's fp8 blocks. Raises InputError.
        """
        if name in ("native", self.native_weights):
            return self.checkpoint
        other = weight_format(name)
        same = other.id == self.checkpoint.id or (other.id == "fp8" and self.checkpoint.id == "fp8-block")
        return self.checkpoint if same else other


def read_model(model_id: str, entry: Mapping[str, Any]) -> Model:
    """A catalogue entry (catalog/data/README.md) or a fetched checkpoint's `{"config": …, "quantization": …}`.

    `quantization` may also sit in the configuration, as in config.json. Raises InputError, UnsupportedArchitecture.
    """
    config = entry["config"]
    architecture = hf_config.read(config)
    checkpoint = _checkpoint(entry, architecture)
    return Model(
        id=model_id,
        architecture=architecture,
        native_weights=checkpoint.id,
        published=explain(architecture, entry.get("published") or {}),
        licence=entry.get("licence", ""),
        release=str(entry.get("release", "")),
        source=entry.get("source", ""),
        checkpoint=checkpoint,
        stored_bytes=(entry.get("published") or {}).get("stored_bytes"),
    )


def _checkpoint(entry: Mapping[str, Any], architecture: Architecture) -> WeightFormat:
    config = entry["config"]
    inner = config.get("text_config")
    quantization = entry.get("quantization") or config.get("quantization_config")
    if not quantization and isinstance(inner, Mapping):
        quantization = inner.get("quantization_config")
    if not quantization:
        return weight_format(architecture.dtype)
    own = read_quantization(quantization, architecture)
    if config.get("expert_dtype") == "fp4" and own.id.startswith("fp8"):  # DeepSeek-V4: MXFP4 experts in an fp8 file
        lists_experts = any(stored.role == "expert" for stored in own.exceptions)
        own = own if lists_experts else own._replace(exceptions=(*own.exceptions, Stored("expert", "", 4.25)))
    return own
