"""The page of evidence columns names every column of every file of measured cases."""

import csv
import re

import pytest

from catalog.cache import DATA

PAGE = (DATA.parents[1] / "docs" / "evidence-columns.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["memory.csv", "serving.csv", "training_memory.csv", "training_throughput.csv"])
def test_every_column_of_a_file_stands_on_the_page(name: str) -> None:
    with (DATA / "evidence" / name).open(newline="", encoding="utf-8") as lines:
        columns = next(csv.reader(lines))
    named = set(re.findall(r"`([^`]+)`", PAGE))
    assert [column for column in columns if column not in named] == []
