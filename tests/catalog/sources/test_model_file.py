"""Pipes, devices and oversized files are refused, never waited for."""

import os
from pathlib import Path

import pytest

from catalog.load import load
from catalog.sources import model_file
from catalog.sources.resolve import at_hand, local
from estimator.errors import InputError


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="not a regular file"):
        model_file.read_bytes(tmp_path / "pipe", 100)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "model.safetensors.index.json"])
def test_a_model_folder_with_a_pipe_in_it_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "config.json").write_text('{"architectures": ["LlamaForCausalLM"]}')
    (tmp_path / name).unlink(missing_ok=True)
    os.mkfifo(tmp_path / name)
    with pytest.raises(InputError, match="not a regular file"):
        local(str(tmp_path))


def test_a_device_is_refused_before_a_byte_is_read(tmp_path: Path) -> None:
    (tmp_path / "config.json").symlink_to("/dev/zero")
    with pytest.raises(InputError, match="not a regular file"):
        local(str(tmp_path))


def test_no_more_is_read_than_a_file_of_its_kind_may_hold(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    assert model_file.read_bytes(tmp_path / "file", 5) == b"12345"
    with pytest.raises(InputError, match="larger than 4 bytes"):
        model_file.read_bytes(tmp_path / "file", 4)


def test_a_missing_file_is_one_line_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="none: No such file"):
        model_file.read_bytes(tmp_path / "none", 4)


@pytest.mark.parametrize(
    "reference", ["", "   ", "evil\x1b]52;c;aGFjaw==\x07/Qwen3-8B-FP8", "a\nplugins: [x]/Qwen3-8B-FP8"]
)
def test_a_reference_that_is_no_name_is_refused(tmp_path: Path, reference: str) -> None:
    with pytest.raises(InputError) as refused:
        at_hand(reference, load(tmp_path))
    assert refused.value.field == "model"
    assert str(refused.value).isprintable()
