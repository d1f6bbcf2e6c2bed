"""A model on disk: a folder with config.json and safetensors files, or a config.json alone."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from catalog.sources import safetensors_header
from catalog.sources.checkpoint import CONFIG_LIMIT_BYTES, Checkpoint, Progress, Stored, parse_json, total
from estimator.errors import InputError
from estimator.printable import printable

MOST_SHARDS = 2_000


def read(folder: Path, progress: Progress) -> Checkpoint:
    """Configuration and the exact bytes of every stored type. Raises InputError naming the file at fault."""
    found = read_config(folder / "config.json")
    quantization = found.quantization
    modelopt = folder / "hf_quant_config.json"
    if quantization is None and modelopt.is_file():
        quantization = parse_json(_bounded(modelopt), str(modelopt))
    return found._replace(
        id=printable(folder.resolve().name, 100), quantization=quantization, stored=_stored(folder, progress)
    )


def read_config(path: Path) -> Checkpoint:
    """A config.json alone; it may hold the architecture fields only."""
    config = parse_json(_bounded(path), str(path))
    name = path.stem if path.stem != "config" else path.resolve().parent.name
    return Checkpoint(printable(name, 100), config, quantization_of(config), source=printable(path))


def quantization_of(config: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What config.json says of its quantisation; multimodal ones may nest it with the text model."""
    for holder in (config, config.get("text_config")):
        if isinstance(holder, Mapping):
            found = holder.get("quantization_config") or holder.get("compression_config")
            if isinstance(found, Mapping):
                return found
    return None


def _stored(folder: Path, progress: Progress) -> dict[str, Stored] | None:
    shards = sorted(folder.glob("*.safetensors"))[:MOST_SHARDS]
    parts = []
    for index, shard in enumerate(shards):
        progress(shard.name, index, len(shards))
        parts.append(_header(shard))
    return total(parts) if parts else None


def _header(shard: Path) -> dict[str, Stored]:
    try:
        with shard.open("rb") as file:

            def between(start: int, stop: int) -> bytes:
                file.seek(start)
                return file.read(stop - start)

            return safetensors_header.read(between, str(shard))
    except OSError as error:
        raise InputError(str(shard), error.strerror or "can not be read") from None


def _bounded(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(CONFIG_LIMIT_BYTES + 1)
    except OSError as error:
        raise InputError(str(path), error.strerror or "can not be read") from None
