"""The validated catalogue in one file, so that a start needs neither YAML nor pydantic. Optional: never an error.

Line 1 is a checksum and a header with the stamp of all files it was made from and the place of each section; a section
is one line of JSON, read only when asked for. A bundle is looked for in the user's cache folder, then beside the
package, where `python -m catalog.cache` puts it.
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

from catalog import atomic, regular_file

PACKAGE = Path(__file__).parent
DATA = PACKAGE / "data"
MOST_BYTES = 4_000_000
"""Largest catalogue file; larger ones are refused unread."""
PREBUILT = PACKAGE / "catalog.cache"
LONGEST_HEADER = 1_000_000
FORMAT = f"4 python {sys.version_info.major}.{sys.version_info.minor}"

Folders = tuple[Path, ...]
Texts = Mapping[str, str]
"""Section name -> JSON text."""
Mark = tuple[int, int, int, int]
"""What tells a file from its next version: size, times of its last change and of its inode's, inode."""


def sections(folders: Folders) -> Texts:
    """The catalogue of these data folders, from a bundle where one is fresh, else from YAML."""
    stamp, own = Stamp(folders), own_bundle(folders)
    bundles = [bundle for path in (own, PREBUILT) if (bundle := open_bundle(path, folders))]
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


def user_dir() -> Path:
    """Where the user's own catalogue files live; fetched models are kept there too."""
    from platformdirs import user_config_path

    return user_config_path("llmcalc-tui", appauthor=False) / "catalog"


def own_bundle(folders: Folders) -> Path:
    """Place of the bundle in the user's cache folder; each set of data folders has its own."""
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
            with regular_file.open_binary(self.path) as file:
                file.seek(self._start + offset)
                text = file.read(length)
            if crc32(text) == checksum:
                return text.decode()
        return self._rebuilt[name]

    def __contains__(self, name: object) -> bool:
        return name in self.header["index"]

    def __iter__(self) -> Iterator[str]:
        return iter(self.header["index"])

    def __len__(self) -> int:
        return len(self.header["index"])

    @cached_property
    def _rebuilt(self) -> Texts:
        return build(self._folders)


def open_bundle(path: Path, folders: Folders) -> Bundle | None:
    """The bundle in a file; None where there is none, or it is damaged or of another format."""
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        with regular_file.open_binary(path) as file:
            first = file.readline(LONGEST_HEADER)
            start = file.tell()
            size = os.fstat(file.fileno()).st_size
        checksum, _, text = first.partition(b" ")
        if int(checksum, 16) != crc32(text):
            return None
        header = json.loads(text)
        whole = start + max(offset + length for offset, length, _ in header["index"].values()) == size
        if whole and header["format"] == FORMAT:
            return Bundle(path, header, start, folders)
    return None


def write(path: Path, texts: Texts, quick: str, content: str) -> bool:
    """Puts a bundle in place in one step; False where its folder can not be written."""
    index, lines, offset = {}, [], 0
    for name, text in texts.items():
        line = text.encode()
        index[name] = (offset, len(line), crc32(line))
        lines.append(line)
        offset += len(line)
    header = {"format": FORMAT, "quick": quick, "content": content, "index": index}
    first = json.dumps(header, separators=(",", ":")).encode() + b"\n"
    with suppress(OSError):
        atomic.write(path, b"".join((b"%08x " % crc32(first), first, *lines)))
        return True
    return False


class Stamp(NamedTuple):
    """Fingerprint of the files that a bundle was made from: by size and time or, dearer, by content."""

    folders: Folders

    def quick(self, programs: Folders = ()) -> str:
        """Fingerprint of files by name, size and times; the inode's time of change tells of edits that set back the
        other. `programs` are folders of further code that counts.
        """
        files, checksum = dict(self._files()), 0
        for folder in programs:
            _scan(str(folder), ".py", files)
        for path, mark in sorted(files.items()):
            checksum = crc32(f"{path} {mark}".encode(errors="surrogateescape"), checksum)
        return f"{len(files)} files {checksum:08x}"

    def content(self) -> str:
        from hashlib import sha256

        digest = sha256()
        for path, _ in self._files():
            digest.update(self._name(path).encode(errors="surrogateescape"))
            with suppress(OSError):
                digest.update(regular_file.read_bytes(path, MOST_BYTES))
        return digest.hexdigest()

    def _files(self) -> Iterable[tuple[str, Mark]]:
        """Data and code: a change of either makes another catalogue."""
        files: dict[str, Mark] = {}
        for folder in self.folders:
            _scan(str(folder), (".yaml", ".yml"), files)
        _scan(str(PACKAGE.parent / "estimator"), ".py", files)
        _scan(str(PACKAGE), ".py", files, depth=1)
        return sorted(files.items())

    def _name(self, path: str) -> str:
        """The file's path below its folder, which is the same wherever the program is installed."""
        roots = (*map(str, self.folders), str(PACKAGE.parent))
        return next(path.removeprefix(root) for root in roots if path.startswith(root))


def _scan(folder: str, ending: str | tuple[str, ...], files: dict[str, Mark], depth: int = 8) -> None:
    """Every file below a folder that ends so; a link that leads nowhere counts as itself, and hides no other entry."""
    try:
        with os.scandir(folder) as listing:
            entries = list(listing)
    except OSError:
        return
    for entry in entries:
        with suppress(OSError):
            if entry.name.endswith(ending):
                files[entry.path] = _mark(entry.stat(follow_symlinks=False))
                if entry.is_symlink():
                    files[entry.path] = _mark(entry.stat())
            elif depth > 1 and entry.name != "__pycache__" and entry.is_dir():
                _scan(entry.path, ending, files, depth - 1)


def _mark(stat: os.stat_result) -> Mark:
    return stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino


def main() -> None:
    """Builds the bundle beside the package, so that the first start finds it."""
    stamp = Stamp((DATA,))
    if write(PREBUILT, build(stamp.folders), stamp.quick(), stamp.content()):
        PREBUILT.chmod(0o644)


if __name__ == "__main__":
    main()
