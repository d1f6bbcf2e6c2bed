"""Writes what the serving cases say in prose into their columns, by the rules of `estimator/accuracy/prose.py`.

    python -m scripts.fill_evidence

Run it after adding rows; a column that is filled already stays as it is. See docs/evidence-columns.md.
"""

import csv

from catalog.cache import DATA
from estimator.accuracy.prose import COLUMNS, filled

SERVING = DATA / "evidence" / "serving.csv"
BEFORE = "instance_type"
"""The column that the filled ones stand before."""


def main() -> None:
    with SERVING.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    stated = [column for column in rows[0] if column not in COLUMNS]
    at = stated.index(BEFORE)
    with SERVING.open("w", newline="", encoding="utf-8") as lines:
        table = csv.DictWriter(lines, (*stated[:at], *COLUMNS, *stated[at:]), lineterminator="\n")
        table.writeheader()
        table.writerows(map(filled, rows))


if __name__ == "__main__":
    main()
