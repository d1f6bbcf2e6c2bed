"""A Hub on loopback: a real HTTP server that redirects, refuses, stalls and cuts short as it is told."""

import json
import struct
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Reply(NamedTuple):
    body: bytes = b""
    status: int = 200
    error_code: str = ""
    redirect: str = ""
    missing_bytes: int = 0
    """Promised in Content-Length and never sent."""
    stall_s: float = 0.0
    """Between the bytes, one by one."""
    ignores_range: bool = False
    trickles_headers: bool = False
    """One header a moment, for ever."""


class LoopbackHub:
    """Serves `files`: `org/name/resolve/main/config.json` -> Reply. `requests` are the paths asked for, in order."""

    def __init__(self) -> None:
        self.files: dict[str, Reply] = {}
        self.requests: list[str] = []
        self.authorizations: list[tuple[str, str | None]] = []
        self.bytes_sent = 0
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                hub.requests.append(self.path)
                hub.authorizations.append((self.path, self.headers.get("Authorization")))
                hub.answer(self, hub.files.get(self.path.lstrip("/")))

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def add(self, repository: str, name: str, reply: Reply, revision: str = "main") -> None:
        self.files[f"{repository}/resolve/{revision}/{name}"] = reply

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def answer(self, handler: BaseHTTPRequestHandler, reply: Reply | None) -> None:
        if reply is None:
            reply = Reply(status=404, error_code="EntryNotFound")
        body, status = reply.body, 302 if reply.redirect else reply.status
        asked = handler.headers.get("Range")
        if asked and status == 200 and not reply.ignores_range:
            start, stop = (int(each) for each in asked.removeprefix("bytes=").split("-"))
            body, status = body[start : stop + 1], 206
        handler.send_response(status)
        if reply.redirect:
            handler.send_header("Location", reply.redirect)
        if reply.error_code:
            handler.send_header("X-Error-Code", reply.error_code)
        if reply.trickles_headers:
            self.trickle(handler)
            return
        handler.send_header("Content-Length", str(len(body) + reply.missing_bytes))
        handler.end_headers()
        try:
            for start in range(0, len(body), 1 if reply.stall_s else 65_536):
                time.sleep(reply.stall_s)
                piece = body[start : start + (1 if reply.stall_s else 65_536)]
                handler.wfile.write(piece)
                self.bytes_sent += len(piece)
        except OSError:
            pass
        if reply.missing_bytes:
            handler.close_connection = True

    def trickle(self, handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        with suppress(OSError):
            for number in range(400):
                handler.send_header(f"X-Slow-{number}", "1")
                handler.flush_headers()
                time.sleep(0.05)


def safetensors(tensors: dict[str, tuple[str, list[int], int]], weights: bytes = b"") -> bytes:
    """A file of `name: (dtype, shape, bytes)`; its weights are zeros where none are given."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    offset = 0
    for name, (dtype, shape, size) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + (weights or bytes(offset))
