"""A trace file: one request a line, with when it came, tokens of its prompt and tokens of its answer.

Understood are CSV files with a header (`seconds,input_tokens,output_tokens`, or the names of Azure's, BurstGPT's,
Mooncake's and Vidur's public traces), without one (in that order), and Mooncake's own JSON lines.
"""

import csv
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from math import isfinite

from estimator.errors import InputError
from estimator.scenario.traffic import MOST_REQUESTS, Request, Trace

COLUMNS = {
    "time": ("seconds", "arrival_s", "arrived_at", "timestamp", "time"),
    "input": ("input_tokens", "contexttokens", "request_tokens", "input_length", "num_prefill_tokens", "prompt_tokens"),
    "output": ("output_tokens", "generatedtokens", "response_tokens", "output_length", "num_decode_tokens"),
}
"""Names of the three columns, in small letters with _ for what is neither letter nor digit."""
MILLISECONDS = frozenset({"input_length"})
"""Names of the prompt's column in traces whose times are milliseconds (Mooncake's)."""
LONGEST_LINE = 1_000_000
MOST_TOKENS = 10_000_000
LATEST_S = 1e12
"""Seconds beyond which a time is none."""


def read(path: str) -> Trace:
    """The trace in a file. Raises InputError naming the file and the line of what is wrong with it."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        raise InputError("trace", f"{path!r}: no such file") from None
    if not os.path.isfile(path):
        raise InputError("trace", f"{path!r} is not a file")
    return _read(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=16)
def _read(path: str, changed_ns: int, size: int) -> Trace:  # an unchanged file stays one trace, and so one scenario
    try:
        with open(path, encoding="utf-8-sig", newline="") as lines:
            requests = list(_requests(path, lines))
    except UnicodeDecodeError:
        raise InputError("trace", f"{path}: is not UTF-8 text") from None
    except OSError as error:
        raise InputError("trace", f"{path}: {error.strerror}") from None
    if not requests:
        raise InputError("trace", f"{path}:1: no request in it, expected seconds,input_tokens,output_tokens")
    requests.sort()
    first_s = requests[0].arrival_s
    return Trace(os.path.abspath(path), [each._replace(arrival_s=each.arrival_s - first_s) for each in requests])


def _requests(path: str, lines: Iterator[str]) -> Iterator[Request]:
    """Every request that was answered; those that failed have no tokens in their answer and are left out."""
    columns: Sequence[str] = ()
    answered = 0
    for at, line in enumerate(_lines(lines), 1):
        where = f"{path}:{at}"
        if len(line) > LONGEST_LINE:
            raise InputError("trace", f"{where}: a line of more than {LONGEST_LINE:,} characters")
        if not line.strip():
            continue
        if line.startswith("{"):
            request = _request(where, _json_fields(where, line))
        else:
            cells = _cells(where, line)
            if not columns:
                columns = _columns(where, cells)
                if columns != PLAIN or not _is_number(cells[0]):
                    continue
            if len(cells) < len(columns):
                raise InputError("trace", f"{where}: {len(cells)} columns, expected {len(columns)}")
            request = _request(where, dict(zip(columns, cells, strict=False)))
        if request.output_tokens:
            answered += 1
            if answered > MOST_REQUESTS:
                raise InputError("trace", f"{where}: more than {MOST_REQUESTS:,} requests; take a part of the file")
            yield request


def _cells(where: str, line: str) -> list[str]:
    try:
        return [cell.strip() for cell in next(csv.reader([line]))]
    except csv.Error as error:
        raise InputError("trace", f"{where}: is not CSV: {error}") from None


def _lines(lines: Iterator[str]) -> Iterator[str]:
    """Lines of a text file, of which an endless one is cut."""
    readline = getattr(lines, "readline")  # noqa: B009
    while line := readline(LONGEST_LINE + 1):
        yield line


PLAIN = ("seconds", "input_tokens", "output_tokens")
"""Columns of a file without a header."""


def _columns(where: str, cells: Sequence[str]) -> Sequence[str]:
    """The names of a header, or the plain columns where the first line holds numbers already."""
    if _is_number(cells[0]):
        return PLAIN
    names = tuple(re.sub(r"[^a-z0-9]+", "_", cell.lower()).strip("_") for cell in cells)
    for column, known in COLUMNS.items():
        if not any(name in names for name in known):
            raise InputError("trace", f"{where}: no column for {_MEANINGS[column]}, such as {known[0]}")
    return names


_MEANINGS = {"time": "the time of a request", "input": "tokens of its prompt", "output": "tokens of its answer"}


def _json_fields(where: str, line: str) -> Mapping[str, str]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        raise InputError("trace", f"{where}: is not JSON") from None
    return {str(name): str(each) for name, each in value.items() if isinstance(each, int | float | str)}


def _request(where: str, fields: Mapping[str, str]) -> Request:
    texts = {}
    for column, known in COLUMNS.items():
        name = next((name for name in known if name in fields), None)
        if name is None:
            raise InputError("trace", f"{where}: no {_MEANINGS[column]}, such as {known[0]}")
        texts[column] = fields[name]
    seconds = _seconds(where, texts["time"])
    if any(name in fields for name in MILLISECONDS):
        seconds /= 1000
    return Request(seconds, _tokens(where, texts["input"], 1), _tokens(where, texts["output"], 0))


def _seconds(where: str, text: str) -> float:
    """Seconds, or a date with a time of day."""
    try:
        seconds = float(text) if _is_number(text) else datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError, OSError):
        raise InputError("trace", f"{where}: {text[:40]!r} is not a time, expected seconds or a date") from None
    if not isfinite(seconds) or not 0 <= seconds <= LATEST_S:
        raise InputError("trace", f"{where}: {text[:40]!r} is out of range, expected seconds from 0 on")
    return seconds


def _tokens(where: str, text: str, least: int) -> int:
    if not _is_number(text) or not least <= (tokens := float(text)) <= MOST_TOKENS or tokens != int(tokens):
        raise InputError("trace", f"{where}: {text[:40]!r} is no number of tokens, expected {least} to {MOST_TOKENS:,}")
    return int(tokens)


def _is_number(text: str) -> bool:
    return bool(re.fullmatch(r"[-+]?\d{1,300}(\.\d*)?([eE][-+]?\d{1,3})?", text))
