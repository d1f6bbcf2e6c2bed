"""Everything that is measured, as one table: `python -m benchmarks`. On a quiet machine; it takes two minutes.

`--write` makes docs/benchmarks.md of it, with the machine and how busy it was.
"""

import os
import platform
import sys
from datetime import date
from pathlib import Path

from benchmarks import bytes, speed, start
from benchmarks.measure import table
from scripts import readme_figures

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
BUSY = 0.5
"""Load per processor above which seconds on the clock say little."""
HEAD = """# Benchmarks

Made by `python -m benchmarks --write` (`make bench` prints the same); do not edit. Machines differ, so that a time
stands beside something of the same machine and run: an empty Textual app, a loop of the same arithmetic.

{date}, Python {python}, {processors} processors, {system}; {load}.

## Measured

"""


def surroundings() -> str:
    """The page's head: when and where, and how busy the machine was before the first measurement."""
    load = os.getloadavg()[0] / (os.cpu_count() or 1)
    busy = "others were at work too,\nso times on the clock are too long" if load > BUSY else "nothing else was at work"
    return HEAD.format(
        date=date.today(),
        python=platform.python_version(),
        processors=os.cpu_count(),
        system=f"{platform.system()} {platform.machine()}",
        load=f"load {load:.1f} a processor, {busy}",
    )


def main() -> None:
    head = surroundings()
    measured = table((*start.measure(), *bytes.measure(), *speed.measure()))
    print(measured)
    if "--write" in sys.argv[1:]:
        PAGE.write_text(f"{head}{measured}\n", encoding="utf-8")
        readme_figures.main()


if __name__ == "__main__":
    main()
