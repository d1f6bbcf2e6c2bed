"""50,000 damaged inputs, over every reader: each is read or refused, soon. `python -m scripts.fuzz` takes more."""

import subprocess
import sys
from pathlib import Path

import pytest

from scripts.fuzz.mutations import mutated, with_odd_value
from scripts.fuzz.target import Case, Outcome, Wrong, judge

ROOT = Path(__file__).parents[2]
INPUTS = 12_500


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_every_reader_reads_or_refuses(seed: int) -> None:
    command = [sys.executable, "-m", "scripts.fuzz", "--count", str(INPUTS), "--seed", str(seed)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith(f"{INPUTS:,} inputs, 0 kinds of fault\n")


def test_a_reader_that_is_unknown_is_refused() -> None:
    command = [sys.executable, "-m", "scripts.fuzz", "--count", "1", "--only", "tea leaves"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert "safetensors header" in done.stderr


def test_the_judge_tells_answers_refusals_and_faults_apart() -> None:
    def refuse() -> None:
        from estimator.errors import InputError

        raise InputError("model", "unknown")

    def wrong() -> None:
        raise Wrong("-1 bytes")

    assert judge(Case("a", "b", lambda: 1)) == Outcome(read=True, fault=None)
    assert judge(Case("a", "b", refuse)) == Outcome(read=False, fault=None)
    fault = judge(Case("a", "b", wrong)).fault
    assert fault
    assert fault.kind == "wrong: -1 bytes"
    fault = judge(Case("a", "b", lambda: {}["x"])).fault
    assert fault
    assert fault.kind.startswith(f"{Path(__file__).name}:")
    assert fault.kind.endswith(": KeyError: 'x'")


def test_the_same_seed_gives_the_same_inputs() -> None:
    from random import Random

    text, document = b'{"a": [1, 2.5], "b": "c"}', {"a": [1, {"b": 2}], "c": {"d": None}}
    assert [mutated(Random(n), text) for n in range(50)] == [mutated(Random(n), text) for n in range(50)]
    assert len({mutated(Random(n), text) for n in range(50)}) > 40
    assert with_odd_value(Random(3), document) == with_odd_value(Random(3), document) != document
    assert document == {"a": [1, {"b": 2}], "c": {"d": None}}
