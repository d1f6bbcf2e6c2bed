"""Models from the Hub by the headless verbs: fetched once, kept, and there without a network."""

import json
import socket
from pathlib import Path
from typing import NoReturn

import pytest

from tests.catalog.sources.loopback_hub import LoopbackHub, Reply
from tests.catalog.sources.test_hub import CONFIG
from tui.cli import main

LONG = CONFIG | {"max_position_embeddings": 8192}


@pytest.fixture
def loopback(loopback: LoopbackHub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> LoopbackHub:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    return loopback


@pytest.fixture
def unplugged(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> NoReturn:
        raise ConnectionRefusedError("the network is refused")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(socket, "create_connection", refused)


def test_a_fetched_model_is_kept_and_needs_no_network_again(
    loopback: LoopbackHub, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    loopback.add("acme/tiny", "config.json", Reply(json.dumps(LONG).encode()))
    assert main(("model", "acme/tiny", "--format", "json")) == 0
    first = json.loads(capsys.readouterr().out)
    asked = len(loopback.requests)
    assert main(("model", "acme/tiny", "--format", "json")) == 0
    assert json.loads(capsys.readouterr().out) == first
    assert len(loopback.requests) == asked
    loopback.files.clear()
    assert main(("estimate", "--model", "acme/tiny", "--instance", "g5.xlarge")) == 0
    assert len(loopback.requests) == asked


def test_kept_models_are_refreshed_on_request(loopback: LoopbackHub, capsys: pytest.CaptureFixture[str]) -> None:
    loopback.add("acme/tiny", "config.json", Reply(json.dumps(LONG).encode()))
    main(("model", "acme/tiny"))
    loopback.add("acme/tiny", "config.json", Reply(json.dumps(LONG | {"num_hidden_layers": 3}).encode()))
    assert main(("catalog", "refresh", "models")) == 0
    capsys.readouterr()
    main(("model", "acme/tiny", "--format", "json"))
    (page,) = json.loads(capsys.readouterr().out)
    assert page["kv_cache"]["bytes_per_token"] == 3 * 2 * 2 * 16 * 2


@pytest.mark.usefixtures("unplugged")
@pytest.mark.parametrize("argv", [("rank", "--limit", "1"), ("model", "deepseek-ai/DeepSeek-V3"), ("model", "70B")])
def test_the_catalogue_needs_no_network(argv: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(argv) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("unplugged")
def test_without_a_network_an_unknown_repository_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(("estimate", "--model", "acme/unheard-of")) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_remote_code_is_never_fetched(loopback: LoopbackHub) -> None:
    config = LONG | {"auto_map": {"AutoModelForCausalLM": "modeling_evil.EvilForCausalLM"}, "trust_remote_code": True}
    loopback.add("acme/evil", "config.json", Reply(json.dumps(config).encode()))
    loopback.add("acme/evil", "modeling_evil.py", Reply(b"raise SystemExit('run')"))
    assert main(("model", "acme/evil")) == 0
    assert not any(path.endswith(".py") for path in loopback.requests)
