"""From what a user types to a model: a catalogue name, a path, a few numbers, or a Hub repository."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from catalog.load import Catalog
from catalog.sources.checkpoint import Checkpoint, Progress
from estimator.errors import InputError, UnsupportedArchitecture
from estimator.models.formats import format_in_name, weight_format
from estimator.models.model import Model, read_model
from estimator.printable import printable


def silent(what: str, done: int, total: int) -> None:
    """Progress that nobody watches."""


def resolve(reference: str, catalog: Catalog, progress: Progress = silent) -> Model:
    """The model that a reference names, fetched and kept where it is a Hub repository not seen before.

    Raises InputError with close matches for a name that leads nowhere, UnsupportedArchitecture for a class without a
    reader, and whatever `progress` raises to cancel.
    """
    try:
        return in_catalogue(reference, catalog)
    except InputError as error:
        if error.field != "model":
            raise
        unknown = error
    return local(reference, progress) or _sized(reference, catalog) or _from_hub(reference, unknown, progress)


def at_hand(reference: str, catalog: Catalog) -> Model:
    """The same without the network. Raises InputError for what would have to be fetched."""
    try:
        return in_catalogue(reference, catalog)
    except InputError as error:
        found = local(reference) or _sized(reference, catalog) if error.field == "model" else None
        if found is None:
            raise
        return found


def in_catalogue(reference: str, catalog: Catalog) -> Model:
    """The model of that name, in the format that the name announces. Raises InputError with close matches."""
    return _in_its_format(reference, catalog.model(reference))


def _in_its_format(reference: str, model: Model) -> Model:
    """The model as the checkpoint of that name stores it, where the name says so and the model is a 16-bit one."""
    named = format_in_name(reference)
    if named is None or model.native_weights not in ("bf16", "fp16") or format_in_name(model.id) is not None:
        return model
    return replace(model, id=reference, native_weights=named, checkpoint=weight_format(named))


def local(reference: str, progress: Progress = silent) -> Model | None:
    """What is on disk or given by hand; None where the reference is neither."""
    from catalog.sources import folder, gguf, gguf_config, manual

    path = Path(os.path.expanduser(reference))
    if os.path.isdir(path):
        return _model(folder.read(path, progress))
    if os.path.isfile(path):
        return gguf_config.model(gguf.read(path), path) if path.suffix == ".gguf" else _model(folder.read_config(path))
    if os.path.exists(path):
        raise InputError("model", f"{reference} is neither a file nor a folder")
    if path.suffix in (".gguf", ".json") or reference.startswith((".", "/", "~")):
        raise InputError("model", f"{reference}: no such file or folder")
    return manual.read(reference)


def _sized(reference: str, catalog: Catalog) -> Model | None:
    """A plain size; None where the reference is none."""
    from catalog.sources import manual

    return manual.sized(reference, catalog.inventory.sizes)


def _model(checkpoint: Checkpoint) -> Model:
    """An unknown class is refused, with what the headers say of its weights all the same."""
    try:
        return read_model(checkpoint.id, entry(checkpoint))
    except UnsupportedArchitecture as error:
        if not checkpoint.stored:
            raise
        size = sum(each.bytes for each in checkpoint.stored.values())
        types = ", ".join(f"{each.elements:,} {printable(dtype, 20)}" for dtype, each in checkpoint.stored.items())
        held = f"its weight files hold {size:,} bytes ({types})"
        raise UnsupportedArchitecture(error.class_name, f"{held}; {error.explanation}") from None


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
