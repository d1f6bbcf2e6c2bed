"""What the maintainers' pages say must be touched is all that must be: their blocks, applied, make the addition."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r'^```(\w+) title="([^"]+)"\n(.*?)^```$', re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """One file of a page: a whole file, or lines to add to one."""

    language: str
    title: str
    text: str


def blocks(page: str) -> dict[str, Block]:
    """The titled blocks of a page in docs/, by title."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return {title: Block(language, title, body) for language, title, body in FENCE.findall(text)}


def with_added_lines(text: str, difference: str) -> str:
    """The text with the lines marked + added beside the unmarked ones, which it must hold exactly once."""
    lines = difference.splitlines()
    before = "\n".join(line[1:] for line in lines if line[:1] != "+")
    assert text.count(before) == 1, f"the page shows lines that the file does not hold once:\n{before}"
    return text.replace(before, "\n".join(line[1:] for line in lines))


class Tree:
    """A copy of the three packages, with folders of its own for configuration, cache and state."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        ignored = shutil.ignore_patterns("__pycache__", "evidence", "catalog.cache")
        for package in ("estimator", "catalog", "tui"):
            shutil.copytree(ROOT / package, folder / package, ignore=ignored)
        self.environment = os.environ | {
            "PYTHONPATH": str(folder),
            "HF_ENDPOINT": "http://127.0.0.1:9",
            **{f"XDG_{name}_HOME": str(folder / name.lower()) for name in ("CONFIG", "CACHE", "STATE", "DATA")},
        }

    def apply(self, page: str, *titles: str) -> None:
        """The blocks of a page with these titles, each as its language says."""
        found = blocks(page)
        for title in titles:
            block = found[title]
            home = "~/.config/llmcalc-tui/"
            path = self.folder / title.replace(home, "config/llmcalc-tui/")
            path.parent.mkdir(parents=True, exist_ok=True)
            text = block.text if block.language != "diff" else with_added_lines(path.read_text(), block.text)
            path.write_text(text)

    def run(self, *argv: str) -> str:
        """What the product in the copy prints; its status must be 0."""
        return self.python("-m", "tui", *argv)

    def python(self, *argv: str) -> str:
        """What Python prints in the copy; its status must be 0."""
        command = [sys.executable, *argv]
        run = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=120
        )
        assert run.returncode == 0, run.stdout + run.stderr
        return run.stdout


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


def test_an_accelerator_is_twelve_lines(tree: Tree) -> None:
    page, title = "adding-an-accelerator.md", "~/.config/llmcalc-tui/catalog/accelerators.yaml"
    assert len(blocks(page)[title].text.splitlines()) == 12
    tree.apply(page, title)
    assert tree.run("catalog", "check", "config/llmcalc-tui/catalog/accelerators.yaml") == "no problems\n"
    asked = ("--model", "8B", "--weights", "bf16", "--accelerator", "acme-x1", "--count", "1", "--format", "json")
    row = json.loads(tree.run("estimate", *asked))
    assert (row["accelerator"], row["verdict"], row["confidence"]) == ("acme-x1", "fits", "C")
    assert row["memory"]["usable_bytes"] == 81_559 * 2**20


def test_an_engine_version_is_one_entry(tree: Tree) -> None:
    title = "~/.config/llmcalc-tui/catalog/engines.yaml"
    tree.apply("adding-an-engine.md", title)
    assert tree.run("catalog", "check", "config/llmcalc-tui/catalog/engines.yaml") == "no problems\n"
    asked = ("--model", "8B", "--weights", "bf16", "--instance", "g6e.xlarge", "--format", "json", "--engine")

    def memory(engine: str) -> Any:
        return json.loads(tree.run("estimate", *asked, engine))["memory"]

    assert memory("vllm@0.99")["utilization"] == 0.8
    assert memory("vllm") == memory("vllm@0.99")  # the newest is the default
    assert memory("vllm@0.28")["utilization"] == 0.92


COLUMN_USED = """
from catalog.load import load
from tui.state.calculator import Calculator
from tui.state.session import Session

calculator = Calculator(load())
rows = calculator.answer(Session(sort="context", filter="ctx>9000")).rows
contexts = [row.memory.max_context_tokens for row in rows]
assert contexts and contexts == sorted(contexts, reverse=True) and min(contexts) > 9000
assert len(rows) < len(calculator.answer(Session()).rows)
"""


def test_a_column_is_one_declaration(tree: Tree) -> None:
    tree.apply("adding-a-page.md", "tui/state/columns.py")
    assert " ctx" in tree.run("rank", "--limit", "3").splitlines()[2]
    tree.python("-c", COLUMN_USED)


PAGE_DRIVEN = """
import asyncio
from catalog.load import load
from tui.app import LlmCalc
from tui.state.calculator import Calculator
from tui.state.session import Session

async def drive():
    app = LlmCalc(Calculator(load()), Session())
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("9")
        await pilot.pause()
        assert app.history.now.screen == "verdicts", app.history.now.screen
        rows = app.screen._compositor.render_strips()
        print("\\n".join("".join(segment.text for segment in row) for row in rows))

asyncio.run(drive())
"""


def test_a_page_is_a_module_and_a_line(tree: Tree) -> None:
    tree.apply("adding-a-page.md", "tui/tabs.py", "tui/screens/verdicts.py")
    shown = tree.python("-c", PAGE_DRIVEN)
    assert "9 Verdicts" in shown
    assert re.search(r"\d+ fits", shown)
    assert re.search(r"\d+ does not fit", shown)


def test_a_json_key_is_a_field_of_a_result(tree: Tree) -> None:
    tree.apply("adding-a-page.md", "estimator/results.py", "estimator/cost/bill.py")
    cost = json.loads(tree.run("estimate", "--instance", "p5.48xlarge", "--format", "json"))["cost"]
    assert cost["usd_per_day"] == pytest.approx(24 * cost["price_usd_per_hour"])
