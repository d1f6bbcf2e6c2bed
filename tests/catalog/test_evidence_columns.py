"""The page of evidence columns names every column of every file of measured cases."""

import csv
import re
from collections import defaultdict

import pytest

from catalog.cache import DATA

PAGE = (DATA.parents[1] / "docs" / "evidence-columns.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["memory.csv", "serving.csv", "training_memory.csv", "training_throughput.csv"])
def test_every_column_of_a_file_stands_on_the_page(name: str) -> None:
    with (DATA / "evidence" / name).open(newline="", encoding="utf-8") as lines:
        columns = next(csv.reader(lines))
    named = set(re.findall(r"`([^`]+)`", PAGE))
    assert [column for column in columns if column not in named] == []


def test_a_measured_run_is_one_row() -> None:
    """Sources quote each other; the same figures of the same machine are one run."""
    figures = ("output_tokens_per_s", "total_tokens_per_s", "requests_per_s", "ttft_ms", "tpot_ms")
    asked = ("model_id", "engine", "accelerator_id", "accelerator_count", "input_tokens", "output_tokens")
    with (DATA / "evidence" / "serving.csv").open(newline="", encoding="utf-8") as lines:
        runs = defaultdict[tuple[object, ...], list[str]](list)
        for row in csv.DictReader(lines):
            stated = tuple(float(row[figure] or 0) for figure in figures)
            if sum(map(bool, stated)) >= 3 and not row["excluded"]:
                runs[*(row[column] for column in asked), *stated].append(row["case_id"])
    assert [cases for cases in runs.values() if len(cases) > 1] == []
