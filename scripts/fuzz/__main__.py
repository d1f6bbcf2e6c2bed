"""Damages good inputs of every reader, and says which were not treated as they should be.

    python -m scripts.fuzz [--count 50000 | --minutes 60] [--seed 1] [--only NAME]

Each input has to be read or refused with a reason, soon, and never end in another exception or a figure that can not
be. The same seed and count give the same inputs. Exit status 1 where there is a fault; each kind is printed once.
"""

import argparse
import os
import sys
import time
from collections import Counter
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import NamedTuple

from scripts.fuzz.target import Fault, Target, judge


class Tally(NamedTuple):
    """What became of all inputs: by reader how many, how many of them were read, the processor seconds."""

    inputs: Counter[str]
    read: Counter[str]
    seconds: Counter[str]
    faults: dict[str, Fault]
    """The first of each kind."""


def all_targets(folder: Path) -> tuple[Target, ...]:
    """Every reader, with an empty home below the folder and no Hub."""
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        os.environ[name] = str(folder / name)
    os.environ["HF_ENDPOINT"] = "http://127.0.0.1:9"
    os.chdir(folder)
    from catalog.load import load
    from scripts.fuzz import answers, files, models

    catalog = load()
    return (*models.targets(catalog, folder), *files.targets(catalog, folder), *answers.targets(catalog, folder))


def fuzz(targets: tuple[Target, ...], random: Random, count: int, until_s: float) -> Tally:
    """Inputs in random order by the readers' shares, until there are enough or the monotonic clock says so."""
    tally = Tally(Counter(), Counter(), Counter(), {})
    shares = [target.share for target in targets]
    while tally.inputs.total() < count and time.monotonic() < until_s:
        (target,) = random.choices(targets, shares)
        case = target.draw(random)
        began = time.process_time()
        outcome = judge(case)
        tally.seconds[target.name] += time.process_time() - began  # type: ignore[assignment]
        tally.inputs[target.name] += 1
        tally.read[target.name] += outcome.read
        if outcome.fault:
            tally.faults.setdefault(f"{target.name} {outcome.fault.kind.partition(' ')[0]}", outcome.fault)
    return tally


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=50_000)
    parser.add_argument("--minutes", type=float, help="as many inputs as there is time for")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", action="append", metavar="NAME", help="a reader; again for more")
    asked = parser.parse_args()
    until_s = time.monotonic() + 60 * asked.minutes if asked.minutes else float("inf")
    with TemporaryDirectory() as folder:
        targets = all_targets(Path(folder))
        chosen = tuple(target for target in targets if not asked.only or target.name in asked.only)
        if not chosen:
            parser.error(f"one of {', '.join(target.name for target in targets)}")
        tally = fuzz(chosen, Random(asked.seed), sys.maxsize if asked.minutes else asked.count, until_s)
        os.chdir("/")
    for name, count in sorted(tally.inputs.items()):
        each_ms = 1000 * tally.seconds[name] / count
        print(f"{name:26} {count:9,} inputs, {tally.read[name] / count:4.0%} read, {each_ms:7.3f} ms each")
    for fault in tally.faults.values():
        print(f"FAULT {fault.kind}\n  {fault.source}: {fault.change[:2000]}")
    print(f"{tally.inputs.total():,} inputs, {len(tally.faults)} kinds of fault")
    return 1 if tally.faults else 0


if __name__ == "__main__":
    sys.exit(main())
