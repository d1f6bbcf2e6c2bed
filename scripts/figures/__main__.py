"""Works out the kept figures again and writes them into tests/data/figures: `python -m scripts.figures`.

    python -m scripts.figures [--only KIND] [--draw SEED]

The questions stay as they stand in the files, so that a difference shows which figures moved; one more is a line more,
without figures. `--draw` leaves them for new ones, drawn by strata.
"""

import argparse
import os
import sys
from tempfile import TemporaryDirectory

from catalog.load import Catalog, load
from scripts.figures import kept, sample
from scripts.figures.kinds import KINDS, figures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=KINDS, metavar="KIND", help=", ".join(KINDS))
    parser.add_argument("--draw", type=int, metavar="SEED")
    asked = parser.parse_args()
    with TemporaryDirectory() as folder:
        os.environ["XDG_CONFIG_HOME"] = folder  # nobody's own catalogue
        catalog = load()
    moved = sum(_rewrite(catalog, kind, asked.draw) for kind in asked.only or KINDS)
    print(f"{moved} questions have other figures")
    return 0


def _rewrite(catalog: Catalog, kind: str, seed: int | None) -> int:
    before = kept.read(kind)
    named = sample.draw(catalog, kind, seed) if seed is not None else [(each.name, each.question) for each in before]
    now = [kept.Kept(name, question, figures(kind, catalog, question)) for name, question in named]
    kept.write(kind, KINDS[kind].about, now)
    old = {each.name: each.lines for each in before}
    return sum(any(kept.differences(old.get(each.name, ()), each.lines)) for each in now)


if __name__ == "__main__":
    sys.exit(main())
