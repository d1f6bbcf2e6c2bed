"""Verbs that ask the catalogue for more than a ranking takes read it once."""

import pytest

from catalog import cache
from tui.cli import main


@pytest.mark.parametrize(
    "argv",
    [
        ("breakeven", "--requests-per-second", "1"),
        ("plan", "--requests-per-second", "1", "--limit", "1"),
        ("recommend", "--format", "json"),
        ("estimate", "--format", "json"),
    ],
)
def test_a_verb_reads_the_catalogue_once(argv: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    read, sections = [], cache.sections

    def counted(folders: cache.Folders) -> cache.Texts:
        read.append(folders)
        return sections(folders)

    monkeypatch.setattr(cache, "sections", counted)
    assert main(argv) == 0
    assert len(read) == 1
