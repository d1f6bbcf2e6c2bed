"""Changes one thing at a time in estimator/ and runs the tests that stand on it: `python -m scripts.mutation`.

    python -m scripts.mutation [--count 400] [--seed 1] [--only FOLDER] [--least 85] [--record FOLDER]
                               [--lines SECONDS] [--again FILE]

A mutant is killed where a test that runs its line fails, one of its room, or the scoring of measured cases. Survivors
are printed to be looked at: each is a missing test, or a change that no answer can show. Which tests run which lines is
recorded first, in some minutes; `--record` keeps that for the next time, when only files of tests that have changed are
recorded again. `--lines` leaves it at the tests that run the line, as many as take some seconds: many times faster, and
the share a lower bound. `--again` takes the survivors that an earlier run printed to a file. Exit status 1 below the
least share killed.
"""

import argparse
import re
import sys
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from scripts.mutation.judge import Judge, copy
from scripts.mutation.mutants import ROOT, mutants
from scripts.mutation.record import Record


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="estimator", metavar="FOLDER")
    parser.add_argument("--least", type=float, default=85.0, metavar="PERCENT")
    parser.add_argument("--record", type=Path, metavar="FOLDER")
    parser.add_argument("--lines", type=float, metavar="SECONDS")
    parser.add_argument("--again", type=Path, metavar="FILE")
    asked = parser.parse_args()
    every = [mutant for path in sorted((ROOT / asked.only).rglob("*.py")) for mutant in mutants(path)]
    drawn = Random(asked.seed).sample(every, min(asked.count, len(every)))
    if asked.again:
        names = set(re.findall(r"^survived: (.*)$", asked.again.read_text(), re.MULTILINE))
        drawn = [mutant for mutant in every if str(mutant) in names]
    killed = 0
    with TemporaryDirectory() as folder:
        tree = Path(folder).resolve() / "tree"
        copy(tree)
        record = Record(asked.record.resolve() if asked.record else Path(folder) / "record", tree)
        judge = Judge(tree, record, asked.lines)
        for number, mutant in enumerate(drawn, 1):
            dead = judge.is_killed(mutant)
            killed += dead
            if not dead:
                print(f"survived: {mutant}", flush=True)
            print(f"{number} of {len(drawn)}, {killed} killed", file=sys.stderr, flush=True)
        judge.close()
    share = 100 * killed / max(len(drawn), 1)
    print(f"{killed} of {len(drawn)} mutants killed ({share:.1f} %), drawn from {len(every):,}")
    return 0 if share >= asked.least else 1


if __name__ == "__main__":
    sys.exit(main())
