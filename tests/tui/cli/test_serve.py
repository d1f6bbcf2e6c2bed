"""The served app answers this machine's own browser, with the installed program."""

import asyncio
import re
import subprocess
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from tui.cli.serve import COMMAND, loopback_server

PORT = 8123


async def status(path: str, **headers: str) -> int:
    """What a client that sends these headers is answered."""
    app = await loopback_server(PORT)._make_app()
    async with TestClient(TestServer(app)) as client:
        response = await client.get(path, headers={"Host": f"127.0.0.1:{PORT}", **headers})
        return response.status


@pytest.mark.parametrize("path", ["/", "/ws", "/download/x"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": f"http://127.0.0.1:{PORT + 1}"},
        {"Origin": "null"},
        {"Host": "evil.example"},
        {"Host": f"evil.example:{PORT}", "Origin": f"http://evil.example:{PORT}"},
    ],
)
async def test_a_page_of_elsewhere_is_refused(path: str, headers: dict[str, str]) -> None:
    assert await status(path, **headers) == 403


@pytest.mark.parametrize("host", [f"127.0.0.1:{PORT}", f"localhost:{PORT}"])
async def test_the_own_page_is_served(host: str) -> None:
    assert await status("/", Host=host) == 200
    assert await status("/", Host=host, Origin=f"http://{host}") == 200


async def test_the_page_asks_no_other_server_and_takes_the_keys() -> None:
    app = await loopback_server(PORT)._make_app()
    async with TestClient(TestServer(app)) as client:
        page = await (await client.get("/", headers={"Host": f"127.0.0.1:{PORT}"})).text()
    assert "static/js/textual.js" in page
    assert "static/css/xterm.css" in page
    assert re.findall(r'(?:href|src)="(?:https?:)?//(?!127\.0\.0\.1)', page) == []
    assert page.count(".xterm-helper-textarea") == 1


async def test_a_tui_of_the_current_folder_is_not_run(tmp_path: Path) -> None:
    (tmp_path / "tui.py").write_text("open('PWNED', 'w')")
    run = await asyncio.to_thread(
        subprocess.run, [*COMMAND, "--version"], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert "llmcalc-tui" in run.stdout, run.stderr
    assert not (tmp_path / "PWNED").exists()
