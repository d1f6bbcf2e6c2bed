"""Files that are wrong give one line each, name the place, and leave the rest of the catalogue usable."""

import json
import os
import re
import time
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog import cache, yaml_file
from catalog.listing import check, rows
from catalog.load import Catalog, load
from catalog.schema import FILES, pattern_of

CARD = """\
# A card of my own.
acme-1:
  name: Acme One
  vendor: acme
  memory: {sold_gb: 48, usable_mib: 46068, bandwidth_gb_s: 864, type: GDDR6}
  dense_tflops: {fp16: 181, bf16: 181}
  fabric: pcie4-x16
  source: the box it came in
  as_of: 2026-10
"""


def problems(catalog: Catalog, folder: Path, text: str, name: str = "accelerators.yaml") -> list[str]:
    """What `check` says of a file with this text, without the folder in front."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return [line.removeprefix(f"{folder}/") for line in check(catalog, path)]


def test_a_good_file_has_no_problems(catalog: Catalog, tmp_path: Path) -> None:
    assert problems(catalog, tmp_path, CARD) == []


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("  vendor: acme\n", "", "2: acme-1.vendor: is missing"),
        ("2026-10", "2026-10\n  colour: red", "10: acme-1.colour: is not a field here, expected name, vendor, memory"),
        ("type: GDDR6", "typ: GDDR6", "5: acme-1.memory.typ: is not a field here, expected type"),
        ("sold_gb: 48", 'sold_gb: "48"', "5: acme-1.memory.sold_gb: '48' is not a number"),
        ("sold_gb: 48", "sold_gb: true", "5: acme-1.memory.sold_gb: True is not a number"),
        ("sold_gb: 48", "sold_gb: -1", "5: acme-1.memory.sold_gb: -1 is out of range, expected >= 0"),
        ("sold_gb: 48", "sold_gb: 1e300", "5: acme-1.memory.sold_gb: 1e+300 is out of range, expected <= 1e+09"),
        ("sold_gb: 48", "sold_gb: .nan", "5: acme-1.memory.sold_gb: nan is not a finite number"),
        ("sold_gb: 48", "sold_gb: .inf", "5: acme-1.memory.sold_gb: inf is not a finite number"),
        ("sold_gb: 48", "sold_gb: 48, sold_gb: 49", "5: acme-1.memory.sold_gb: written twice"),
        ("864", "0", "5: acme-1.memory.bandwidth_gb_s: 0 is out of range, expected > 0"),
        ("pcie4-x16", "pcie4-x61", "7: acme-1.fabric: no fabric 'pcie4-x61'; did you mean pcie4-x16"),
        ("2026-10", "last week", "9: acme-1.as_of: 'last week' is not a date, expected 2026, 2026-10 or 2026-10-31"),
        ("2026-10", "2026-10\n  kind: gpuu", "10: acme-1.kind: 'gpuu' is not known, expected 'gpu', 'neuron'"),
        ("2026-10", "2026-10\n  tags: fast", "10: acme-1.tags: 'fast' is not a list"),
        ("2026-10", "2026-10\n  cores: 1.5", "10: acme-1.cores: 1.5 is not a whole number"),
        ("Acme One", '"Acme\\e[31m"', "3: acme-1.name: 'Acme\\x1b[31m' holds control characters"),
        ("vendor: acme", "vendor: {", "6: not YAML: "),
        ("acme-1:", "? [a, b]\n:", "2: a list or mapping is not a field name"),
        (CARD, "- a\n- b\n", "1: the file: ['a', 'b'] is not a mapping"),
        (CARD, "", "1: the file: None is not a mapping"),
        (CARD, "\0", "1: not YAML: "),
    ],
)
def test_a_bad_file_is_named_by_line_and_field(
    catalog: Catalog, tmp_path: Path, old: str, new: str, problem: str
) -> None:
    found = problems(catalog, tmp_path, CARD.replace(old, new))
    assert len(found) == 1
    assert found[0].startswith(f"accelerators.yaml:{problem}")
    assert "\n" not in found[0]


def test_every_mistake_of_a_file_is_told_at_once(catalog: Catalog, tmp_path: Path) -> None:
    text = CARD.replace("sold_gb: 48", "sold_gb: -1").replace("as_of: 2026-10", "as_of: soon")
    assert [line.split(":")[1] for line in problems(catalog, tmp_path, text)] == ["5", "9"]


def test_prices_and_instances_must_name_what_exists(catalog: Catalog, tmp_path: Path) -> None:
    prices = """\
region: us-east-1
quotes:
- terms: on-demand
  kind: list
  as_of: 2026-11-01
  source: my account
  usd_per_hour:
    g5.xlarge: 0.9
    g5.xlargo: 0.9
"""
    assert (
        problems(catalog, tmp_path, prices, "mine.yaml")
        == [
            "mine.yaml:9: quotes.0.usd_per_hour.g5.xlargo: "
            "no instance 'g5.xlargo'; did you mean g5.xlarge, r8g.xlarge, g5g.xlarge?"
        ]
        or "g5.xlarge" in problems(catalog, tmp_path, prices, "mine.yaml")[0]
    )
    instances = "lab:\n  accelerator: l40z\n  source: mine\n  as_of: 2026-11\n  sizes: {}\n"
    found = problems(catalog, tmp_path, instances, "instances/lab.yaml")
    assert found[0].startswith("instances/lab.yaml:2: lab.accelerator: no accelerator 'l40z'; did you mean l40")


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        (
            "prices/a.yaml",
            "region: a\nquotes:\n- termz: spot\n",
            "3: quotes.0.termz: is not a field here, expected terms",
        ),
        (
            "instances/a.yaml",
            "a:\n  sizes:\n    b: {cuont: 1}\n",
            "3: a.sizes.b.cuont: is not a field here, expected count",
        ),
        (
            "engines.yaml",
            "- id: a\n  memory: {kind: whole-device, grphs: 1}\n",
            "2: 0.memory.grphs: is not a field here, expected graphs",
        ),
        (
            "engines.yaml",
            "- {memory: {kind: whole-device, graphs: {byte: 1}}}\n",
            "1: 0.memory.graphs.byte: is not a field here, expected",
        ),
    ],
)
def test_a_misspelt_field_is_answered_with_what_was_meant(
    catalog: Catalog, tmp_path: Path, name: str, text: str, problem: str
) -> None:
    found = problems(catalog, tmp_path, text, name)
    assert any(line.startswith(f"{name}:{problem}") for line in found)
    lines = [int(line.split(":")[1]) for line in found]
    assert lines == sorted(lines)


@pytest.mark.parametrize(
    ("memory", "problem"),
    [
        ("{kind: budget}", "2: 0.memory.kind: 'budget' is not known, expected fraction-of-device, static-fraction, "),
        ("{utilization: 1}", "2: 0.memory.kind: is missing, expected fraction-of-device, static-fraction, "),
        ("{kind: static-fraction}", "2: 0.memory.reserve: is missing"),
        ("{kind: whole-device, reserve: 1}", "2: 0.memory.reserve: is not a field here, expected "),
        ("{kind: whole-device, cache: {kind: slot}}", "2: 0.memory.cache.kind: 'slot' is not known, expected blocks, "),
        ("7", "2: 0.memory: 7 is not a mapping"),
    ],
)
def test_a_budget_is_checked_against_the_fields_of_its_kind(
    catalog: Catalog, tmp_path: Path, memory: str, problem: str
) -> None:
    lines = problems(catalog, tmp_path, f"- id: a\n  memory: {memory}\n", "engines.yaml")
    assert any(line.startswith(f"engines.yaml:{problem}") for line in lines)
    assert not any("overhead" in line for line in lines), "fields of other kinds are not asked for"


def test_a_model_must_have_an_architecture_that_is_known(catalog: Catalog, tmp_path: Path) -> None:
    model = """\
id: acme/tiny
config:
  architectures: [LlamaForCausalLM]
  hidden_size: 64
  num_hidden_layers: -2
  num_attention_heads: 4
  intermediate_size: 128
  vocab_size: 1000
source: mine
as_of: 2026-11
"""
    found = problems(catalog, tmp_path, model, "tiny.yaml")
    assert found[0].startswith("tiny.yaml:5: config.num_hidden_layers: ")
    found = problems(catalog, tmp_path, model.replace("Llama", "Oracle"), "tiny.yaml")
    assert found[0].startswith("tiny.yaml:2: config: OracleForCausalLM: ")


@pytest.mark.parametrize(
    ("published", "problem"),
    [
        ("{total: abc}", "7: published.total: 'abc' is not a whole number"),
        ("{extras: {a: zzz}}", "7: published.extras.a: 'zzz' is not a whole number"),
        ("{counts: mtp}", "7: published.counts: 'mtp' is not a list"),
        ("{totel: 5}", "7: published.totel: is not a field here, expected total"),
    ],
)
def test_what_a_model_file_says_of_its_upload_is_checked_and_takes_no_other_down(
    catalog: Catalog, empty_home: Path, tmp_path: Path, published: str, problem: str
) -> None:
    text = (
        "id: acme/tiny\nconfig:\n  architectures: [LlamaForCausalLM]\n  hidden_size: 64\nsource: mine\n"
        f"as_of: 2026-11\npublished: {published}\n"
    )
    assert problems(catalog, tmp_path, text, "models/acme/tiny.yaml")[0].startswith(f"models/acme/tiny.yaml:{problem}")
    user = load(tmp_path)
    assert "acme/tiny" not in user.models
    assert len(list(rows(user))) == len(list(rows(catalog)))
    assert len(user.problems) == 1


@pytest.mark.parametrize("pattern", [pattern for pattern in FILES if pattern != "regions.yaml"])
def test_a_file_is_known_by_what_it_holds(tmp_path: Path, pattern: str) -> None:
    packaged = max(cache.DATA.glob(pattern), key=lambda path: path.stat().st_size)
    copy = tmp_path / "copy.yaml"
    copy.write_bytes(packaged.read_bytes())
    assert pattern_of(copy) == pattern


def test_a_file_of_no_known_kind_is_refused(catalog: Catalog, tmp_path: Path) -> None:
    assert (
        "unrecognised name; expected one of accelerators.yaml" in problems(catalog, tmp_path, "a: 1\n", "notes.yaml")[0]
    )
    assert problems(catalog, tmp_path, "a: [1\n", "notes.yaml")[0].startswith("notes.yaml:2: not YAML")
    assert "can not be read" in check(catalog, tmp_path / "absent.yaml")[0]


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [x, x, x, x, x, x, x, x, x]\n"
        + "".join(f"{here}: &{here} [{', '.join([f'*{before}'] * 9)}]\n" for before, here in pairwise("abcdefghi")),
        "[" * 5000,
        "a: &a {b: *a}\n",
        "- " * 100_000 + "x",
    ],
    ids=["alias bomb", "deep", "recursive", "deep block"],
)
def test_hostile_yaml_is_refused_in_bounded_time(text: str) -> None:
    start = time.perf_counter()
    with pytest.raises(yaml_file.Refused):
        yaml_file.parse(text)
    assert time.perf_counter() - start < 5


def test_a_huge_file_is_refused_unread(catalog: Catalog, tmp_path: Path) -> None:
    path = tmp_path / "accelerators.yaml"
    with path.open("wb") as file:
        file.truncate(100_000_000)
    assert check(catalog, path) == (f"{path}:1: the file is larger than 4 MB",)


@pytest.mark.parametrize("kind", ["fifo", "device"])
def test_what_is_no_regular_file_is_refused_at_once(catalog: Catalog, tmp_path: Path, kind: str) -> None:
    """A FIFO has no writer, and /dev/zero no end: both say that they are empty."""
    path = tmp_path / "accelerators.yaml"
    if kind == "fifo":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")
    start = time.perf_counter()
    assert check(catalog, path) == (f"{path}:1: can not be read: not a regular file",)
    assert time.perf_counter() - start < 1


def test_the_examples_of_the_schema_are_valid(catalog: Catalog, tmp_path: Path) -> None:
    examples = re.findall(r"```yaml\n(.*?)```", (cache.DATA / "README.md").read_text(), re.DOTALL)
    assert len(examples) == 5
    for number, example in enumerate(examples):
        assert problems(catalog, tmp_path, example, f"example-{number}.yaml") == []


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=60) | st.text("{}[]:,-?&*!|>'\"#%~ \n\tab1.e", max_size=40))
def test_any_text_is_refused_or_read_as_plain_finite_values(text: str) -> None:
    with suppress(yaml_file.Refused):
        json.dumps(yaml_file.parse(text).value, allow_nan=False)


def test_words_stay_text_and_numbers_follow_yaml_1_2() -> None:
    document = yaml_file.parse("{a: yes, b: 2026-10-31, c: 1e-6, d: no, e: 1_000, f: 0.5, g: true, h: null, i: 12:30}")
    assert document.value == {
        "a": "yes",
        "b": "2026-10-31",
        "c": 1e-6,
        "d": "no",
        "e": "1_000",
        "f": 0.5,
        "g": True,
        "h": None,
        "i": "12:30",
    }


def test_the_users_files_add_and_override(empty_home: Path, tmp_path: Path) -> None:
    (tmp_path / "instances").mkdir()
    (tmp_path / "prices").mkdir()
    (tmp_path / "models" / "acme").mkdir(parents=True)
    (tmp_path / "accelerators.yaml").write_text(CARD + CARD.replace("acme-1", "l4"))
    (tmp_path / "instances" / "lab.yaml").write_text(
        "lab:\n  accelerator: acme-1\n  fabric: pcie4-x16\n  source: mine\n  as_of: 2026-11\n"
        "  sizes:\n    lab.4: {count: 4, vcpus: 32, memory_gib: 256}\n"
    )
    (tmp_path / "prices" / "mine.yaml").write_text(
        "region: us-east-1\nquotes:\n- terms: on-demand\n  kind: list\n  as_of: 2026-11-01\n"
        "  source: my account\n  usd_per_hour:\n    g5.xlarge: 0.9\n    lab.4: 2.5\n"
    )
    (tmp_path / "models" / "acme" / "tiny.yaml").write_text(
        "id: acme/tiny\naliases: [tiny-one]\nconfig: {architectures: [LlamaForCausalLM]}\nsource: me\nas_of: 2026-11\n"
    )
    (tmp_path / "engines.yaml").write_text("- id: broken\n")
    catalog = load(tmp_path)
    inventory, quotes = catalog.inventory, catalog.prices("us-east-1").quotes
    assert inventory.accelerators["l4"].name == "Acme One"
    assert inventory.machines["lab.4"].count == 4
    on_demand = [quotes[name].on_demand for name in ("g5.xlarge", "lab.4", "g5.2xlarge")]
    assert [quote and quote.usd_per_hour for quote in on_demand] == [0.9, 2.5, 1.212]
    assert quotes["g5.xlarge"].spot is not None
    assert catalog.model_id("tiny-one") == "acme/tiny"
    assert inventory.engine("vllm").id == "vllm"
    assert catalog.problems
    assert all(line.startswith(f"{tmp_path}/engines.yaml:1: ") for line in catalog.problems)


def test_a_users_file_that_is_never_read_is_named(empty_home: Path, tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "accelerators.yaml").write_text(CARD)
    assert load(tmp_path).problems == ()
    strays = [tmp_path / "accelerator.yaml", tmp_path / "models" / "tiny.yaml", tmp_path / "prices.yml"]
    for path in strays:
        path.write_text(CARD)
    told = load(tmp_path).problems
    assert [problem.partition(":")[0] for problem in told] == [str(path) for path in strays]
    assert all("expected one of accelerators.yaml" in problem for problem in told)


def test_a_file_with_very_many_problems_names_the_first_twenty(catalog: Catalog, tmp_path: Path) -> None:
    text = "".join(CARD.replace("acme-1", f"acme-{number}").replace("864", "0") for number in range(30))
    lines = problems(catalog, tmp_path, text)
    assert len(lines) == 21
    assert lines[-1] == "accelerators.yaml:1: and 10 more"
