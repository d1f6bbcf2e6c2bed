"""Builds the wheel and the source archive, the same bytes from the same commit: `python -m scripts.release`.

    python -m scripts.release [--folder dist] [--home https://…/llmcalc-tui]

What git knows of is copied and built with the setuptools at hand; then names are sorted, and times, owners and modes
set, in both archives. SOURCE_DATE_EPOCH, or the time of the commit, is the time of every file. `--home`, the address
of the repository's main branch, makes the README's links absolute in the packages, since an index shows it alone.
"""

import argparse
import gzip
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import time
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]
BUILD = "import sys; from setuptools import build_meta; print(getattr(build_meta, sys.argv[1])(sys.argv[2]))"
MOST_WHEEL_BYTES = 1_500_000
EARLIEST = 315_532_800
"""1980-01-01, before which a zip archive knows no time."""
LINK = re.compile(r"(!?\[[^\]]*\]\()(?!https?://|#|mailto:)([^)\s]+)\)")


def release(folder: Path, home: str = "") -> list[Path]:
    """Builds both archives into the folder; their paths, the sdist first. Raises CalledProcessError."""
    epoch = max(EARLIEST, int(os.environ.get("SOURCE_DATE_EPOCH") or _git("log", "-1", "--format=%ct")))
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as temporary:
        source, built = Path(temporary, "source"), Path(temporary, "built")
        built.mkdir()
        for name in _git("ls-files", "-z").split("\0"):
            if name and (ROOT / name).is_file():
                (source / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ROOT / name, source / name)
        if home:
            readme = source / "README.md"
            readme.write_text(absolute_links(readme.read_text(encoding="utf-8"), home), encoding="utf-8")
        for step in ("build_sdist", "build_wheel"):
            command = [sys.executable, "-c", BUILD, step, str(built)]
            environment = os.environ | {"SOURCE_DATE_EPOCH": str(epoch)}
            subprocess.run(command, cwd=source, env=environment, check=True, capture_output=True)
        (sdist,), (wheel,) = built.glob("*.tar.gz"), built.glob("*.whl")
        paths = [folder / sdist.name, folder / wheel.name]
        paths[0].write_bytes(plain_tar(sdist.read_bytes(), epoch))
        paths[1].write_bytes(plain_zip(wheel.read_bytes(), epoch))
    return paths


def absolute_links(text: str, home: str) -> str:
    """Markdown whose relative links lead to files of a repository."""
    return LINK.sub(lambda link: f"{link[1]}{home.rstrip('/')}/{link[2]})", text)


def plain_zip(content: bytes, epoch: int) -> bytes:
    """A wheel with sorted names, one time and plain modes; its metadata stay last, as the format asks."""
    plain = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(plain, "w") as target:
        for name in sorted(source.namelist(), key=lambda each: (".dist-info/" in each, each)):
            entry = zipfile.ZipInfo(name, time.gmtime(epoch)[:6])
            entry.external_attr = 0o100644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(entry, source.read(name), compresslevel=9)
    return plain.getvalue()


def plain_tar(content: bytes, epoch: int) -> bytes:
    """A source archive with sorted names, one time, no owners and plain modes."""
    plain = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(content)) as source,
        gzip.GzipFile("", "wb", 9, plain, mtime=epoch) as squeezed,
        tarfile.open(fileobj=squeezed, mode="w", format=tarfile.PAX_FORMAT) as target,
    ):
        for member in sorted(source.getmembers(), key=lambda each: each.name):
            entry = tarfile.TarInfo(member.name)
            entry.type, entry.size, entry.mtime = member.type, member.size, epoch
            entry.mode = 0o755 if member.isdir() else 0o644
            target.addfile(entry, source.extractfile(member) if member.isfile() else None)
    return plain.getvalue()


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True).stdout


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=ROOT / "dist")
    parser.add_argument("--home", default="", metavar="URL")
    asked = parser.parse_args()
    paths = release(asked.folder, asked.home)
    for path in paths:
        print(f"{path}: {path.stat().st_size:,} bytes")
    return 1 if paths[1].stat().st_size > MOST_WHEEL_BYTES else 0


if __name__ == "__main__":
    sys.exit(main())
