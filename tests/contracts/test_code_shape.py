"""The shape of the code: no circles, small files and functions, names and docstrings that stand alone."""

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("estimator", "catalog", "tui")
MOST_LINES, MOST_FUNCTION_LINES, MOST_AT_ROOT = 350, 80, 12
PARTICIPLES = {"found", "held", "told", "carried", "beside", "apart", "laid", "bed"}
"""Words that name no thing."""
LEANING = ("Of ", "The same", "As above", "Same ", "They ", "Those ", "Their ", "To be called", "Also ", "And ")
"""How a docstring begins that its neighbour has to explain."""
TABLES = {"Tensor", "Option", "Command", "Column", "Tab", "WeightFormat", "CacheFormat", "Row"}
"""Records that stand in tables, one a line under each other, where names on every line would hide the columns."""


@cache
def trees() -> dict[str, ast.Module]:
    """Every module of the three packages by its dotted name."""
    files = (path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py")))
    return {_dotted(path): ast.parse(path.read_text(encoding="utf-8")) for path in files}


def _dotted(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports(module: str) -> set[str]:
    """Our own modules that a module imports, wherever in it and be it for its types alone."""
    known, targets = trees(), set()
    for node in ast.walk(known[module]):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            targets |= {name if name in known else node.module for name in names}
        elif isinstance(node, ast.Import):
            targets |= {alias.name for alias in node.names}
    return (targets & set(known)) - {module}


def test_no_file_imports_itself_through_others() -> None:
    TopologicalSorter({module: imports(module) for module in trees()}).prepare()  # raises CycleError


def test_the_root_of_the_estimator_holds_the_ground_only() -> None:
    modules = [path.stem for path in (ROOT / "estimator").glob("*.py")]
    assert len(modules) - 1 <= MOST_AT_ROOT, modules


@pytest.mark.parametrize("package", PACKAGES)
def test_files_and_functions_are_small(package: str) -> None:
    long = [
        f"{path.relative_to(ROOT)}: {lines} lines"
        for path in (ROOT / package).rglob("*.py")
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > MOST_LINES
    ]
    for module, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and module.startswith(package):
                lines = (node.end_lineno or 0) - node.lineno + 1
                if lines > MOST_FUNCTION_LINES:
                    long.append(f"{module}.{node.name}: {lines} lines")
    assert long == []


def test_no_thing_is_named_by_a_participle() -> None:
    named = []
    for module, tree in trees().items():
        for node in ast.walk(tree):
            match node:
                case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                    pass
                case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                    pass
                case _:
                    continue
            if name.lower() in PARTICIPLES:
                named.append(f"{module}:{node.lineno}: {name}")
    assert named == []


def documented(tree: ast.AST, inside: bool = False) -> Iterator[tuple[int, str]]:
    """Line and text of each docstring of a public class, function or field."""
    body = getattr(tree, "body", [])
    for statement, after in zip(body, [*body[1:], None], strict=True):
        if isinstance(statement, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            if statement.name.startswith("_"):
                continue
            yield statement.lineno, ast.get_docstring(statement) or ""
            if isinstance(statement, ast.ClassDef):
                yield from documented(statement, True)
        elif isinstance(statement, ast.AnnAssign | ast.Assign):
            match after:
                case ast.Expr(value=ast.Constant(value=str(text))):
                    yield after.lineno, text


def test_docstrings_stand_alone() -> None:
    leaning = [
        f"{module}:{line}: {text.splitlines()[0]}"
        for module, tree in trees().items()
        for line, text in documented(tree)
        if text.startswith(LEANING)
    ]
    assert leaning == []


def records() -> set[str]:
    """Names of the dataclasses and NamedTuples that have four fields or more."""
    wide = set()
    for tree in trees().values():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                made = [ast.unparse(each) for each in (*node.bases, *node.decorator_list)]
                fields = [each for each in node.body if isinstance(each, ast.AnnAssign)]
                if len(fields) >= 4 and any(text.startswith(("NamedTuple", "dataclass", "record")) for text in made):
                    wide.add(node.name)
    return wide


def test_wide_records_are_built_with_keywords() -> None:
    wide = records()
    positional = [
        f"{module}:{node.lineno}: {name}({len(node.args)} without their names)"
        for module, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and len(node.args) >= 4
        for name in [ast.unparse(node.func).rpartition(".")[2]]
        if name in wide - TABLES and not any(isinstance(each, ast.Starred) for each in node.args)
    ]
    assert positional == []
