"""Share of the branches alone that the last `pytest --cov` took, and the others: `python -m scripts.branches`.

Coverage's own figure counts lines and branches together, and lines are the easier half. Exit status 1 below `--least`.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from coverage import Coverage

SHOWN = 15
"""Files that are listed, those with most missing branches first."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--least", type=float, default=95.0, metavar="PERCENT")
    parser.add_argument("--record", default=".coverage", metavar="FILE", help="what a run left (.coverage)")
    asked = parser.parse_args()
    report = measured(asked.record)
    taken, number = branches(report["totals"])
    for file, missing in list(untaken(report["files"]))[:SHOWN]:
        print(f"{file}: {', '.join(f'{start}->{stop}' for start, stop in missing)}")
    share = 100 * taken / max(number, 1)
    print(f"{taken:,} of {number:,} branches ({share:.1f} %)")
    return 0 if share >= asked.least else 1


def measured(record: str) -> dict[str, Any]:
    """The report of a coverage run as its JSON has it. Raises coverage's NoDataError where there was none."""
    coverage = Coverage(data_file=record)
    coverage.load()
    with TemporaryDirectory() as folder:
        file = Path(folder) / "report.json"
        coverage.json_report(outfile=str(file))
        report: dict[str, Any] = json.loads(file.read_text())
    return report


def branches(summary: Mapping[str, int]) -> tuple[int, int]:
    """Branches that were taken, and all there are."""
    return summary["covered_branches"], summary["num_branches"]


def untaken(files: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, list[list[int]]]]:
    """(file, its missing branches as pairs of lines), the file with most of them first."""
    missing = ((name, each["missing_branches"]) for name, each in files.items() if each["missing_branches"])
    yield from sorted(missing, key=lambda each: (-len(each[1]), each[0]))


if __name__ == "__main__":
    sys.exit(main())
