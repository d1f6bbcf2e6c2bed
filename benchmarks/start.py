"""First paint and memory as ratios to an empty Textual app, in interleaved runs: `python -m benchmarks.start [N]`."""

import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import Measure, table
from benchmarks.terminal import EMPTY_APP, Terminal

PAINTED = {"empty": b"hello", "another question": b"instance", "llmcalc-tui": b"instance"}
FRAME = Path("cache", "llmcalc-tui", "frame.json")
"""The last frame in a home: without it, nothing is shown before it is worked out."""
RUNS = 9


def measure(runs: int = RUNS) -> Iterator[Measure]:
    """First paint, processor time until then and resident memory, beside an empty Textual app; then `rank`."""
    seconds: dict[str, list[float]] = {name: [] for name in PAINTED}
    busy: dict[str, list[float]] = {name: [] for name in PAINTED}
    resident: dict[str, list[float]] = {name: [] for name in PAINTED}
    ranked: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        empty = home / "empty.py"
        empty.write_text(EMPTY_APP)
        commands = {"empty": [str(empty)], "another question": ["-m", "tui"], "llmcalc-tui": ["-m", "tui"]}
        for run in range(runs + 1):
            for name, command in commands.items():
                if name == "another question":
                    (home / FRAME).unlink(missing_ok=True)
                with Terminal(command, home) as terminal:
                    painted = terminal.until(PAINTED[name])
                    worked = terminal.processor_s
                    terminal.settle()
                    if run:  # the first run fills the caches
                        seconds[name].append(painted)
                        busy[name].append(worked)
                        resident[name].append(resident_mib(terminal.process))
            with Terminal(["-m", "tui", "rank", "--format", "json"], home) as terminal:
                printed = terminal.until(b'"rows"')
            if run:
                ranked.append(printed)
    for what, unit, scale, measured, name, target in (
        ("first paint", "ms", 1000, seconds, "llmcalc-tui", "1.25 x"),
        ("processor time until then", "ms", 1000, busy, "llmcalc-tui", "1.25 x"),
        ("first paint of another question", "ms", 1000, seconds, "another question", ""),
        ("processor time until then", "ms", 1000, busy, "another question", ""),
        ("resident memory", "MiB", 1, resident, "llmcalc-tui", "1.3 x"),
    ):
        ratios = (ours / theirs for ours, theirs in zip(measured[name], measured["empty"], strict=True))
        against = f"{statistics.median(ratios):.2f} x an empty app"
        yield Measure(what, scale * statistics.median(measured[name]), unit, against, target)
    yield Measure("rank --format json", 1000 * statistics.median(ranked), "ms", target="180 ms")


def resident_mib(process: int) -> float:
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{process}/status").read_text().splitlines())
    return int(fields["VmRSS"].split()[0]) / 1024


if __name__ == "__main__":
    print(table(measure(int(sys.argv[1]) if len(sys.argv) > 1 else RUNS)))
