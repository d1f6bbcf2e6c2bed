"""The Hub source against a real HTTP server on loopback."""

import json
import threading
import time

import pytest

from catalog.load import Catalog
from catalog.sources import hub
from catalog.sources.checkpoint import Cancelled, Checkpoint, Stored
from catalog.sources.resolve import resolve
from estimator.errors import InputError
from tests.catalog.sources.loopback_hub import LoopbackHub, Reply, safetensors

CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 128,
    "vocab_size": 1000,
    "max_position_embeddings": 2048,
    "tie_word_embeddings": False,
}
CONFIG_REPLY = Reply(json.dumps(CONFIG).encode())
WEIGHTS = safetensors({"a": ("BF16", [64, 64], 8192), "b": ("F32", [10], 40)}, bytes(3_000_000))


def silent(what: str, done: int, total: int) -> None: ...


def fetch(reference: str) -> Checkpoint:
    asked = hub.repository(reference)
    assert asked
    return hub.fetch(asked, silent)


def test_configuration_and_weight_headers_are_read_but_no_weights(loopback: LoopbackHub) -> None:
    loopback.add("acme/tiny", "config.json", CONFIG_REPLY)
    loopback.add("acme/tiny", "model.safetensors", Reply(WEIGHTS))
    found = fetch("acme/tiny")
    assert found.config["hidden_size"] == 64
    assert found.stored == {"BF16": Stored(4096, 8192), "F32": Stored(10, 40)}
    assert loopback.bytes_sent < 600_000


def test_shards_follow_redirects_and_add_up(loopback: LoopbackHub) -> None:
    loopback.add("acme/big", "config.json", Reply(redirect="/cdn/config.json"))
    loopback.files["cdn/config.json"] = CONFIG_REPLY
    index = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors", "c": "model-2.safetensors"}}
    loopback.add("acme/big", "model.safetensors.index.json", Reply(json.dumps(index).encode()))
    loopback.add("acme/big", "model-1.safetensors", Reply(WEIGHTS))
    loopback.add("acme/big", "model-2.safetensors", Reply(redirect="/cdn/2"))
    loopback.files["cdn/2"] = Reply(WEIGHTS)
    assert fetch("acme/big").stored == {"BF16": Stored(8192, 16384), "F32": Stored(20, 80)}


def test_a_server_that_ignores_ranges_is_not_read_to_the_end(loopback: LoopbackHub) -> None:
    long = safetensors({f"tensor-{n:06}": ("BF16", [1], 2) for n in range(6000)}, bytes(30_000_000))
    loopback.add("acme/tiny", "config.json", CONFIG_REPLY)
    loopback.add("acme/tiny", "model.safetensors", Reply(long, ignores_range=True))
    assert fetch("acme/tiny").stored == {"BF16": Stored(6000, 12000)}
    assert loopback.bytes_sent < 20_000_000


def test_revision_is_asked_for(loopback: LoopbackHub) -> None:
    loopback.add("acme/tiny", "config.json", CONFIG_REPLY, revision="v2")
    assert fetch("acme/tiny@v2").config["hidden_size"] == 64


def test_token_goes_to_the_hub_alone(loopback: LoopbackHub, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = LoopbackHub()
    elsewhere.files["config.json"] = CONFIG_REPLY
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    loopback.add("acme/tiny", "config.json", Reply(redirect=f"{elsewhere.url}/config.json"))
    fetch("acme/tiny")
    elsewhere.close()
    assert loopback.authorizations[0][1] == "Bearer hf_secret"
    assert elsewhere.authorizations[0][1] is None


def test_modelopt_quantisation_stands_beside_the_configuration(loopback: LoopbackHub) -> None:
    loopback.add("acme/tiny", "config.json", CONFIG_REPLY)
    loopback.add("acme/tiny", "hf_quant_config.json", Reply(b'{"quantization": {"quant_algo": "NVFP4"}}'))
    assert fetch("acme/tiny").quantization == {"quantization": {"quant_algo": "NVFP4"}}


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(status=401, error_code="GatedRepo"), "gated: accept its terms"),
        (Reply(status=403, error_code="GatedRepo"), "set HF_TOKEN"),
        (Reply(status=401), "private: check the spelling"),
        (Reply(status=404, error_code="RepoNotFound"), "does not exist on the Hub"),
        (Reply(status=404, error_code="EntryNotFound"), "no config.json"),
        (Reply(status=404, error_code="RevisionNotFound"), "no revision"),
        (Reply(status=429), "slow down"),
        (Reply(status=500), "answers 500"),
        (Reply(b"{" * 40, missing_bytes=100), "does not answer"),
        (Reply(b"\x1b[31m not json"), "not JSON"),
        (Reply(b"[1, 2]"), "not a JSON object"),
        (Reply(b"[" * 100_000), "not JSON"),
        (Reply(b'{"x": "' + b"a" * 5_000_000 + b'"}'), "larger than"),
    ],
)
def test_whatever_goes_wrong_is_one_line_that_says_so(loopback: LoopbackHub, reply: Reply, said: str) -> None:
    loopback.add("acme/tiny", "config.json", reply)
    with pytest.raises(InputError) as error:
        fetch("acme/tiny")
    assert said in str(error.value)
    assert str(error.value).isprintable()


def test_a_truncated_weight_header_is_said(loopback: LoopbackHub) -> None:
    loopback.add("acme/tiny", "config.json", CONFIG_REPLY)
    loopback.add("acme/tiny", "model.safetensors", Reply(WEIGHTS[:60]))
    with pytest.raises(InputError, match="truncated"):
        fetch("acme/tiny")


def test_a_silent_server_is_given_up(loopback: LoopbackHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "PATIENCE_S", (1.0, 0.2, 1.0, 1.0))
    loopback.add("acme/tiny", "config.json", Reply(b"{}", stall_s=2.0))
    with pytest.raises(InputError, match="ReadTimeout"):
        fetch("acme/tiny")


def test_a_trickling_server_is_given_up(loopback: LoopbackHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "WHOLE_S", 0.2)
    loopback.add("acme/tiny", "config.json", Reply(b" " * 1000, stall_s=0.02))
    with pytest.raises(InputError, match="too slow"):
        fetch("acme/tiny")


def test_an_unreachable_mirror_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(InputError, match=r"does not answer .*; a folder, a config.json or a .gguf needs no network"):
        fetch("acme/tiny")


@pytest.mark.parametrize("endpoint", ["foo", "http://[", "http://a b", "http://x:99999", "file:///etc/passwd"])
def test_a_mirror_that_is_no_address_is_said(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    with pytest.raises(InputError, match="HF_ENDPOINT"):
        fetch("acme/tiny")


def test_a_token_that_can_not_be_sent_is_said(loopback: LoopbackHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "é")
    with pytest.raises(InputError, match="HF_TOKEN"):
        fetch("acme/tiny")


def test_offline_mode_asks_nobody(loopback: LoopbackHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(InputError, match="HF_HUB_OFFLINE"):
        fetch("acme/tiny")
    assert not loopback.requests


def test_progress_can_cancel(loopback: LoopbackHub) -> None:
    loopback.add("acme/tiny", "config.json", CONFIG_REPLY)
    loopback.add("acme/tiny", "model.safetensors", Reply(WEIGHTS))
    seen = []

    def progress(what: str, done: int, total: int) -> None:
        seen.append(what)
        if what == "model.safetensors":
            raise Cancelled

    asked = hub.repository("acme/tiny")
    assert asked
    with pytest.raises(Cancelled):
        hub.fetch(asked, progress)
    assert seen[0] == "config.json"


@pytest.mark.parametrize(
    "reference",
    [
        "../../etc",
        "a/../b",
        "acme/tiny@../../x",
        "acme",
        "a/b/c",
        "-a/b",
        "a/b@",
        "a/b\x1b[0m",
        "~/x",
        "",
        "a/b--c",
        "/",
    ],
)
def test_names_that_could_climb_out_are_no_repositories(reference: str) -> None:
    assert hub.repository(reference) is None


def test_an_index_can_not_name_files_elsewhere(loopback: LoopbackHub) -> None:
    loopback.add("acme/tiny", "config.json", CONFIG_REPLY)
    index = {"weight_map": {"a": "../../other/resolve/main/model.safetensors"}}
    loopback.add("acme/tiny", "model.safetensors.index.json", Reply(json.dumps(index).encode()))
    with pytest.raises(InputError, match="outside the repository"):
        fetch("acme/tiny")


def test_a_missing_repository_names_the_models_spelled_like_it(loopback: LoopbackHub, catalog: Catalog) -> None:
    with pytest.raises(InputError) as refused:
        resolve("meta-llama/Llama-3.1-8", catalog)
    assert "did you mean" not in refused.value.reason
    assert "meta-llama/Llama-3.1-8B" in refused.value.near


@pytest.mark.parametrize("reference", ["x/ok.", "x/ok-.git", "x/ok.git"])
def test_names_that_the_library_refuses_are_no_repositories(reference: str) -> None:
    assert hub.repository(reference) is None


@pytest.mark.parametrize("proxy", ["zzz://x", "http://a b", "http://[", "\x07"])
def test_a_setting_that_the_library_chokes_on_is_one_line(
    loopback: LoopbackHub, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    from huggingface_hub import close_session

    loopback.add("acme/tiny", "config.json", CONFIG_REPLY)
    close_session()
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, proxy)
    try:
        with pytest.raises(InputError, match="acme/tiny") as refused:
            fetch("acme/tiny")
        assert str(refused.value).isprintable()
    finally:
        close_session()


def test_headers_that_trickle_for_ever_are_given_up_and_hold_no_thread(
    loopback: LoopbackHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "WHOLE_S", 0.3)
    loopback.add("acme/tiny", "config.json", Reply(b"{}", trickles_headers=True))
    with pytest.raises(InputError, match="too slow"):
        fetch("acme/tiny")
    assert all(thread.daemon for thread in threading.enumerate() if thread is not threading.main_thread())


def test_a_fetch_is_cancelled_while_the_server_is_silent(loopback: LoopbackHub) -> None:
    loopback.add("acme/tiny", "config.json", Reply(b"{}", trickles_headers=True))
    begun = time.monotonic()

    def progress(what: str, done: int, total: int) -> None:
        if time.monotonic() - begun > 0.2:
            raise Cancelled

    with pytest.raises(Cancelled):
        hub.fetch(hub.Repository("acme/tiny"), progress)
    assert time.monotonic() - begun < 2.0


def test_an_index_that_names_more_files_than_are_read_is_refused(
    loopback: LoopbackHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "MOST_SHARDS", 2)
    loopback.add("acme/tiny", "config.json", CONFIG_REPLY)
    index = {"weight_map": {str(n): f"model-{n}.safetensors" for n in range(3)}}
    loopback.add("acme/tiny", "model.safetensors.index.json", Reply(json.dumps(index).encode()))
    with pytest.raises(InputError, match="names 3 files; at most 2"):
        fetch("acme/tiny")


def test_an_index_without_a_map_is_said(loopback: LoopbackHub) -> None:
    loopback.add("x/y", "config.json", Reply(json.dumps(CONFIG).encode()))
    loopback.add("x/y", "model.safetensors.index.json", Reply(b'{"metadata": {}}'))
    with pytest.raises(InputError, match=r"x/y: model\.safetensors\.index\.json: no weight_map"):
        fetch("x/y")


def test_a_shard_that_the_index_names_and_the_hub_lacks_is_said(loopback: LoopbackHub) -> None:
    loopback.add("x/y", "config.json", Reply(json.dumps(CONFIG).encode()))
    index = {"weight_map": {"a": "model-00001-of-00001.safetensors"}}
    loopback.add("x/y", "model.safetensors.index.json", Reply(json.dumps(index).encode()))
    with pytest.raises(InputError, match=r"the index names model-00001-of-00001\.safetensors, which does not exist"):
        fetch("x/y")
