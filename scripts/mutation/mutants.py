"""Mutants: a file of the estimator with one expression turned into another one.

A mutant is a comparison, a sum, a product, a number, a truth value or a condition changed; annotations, docstrings and
texts stay.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
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

    def text(self) -> bytes:
        """The whole file with the change."""
        text = self.path.read_bytes()
        return text[: self.start] + self.after.encode() + text[self.stop :]

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
    """Expressions that are worked out: no annotations, decorators, patterns, texts put together or guards."""
    for name, value in ast.iter_fields(tree):
        if name in ("annotation", "returns", "decorator_list", "bases", "pattern", "type_params"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.JoinedStr | ast.Raise) or _is_annotated(child) or _is_strict(child):
                continue
            if isinstance(child, ast.expr):
                yield child
            if isinstance(child, ast.AST):
                yield from _expressions(child)


def _is_annotated(node: object) -> bool:
    """Whether a node is `Annotated[…]`, whose bounds are tested where they are read."""
    return isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == "Annotated"


def _is_strict(node: object) -> bool:
    """Whether a node is the `strict` of a zip, which guards against mistakes in the code and changes no answer."""
    return isinstance(node, ast.keyword) and node.arg == "strict"


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
        case ast.Constant(int(value)) | ast.Constant(float(value)) if value + 1 != value:  # 1e18 is 1e18 + 1
            return ast.Constant(value + 1)
    return None
