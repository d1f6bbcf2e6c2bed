"""Bytes that each key sends to the terminal at 80x24 and 160x50: `python -m benchmarks.bytes`."""

import tempfile
from pathlib import Path

from benchmarks.terminal import Terminal

KEYS = {
    "cursor down": b"j",
    "half a page": b"\x04",
    "next weights": b"w",
    "twice the users": b"+",
    "undo": b"u",
    "sort": b"s",
    "next view": b"v",
    "open filter": b"/",
    "type a letter": b"g",
    "clear filter": b"\x1b",
    "help": b"?",
    "close help": b"\x1b",
}


def main() -> None:
    for width, height in ((80, 24), (160, 50)):
        with tempfile.TemporaryDirectory() as home, Terminal(["-m", "tui"], Path(home), width, height) as terminal:
            terminal.until(b"instance")
            start = len(terminal.seen) + len(terminal.settle())
            print(f"{width}x{height}\n  {'start':<16}{start:>7,} bytes")
            for name, key in KEYS.items():
                print(f"  {name:<16}{len(terminal.press(key)):>7,} bytes")
            print(f"  {'a quiet second':<16}{len(terminal.chunk(1.0)):>7,} bytes")


if __name__ == "__main__":
    main()
