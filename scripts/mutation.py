"""Changes one thing at a time in estimator/ and runs the tests of its room: `python -m scripts.mutation`.

    python -m scripts.mutation [--count 400] [--seed 1] [--only estimator/serving] [--least 85]

A mutant is a comparison, a sum, a product, a number, a truth value or a condition turned into another one, drawn at
random over the lines of the package; annotations, docstrings and texts stay. It is killed where a test of its room
fails, or where the scoring of measured cases does. Survivors are printed to be looked at: each is a missing test, or a
change that no answer can show. Exit status 1 below the least share killed.
"""

import argparse
import ast
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
COPIED = ("estimator", "catalog", "tui", "tests", "scripts", "benchmarks", "docs", "fitting")
LONGEST_S = 900
"""Seconds after which a run of tests counts as failed: the mutant hangs."""
COMPARISONS = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
ARITHMETIC = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Div}


class Mutant(NamedTuple):
    """One change of one file, by the place of the expression."""

    path: Path
    line: int
    start: int
    stop: int
    """Offsets of the expression in the bytes of the file."""
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line}: {self.before} -> {self.after}"


def mutants(path: Path) -> Iterator[Mutant]:
    """Every mutant of a file whose expression stands on one line."""
    text = path.read_bytes()
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    for node in _expressions(ast.parse(text)):
        changed = _changed(node)
        if changed is not None and node.lineno == node.end_lineno:
            start, stop = (
                starts[node.lineno - 1] + node.col_offset,
                starts[node.lineno - 1] + (node.end_col_offset or 0),
            )
            before, after = text[start:stop].decode(), f"({ast.unparse(changed)})"
            yield Mutant(path=path, line=node.lineno, start=start, stop=stop, before=before, after=after)


def _expressions(tree: ast.AST) -> Iterator[ast.expr]:
    """Expressions that are worked out: no annotations, decorators, patterns or texts put together."""
    for name, value in ast.iter_fields(tree):
        if name in ("annotation", "returns", "decorator_list", "bases", "pattern", "type_params"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.JoinedStr | ast.Raise) or _is_annotated(child):
                continue
            if isinstance(child, ast.expr):
                yield child
            if isinstance(child, ast.AST):
                yield from _expressions(child)


def _is_annotated(node: object) -> bool:
    """Whether a node is `Annotated[…]`, whose bounds are tested where they are read."""
    return isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == "Annotated"


def _changed(node: ast.expr) -> ast.expr | None:
    """The expression as something else; None where it is of no kind that is changed."""
    match node:
        case ast.Compare(left, [operator], [right]) if type(operator) in COMPARISONS:
            return ast.Compare(left, [COMPARISONS[type(operator)]()], [right])
        case ast.BinOp(left, operator, right) if type(operator) in ARITHMETIC:
            return ast.BinOp(left, ARITHMETIC[type(operator)](), right)
        case ast.BoolOp(ast.And(), values):
            return ast.BoolOp(ast.Or(), values)
        case ast.BoolOp(ast.Or(), values):
            return ast.BoolOp(ast.And(), values)
        case ast.UnaryOp(ast.Not(), operand):
            return operand
        case ast.IfExp(test, body, orelse):
            return ast.IfExp(test, orelse, body)
        case ast.Constant(bool(value)):
            return ast.Constant(not value)
        case ast.Constant(int(value)) | ast.Constant(float(value)):
            return ast.Constant(value + 1)
    return None


def judging_tests(path: Path) -> list[str]:
    """Tests of the file's room, those of the rooms above it that stand on it, and the scoring of measured cases."""
    room = path.relative_to(ROOT / "estimator").parts[0]
    own = f"tests/estimator/{room}" if (ROOT / "tests" / "estimator" / room).is_dir() else "tests/estimator/ranking"
    return list(dict.fromkeys((own, "tests/estimator/ranking", "tests/estimator/advice", "tests/estimator/accuracy")))


def is_killed(mutant: Mutant, tree: Path) -> bool:
    """Whether a test of the copied tree fails under the mutant; the copy is whole again afterwards."""
    target = tree / mutant.path.relative_to(ROOT)
    text = mutant.path.read_bytes()
    target.write_bytes(text[: mutant.start] + mutant.after.encode() + text[mutant.stop :])
    try:
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *judging_tests(mutant.path)]
        done = subprocess.run(command, cwd=tree, capture_output=True, timeout=LONGEST_S)
    except subprocess.TimeoutExpired:
        return True
    finally:
        target.write_bytes(text)
    return done.returncode != 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="estimator", metavar="FOLDER")
    parser.add_argument("--least", type=float, default=85.0, metavar="PERCENT")
    asked = parser.parse_args()
    every = [mutant for path in sorted((ROOT / asked.only).rglob("*.py")) for mutant in mutants(path)]
    drawn = Random(asked.seed).sample(every, min(asked.count, len(every)))
    killed = 0
    with TemporaryDirectory() as folder:
        tree = Path(folder)
        for name in COPIED:
            shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("pyproject.toml", "README.md"):
            shutil.copy(ROOT / name, tree)
        for number, mutant in enumerate(drawn, 1):
            dead = is_killed(mutant, tree)
            killed += dead
            if not dead:
                print(f"survived: {mutant}", flush=True)
            print(f"{number} of {len(drawn)}, {killed} killed", file=sys.stderr, flush=True)
    share = 100 * killed / max(len(drawn), 1)
    print(f"{killed} of {len(drawn)} mutants killed ({share:.1f} %), drawn from {len(every):,}")
    return 0 if share >= asked.least else 1


if __name__ == "__main__":
    sys.exit(main())
