"""A mutant of a function put in place of the function that is loaded."""

import functools
import gc
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import CodeType, FunctionType

from scripts.mutation.mutants import ROOT, Mutant

OWN = ("estimator", "catalog", "tests", "scripts")
"""Packages whose kept answers are forgotten before a mutant is judged."""


def patch(mutant: Mutant, tree: Path) -> bool:
    """Gives the loaded functions of the mutant's file its code; False where what it changes ran when it was loaded."""
    file = mutant.path.relative_to(ROOT)
    import_module(".".join(file.with_suffix("").parts).removesuffix(".__init__"))
    path = str(tree / file)
    changed = {_place(code): code for code in _inside(compile(mutant.text(), path, "exec"))}
    functions = [each for each in gc.get_objects() if isinstance(each, FunctionType)]
    patched = False
    for function in functions:
        code = function.__code__
        if code.co_filename == path and changed.get(_place(code), code) != code:
            function.__code__ = changed[_place(code)]
            patched = True
    return patched


def forget() -> None:
    """Empties every cache of our own functions."""
    for each in gc.get_objects():
        if isinstance(each, functools._lru_cache_wrapper) and str(each.__module__).partition(".")[0] in OWN:
            each.cache_clear()


def _inside(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _inside(constant)


def _place(code: CodeType) -> tuple[str, int]:
    """Name and line of a function; several of a file may share a name."""
    name = code.co_qualname if sys.version_info >= (3, 11) else code.co_name
    return name, code.co_firstlineno
