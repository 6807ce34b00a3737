"""Digests of code for the keys of stored results: a function or class together with all that it refers to."""

from __future__ import annotations

import ast
import builtins
import dataclasses
import dis
import enum
import functools
import hashlib
import importlib
import importlib.util
import logging
import pickle
import re
import site
import sys
import sysconfig
import types
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path, PurePath
from typing import Any

import numpy as np

INSTALLED = {
    Path(folder).resolve()
    for folder in (*sysconfig.get_paths().values(), *site.getsitepackages(), Path(__file__).parent.parent)
}
HEAP_TYPE = 1 << 9  # a flag of CPython: the class was made by a `class` statement
PLAIN = (type(None), bool, int, float, complex, str, bytes, type(...), range, slice, PurePath, np.generic, np.dtype)
SKIPPED = {"__dict__", "__weakref__", "__doc__", "__module__", "__annotations__", "__qualname__", "_abc_impl"}
SKIPPED |= {"__firstlineno__", "__static_attributes__", "__dataclass_params__", "__match_args__"}
"""Attributes of a class that do not change what it does."""

Described = Iterator[str]
Seen = dict[int, Any]


class UnknownCodeError(Exception):
    """Something refers to an object that cannot be digested."""


def code_digest(*things: Any) -> str:
    """Hash of functions, classes and values with all that they refer to, 32 hexadecimal digits.

    Your own code counts with all that it reaches: global variables, defaults, values of outer functions, base classes,
    and your own modules with all that they import. Of an installed package its version counts. What the code reads
    from files, or looks up by name while it runs, does not count.

    Returns:
        The same digits for the same code. They differ in every call if something cannot be digested, such as an open
        file or a random generator: then nothing is ever mistaken for something else.
    """
    try:
        return _digest("\n".join(_described(things, {})))
    except UnknownCodeError:
        return uuid.uuid4().hex  # never the same


@functools.cache
def source_digest(*files: Path) -> str:
    """Hash of Python files without docstrings and comments, 32 hexadecimal digits."""
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in files]
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(body := getattr(node, "body", None), list):
            # a statement that is a constant alone is a docstring
            node.body = [one for one in body if not (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))]
    return _digest("\n".join(map(ast.dump, trees)))


def is_own(thing: Any) -> bool:
    """Whether a function or class is your own: not from Python, an installed package or tfft."""
    module = getattr(thing, "__module__", None)
    if module in (None, "builtins"):  # so is what `exec` has made
        return isinstance(thing, types.FunctionType) or (
            isinstance(thing, type) and bool(thing.__flags__ & HEAP_TYPE) and not hasattr(builtins, thing.__name__)
        )
    return _is_own_module(module)


def _is_own_module(name: str) -> bool:
    if name == "__main__":
        return True
    module = sys.modules.get(name)
    if name.partition(".")[0] in sys.stdlib_module_names or module is None:
        return module is None
    file = getattr(module, "__file__", None)
    if file is None:  # a module of Python or of an extension; a package without `__init__.py` has a path
        return hasattr(module, "__path__")
    return not _is_installed(file)


@functools.cache
def _is_installed(file: str) -> bool:
    path = Path(file).resolve()
    return any(path.is_relative_to(folder) for folder in INSTALLED)


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _named(module: str | None, name: str = "") -> str:
    """A part of an installed package, with the version of the package."""
    top = sys.modules.get((module or "").partition(".")[0])
    return f"{module}.{name} {getattr(top, '__version__', '')}"


def _described(thing: Any, seen: Seen) -> Described:
    """Lines that say what a thing is; if it was met before, its number."""
    if isinstance(thing, enum.Enum):
        yield f"member {thing.name}"
        yield from _described(type(thing), seen)
        return
    if isinstance(thing, PLAIN):
        yield f"{type(thing).__name__} {thing!r}"
        return
    if id(thing) in seen:
        yield f"again {list(seen).index(id(thing))}"
        return
    seen[id(thing)] = thing  # kept, so that its id is not given to another object
    for kind, describe in KINDS.items():
        if isinstance(thing, kind):
            yield kind.__name__
            yield from describe(thing, seen)
            return
    if is_own(type(thing)) and hasattr(thing, "__dict__"):
        yield "instance"
        yield from _described((type(thing), vars(thing)), seen)
        return
    yield _reference(thing)


def _reference(thing: Any) -> str:
    """An object that an installed package offers under a name, such as `np.add`."""
    name = getattr(thing, "__qualname__", None) or getattr(thing, "__name__", None)
    if callable(thing) and isinstance(name, str):
        module = pickle.whichmodule(thing, name)
        found = functools.reduce(
            lambda parent, part: getattr(parent, part, None), name.split("."), sys.modules.get(module)
        )
        if found is thing and not _is_own_module(module):
            return _named(module, name)
    raise UnknownCodeError(type(thing).__name__)


def _function(function: types.FunctionType, seen: Seen) -> Described:
    if not is_own(function):
        yield _named(function.__module__, function.__qualname__)
        return
    yield from _code(function.__code__, seen)
    for value in (function.__defaults__, function.__kwdefaults__, function.__closure__):
        yield from _described(value, seen)
    for name in sorted(set(_global_names(function.__code__))):
        yield f"global {name}"
        if name in function.__globals__:
            yield from _described(function.__globals__[name], seen)
    for module in _imports(function.__code__, function.__globals__.get("__package__") or ""):
        yield from _described(module, seen)


def _code(code: types.CodeType, seen: Seen) -> Described:
    yield f"{code.co_argcount} {code.co_posonlyargcount} {code.co_kwonlyargcount} {code.co_flags}"
    yield f"{code.co_names} {code.co_varnames} {code.co_freevars} {code.co_cellvars}"
    yield f"{code.co_code.hex()} {code.co_exceptiontable.hex()}"
    for constant in code.co_consts:
        yield from _described(constant, seen)


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _codes(constant)


def _global_names(code: types.CodeType) -> Iterator[str]:
    for part in _codes(code):
        for step in dis.get_instructions(part):
            if step.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
                yield step.argval


def _imports(code: types.CodeType, package: str) -> Iterator[types.ModuleType]:
    """The modules that a function imports when it is called."""
    for part in _codes(code):
        steps = list(dis.get_instructions(part))
        for place, step in enumerate(steps):
            if step.opname == "IMPORT_NAME":
                name = "." * steps[place - 2].argval + step.argval
                parts = steps[place - 1].argval or ()
                try:
                    module = importlib.import_module(name, package)
                    yield module
                    if hasattr(module, "__path__") and _is_own_module(module.__name__):
                        names = (f"{module.__name__}.{part}" for part in parts)
                        yield from (importlib.import_module(name) for name in names if importlib.util.find_spec(name))
                except ImportError as error:
                    raise UnknownCodeError(name) from error


def _class(cls: type, seen: Seen) -> Described:
    if not is_own(cls):
        yield _named(cls.__module__, cls.__qualname__)
        return
    yield from _described(cls.__bases__, seen)
    fields = cls.__dict__.get("__dataclass_fields__", {})
    for name, value in vars(cls).items():
        generated = fields and isinstance(value, types.FunctionType) and value.__code__.co_filename == "<string>"
        if name not in SKIPPED | {"__dataclass_fields__"} and not generated:
            yield name
            yield from _described(value, seen)
    for field in fields.values():
        options = (field.default, field.default_factory)
        yield from _described((field.name, *(None if one is dataclasses.MISSING else one for one in options)), seen)


def _module(module: types.ModuleType, seen: Seen) -> Described:
    if not _is_own_module(module.__name__):
        yield _named(module.__name__)
        return
    file = getattr(module, "__file__", None)
    if file is None and not hasattr(module, "__path__"):  # a notebook
        raise UnknownCodeError(module.__name__)
    yield Path(file).read_bytes().hex() if file else ""
    for name, value in list(vars(module).items()):
        elsewhere = getattr(value, "__module__", None) != module.__name__
        if isinstance(value, types.ModuleType) or (isinstance(value, (type, types.FunctionType)) and elsewhere):
            yield name
            yield from _described(value, seen)


def _builtin(function: types.BuiltinFunctionType, seen: Seen) -> Described:
    yield function.__qualname__
    yield from _described(function.__self__, seen)


def _array(array: np.ndarray, seen: Seen) -> Described:
    if array.dtype.hasobject:
        raise UnknownCodeError("an array of objects")
    yield f"{array.dtype} {array.shape} {hashlib.blake2b(np.ascontiguousarray(array).tobytes()).hexdigest()}"


def _set(values: set[Any] | frozenset[Any], seen: Seen) -> Described:
    yield from sorted(_digest("\n".join(_described(value, {}))) for value in values)


def _parts(*names: str) -> Callable[[Any, Seen], Described]:
    """Describes a thing by its attributes."""

    def describe(thing: Any, seen: Seen) -> Described:
        for name in names:
            yield from _described(getattr(thing, name), seen)

    return describe


def _each(values: Any, seen: Seen) -> Described:
    yield str(len(values))
    for value in values.items() if isinstance(values, dict) else values:
        yield from _described(value, seen)


KINDS: dict[type, Callable[[Any, Seen], Described]] = {
    tuple: _each,
    list: _each,
    dict: _each,
    set: _set,
    frozenset: _set,
    np.ndarray: _array,
    types.FunctionType: _function,
    types.MethodType: _parts("__func__", "__self__"),
    types.BuiltinFunctionType: _builtin,
    types.ModuleType: _module,
    types.CodeType: _code,
    types.CellType: _parts("cell_contents"),
    type: _class,
    property: _parts("fget", "fset", "fdel"),
    staticmethod: _parts("__func__"),
    classmethod: _parts("__func__"),
    types.MemberDescriptorType: _parts("__name__"),
    types.GetSetDescriptorType: _parts("__name__"),
    functools.cached_property: _parts("func"),
    functools.partial: _parts("func", "args", "keywords"),
    functools._lru_cache_wrapper: _parts("__wrapped__"),
    re.Pattern: _parts("pattern", "flags"),
    logging.Logger: _parts("name"),
}
