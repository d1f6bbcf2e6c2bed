"""The documentation site builds without a warning, and what its pages say of figures is what the code says."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from catalog.load import Catalog
from estimator.models.summary import summary

ROOT = Path(__file__).parents[2]


def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "faq" / "index.html").exists()


@pytest.mark.parametrize(
    ("model", "tokens", "sequences", "named"),
    [
        ("openai/gpt-oss-20b", 131_072, 1, "gpt-oss-20b, 131,072"),
        ("Qwen/Qwen3-Next-80B-A3B-Instruct", 262_144, 1, "Qwen3-Next-80B-A3B, 262,144"),
        ("deepseek-ai/DeepSeek-V3", 4_096, 32, "DeepSeek-V3, 4,096 × 32"),
    ],
)
def test_the_caches_beside_other_tools_are_ours(
    catalog: Catalog, model: str, tokens: int, sequences: int, named: str
) -> None:
    cache = summary(catalog.model(model)).kv_cache
    states = cache.state_elements_per_sequence + cache.conv_state_elements_per_sequence
    windowed = cache.window_bytes_per_token * min(tokens, cache.window_tokens or 0)
    gib = sequences * (cache.bytes_per_token * tokens + windowed + 2 * states) / 2**30
    page = (ROOT / "docs" / "peers.md").read_text(encoding="utf-8")
    right, here = re.search(rf"\| {named} \| ([\d.]+) \| ([\d.]+) \|", page).groups()  # type: ignore[union-attr]
    assert f"{gib:.2f}" == here == right
