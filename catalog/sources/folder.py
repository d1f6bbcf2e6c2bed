"""A model on disk: a folder with config.json and safetensors files, or a config.json alone."""

import os
from pathlib import Path
from typing import Any

from catalog.sources import model_file, safetensors_header
from catalog.sources.checkpoint import (
    CONFIG_LIMIT_BYTES,
    INDEX_LIMIT_BYTES,
    Checkpoint,
    Progress,
    Stored,
    parse_json,
    quantization_beside,
    total,
)
from estimator.errors import InputError
from estimator.models.quantization import quantization_section
from estimator.printable import printable

CONFIG = "config.json"
MOST_SHARDS = 2_000
"""Engineering guess: published models have up to some 200 (DeepSeek-V3: 163)."""


def read(folder: Path, progress: Progress) -> Checkpoint:
    """A model folder's configuration and the exact bytes of every stored type. Raises InputError naming the file at
    fault.
    """
    checkpoint = read_config(folder / CONFIG)
    return checkpoint._replace(id=_as_id(folder.resolve().name), stored=_stored(folder, progress))


def read_config(path: Path) -> Checkpoint:
    """A model from its configuration without its weights, which may hold the architecture fields only.

    A file named config.json is one of its folder: a quantisation described beside it is its own. Raises InputError
    naming the file at fault.
    """
    config = parse_json(model_file.read_bytes(path, CONFIG_LIMIT_BYTES), printable(path))
    quantization = quantization_section(config)
    if path.name != CONFIG:
        return Checkpoint(_as_id(path.stem), config, quantization, source=printable(path))
    if quantization is None:
        quantization = quantization_beside(lambda name: _json_file(path.with_name(name)))
    return Checkpoint(_as_id(path.parent.resolve().name), config, quantization, source=printable(path))


def _json_file(path: Path) -> dict[str, Any] | None:
    return parse_json(model_file.read_bytes(path, CONFIG_LIMIT_BYTES), printable(path)) if path.exists() else None


def _as_id(name: str) -> str:
    """The name of a file or folder as a model's id: printable, and no option of a command line."""
    return printable(name, 100).lstrip("-") or "model"


def _stored(folder: Path, progress: Progress) -> dict[str, Stored] | None:
    """Elements and bytes by type of all shards; None where there is none.

    Raises InputError where shards are missing that the index names: their bytes would silently count as nothing.
    """
    shards = sorted(folder.glob("*.safetensors"))
    if len(shards) > MOST_SHARDS:
        raise InputError(printable(folder), f"{len(shards):,} .safetensors files; at most {MOST_SHARDS:,} are read")
    listed = _listed_shards(folder / "model.safetensors.index.json")
    if listed:
        missing = sorted(listed - {shard.name for shard in shards})
        if missing and len(missing) < len(listed):
            raise InputError(
                printable(folder), f"{len(missing)} of {len(listed)} shards are missing: {printable(missing[0], 80)} …"
            )
        shards = [shard for shard in shards if shard.name in listed]
    parts = []
    for index, shard in enumerate(shards):
        progress(shard.name, index, len(shards))
        parts.append(_header(shard))
    return total(parts) if parts else None


def _listed_shards(index: Path) -> set[str]:
    """File names that an index of shards names; none where there is no index."""
    if not index.exists():
        return set()
    text = model_file.read_bytes(index, INDEX_LIMIT_BYTES)
    weight_map = parse_json(text, printable(index), INDEX_LIMIT_BYTES).get("weight_map")
    return {str(shard) for shard in weight_map.values()} if isinstance(weight_map, dict) else set()


def _header(shard: Path) -> dict[str, Stored]:
    with model_file.opened(shard) as file:

        def between(start: int, stop: int) -> bytes:
            file.seek(start)
            return file.read(stop - start)

        return safetensors_header.read(between, printable(shard), os.fstat(file.fileno()).st_size)
