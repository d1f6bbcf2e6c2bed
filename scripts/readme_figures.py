"""Writes the README's table of figures from the pages that are made by measuring: `python -m scripts.readme_figures`.

docs/accuracy.md is made by `python -m scripts.accuracy_page`, docs/benchmarks.md by `python -m benchmarks --write`.
"""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
BEGIN, END = "<!-- figures -->\n", "<!-- /figures -->"

Rows = dict[str, list[str]]


def section(page: str, title: str) -> Rows:
    """The first table below a heading of a page in docs/: cells by the first one. Raises KeyError."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    _, found, below = text.partition(f"\n## {title}\n")
    if not found:
        raise KeyError(f"{page}: {title}")
    lines = re.search(r"(?:^\|.*\n)+", below, re.MULTILINE)
    cells = (
        [[cell.strip() for cell in line.strip("| \n").split("|")] for line in lines[0].splitlines()] if lines else []
    )
    return {first: rest for first, *rest in cells[2:]}


def figures() -> str:
    """The table in Markdown: what, how far off or how much, over how many cases, and the command that repeats it."""
    memory, serving = section("accuracy.md", "Memory"), section("accuracy.md", "Serving")
    headline = section("accuracy.md", "Headline: every source alike")
    measured = section("benchmarks.md", "Measured")
    accuracy = "`llmcalc-tui accuracy`"
    rows = [("what", "figure", "over", "repeat it with")]
    for name, metric in (
        ("weights of a device", "weights_gib_per_gpu"),
        ("memory left for the cache", "kv_available_gib_per_gpu"),
    ):
        cases, median, *_ = memory[metric]
        rows.append((f"{name}, median error", f"{median} %", f"{cases} start-up logs", accuracy))
    cases, _, _, _, right, _ = memory["fits"]
    rows.append(("fits or runs out of memory, answered right", f"{right} %", f"{cases} runs", accuracy))
    for name, metric in (("time per output token", "tpot_ms"), ("output tokens per second", "output_tokens_per_s")):
        cases, median, _, _, _, inside = serving[metric]
        rows.append(
            (f"{name}, median error", f"{median} %", f"{cases} measured rows, {inside} % inside their band", accuracy)
        )
    sources, _, left_out, *_ = headline["tpot_ms"]
    what = "time per output token of a source nobody fitted, every source alike"
    rows.append((what, f"{left_out} %", f"{sources} sources", "`make fit`"))
    cases, median, *_ = serving["ttft_ms"]
    rows.append(
        ("time to first token, median error: our weakest figure", f"{median} %", f"{cases} measured rows", accuracy)
    )
    for name in ("one evaluation with bands and cost", "the leaderboard after an edit", "start, 80x24"):
        value, against, target = measured[name]
        rows.append((BENCHMARKS[name], value, against or f"target {target}", "`make bench`"))
    head, *body = (f"| {' | '.join(row)} |" for row in rows)
    return "\n".join((head, "|---|---:|---|---|", *body)) + "\n"


BENCHMARKS = {
    "one evaluation with bands and cost": "one candidate evaluated, bands and cost with it",
    "the leaderboard after an edit": "all of EC2 ranked again after a key",
    "start, 80x24": "sent to the terminal until the first screen stands",
}


def rewritten(text: str) -> str:
    """The README with the table of today's pages."""
    before, rest = text.split(BEGIN)
    return before + BEGIN + figures() + END + rest.split(END)[1]


def main() -> None:
    """Rewrites the README."""
    README.write_text(rewritten(README.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
