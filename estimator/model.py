"""A published model: its architecture, and what its checkpoint and card say."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from estimator import hf_config
from estimator.architecture import Architecture


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """Compared and hashed by identity."""

    id: str
    architecture: Architecture
    native_weights: str = "bf16"
    """The checkpoint's own weight format."""
    published_parameters: int | None = None
    published_of: str = ""
    """What the published total counts beside the language model: mtp, vision, fp8-scales ..."""
    licence: str = ""
    release: str = ""
    source: str = ""


def read_model(model_id: str, entry: Mapping[str, Any]) -> Model:
    """A catalogue entry (see docs/adding-a-model.md). Raises InputError, UnsupportedArchitecture."""
    architecture = hf_config.read(entry["config"])
    published = entry.get("published") or {}
    return Model(
        id=model_id,
        architecture=architecture,
        native_weights=architecture.dtype,
        published_parameters=published.get("total"),
        published_of=", ".join(published.get("counts", ())),
        licence=entry.get("licence", ""),
        release=entry.get("release", ""),
        source=entry.get("source", ""),
    )
