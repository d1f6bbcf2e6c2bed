"""First paint and memory as ratios to an empty Textual app, in interleaved runs: `python -m benchmarks.start [N]`."""

import os
import statistics
import sys
import tempfile
from pathlib import Path

from benchmarks.terminal import EMPTY_APP, Terminal

PAINTED = {"empty": b"hello", "llmcalc-tui": b"instance"}


def main(runs: int) -> None:
    seconds: dict[str, list[float]] = {name: [] for name in PAINTED}
    busy: dict[str, list[float]] = {name: [] for name in PAINTED}
    resident: dict[str, list[float]] = {name: [] for name in PAINTED}
    sent: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        empty = home / "empty.py"
        empty.write_text(EMPTY_APP)
        commands = {"empty": [str(empty)], "llmcalc-tui": ["-m", "tui"]}
        for run in range(runs + 1):
            for name, command in commands.items():
                with Terminal(command, home) as terminal:
                    painted = terminal.until(PAINTED[name])
                    worked = processor_s(terminal.process)
                    sent[name] = len(terminal.seen) + len(terminal.settle())
                    if run:  # the first run fills the caches
                        seconds[name].append(painted)
                        busy[name].append(worked)
                        resident[name].append(resident_mib(terminal.process))
    for name in PAINTED:
        print(
            f"{name:<12} first paint {statistics.median(seconds[name]) * 1000:6.0f} ms"
            f"  settled after {sent[name]:,} bytes  resident {statistics.median(resident[name]):.0f} MiB"
        )
    for what, measured in (("first paint", seconds), ("processor time", busy)):
        pairs = zip(measured["llmcalc-tui"], measured["empty"], strict=True)
        print(
            f"{what:<14} {statistics.median(ours / theirs for ours, theirs in pairs):.2f} x an empty app (target 1.4)"
        )


def processor_s(process: int) -> float:
    """User and system time so far: steadier than the clock on a busy machine."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mib(process: int) -> float:
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{process}/status").read_text().splitlines())
    return int(fields["VmRSS"].split()[0]) / 1024


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 9)
