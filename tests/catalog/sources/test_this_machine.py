"""This machine by its drivers, tools and metadata service; whatever is absent or broken says nothing."""

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from catalog.load import load
from catalog.sources import this_machine
from catalog.sources.this_machine import detect

INVENTORY = load().inventory


def cards(monkeypatch: pytest.MonkeyPatch, *names: str | bytes) -> None:
    """A driver that holds these devices."""
    driver = SimpleNamespace(
        nvmlInit=lambda: None,
        nvmlShutdown=lambda: None,
        nvmlDeviceGetCount=lambda: len(names),
        nvmlDeviceGetHandleByIndex=lambda at: at,
        nvmlDeviceGetName=lambda at: names[at],
    )
    monkeypatch.setitem(__import__("sys").modules, "pynvml", driver)


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No driver, no tools, no cloud."""
    monkeypatch.setitem(__import__("sys").modules, "pynvml", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(this_machine, "VENDOR", tmp_path / "sys_vendor")


def tool(folder: Path, name: str, prints: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\ncat <<'END'\n{prints}\nEND\n".replace("cat", "/bin/cat"))
    path.chmod(0o755)


def test_without_accelerators_it_names_cpu_and_memory_alone() -> None:
    here = detect(INVENTORY)
    assert here.machines == ()
    assert here.words.endswith("GiB RAM")


def test_two_cards_of_one_kind_are_one_machine_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    cards(monkeypatch, "NVIDIA GeForce RTX 4090", b"NVIDIA GeForce RTX 4090")
    here = detect(INVENTORY)
    assert [(each.accelerator, each.count) for each in here.machines] == [("rtx4090", 2)]
    assert here.words.startswith("2x NVIDIA GeForce RTX 4090, ")


def test_unequal_cards_are_a_machine_each_and_a_strange_one_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    cards(monkeypatch, "NVIDIA H100 80GB HBM3", "Tesla T4", "NVIDIA Riva\x1b[2J 9")
    here = detect(INVENTORY)
    assert [each.accelerator for each in here.machines] == ["h100-sxm", "t4"]
    assert here.unknown == ("NVIDIA Riva\N{REPLACEMENT CHARACTER}[2J 9",)
    assert here.words.isprintable()


def test_a_driver_that_fails_is_no_fuss(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise RuntimeError("driver/library version mismatch")

    monkeypatch.setitem(__import__("sys").modules, "pynvml", SimpleNamespace(nvmlInit=fail))
    assert detect(INVENTORY).machines == ()


@pytest.mark.parametrize(
    ("name", "prints"),
    [
        ("amd-smi", '{"gpu_data": [{"gpu": 0, "asic": {"market_name": "AMD Instinct MI300X"}}]}'),
        ("amd-smi", '[{"gpu": 0, "asic": {"market_name": "AMD Instinct MI300X"}}]'),
        ("rocm-smi", '{"card0": {"Card Series": "AMD Instinct MI300X", "Card Vendor": "AMD"}}'),
    ],
)
def test_amd_devices_by_their_tools(tmp_path: Path, name: str, prints: str) -> None:
    tool(tmp_path, name, prints)
    assert [each.accelerator for each in detect(INVENTORY).machines] == ["mi300x"]


def test_a_tool_that_prints_rubbish_is_no_fuss(tmp_path: Path) -> None:
    tool(tmp_path, "amd-smi", "ERROR: no driver")
    assert detect(INVENTORY).machines == ()


def test_an_apple_chip_by_its_brand(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(this_machine.platform, "system", lambda: "Darwin")
    tool(tmp_path, "sysctl", "Apple M2 Ultra")
    assert [each.accelerator for each in detect(INVENTORY).machines] == ["apple-m2-ultra"]


class Metadata(http.server.BaseHTTPRequestHandler):
    """The metadata service: a token by PUT, the type by GET with that token."""

    def do_PUT(self) -> None:
        self._say("secret" if self.headers["X-aws-ec2-metadata-token-ttl-seconds"] else "")

    def do_GET(self) -> None:
        self._say("g6e.12xlarge" if self.headers["X-aws-ec2-metadata-token"] == "secret" else "")

    def _say(self, text: str) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Tests print nothing."""


@pytest.fixture
def ec2(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    server = http.server.HTTPServer(("127.0.0.1", 0), Metadata)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(this_machine, "METADATA", f"http://127.0.0.1:{server.server_port}/")
    (tmp_path / "sys_vendor").write_text("Amazon EC2\n")
    yield
    server.shutdown()
    server.server_close()


@pytest.mark.usefixtures("ec2")
def test_an_instance_is_its_type(monkeypatch: pytest.MonkeyPatch) -> None:
    cards(monkeypatch, *["NVIDIA L40S"] * 4)
    assert [each.id for each in detect(INVENTORY).machines] == ["g6e.12xlarge"]
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    assert [each.id for each in detect(INVENTORY).machines] == ["4xl40s"]


def test_elsewhere_no_request_is_made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(this_machine, "METADATA", "http://127.0.0.1:9/")  # a request would raise
    assert this_machine.instance_type() == ""
    (tmp_path / "sys_vendor").write_text("LENOVO\n")
    assert this_machine.instance_type() == ""
