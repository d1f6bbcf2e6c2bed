"""A mutant put in place of what is loaded: the code of functions, the values of modules and the defaults of records."""

import functools
import gc
import re
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

from scripts.mutation.mutants import ROOT, Mutant


def patch_functions(mutant: Mutant, tree: Path) -> bool:
    """Gives the loaded functions of the mutant's file its code; False where what it changes ran when it was loaded."""
    _module_of(mutant)
    path = str(tree / mutant.path.relative_to(ROOT))
    changed = {_place(code): code for code in _inside(compile(mutant.text(), path, "exec"))}
    functions = [each for each in gc.get_objects() if isinstance(each, FunctionType)]
    patched = False
    for function in functions:
        code = function.__code__
        if code.co_filename == path and changed.get(_place(code), code) != code:
            function.__code__ = changed[_place(code)]
            patched = True
    return patched


def patch_values(mutant: Mutant, tree: Path) -> bool:
    """Gives the mutant's module, and those that import from it, the values and defaults that it has when it is loaded.

    What other modules have worked out from them stays.
    """
    module = _module_of(mutant)
    fresh = ModuleType(module.__name__)
    fresh.__file__ = module.__file__
    exec(compile(mutant.text(), str(tree / mutant.path.relative_to(ROOT)), "exec"), vars(fresh))
    patched = False
    for name, new in vars(fresh).items():
        old = vars(module).get(name)
        if name.startswith("__") or getattr(new, "__module__", fresh.__name__) != fresh.__name__:
            continue
        if isinstance(new, FunctionType):
            patched |= _take_defaults(old, new)
        elif isinstance(new, type):
            patched |= _take_record_defaults(old, new)
        elif _text(old) != _text(new):
            _rebind(name, old, new, tree)
            patched = True
    return patched


def forget(tree: Path) -> None:
    """Empties every cache of the functions of a tree."""
    own = {module.__name__ for module in _modules(tree)}
    for each in gc.get_objects():
        if isinstance(each, functools._lru_cache_wrapper) and each.__module__ in own:
            each.cache_clear()


def _module_of(mutant: Mutant) -> ModuleType:
    file = mutant.path.relative_to(ROOT)
    return import_module(".".join(file.with_suffix("").parts).removesuffix(".__init__"))


def _text(value: object) -> str:
    """A value in words, without where it lies in memory."""
    return re.sub(r" at 0x\w+", "", repr(value))


def _take_defaults(old: Any, new: Any) -> bool:
    """Whether a function's defaults were others; it has them now."""
    if not isinstance(old, FunctionType) or not isinstance(new, FunctionType):
        return False
    if _text((old.__defaults__, old.__kwdefaults__)) == _text((new.__defaults__, new.__kwdefaults__)):
        return False
    old.__defaults__, old.__kwdefaults__ = new.__defaults__, new.__kwdefaults__
    return True


def _take_record_defaults(old: Any, new: Any) -> bool:
    """Whether a class's methods, or its fields, had other defaults; it has them now."""
    methods = ("__new__", "__init__", *(name for name, each in vars(new).items() if isinstance(each, FunctionType)))
    patched = [_take_defaults(getattr(old, name, None), getattr(new, name)) for name in methods]
    getattr(old, "_field_defaults", {}).update(getattr(new, "_field_defaults", {}))
    for name, field in getattr(new, "__dataclass_fields__", {}).items():
        old.__dataclass_fields__[name].default = field.default
    return any(patched)


def _rebind(name: str, old: object, new: object, tree: Path) -> None:
    """Puts a value in place of another in every module that has it: by that name, or as the same object."""
    scalar = old is None or isinstance(old, bool | int | float | str)
    for module in _modules(tree):
        for key, value in list(vars(module).items()):
            if (key == name or not scalar) and value is old:
                setattr(module, key, new)


def _modules(tree: Path) -> list[ModuleType]:
    """Every loaded module of a tree, be it a package's or a file of tests."""
    within = f"{tree}/"
    return [each for each in sys.modules.values() if str(getattr(each, "__file__", "")).startswith(within)]


def _inside(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _inside(constant)


def _place(code: CodeType) -> tuple[str, int]:
    """Name and line of a function; several of a file may share a name."""
    name = code.co_qualname if sys.version_info >= (3, 11) else code.co_name
    return name, code.co_firstlineno
