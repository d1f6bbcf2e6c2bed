"""Wheel and source archive: the same bytes from the same commit, what they hold, and what the container takes."""

import io
import re
import tarfile
import tomllib
import zipfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import pytest

from scripts.release import MOST_WHEEL_BYTES, absolute_links, plain_tar, plain_zip, release

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
OLD = int(version("setuptools").split(".")[0]) < 77


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Sequence[Path]:
    return release(tmp_path_factory.mktemp("dist"), "https://example.org/llmcalc-tui/blob/main")


@pytest.mark.skipif(OLD, reason="the setuptools at hand can not read pyproject.toml; `make` installs one that can")
def test_both_archives_hold_what_they_should(archives: Sequence[Path], tmp_path: Path) -> None:
    sdist, wheel = archives
    assert wheel.stat().st_size <= MOST_WHEEL_BYTES
    names = set(zipfile.ZipFile(wheel).namelist())
    shipped = [path for path in (ROOT / "catalog/data").rglob("*") if path.is_file()]
    assert {path.relative_to(ROOT).as_posix() for path in shipped} <= names
    assert {f"{package}/py.typed" for package in ("tui", "catalog", "estimator")} <= names
    assert any(name.endswith("share/man/man1/llmcalc-tui.1") for name in names)
    assert not [name for name in names if name.startswith(("tests", "scripts", "benchmarks", "fitting", "docs"))]
    metadata = zipfile.ZipFile(wheel).read(f"llmcalc_tui-{PROJECT['version']}.dist-info/METADATA").decode()
    assert "](https://example.org/llmcalc-tui/blob/main/docs/" in metadata
    assert not re.findall(r"\]\((?!https?://|#)[^)]*\)", metadata)
    with tarfile.open(sdist) as packed:
        assert f"llmcalc_tui-{PROJECT['version']}/pyproject.toml" in packed.getnames()
    again = release(tmp_path, "https://example.org/llmcalc-tui/blob/main")
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in archives]


def test_an_archive_is_the_same_whenever_and_by_whomever_it_was_made() -> None:
    wheels, sdists = [], []
    for year, mode, names in ((2020, 0o600, ("b.py", "a.py")), (2024, 0o664, ("a.py", "b.py"))):
        wheel, sdist = io.BytesIO(), io.BytesIO()
        with zipfile.ZipFile(wheel, "w") as target, tarfile.open(fileobj=sdist, mode="w:gz") as packed:
            for name in (*names, "x.dist-info/RECORD"):
                entry = zipfile.ZipInfo(name, (year, 1, 1, 0, 0, 0))
                entry.external_attr = mode << 16
                target.writestr(entry, name)
                member = tarfile.TarInfo(name)
                member.size, member.mtime, member.mode, member.uname = len(name), year, mode, str(year)
                packed.addfile(member, io.BytesIO(name.encode()))
        wheels.append(plain_zip(wheel.getvalue(), 1_700_000_000))
        sdists.append(plain_tar(sdist.getvalue(), 1_700_000_000))
    assert wheels[0] == wheels[1]
    assert sdists[0] == sdists[1]
    assert zipfile.ZipFile(io.BytesIO(wheels[0])).namelist() == ["a.py", "b.py", "x.dist-info/RECORD"]
    with tarfile.open(fileobj=io.BytesIO(sdists[0])) as packed:
        assert packed.getnames() == ["a.py", "b.py", "x.dist-info/RECORD"]


def test_links_of_an_index_lead_to_the_repository() -> None:
    text = "[a](docs/a.md) ![b](docs/b.svg) [c](https://c.org) [d](#d)"
    home = "https://h.org/blob/main/"
    assert absolute_links(text, home) == (
        "[a](https://h.org/blob/main/docs/a.md) ![b](https://h.org/blob/main/docs/b.svg) [c](https://c.org) [d](#d)"
    )


def test_the_version_stands_in_one_place() -> None:
    texts = {path: path.read_text(encoding="utf-8") for path in (ROOT / "CITATION.cff", ROOT / "README.md")}
    assert [path.name for path, text in texts.items() if PROJECT["version"] in text] == []
    code = [path for package in ("tui", "catalog", "estimator") for path in (ROOT / package).rglob("*.py")]
    assert [path for path in code if f'"{PROJECT["version"]}"' in path.read_text(encoding="utf-8")] == []


def test_the_container_is_pinned_and_installs_what_the_project_has() -> None:
    text = (ROOT / "Containerfile").read_text(encoding="utf-8")
    bases = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    assert bases
    assert all(re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", base) for base in bases)
    minor = int(bases[-1].split(".")[1])
    assert f"Programming Language :: Python :: 3.{minor}" in PROJECT["classifiers"]
    for copied in re.findall(r"^COPY (?!--from)(\S+)", text, re.MULTILINE):
        assert (ROOT / copied).exists()
    for extra in re.findall(r"\[(\w+)\]\"", text):
        assert extra in PROJECT["optional-dependencies"]
    assert re.search(r"^USER (?!root)", text, re.MULTILINE)
    assert 'ENTRYPOINT ["llmcalc-tui"]' in text
