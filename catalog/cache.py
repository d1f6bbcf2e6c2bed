"""The validated catalogue in one file, so that a start needs neither YAML nor pydantic. Optional: never an error.

Line 1 is a header with the stamp of all files it was made from and the place of each section; a section is one line of
JSON, read only when asked for. A bundle is looked for in the user's cache folder, then beside the package, where
`python -m catalog.cache` puts it.
"""

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

from catalog import atomic

PACKAGE = Path(__file__).parent
DATA = PACKAGE / "data"
PREBUILT = PACKAGE / "catalog.cache"
FORMAT = f"2 python {sys.version_info.major}.{sys.version_info.minor}"

Folders = tuple[Path, ...]
Texts = Mapping[str, str]
"""Section name -> JSON text."""


def sections(folders: Folders) -> Texts:
    """The catalogue of these data folders, from a bundle where one is fresh, else from YAML."""
    stamp, own = Stamp(folders), own_bundle(folders)
    bundles = [bundle for path in (own, PREBUILT) if (bundle := _open(path, folders))]
    quick = stamp.quick()
    for bundle in bundles:
        if bundle.header["quick"] == quick:
            return bundle
    content = stamp.content()
    for bundle in bundles:
        if bundle.header["content"] == content:
            write(own, dict(bundle), quick, content)
            return bundle
    built = build(folders)
    write(own, built, quick, content)
    return built


def build(folders: Folders) -> Texts:
    """The catalogue from its YAML files."""
    from catalog.build import build as from_yaml

    return {name: json.dumps(value, separators=(",", ":")) for name, value in from_yaml(folders).items()}


def own_bundle(folders: Folders) -> Path:
    """In the user's cache folder; each set of folders has its own."""
    from platformdirs import user_cache_path

    name = f"catalog-{crc32(repr(folders).encode()):08x}.cache"
    return user_cache_path("llmcalc-tui", appauthor=False) / name


class Bundle(Mapping[str, str]):
    """The sections of a bundle file, each read when asked for; built anew if the file changes or breaks meanwhile."""

    def __init__(self, path: Path, header: dict[str, Any], start: int, folders: Folders) -> None:
        self.path, self.header = path, header
        self._start, self._folders = start, folders

    def __getitem__(self, name: str) -> str:
        offset, length, checksum = self.header["index"][name]
        with suppress(OSError):
            with self.path.open("rb") as file:
                file.seek(self._start + offset)
                text = file.read(length)
            if crc32(text) == checksum:
                return text.decode()
        return self._rebuilt[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.header["index"])

    def __len__(self) -> int:
        return len(self.header["index"])

    @cached_property
    def _rebuilt(self) -> Texts:
        return build(self._folders)


def _open(path: Path, folders: Folders) -> Bundle | None:
    with suppress(OSError, ValueError, KeyError, TypeError):
        with path.open("rb") as file:
            header = json.loads(file.readline())
            start = file.tell()
        places = header["index"].values()
        whole = start + max(offset + length for offset, length, _ in places) == path.stat().st_size
        if whole and header["format"] == FORMAT and header["quick"] and header["content"]:
            return Bundle(path, header, start, folders)
    return None


def write(path: Path, texts: Texts, quick: str, content: str) -> bool:
    """Put a bundle in place in one step; False where the folder can not be written."""
    index, lines, offset = {}, [], 0
    for name, text in texts.items():
        line = text.encode()
        index[name] = (offset, len(line), crc32(line))
        lines.append(line)
        offset += len(line)
    header = {"format": FORMAT, "quick": quick, "content": content, "index": index}
    with suppress(OSError):
        atomic.write(path, b"".join((json.dumps(header, separators=(",", ":")).encode(), b"\n", *lines)))
        return True
    return False


class Stamp(NamedTuple):
    """What a bundle was made from: the sizes and times of all files or, dearer, their content."""

    folders: Folders

    def quick(self) -> str:
        listed = [(path, stat.st_size, stat.st_mtime_ns) for path, stat in self._files()]
        return f"{len(listed)} files {crc32(repr(listed).encode()):08x}"

    def content(self) -> str:
        from hashlib import sha256

        digest = sha256()
        for path, _ in self._files():
            digest.update(os.path.basename(path).encode())
            with suppress(OSError):
                digest.update(Path(path).read_bytes())
        return digest.hexdigest()

    def _files(self) -> Iterable[tuple[str, os.stat_result]]:
        """Data and code: a change of either makes another catalogue."""
        found: dict[str, os.stat_result] = {}
        for folder in self.folders:
            _scan(str(folder), (".yaml", ".yml"), found)
        _scan(str(PACKAGE.parent / "estimator"), ".py", found)
        for module in PACKAGE.glob("*.py"):
            found[str(module)] = module.stat()
        return sorted(found.items())


def _scan(folder: str, ending: str | tuple[str, ...], found: dict[str, os.stat_result], depth: int = 3) -> None:
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(ending):
                found[entry.path] = entry.stat()
            elif depth > 1 and entry.name[0] not in "._" and entry.is_dir():
                _scan(entry.path, ending, found, depth - 1)


def main() -> None:
    """Build the bundle beside the package, so that the first start finds it."""
    stamp = Stamp((DATA,))
    if write(PREBUILT, build(stamp.folders), stamp.quick(), stamp.content()):
        PREBUILT.chmod(0o644)


if __name__ == "__main__":
    main()
