"""Files of the user under fuzz: the catalogue's YAML, sessions, configuration, traces, measured cases, the cache."""

import json
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

import yaml

from catalog import build, cache, schema
from catalog.load import Catalog
from estimator.accuracy.score import Context
from estimator.errors import InputError
from estimator.models.model import read_model
from scripts.fuzz.mutations import WORDS, mutated, with_odd_value
from scripts.fuzz.target import Case, Target, Wrong
from tui.cli import accuracy
from tui.options import trace_file
from tui.start import application
from tui.state import store
from tui.state.calculator import Calculator
from tui.state.session import Session

ANSWERED = 0.02
"""Share of the sessions that are answered too: a ranking takes a hundred times as long as reading the file."""


def targets(catalog: Catalog, folder: Path) -> tuple[Target, ...]:
    """The readers of the user's files, which are written into the folder."""
    entries = CatalogueFiles(folder / "own.yaml")
    calculator = Calculator(catalog)
    scored = Context(catalog.inventory, accuracy.models(catalog))
    return (
        Target("catalogue file", 15, entries.case),
        Target("session file", 300, lambda random: session(random, folder / "session.yaml", calculator)),
        Target("configuration of the app", 3, lambda random: configuration(random, catalog)),
        Target("trace", 300, lambda random: trace(random, folder / "trace.csv")),
        Target("measured cases", 20, lambda random: measured_cases(random, folder / "cases.csv", scored)),
        Target("cache", 30, lambda random: cached(random, folder / "data")),
    )


HARDWARE = ("fabrics.yaml", "accelerators.yaml", "instances/*.yaml", "efficiency.yaml", "training.yaml")
"""Files that entries of others refer to."""


class CatalogueFiles:
    """Entries of the packaged catalogue, and its hardware, over which a mutant of one entry is laid."""

    def __init__(self, path: Path) -> None:
        self._path = path
        packaged = list(build.sources((cache.DATA,)))
        self._packaged = build.Files(source for source in packaged if source.pattern in HARDWARE)
        self._seeds: list[tuple[str, Any]] = []
        for source in packaged:
            value = schema.document(source.path).value
            self._seeds += [(source.pattern, each) for each in islice(_entries(value), 40)]

    def case(self, random: Random) -> Case:
        """A file of one entry, with an odd value or damaged text, as `catalog check` reads it."""
        pattern, seed = random.choice(self._seeds)
        value = with_odd_value(random, seed) if random.random() < 0.7 else seed
        text = yaml.safe_dump(value, sort_keys=False, allow_unicode=True).encode(errors="surrogatepass")
        if value is seed:
            text = mutated(random, text)
        return Case(pattern, repr(text), lambda: self._read(pattern, text))

    def _read(self, pattern: str, text: bytes) -> None:
        """Raises Wrong where a valid entry makes what can not be written, or is refused without a place."""
        files = build.Files(())
        files.content = {name: list(content) for name, content in self._packaged.content.items()}
        try:
            document = build.yaml_file.parse(text.decode())
            value = schema.validate(document, schema.FILES[pattern], "own.yaml")
        except (build.yaml_file.Refused, UnicodeDecodeError) as refused:
            raise InputError("own.yaml", str(refused)) from None
        except schema.Invalid as invalid:
            if not all(problem.startswith("own.yaml:") for problem in invalid.problems):
                raise Wrong(f"a problem without a place: {invalid.problems}") from None
            raise InputError("own.yaml", str(invalid)) from None
        self._path.write_bytes(text)
        files.content[pattern].append((build.Source(self._path, pattern, "own.yaml"), value))
        json.dumps(build.merge(files), allow_nan=False)
        if pattern.startswith("models/"):
            read_model(value.id, build.encode(value))


def _entries(value: Any) -> list[Any]:
    """Files of one entry each, where a file is a mapping or a list of entries; else the file."""
    if isinstance(value, dict) and len(value) > 3 and all(isinstance(each, dict) for each in value.values()):
        return [{name: entry} for name, entry in value.items()]
    if isinstance(value, list):
        return [[entry] for entry in value]
    return [value]


SESSION = """\
schema: 2
model: "Qwen/Qwen3-8B"
weights: "fp8"
input-tokens: 4k
output-tokens: 512
concurrency: 1,024
ttft: 800ms@p95
tpot: "50ms"
engine: vllm@0.11
region: "eu-west-1"
price-terms: spot
memory-utilization: 95%
images: 2@1024x768
day: office
calibrations: [{"accelerator": "h100-sxm", "engine": "vllm", "decode": 1.2, "prefill": 0.9}]
screen: "leaderboard"
filter: "tpot<50ms -g6 class=A"
sort: "cost"
used: ["Qwen/Qwen3-8B", "openai/gpt-oss-20b"]
pins: [{"machine": "p5.48xlarge", "accelerator-of": "h100-sxm", "count-of": 8, "name": "a", "model": "Qwen/Qwen3-8B"}]
mine: 3
"""
TRAINING_SESSION = """\
# a training run
train: lora
model: meta-llama/Llama-3.1-8B
sequence_length: 4096
micro-batch: 2
optimizer: adamw
precision: mixed
lora-rank: 16
dataset-tokens: 10M
epochs: 1.5
"""


def session(random: Random, path: Path, calculator: Calculator) -> Case:
    """A damaged session. What is read is written and read again, to the same scenario; some of it is answered."""
    text = random.choice((SESSION, SESSION, TRAINING_SESSION)).encode()
    text = mutated(random, text) if random.random() < 0.5 else _with_odd_line(random, text)
    path.write_bytes(text)
    answered = random.random() < ANSWERED

    def read() -> None:
        opened, _ = store.load_leniently(path)
        complaint = store.save(opened, path)
        if complaint:
            raise Wrong(complaint)
        again, _ = store.load_leniently(path)
        if again.scenario != opened.scenario or again.pins != opened.pins:
            raise Wrong("written and read again, the session is another")
        if answered:
            calculator.answer(opened)

    return Case("session.yaml", repr(text), read)


def _with_odd_line(random: Random, text: bytes) -> bytes:
    """A session in which one line says something else."""
    lines = text.splitlines(keepends=True)
    at = random.randrange(len(lines))
    name, _, value = lines[at].rstrip(b"\n").partition(b": ")
    lines[at] = name + b": " + random.choice((mutated(random, value), random.choice(WORDS))) + b"\n"
    return b"".join(lines)


CONFIGURATION = b'theme: tokyo-night\nkeys:\n  quit: "ctrl+q"\n  pin: "space,p"\n  sort: s\n'


def configuration(random: Random, catalog: Catalog) -> Case:
    """A damaged configuration of the app: it starts all the same, with a notice."""
    from platformdirs import user_config_path

    text = mutated(random, CONFIGURATION)
    path = user_config_path("llmcalc-tui", appauthor=False) / "config.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text)

    def read() -> None:
        app = application(catalog, None, None)
        if app.answer is None or app.answer.session.scenario != Session().scenario:
            raise Wrong("the app does not start on its default scenario")

    return Case("config.yaml", repr(text), read)


TRACES = (
    b"seconds,input_tokens,output_tokens\n0,100,20\n1.5,2000,300\n2.25,50,1\n",
    b"0,100,20\n1.5,2000,300\n",
    b"TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.680590,374,44\n2023-11-16 18:15:50.995221,396,109\n",
    b"Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n5,ChatGPT,472,18,490,Conversation log\n",
    b'{"timestamp": 0, "input_length": 6755, "output_length": 500, "hash_ids": [0, 1]}\n'
    b'{"timestamp": 3000, "input_length": 20, "output_length": 5, "hash_ids": []}\n',
)


def trace(random: Random, path: Path) -> Case:
    """A damaged trace of one of the public forms."""
    text = mutated(random, random.choice(TRACES))
    path.write_bytes(text)

    def read() -> None:
        requests = trace_file.read(str(path)).requests
        times = [each.arrival_s for each in requests]
        if times != sorted(times) or times[0] != 0 or any(each.input_tokens < 1 for each in requests):
            raise Wrong("a trace out of order, or without a prompt")

    return Case("trace.csv", repr(text), read)


LONGEST_CASES = 20_000
"""Bytes of measured rows in one input: each row is answered like a screen, in some milliseconds."""
EVIDENCE = ("memory", "serving", "training_memory", "training_throughput")


def measured_cases(random: Random, path: Path, context: Context) -> Case:
    """Two measured rows of one kind, damaged, and scored."""
    name = random.choice(EVIDENCE)
    lines = (cache.DATA / "evidence" / f"{name}.csv").read_bytes().splitlines(keepends=True)
    text = mutated(random, b"".join((lines[0], *random.sample(lines[1:200], 2))))[:LONGEST_CASES]
    path.write_bytes(text)

    def read() -> None:
        scores = [score._asdict() for score in accuracy.score_file(path, context)]
        json.dumps(scores, allow_nan=False)

    return Case(f"{name}.csv", repr(text), read)


SECTIONS: Mapping[str, str] = {"inventory": '{"a": 1}', "regions": "{}", "models": "[1, 2, 3]" * 40, "problems": "[]"}
"""A catalogue small enough to build anew each time."""


def cached(random: Random, folder: Path) -> Case:
    """A damaged cache file: whatever it holds, the catalogue is the one of the data files."""
    folders = (folder,)
    path = cache.own_bundle(folders)
    path.parent.mkdir(parents=True, exist_ok=True)
    stamp = cache.Stamp(folders)
    path.unlink(missing_ok=True)
    cache.write(path, SECTIONS, stamp.quick(), stamp.content())
    text = mutated(random, path.read_bytes())
    path.write_bytes(text)

    def read() -> None:
        with patch.object(cache, "build", lambda folders: SECTIONS):
            if dict(cache.sections(folders)) != SECTIONS:
                raise Wrong("another catalogue than the data files'")

    return Case("catalog.cache", repr(text), read)
