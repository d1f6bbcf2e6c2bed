"""The headless contract of training runs."""

import json

import pytest

from tui.cli import main

KEYS = {
    "setup",
    "memory",
    "trainable_parameters",
    "tokens_per_s_per_device",
    "tokens_per_s",
    "step_s",
    "mfu",
    "hours",
    "usd",
    "step_parts_s",
    "run_parts_s",
    "notes",
}
MODEL = ("--model", "meta-llama/Llama-3.1-8B")


def answer(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str]:
    status = main(argv)
    return status, capsys.readouterr().out


def test_a_run_fills_training_and_leaves_serving_null(capsys):
    status, out = answer(capsys, "rank", *MODEL, "--train", "lora", "--format", "json")
    page = json.loads(out)
    assert status == 0
    assert page["scenario"]["train"] == "lora"
    row = page["rows"][0]
    assert row["memory"] is None
    assert row["performance"] is None
    assert set(row["training"]) == KEYS
    assert row["training"]["usd"]["low"] <= row["training"]["usd"]["typical"] <= row["training"]["usd"]["high"]
    assert {each["verdict"] for each in page["rows"]} == {"fits", "does_not_fit", "not_supported"}


@pytest.mark.parametrize("form", ["text", "csv", "markdown"])
def test_every_format_lists_runs(capsys, form):
    status, out = answer(capsys, "rank", *MODEL, "--train", "qlora", "--limit", "3", "--format", form)
    assert status == 0
    assert "g6" in out


def test_an_estimate_shows_its_working(capsys):
    status, out = answer(capsys, "estimate", *MODEL, "--train", "full", "--instance", "p5.48xlarge")
    assert status == 0
    for word in ("gradients", "logits", "peak per device", "$/run", "checkpoints"):
        assert word in out


def test_a_command_prints_the_configuration(capsys):
    status, out = answer(capsys, "command", *MODEL, "--train", "lora", "--instance", "g6.xlarge")
    assert status == 0
    assert "tune run lora_finetune_single_device" in out


def test_what_fits_nowhere_exits_with_1(capsys):
    status, out = answer(
        capsys, "estimate", "--model", "meta-llama/Llama-3.1-405B", "--train", "full", "--instance", "g4dn.xlarge",
        "--format", "json",
    )  # fmt: skip
    assert status == 1
    assert json.loads(out)["training"] is None


@pytest.mark.parametrize(
    "argv",
    [
        ("--train", "sft"),
        ("--train", "lora", "--sequence-length", "0"),
        ("--train", "lora", "--lora-targets", "nothing"),
        ("--train", "lora", "--micro-batch", "64", "--global-batch", "8"),
        ("--epochs", "3"),
    ],
)
def test_a_run_that_can_not_be_asked_exits_with_2(capsys, argv):
    assert main(("rank", *MODEL, *argv)) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_a_run_is_not_told_what_serving_takes(capsys):
    _, out = answer(capsys, "estimate", *MODEL, "--train", "lora", "--instance", "g6e.xlarge")
    assert "quantises while loading" not in out
    _, out = answer(capsys, "estimate", *MODEL, "--instance", "inf2.xlarge")
    assert "quantises while loading" not in out
    _, out = answer(capsys, "estimate", *MODEL, "--accelerator", "cpu-graviton4")
    assert "quantises while loading" not in out
    _, out = answer(capsys, "estimate", *MODEL, "--instance", "g6e.xlarge")
    assert "the engine quantises while loading (--quantization fp8)" in out
