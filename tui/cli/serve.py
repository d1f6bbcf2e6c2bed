"""The TUI in a browser, on this machine alone. Needs the `web` extra (textual-serve)."""

import argparse
import shlex
import sys

from estimator.errors import InputError
from tui.cli.status import ANSWERED

HOST = "127.0.0.1"
"""Loopback only: whoever reaches the port uses the app as this user."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", type=int, default=8000, metavar="N", help="on 127.0.0.1 (8000)")


def run(arguments: argparse.Namespace) -> int:
    if not 1 <= arguments.port <= 65_535:
        raise InputError("--port", f"{arguments.port} is out of range, expected 1 to 65535")
    try:
        from textual_serve.server import Server
    except ImportError:
        raise InputError("serve", "needs textual-serve: pip install 'llmcalc-tui[web]'") from None
    command = shlex.join([sys.executable, "-m", "tui"])
    try:
        Server(command, host=HOST, port=arguments.port, title="llmcalc-tui").serve()
    except OSError as error:
        raise InputError("--port", f"{arguments.port}: {error.strerror}") from None
    return ANSWERED
