"""First paint and memory as ratios to an empty Textual app, in interleaved runs: `python -m benchmarks.start [N]`."""

import statistics
import sys
import tempfile
from pathlib import Path

from benchmarks.terminal import EMPTY_APP, Terminal

PAINTED = {"empty": b"hello", "llmcalc-tui": b"instance"}


def main(runs: int) -> None:
    seconds: dict[str, list[float]] = {name: [] for name in PAINTED}
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
                    sent[name] = len(terminal.seen) + len(terminal.settle())
                    if run:  # the first run fills the caches
                        seconds[name].append(painted)
                        resident[name].append(resident_mib(terminal.process))
    for name in PAINTED:
        print(
            f"{name:<12} first paint {statistics.median(seconds[name]) * 1000:6.0f} ms"
            f"  settled after {sent[name]:,} bytes  resident {statistics.median(resident[name]):.0f} MiB"
        )
    pairs = zip(seconds["llmcalc-tui"], seconds["empty"], strict=True)
    print(f"first paint  {statistics.median(ours / theirs for ours, theirs in pairs):.2f} x an empty app (target 1.4)")


def resident_mib(process: int) -> float:
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{process}/status").read_text().splitlines())
    return int(fields["VmRSS"].split()[0]) / 1024


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 9)
