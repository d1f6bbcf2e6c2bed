"""A published model: its architecture, and what its checkpoint and card say."""

from dataclasses import dataclass

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
    """What the published total counts: text, text + MTP, scales ..."""
    licence: str = ""
    release: str = ""
    source: str = ""
