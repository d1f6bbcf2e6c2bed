"""How the application starts: what it loads and works out before its first paint."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from catalog.load import load
from estimator.ranking import rank as ranking
from tui.start import application
from tui.state import store
from tui.state.session import Session

LATER = {
    "argparse",
    "csv",
    "estimator.accuracy",
    "estimator.advice.fixes",
    "estimator.advice.study",
    "estimator.training",
    "estimator.models.summary",
    "estimator.serving.load.finite_run",
    "estimator.serving.load.replay",
    "huggingface_hub",
    "pydantic",
    "statistics",
    "tui.cli",
    "tui.pages.memory",
    "yaml",
}
"""Modules of questions that are asked after the first paint, if ever."""

PAINT = """
import asyncio, sys
from catalog.load import load
from tui.start import application

async def paint():
    async with application(load(), None, None).run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        print(*sys.modules)

asyncio.run(paint())
"""


def test_a_named_session_is_ranked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, boards, rank = tmp_path / "mine.yaml", [], ranking.rank

    def counted(model, scenario, inventory, prices, machines=None, **options):  # type: ignore[no-untyped-def]
        boards.append(machines is None)
        return rank(model, scenario, inventory, prices, machines, **options)

    assert store.save(Session(), path) == ""
    monkeypatch.setattr(ranking, "rank", counted)
    app = application(load(), str(path), None)
    assert app.answer is not None
    assert boards.count(True) == 1


def test_what_is_asked_later_is_loaded_later(tmp_path: Path) -> None:
    homes = {f"XDG_{name}_HOME": str(tmp_path) for name in ("STATE", "CONFIG", "CACHE")}
    for _ in range(2):  # the first run builds the catalogue's bundle
        run = subprocess.run(
            [sys.executable, "-c", PAINT], env=os.environ | homes, capture_output=True, text=True, check=True
        )
    loaded = set(run.stdout.split())
    assert "tui.pages.leaderboard" in loaded
    assert loaded & LATER == set()
