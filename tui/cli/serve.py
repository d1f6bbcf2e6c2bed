"""The TUI in a browser, on this machine alone. Needs the `web` extra (textual-serve)."""

import argparse
import re
import shlex
import sys
from typing import TYPE_CHECKING

from estimator.errors import InputError
from tui.cli.status import ANSWERED

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler
    from textual_serve.server import Server

HOST = "127.0.0.1"
"""Loopback only: whoever reaches the port uses the app as this user."""
FROM_ELSEWHERE = re.compile(r'<link[^>]*href="https?://(?!127\.0\.0\.1[:/])[^"]*"[^>]*>')
"""Style sheets of other servers: a page of this machine asks nobody, and waits for nobody."""
FOCUS = """<script>
const focusing = setInterval(() => {
  const keys = document.querySelector(".xterm-helper-textarea");
  keys?.focus();
  if (keys && document.activeElement === keys) clearInterval(focusing);
}, 50);
</script></body>"""
"""Gives the terminal the keys as soon as it is there: no click is needed."""
COMMAND = (sys.executable, "-P", "-m", "tui")
"""The program that is installed: -P keeps a `tui.py` of the current folder out."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", type=int, default=8000, metavar="N", help="on 127.0.0.1 (8000)")


def run(arguments: argparse.Namespace) -> int:
    if not 1 <= arguments.port <= 65_535:
        raise InputError("--port", f"{arguments.port} is out of range, expected 1 to 65535")
    try:
        loopback_server(arguments.port).serve()
    except ImportError:
        raise InputError("serve", "needs textual-serve: pip install 'llmcalc-tui[web]'") from None
    except OSError as error:
        raise InputError("--port", f"{arguments.port}: {error.strerror}") from None
    return ANSWERED


def loopback_server(port: int) -> "Server":
    """A server of the app that answers this machine's own browser only. Raises ImportError without textual-serve.

    A web page of elsewhere can reach 127.0.0.1 too, through the user's browser: by its own address (the browser then
    names the page in Origin) or by a name that it points there (the browser then names it in Host). Both are refused.
    """
    from aiohttp import web
    from textual_serve.server import Server

    hosts = {f"{name}:{port}" for name in (HOST, "localhost")}
    origins = {f"http://{host}" for host in hosts}

    @web.middleware
    async def same_origin(request: web.Request, handler: "Handler") -> web.StreamResponse:
        if request.headers.get("Host") not in hosts or request.headers.get("Origin") not in {None, *origins}:
            raise web.HTTPForbidden(text="llmcalc-tui serves the browser of this machine only")
        response = await handler(request)
        if isinstance(response, web.Response) and response.content_type == "text/html" and response.text:
            response.text = FROM_ELSEWHERE.sub("", response.text).replace("</body>", FOCUS)
        return response

    class LoopbackServer(Server):
        async def _make_app(self) -> web.Application:
            app = await super()._make_app()
            app.middlewares.append(same_origin)
            return app

    return LoopbackServer(shlex.join(COMMAND), host=HOST, port=port, title="llmcalc-tui")
