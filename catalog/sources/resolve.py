"""From what a user types to a model: a path, a catalogue name, a few numbers, or a Hub repository."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from catalog.load import Catalog
from catalog.sources.announced import as_announced
from catalog.sources.checkpoint import Checkpoint, Progress, Stored
from estimator.errors import InputError, UnsupportedArchitecture
from estimator.models.model import Model, read_model
from estimator.printable import printable

LONGEST_REFERENCE = 4_096
"""Characters; the longest path that Linux takes."""


def silent(what: str, done: int, total: int) -> None:
    """A progress callback for a reading that nobody watches."""


def resolve(reference: str, catalog: Catalog, progress: Progress = silent) -> Model:
    """The model that a reference names, fetched and kept where it is a Hub repository not seen before.

    A path is read before any name is tried: a file is what it holds, not what it is called. Raises InputError with
    close matches for a name that leads nowhere, UnsupportedArchitecture for a class without a reader, and whatever
    `progress` raises to cancel.
    """
    at_path = on_disk(reference, progress)
    if at_path:
        return at_path
    try:
        return in_catalogue(reference, catalog)
    except InputError as error:
        if error.field != "model":
            raise
        unknown = error
    return local(reference, progress) or _sized(reference, catalog) or _from_hub(reference, unknown, progress)


def at_hand(reference: str, catalog: Catalog) -> Model:
    """The model that a reference names, without the network. Raises InputError for what would have to be fetched."""
    at_path = on_disk(reference)
    if at_path:
        return at_path
    try:
        return in_catalogue(reference, catalog)
    except InputError as error:
        model = local(reference) or _sized(reference, catalog) if error.field == "model" else None
        if model is None:
            raise
        return model


def in_catalogue(reference: str, catalog: Catalog) -> Model:
    """The catalogue's model of a name, in the format that the name announces. Raises InputError with close matches."""
    _check_reference(reference)
    return as_announced(reference, catalog.model(reference), exact=catalog.has_model(reference))


def _check_reference(reference: str) -> None:
    """Raises InputError for text that is no name: it becomes the model's id, and goes into commands and files."""
    if not reference.strip():
        raise InputError("model", "is empty; a catalogue name, a Hub id org/name, or a path")
    if not reference.isprintable():
        raise InputError("model", f"{printable(reference, 60)} holds control characters")


def on_disk(reference: str, progress: Progress = silent) -> Model | None:
    """The model at a path, where the reference can only be one; None where it may be a name.

    A reference with a separator that exists is a path, as transformers and the engines take it.
    """
    _check_reference(reference)
    path = Path(os.path.expanduser(reference))
    separated = os.sep in reference or "/" in reference
    if len(reference) > LONGEST_REFERENCE or not (separated or path.suffix in (".gguf", ".json")):
        return None
    named_so = reference.startswith((".", "/", "~")) or not os.path.isdir(path) or _has_model(path)
    return _at_path(path, reference, progress) if os.path.exists(path) and named_so else None


def _has_model(folder: Path) -> bool:
    """Whether a folder that is named like a Hub repository holds a model, and not just anything."""
    return (folder / "config.json").exists() or any(folder.glob("*.gguf"))


def local(reference: str, progress: Progress = silent) -> Model | None:
    """The model that a reference names on disk or by numbers; None where the reference is neither."""
    from catalog.sources import manual

    _check_reference(reference)
    path = Path(os.path.expanduser(reference))
    if os.path.exists(path):
        return _at_path(path, reference, progress)
    if path.suffix in (".gguf", ".json") or reference.startswith((".", "/", "~")):
        raise InputError("model", f"{reference}: no such file or folder")
    return manual.read(reference)


def _sized(reference: str, catalog: Catalog) -> Model | None:
    """A plain size; None where the reference is none."""
    from catalog.sources import manual

    return manual.sized(reference, catalog.inventory.sizes)


def _at_path(path: Path, reference: str, progress: Progress) -> Model:
    """The model that a folder or a file holds. Raises InputError for what is neither."""
    from catalog.sources import folder, gguf, gguf_config

    if os.path.isdir(path):
        files = () if (path / "config.json").exists() else sorted(path.glob("*.gguf"))
        if len(files) > 1 and not all("-of-" in file.name for file in files):
            raise InputError("model", f"{reference} holds {len(files)} .gguf files: pass the path of one")
        model = gguf_config.model(gguf.read(files[0]), files[0]) if files else _model(folder.read(path, progress))
    elif not os.path.isfile(path):
        raise InputError("model", f"{reference} is neither a file nor a folder")
    elif gguf.is_gguf(path):
        model = gguf_config.model(gguf.read(path), path)
    else:
        return _model(folder.read_config(path))  # no engine serves a configuration alone
    return replace(model, path=_as_argument(reference))


def _as_argument(reference: str) -> str:
    """A path as a command line takes it: one that begins with a dash would be an option."""
    return f"./{reference}" if reference.startswith("-") else reference


def _model(checkpoint: Checkpoint) -> Model:
    """A checkpoint's model. An unknown class is refused, with what the headers say of its weights all the same."""
    try:
        model = read_model(checkpoint.id, entry(checkpoint))
    except UnsupportedArchitecture as error:
        if not checkpoint.stored:
            raise
        raise with_stored_bytes(error, checkpoint.stored) from None
    if model.published and model.published.published < (1 - LEAST_MISSING) * model.architecture.text_parameters:
        stored, described = model.published.published, model.architecture.text_parameters
        note = (
            f"its weight files hold {stored:,} parameters, its config.json describes {described:,}: files are missing?"
        )
        return replace(model, notes=(*model.notes, note))
    return model


LEAST_MISSING = 0.002
"""Share of the described parameters that files may lack: norms and biases that a conversion merges or leaves out."""


def with_stored_bytes(error: UnsupportedArchitecture, stored: Mapping[str, Stored]) -> UnsupportedArchitecture:
    """The refusal of a class without a reader, with what does not depend on it: the bytes of its weights."""
    size = sum(each.bytes for each in stored.values())
    types = ", ".join(f"{each.elements:,} {printable(dtype, 20)}" for dtype, each in stored.items())
    known = f"its weight files hold {size:,} bytes ({types}); its cache is not known"
    return UnsupportedArchitecture(error.class_name, f"{known}: {error.explanation}")


def entry(checkpoint: Checkpoint) -> dict[str, Any]:
    """A checkpoint as an entry of the catalogue."""
    published = {}
    if checkpoint.stored:
        published["stored_bytes"] = sum(each.bytes for each in checkpoint.stored.values())
        if checkpoint.quantization is None:  # packed weights count words, not parameters
            published["total"] = sum(each.elements for each in checkpoint.stored.values())
    return {
        "config": dict(checkpoint.config),
        "quantization": checkpoint.quantization,
        "published": published or None,
        "source": checkpoint.source,
    }


def _from_hub(reference: str, unknown: InputError, progress: Progress) -> Model:
    from catalog.sources import hub, kept

    repository = hub.repository(reference)
    if repository is None:
        raise unknown
    try:
        checkpoint = hub.fetch(repository, progress)
    except InputError as error:
        raise InputError(error.field, error.reason, unknown.near) from None
    model = _model(checkpoint)
    kept.keep(checkpoint.id, entry(checkpoint))
    return model
