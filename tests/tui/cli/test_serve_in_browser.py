"""The served app in a real browser: it is painted, and keys reach it without a click."""

import asyncio
import base64
import json
import os
import re
import shutil
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = ("--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run")
PATIENCE_S = 60
PAINTED = "document.body.classList.contains('-first-byte')"
"""What textual-serve says once the app has sent something."""
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")


class Page:
    """A tab of the browser, over its debugging protocol."""

    def __init__(self, channel: aiohttp.ClientWebSocketResponse) -> None:
        self._channel, self._number = channel, 0

    async def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """The browser's answer to one command."""
        self._number += 1
        await self._channel.send_json({"id": self._number, "method": method, "params": parameters})
        while True:
            answer = await self._channel.receive_json(timeout=PATIENCE_S)
            if answer.get("id") == self._number:
                return dict(answer["result"])

    async def value(self, expression: str) -> Any:
        """What a line of the page's script comes to."""
        answer = await self.ask("Runtime.evaluate", expression=expression, returnByValue=True)
        return answer["result"].get("value")

    async def until(self, expression: str) -> None:
        """Waits until it comes to something true. Raises TimeoutError."""
        async with asyncio.timeout(PATIENCE_S):
            while not await self.value(expression):
                await asyncio.sleep(0.2)

    async def picture(self) -> bytes:
        return base64.b64decode((await self.ask("Page.captureScreenshot", format="png"))["data"])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def browsed(address: str, folder: Path) -> AsyncIterator[Page]:
    """A page of a fresh headless browser."""
    command = [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", *QUIET, "--remote-debugging-port=0"]
    browser = await asyncio.create_subprocess_exec(
        *command, f"--user-data-dir={folder}", "--window-size=1200,800", "about:blank", stderr=asyncio.subprocess.PIPE
    )
    assert browser.stderr
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not (found := re.search(rb"ws://127\.0\.0\.1:(\d+)/", await browser.stderr.readline())):
                pass
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{int(found[1])}/json") as listed:
                tabs = json.loads(await listed.text())
            tab = next(each for each in tabs if each["type"] == "page")
            async with session.ws_connect(tab["webSocketDebuggerUrl"], max_msg_size=0) as channel:
                page = Page(channel)
                await page.ask("Page.navigate", url=address)
                yield page
    finally:
        browser.kill()
        await browser.wait()


@asynccontextmanager
async def served(port: int, home: Path) -> AsyncIterator[None]:
    """`llmcalc-tui serve` with a home of its own."""
    environment = os.environ | {f"XDG_{name}_HOME": str(home / name) for name in ("STATE", "CONFIG")}
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tui", "serve", "--port", str(port), env=environment, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                try:
                    (await asyncio.open_connection("127.0.0.1", port))[1].close()
                    break
                except OSError:
                    await asyncio.sleep(0.1)
        yield
    finally:
        server.terminate()
        await server.wait()


async def test_keys_reach_the_app_without_a_click(tmp_path: Path) -> None:
    port = free_port()
    async with served(port, tmp_path / "home"), browsed(f"http://127.0.0.1:{port}/", tmp_path / "browser") as page:
        await page.until(PAINTED)
        await page.until("document.activeElement?.tagName === 'TEXTAREA'")
        await asyncio.sleep(2)
        before = await page.picture()
        for kind in ("keyDown", "keyUp"):
            await page.ask("Input.dispatchKeyEvent", type=kind, key="+", code="Equal", text="+" * (kind == "keyDown"))
        session = tmp_path / "home" / "STATE" / "llmcalc-tui" / "session.yaml"
        async with asyncio.timeout(PATIENCE_S):
            while not (session.exists() and "concurrency: 32" in session.read_text()):
                await asyncio.sleep(0.2)
        assert await page.picture() != before
        if kept := os.environ.get("SERVE_PICTURE"):
            Path(kept).write_bytes(await page.picture())
