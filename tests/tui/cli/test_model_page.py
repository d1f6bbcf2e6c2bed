"""The page of a model in the terminal: what it says, in lines that 80 cells show whole."""

import pytest

from catalog.load import load
from catalog.sources.resolve import resolve
from tui.cli.model_text import page

CATALOG = load()


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("Qwen/Qwen3.5-27B", "state elements per sequence"),
        ("google/gemma-3-27b-it", "KV bytes per token in the last 1,024 tokens"),
        ("deepseek-ai/DeepSeek-V3.2", "indexer bytes per token"),
        ("moonshotai/Kimi-K2.6", "symmetric INT4, groups of 32 531.56 GiB (expert)"),
        ("BAAI/bge-m3", "no text is generated"),
        ("google/flan-t5-xl", "cross-attention bytes per source token"),
        ("state-spaces/mamba-2.8b-hf", "not known: its longest context"),
        ("onnx-community/Qwen3-8B-ONNX", "not known: its own weight format"),
        ("openai/gpt-oss-20b", "MXFP4 experts"),
        ("XiaomiMiMo/MiMo-V2-Flash", "runs under vLLM"),
    ],
)
def test_a_page_says_what_is_known_within_80_cells(name: str, says: str) -> None:
    text = page(name, resolve(name, CATALOG), explain=False, inventory=CATALOG.inventory)
    assert says in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= 80
    assert len(text.splitlines()) <= 40, "one screen"
