"""A safetensors header is believed only where it agrees with itself and with its file."""

import json
import struct
from pathlib import Path
from typing import Any

import pytest

from catalog.sources import folder
from catalog.sources.checkpoint import Stored
from catalog.sources.resolve import local, silent
from estimator.errors import InputError
from tests.catalog.sources.loopback_hub import safetensors
from tests.catalog.sources.test_hub import CONFIG


def tensor(dtype: object = "BF16", shape: object = (4, 4), offsets: object = (0, 32)) -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


def model_folder(path: Path, header: dict[str, Any], data_bytes: int) -> Path:
    text = json.dumps(header).encode()
    (path / "config.json").write_text(json.dumps(CONFIG))
    (path / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + bytes(data_bytes))
    return path


def test_every_type_counts_by_its_own_width(tmp_path: Path) -> None:
    header = {"a": tensor(), "b": tensor("F4", [3, 2], [32, 35]), "c": tensor("F8_E8M0", [5], [35, 40])}
    stored = folder.read(model_folder(tmp_path, header, 40), silent).stored
    assert stored == {"BF16": Stored(16, 32), "F4": Stored(6, 3), "F8_E8M0": Stored(5, 5)}


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ({"a": tensor(offsets=[0, 30])}, "16 elements of BF16 in 30 bytes"),
        ({"a": tensor(shape=[10], offsets=[0, 10**15])}, "10 elements of BF16"),
        ({"a": tensor(), "b": tensor(offsets=[31, 63])}, "overlap"),
        ({"a": tensor(), "b": tensor(offsets=[34, 66])}, "gap"),
        ({"a": tensor(), "b": tensor(offsets=[32, 64]), "c": tensor(offsets=[64, 96])}, "truncated"),
        ({"a": tensor(shape=["4", 4])}, "no whole number"),
        ({"a": tensor(shape=[True, 16])}, "no whole number"),
        ({"a": tensor(shape=[1.5, 4])}, "no whole number"),
        ({"a": tensor(shape=[2**70, 1])}, "no whole number"),
        ({"a": tensor(dtype="Q9\x1b[31m")}, "unknown type"),
        ({"a": tensor(dtype=16)}, "without dtype, shape and data_offsets"),
        ({"a": 3}, "without dtype, shape and data_offsets"),
    ],
)
def test_a_header_that_contradicts_itself_or_its_file_is_refused(
    tmp_path: Path, header: dict[str, Any], reason: str
) -> None:
    with pytest.raises(InputError, match=reason) as refused:
        folder.read(model_folder(tmp_path, header, 66), silent)
    assert str(refused.value).isprintable()


def test_a_number_of_thousands_of_digits_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"hidden_size": ' + "9" * 5000 + "}")
    with pytest.raises(InputError, match="a number of 5000 digits"):
        local(str(tmp_path))


def test_a_shard_that_the_index_names_and_the_folder_lacks_is_said(tmp_path: Path) -> None:
    model_folder(tmp_path, {"a": tensor()}, 32)
    (tmp_path / "model.safetensors.index.json").write_text(
        json.dumps({"weight_map": {"a": "model.safetensors", "b": "model-2.safetensors"}})
    )
    with pytest.raises(InputError, match=r"1 of 2 shards are missing: model-2\.safetensors"):
        local(str(tmp_path))


def test_more_shards_than_are_read_are_refused_and_not_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "MOST_SHARDS", 2)
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    for number in range(3):
        (tmp_path / f"model-{number}.safetensors").write_bytes(safetensors({f"t{number}": ("BF16", [4], 8)}))
    with pytest.raises(InputError, match=r"3 \.safetensors files; at most 2"):
        local(str(tmp_path))


def test_files_that_hold_fewer_parameters_than_their_config_describes_are_noted(tmp_path: Path) -> None:
    model = local(str(model_folder(tmp_path, {"a": tensor()}, 32)))
    assert model
    assert any("hold 16 parameters" in note and "files are missing" in note for note in model.notes)
