"""The validated catalogue in one file, so that a start needs neither YAML nor pydantic. Optional: never an error.

Line 1 is a header with the stamp of all files it was made from and the offset of each section; a section is one line
of JSON, read only when asked for. A bundle is looked for in the user's cache folder, then beside the package, where
`python -m catalog.cache` puts it.
"""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

PACKAGE = Path(__file__).parent
DATA = PACKAGE / "data"
PREBUILT = PACKAGE / "catalog.cache"
FORMAT = f"1 python {sys.version_info.major}.{sys.version_info.minor}"

Texts = Mapping[str, str]
"""Section name -> JSON text."""


class Bundle(Mapping[str, str]):
    """The sections of a bundle file, each read when asked for."""

    def __init__(self, path: Path, header: dict[str, Any], start: int) -> None:
        self.path, self.header, self._start = path, header, start

    def __getitem__(self, name: str) -> str:
        offset, length = self.header["index"][name]
        with self.path.open("rb") as file:
            file.seek(self._start + offset)
            return file.read(length).decode()

    def __iter__(self) -> Iterator[str]:
        return iter(self.header["index"])

    def __len__(self) -> int:
        return len(self.header["index"])


class Stamp(NamedTuple):
    """What a bundle was made from: the files' sizes and times, or, dearer, their content."""

    folders: tuple[Path, ...]

    def quick(self) -> str:
        listed = [(path, stat.st_size, stat.st_mtime_ns) for path, stat in self._files()]
        return f"{len(listed)} files {crc32(repr(listed).encode()):08x}"

    def content(self) -> str:
        from hashlib import sha256

        digest = sha256()
        for path, _ in self._files():
            digest.update(os.path.basename(path).encode())
            digest.update(Path(path).read_bytes())
        return digest.hexdigest()

    def _files(self) -> list[tuple[str, os.stat_result]]:
        """Data and code: a change of either makes another catalogue."""
        found: list[tuple[str, os.stat_result]] = []
        for folder in self.folders:
            _scan(str(folder), ".yaml", found)
        for code in (PACKAGE, PACKAGE.parent / "estimator"):
            _scan(str(code), ".py", found, deep=False)
        return sorted(found)


def _scan(folder: str, ending: str, found: list[tuple[str, os.stat_result]], deep: bool = True) -> None:
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(ending):
                found.append((entry.path, entry.stat()))
            elif deep and entry.is_dir():
                _scan(entry.path, ending, found)


def sections(folders: tuple[Path, ...]) -> Texts:
    """The catalogue of these folders, from a bundle where one is fresh, else from YAML."""
    stamp, own = Stamp(folders), _own(folders)
    quick = stamp.quick()
    bundles = [bundle for path in (own, PREBUILT) if (bundle := _open(path))]
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


def build(folders: tuple[Path, ...]) -> Texts:
    """The catalogue from its YAML files."""
    from catalog.build import build as from_yaml

    return {name: json.dumps(value, separators=(",", ":")) for name, value in from_yaml(folders).items()}


def _own(folders: tuple[Path, ...]) -> Path | None:
    """Each set of folders has its own bundle in the user's cache folder."""
    from platformdirs import user_cache_path

    name = f"catalog-{crc32(repr(folders).encode()):08x}.cache"
    return user_cache_path("llmcalc-tui", appauthor=False) / name


def _open(path: Path | None) -> Bundle | None:
    with suppress(OSError, ValueError, KeyError, TypeError):
        if path is None:
            return None
        with path.open("rb") as file:
            header = json.loads(file.readline())
            start = file.tell()
        end = max(offset + length for offset, length in header["index"].values())
        if header["format"] == FORMAT and start + end == path.stat().st_size and header["quick"] and header["content"]:
            return Bundle(path, header, start)
    return None


def write(path: Path | None, texts: Texts, quick: str, content: str) -> bool:
    """Put a bundle in place in one step; False where the folder can not be written."""
    from tempfile import mkstemp

    index, offset = {}, 0
    lines = []
    for name, text in texts.items():
        line = text.encode()
        index[name] = (offset, len(line))
        offset += len(line)
        lines.append(line)
    header = {"format": FORMAT, "quick": quick, "content": content, "index": index}
    with suppress(OSError):
        if path is None:
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = mkstemp(dir=path.parent, prefix=path.name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(json.dumps(header, separators=(",", ":")).encode() + b"\n")
                file.writelines(lines)
            os.replace(name, path)
        except OSError:
            os.unlink(name)
            raise
        return True
    return False


def main() -> None:
    """Build the bundle beside the package, so that the first start finds it."""
    stamp = Stamp((DATA,))
    write(PREBUILT, build(stamp.folders), stamp.quick(), stamp.content())


if __name__ == "__main__":
    main()
