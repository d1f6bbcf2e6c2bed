"""A path is what its files hold, whatever they are called; JSON is read as transformers writes it."""

import json
from pathlib import Path

import pytest

from catalog.load import Catalog, load
from catalog.sources import kept
from catalog.sources.resolve import at_hand, resolve
from estimator.errors import InputError
from tests.catalog.sources.loopback_hub import safetensors
from tests.catalog.sources.test_folders import LLAMA, TENSORS, write_gguf
from tests.catalog.sources.test_hub import CONFIG


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return load(tmp_path_factory.mktemp("user"))


def test_a_folder_that_is_called_like_a_catalogue_model_is_read(tmp_path: Path, catalog: Catalog) -> None:
    folder = tmp_path / "meta-llama" / "Llama-3.1-70B"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(CONFIG))
    model = resolve(str(folder), catalog)
    assert (model.architecture.hidden, model.path) == (64, str(folder))


def test_a_folder_that_is_named_like_an_upload_is_a_path_where_it_holds_a_model(
    tmp_path: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Qwen" / "Qwen3-8B").mkdir(parents=True)
    assert at_hand("Qwen/Qwen3-8B", catalog).architecture.hidden == 4096
    (tmp_path / "Qwen" / "Qwen3-8B" / "config.json").write_text(json.dumps(CONFIG))
    assert at_hand("Qwen/Qwen3-8B", catalog).architecture.hidden == 64


@pytest.mark.parametrize("name", ["Qwen3-8B-Q8_0.gguf", "Llama-3.1-8B.bin", "weights"])
def test_a_gguf_file_is_known_by_its_first_bytes(tmp_path: Path, catalog: Catalog, name: str) -> None:
    path = write_gguf(tmp_path / name, LLAMA, TENSORS)
    model = at_hand(str(path), catalog)
    assert (model.architecture.hidden, model.native_weights) == (64, "gguf-q4_k_m")


def test_a_folder_with_one_gguf_file_is_that_file(tmp_path: Path, catalog: Catalog) -> None:
    write_gguf(tmp_path / "a.gguf", LLAMA, TENSORS)
    assert at_hand(str(tmp_path), catalog).architecture.hidden == 64
    write_gguf(tmp_path / "b.gguf", LLAMA, TENSORS)
    with pytest.raises(InputError, match=r"2 \.gguf files"):
        at_hand(str(tmp_path), catalog)


def test_the_parts_of_a_split_gguf_are_one_model(tmp_path: Path, catalog: Catalog) -> None:
    names = list(TENSORS)
    split = {"split.count": 2}
    first = write_gguf(tmp_path / "m-00001-of-00002.gguf", LLAMA | split, {n: TENSORS[n] for n in names[:5]})
    with pytest.raises(InputError, match="00002-of-00002"):
        at_hand(str(first), catalog)
    write_gguf(tmp_path / "m-00002-of-00002.gguf", split, {n: TENSORS[n] for n in names[5:]})
    whole = write_gguf(tmp_path / "whole.gguf", LLAMA, TENSORS)
    for path in (first, tmp_path / "m-00002-of-00002.gguf"):
        assert (
            at_hand(str(path), catalog).architecture.parameters == at_hand(str(whole), catalog).architecture.parameters
        )


def test_infinity_in_a_field_that_does_not_matter_is_read(tmp_path: Path, catalog: Catalog) -> None:
    (tmp_path / "config.json").write_text(
        json.dumps(CONFIG | {"time_step_limit": [0.0, float("inf")], "x": float("nan")})
    )
    assert resolve(str(tmp_path), catalog).architecture.hidden == 64


@pytest.mark.parametrize("field", ["hidden_size", "num_hidden_layers", "vocab_size", "intermediate_size"])
@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_infinity_in_a_field_that_matters_is_refused_by_name(
    tmp_path: Path, catalog: Catalog, field: str, value: str
) -> None:
    text = json.dumps(CONFIG | {field: 1}).replace(f'"{field}": 1', f'"{field}": {value}')
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(InputError, match=field):
        resolve(str(tmp_path), catalog)


def test_what_json_writes_and_yaml_does_not_read_is_kept_all_the_same(tmp_path: Path) -> None:
    config = CONFIG | {"limit": float("inf"), "limits": [1, float("nan")]}
    kept.keep("acme/tiny", {"config": config, "source": "loopback"}, tmp_path)
    assert resolve("acme/tiny", load(tmp_path)).architecture.hidden == 64


def test_a_table_of_labels_is_kept_as_its_length(tmp_path: Path) -> None:
    labels = {str(n): f"label {n}" for n in range(300_000)}
    path = kept.keep("acme/tiny", {"config": CONFIG | {"id2label": labels}, "source": "loopback"}, tmp_path)
    assert path
    assert "num_labels: 300000" in path.read_text()
    catalog = load(tmp_path)
    assert not catalog.problems
    assert resolve("acme/tiny", catalog).architecture.hidden == 64


def test_a_configuration_that_could_not_be_read_back_is_not_kept(tmp_path: Path) -> None:
    config = CONFIG | {"numbers": list(range(250_000))}
    assert kept.keep("acme/tiny", {"config": config, "source": "loopback"}, tmp_path) is None
    assert not load(tmp_path).problems


def test_a_folder_named_like_an_option_is_no_option(
    tmp_path: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "--trust-remote-code"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(CONFIG))
    (folder / "model.safetensors").write_bytes(safetensors({"a": ("BF16", [4, 4], 32)}))
    for reference in ("./--trust-remote-code", "--trust-remote-code/"):
        model = at_hand(reference, catalog)
        assert not model.id.startswith("-")
        assert not model.path.startswith("-")
