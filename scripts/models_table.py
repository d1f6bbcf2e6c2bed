"""Writes docs/models.md: every catalogue model, predicted and published parameters, and what the difference is."""

from pathlib import Path

import yaml

from estimator.models.model import read_model
from estimator.models.summary import summary

ROOT = Path(__file__).parents[1]
MODELS = ROOT / "catalog" / "data" / "models"
HEAD = """# Models

Made by `python scripts/models_table.py` from `catalog/data/models/`; do not edit.

`Text` is the language model alone, a tied head counted once. `Predicted` adds the extras that the upload's total
counts; `Difference` is what then remains. Cache and state figures are for one sequence at 16 bit.

| Model | Class | Text | Extras | Predicted | Published | Difference | Cache B/token | Window B/token |
|---|---|---:|---|---:|---:|---:|---:|---:|
"""


def row(path: Path) -> str:
    entry = yaml.safe_load(path.read_text(encoding="utf-8"))
    model = read_model(entry["id"], entry)
    figures = summary(model)
    explained = model.published
    extras = "; ".join(f"{e.name} {e.parameters:+,}" for e in explained.extras) if explained else ""
    published = (
        [f"{explained.predicted:,}", f"{explained.published:,}", f"{explained.difference:+,}"]
        if explained
        else ["", "", ""]
    )
    cache = figures.kv_cache
    cells = [
        entry["id"],
        figures.architecture,
        f"{figures.parameters.text:,}",
        extras,
        *published,
        f"{cache.bytes_per_token:,}",
        f"{cache.window_bytes_per_token:,}" + (f" up to {cache.window_tokens:,}" if cache.window_tokens else ""),
    ]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    paths = sorted(MODELS.glob("*/*.yaml"), key=lambda path: str(path).lower())
    table = "\n".join(row(path) for path in paths)
    (ROOT / "docs" / "models.md").write_text(f"{HEAD}{table}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
