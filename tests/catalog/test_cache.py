"""The bundle says what the YAML says, is used when fresh, and is never in the way."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, NamedTuple
from zlib import crc32

import pytest

from catalog import cache
from catalog.build import build
from catalog.codec import decoder, encode
from catalog.load import Catalog, load
from estimator.bounds import Gt
from estimator.hardware.prices import Price
from estimator.scenario.inventory import Inventory


def test_the_cache_holds_what_the_yaml_says(empty_home: Path, tmp_path: Path) -> None:
    from_yaml = build((cache.DATA,))
    texts = cache.sections((cache.DATA, tmp_path))
    assert {name: json.loads(text) for name, text in texts.items()} == json.loads(json.dumps(from_yaml))
    again = cache.sections((cache.DATA, tmp_path))
    assert isinstance(again, cache.Bundle)
    assert dict(again) == dict(texts)


def test_the_inventory_survives_the_round_trip(catalog: Catalog) -> None:
    encoded = encode(catalog.inventory)
    decode = decoder(Inventory)
    assert decode is not None
    assert encode(decode(json.loads(json.dumps(encoded)))) == encoded


def test_a_start_from_the_cache_imports_neither_yaml_nor_pydantic(catalog: Catalog) -> None:
    program = (
        "import sys; from catalog.load import load; c = load(); c.prices('us-east-1'); c.model_entry(c.model_ids[0]);"
        "print([name for name in ('pydantic', 'yaml', 'textual', 'rich') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=os.environ)
    assert done.stdout.strip() == "[]"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A small data folder."""
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "regions.yaml").write_text("here: Here\n")
    (folder / "fabrics.yaml").write_text("none: {name: one accelerator, link_gb_s: 0, source: nothing to link}\n")
    return folder


def test_an_edited_file_is_read_again(empty_home: Path, data: Path) -> None:
    cache.sections((data,))
    (data / "regions.yaml").write_text("there: There\n")
    assert json.loads(cache.sections((data,))["regions"]) == {"there": "There"}


def test_files_with_new_times_and_old_content_are_not_read_again(
    empty_home: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.sections((data,))
    for path in data.iterdir():
        os.utime(path, (1, 1))
    monkeypatch.setattr(cache, "build", pytest.fail)
    assert isinstance(cache.sections((data,)), cache.Bundle)
    assert isinstance(cache.sections((data,)), cache.Bundle)


@pytest.mark.parametrize("damage", [b"", b"{", b"[]\n", b'{"format":"0"}\n', b"\xff\xfe\n", b"null\n"])
def test_a_damaged_bundle_is_ignored_and_replaced(empty_home: Path, data: Path, damage: bytes) -> None:
    cache.sections((data,))
    cache.own_bundle((data,)).write_bytes(damage)
    assert json.loads(cache.sections((data,))["regions"]) == {"here": "Here"}
    assert isinstance(cache.sections((data,)), cache.Bundle)


@pytest.mark.parametrize(
    "header",
    [
        {"index": []},
        {"index": {"regions": [0, float("nan"), 0]}},
        {"index": {"fabrics": [0, 1, 0]}},
        {"index": {"regions": {"a": 1}}},
        {"quick": []},
        [],
    ],
)
def test_a_bundle_whose_header_says_something_else_is_replaced(empty_home: Path, data: Path, header: object) -> None:
    cache.sections((data,))
    path = cache.own_bundle((data,))
    first, _, rest = path.read_bytes().partition(b"\n")
    checksum, _, text = first.partition(b" ")
    known = json.loads(text)
    changed = known | header if isinstance(header, dict) else header
    path.write_bytes(checksum + b" " + json.dumps(changed).encode() + b"\n" + rest)
    assert json.loads(cache.sections((data,))["regions"]) == {"here": "Here"}
    deep = b"[" * 100_000 + b"\n"
    path.write_bytes(b"%08x " % crc32(deep) + deep)
    assert json.loads(cache.sections((data,))["regions"]) == {"here": "Here"}


def test_a_cache_that_is_no_regular_file_is_not_waited_for(empty_home: Path, data: Path) -> None:
    path = cache.own_bundle((data,))
    path.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(path)
    assert json.loads(cache.sections((data,))["regions"]) == {"here": "Here"}


@pytest.mark.parametrize("link", ["self", ".#lock.yaml", "gone.yaml"])
def test_a_link_that_leads_nowhere_hides_no_edit(empty_home: Path, data: Path, link: str) -> None:
    (data / link).symlink_to(link)
    test_an_edited_file_is_read_again(empty_home, data)


def test_an_edit_of_equal_size_and_time_is_read(empty_home: Path, data: Path) -> None:
    path = data / "regions.yaml"
    before = path.stat()
    cache.sections((data,))
    path.write_text("hera: Hera\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    assert json.loads(cache.sections((data,))["regions"]) == {"hera": "Hera"}


def test_edits_in_folders_that_begin_with_an_underscore_are_read(empty_home: Path, data: Path) -> None:
    path = data / "models" / "_acme" / "tiny.yaml"
    path.parent.mkdir(parents=True)
    text = "id: acme/tiny\nconfig: {num_hidden_layers: 4}\nsource: me\nas_of: 2026-11\n"
    for layers in (4, 8):
        path.write_text(text.replace("4", str(layers)))
        entry = json.loads(cache.sections((data,))["model/acme/tiny"])
        assert entry["config"] == {"num_hidden_layers": layers}


def test_an_editors_lock_is_no_problem_of_the_catalogue(empty_home: Path, tmp_path: Path) -> None:
    (tmp_path / ".#fabrics.yaml").symlink_to("user@host.1234")
    assert load(tmp_path).problems == ()


def test_a_truncated_bundle_is_ignored(empty_home: Path, data: Path) -> None:
    cache.sections((data,))
    bundle = cache.own_bundle((data,))
    bundle.write_bytes(bundle.read_bytes()[:-10])
    assert json.loads(cache.sections((data,))["regions"]) == {"here": "Here"}


def test_a_bundle_that_breaks_after_it_was_opened_is_made_anew(empty_home: Path, data: Path) -> None:
    cache.sections((data,))
    texts, path = cache.sections((data,)), cache.own_bundle((data,))
    path.write_bytes(path.read_bytes().replace(b'"Here"', b'"Hero"'))
    assert json.loads(texts["regions"]) == {"here": "Here"}
    path.unlink()
    assert json.loads(texts["models"]) == []


def test_an_unwritable_cache_folder_is_no_error(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/nowhere")
    assert json.loads(cache.sections((data,))["regions"]) == {"here": "Here"}
    assert load(data).regions["us-east-1"] == "N. Virginia"


class Pair(NamedTuple):
    left: int
    right: float = 0.5


@dataclass(frozen=True)
class Tree:
    name: str
    pairs: dict[int, Pair]
    leaves: tuple["Annotated[float, Gt(0)]", ...] = ()
    span: tuple[int, Pair] | None = None
    names: frozenset[str] = frozenset()


def test_values_are_decoded_by_their_annotations() -> None:
    tree = Tree("a", {2: Pair(1), 4: Pair(2, 3.0)}, (1.0, 2.0), (1, Pair(5)), frozenset({"x"}))
    decode = decoder(Tree)
    assert decode is not None
    assert decode(json.loads(json.dumps(encode(tree)))) == tree


def test_a_text_that_is_repeated_is_kept_once(catalog: Catalog) -> None:
    """Sources, days and kinds of price are few, and stand on every machine and price."""
    machines = [text for each in catalog.inventory.machines.values() for text in (each.source, each.as_of, each.family)]
    quotes = catalog.prices("us-east-1").quotes.values()
    prices = [
        text for each in quotes for price in each if isinstance(price, Price) for text in (price.source, price.as_of)
    ]
    for texts in (machines, prices):
        assert len(texts) > 5 * len(set(texts))
        assert len(set(map(id, texts))) == len(set(texts))
