"""A program in a pseudo-terminal: when its bytes come, and how many."""

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent
EMPTY_APP = """
from textual.app import App
from textual.widgets import Static

class Empty(App):
    def compose(self):
        yield Static("hello")

Empty().run()
"""
QUIET_S = 0.5


class Terminal:
    """Runs one program in a terminal of its own size and home; use as a context."""

    def __init__(
        self,
        arguments: Sequence[str],
        home: Path,
        width: int = 80,
        height: int = 24,
        python: str = sys.executable,
        **extra: str,
    ) -> None:
        self.started = time.perf_counter()
        self.ended = False
        self.process, self.descriptor = pty.fork()
        if self.process == 0:
            os.chdir(ROOT)
            homes = {f"XDG_{name}_HOME": str(home / name.lower()) for name in ("STATE", "CONFIG", "CACHE")}
            os.environ.update(homes, TERM="xterm-256color", COLORTERM="truecolor")
            os.environ.update(PYTHONPYCACHEPREFIX=str(home / "bytecode"))  # an installation has its byte code
            for name in ("NO_COLOR", "PYTHONDONTWRITEBYTECODE"):
                os.environ.pop(name, None)
            os.environ.update(extra)
            os.execv(python, [python, *arguments])
        fcntl.ioctl(self.descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_: object) -> None:
        if not self.ended:
            os.kill(self.process, signal.SIGKILL)
            os.waitpid(self.process, 0)
        os.close(self.descriptor)

    @property
    def processor_s(self) -> float:
        """Seconds on a processor so far, of the main thread: steadier than the clock on a busy machine."""
        return int(Path(f"/proc/{self.process}/schedstat").read_text().split()[0]) / 1e9

    def until(self, text: bytes, limit_s: float = 120) -> float:
        """Seconds from the start to the arrival of a text."""
        seen = b""
        while time.perf_counter() < self.started + limit_s:
            seen += self.chunk(limit_s)
            if text in seen:
                self.seen = seen
                return time.perf_counter() - self.started
        raise TimeoutError(f"{text!r} never came")

    def settle(self) -> bytes:
        """Everything up to the first quiet half second."""
        seen = b""
        while chunk := self.chunk(QUIET_S):
            seen += chunk
        return seen

    def press(self, keys: bytes) -> bytes:
        """What a key sends back."""
        os.write(self.descriptor, keys)
        return self.settle()

    def chunk(self, timeout_s: float) -> bytes:
        if not select.select([self.descriptor], [], [], timeout_s)[0]:
            return b""
        try:
            return os.read(self.descriptor, 1 << 16)
        except OSError:
            return b""
