"""Recipe pages: those that come with tfft, and your own."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from tfft.errors import ConfigError, listed, nearest

FOLDER = Path(__file__).resolve().parent.parent / "recipes"
"""Found by its place, not by its name: your project may have a folder `recipes` too."""


@dataclass(frozen=True)
class Page:
    """The file of a recipe."""

    path: Path

    @property
    def name(self) -> str:
        """That of the file, without its suffix."""
        return self.path.stem

    @property
    def own(self) -> bool:
        """Whether it is not one of those that come with tfft."""
        return self.path.resolve().parent != FOLDER

    @property
    def digest(self) -> str:
        """32 hexadecimal digits of its source."""
        return hashlib.blake2b(self.path.read_bytes(), digest_size=16).hexdigest()

    @property
    def summary(self) -> str:
        """The first line of its docstring."""
        return (ast.get_docstring(ast.parse(self.path.read_text(encoding="utf-8"))) or "").partition("\n")[0]

    def described(self) -> dict[str, Any]:
        """Its entries in `config.json`: the name, and for your own page the path and a hash of its source."""
        about = {"recipe": self.name}
        return {**about, "page": {"file": str(self.path.resolve()), "digest": self.digest}} if self.own else about


def stock_pages() -> dict[str, Page]:
    """The recipes that come with tfft, by name; none is imported."""
    return {path.stem: Page(path) for path in sorted(FOLDER.glob("*.py")) if path.stem != "__init__"}


def find_page(name: str) -> Page:
    """The page of a name, or of a path that ends in `.py`.

    Raises:
        ConfigError: If it does not exist.
    """
    if name.endswith(".py"):
        if not Path(name).is_file():
            raise ConfigError(
                f"Page not found: {name}", fix="Check the path, or make one with `tfft cp RECIPE FILE.py`"
            )
        return Page(Path(name))
    stock = stock_pages()
    if name not in stock:
        beside = f", or {name}.py for your own page" if os.path.isfile(f"{name}.py") else ""
        raise ConfigError(f"Recipe not found: {name}", fix=f"Nearest: {nearest(name, stock)}{beside}. See `tfft ls`")
    return stock[name]


def load_page(page: Page) -> ModuleType:
    """Imports a page under a unique module name.

    Raises:
        ConfigError: If it lacks `Config`, `RECIPE` or `run`.
    """
    name = f"{'own_page' if page.own else 'recipes'}.{page.name}"
    module = sys.modules.get(name)
    if module is None or Path(module.__file__).resolve() != page.path.resolve():
        spec = importlib.util.spec_from_file_location(name, page.path)
        module = importlib.util.module_from_spec(spec)
        if page.own:
            sys.path.insert(0, str(page.path.resolve().parent))  # as Python does for a script
        sys.modules[name] = module  # where dataclasses look their annotations up
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[name]
            raise
    if missing := [name for name in ("Config", "RECIPE", "run") if not hasattr(module, name)]:
        raise ConfigError(
            f"{page.path} is not a recipe page: it has no {listed(missing)}",
            fix="Start from one that works: `tfft cp image_classification mine.py`",
        )
    return module


def page_of(*functions: Callable[..., Any]) -> Page:
    """The page of some functions: the first that does not come with tfft, else the page of the last function."""
    pages = [Page(Path(function.__code__.co_filename)) for function in functions]
    library = Path(__file__).resolve().parent
    own = [page for page in pages if page.own and not page.path.resolve().is_relative_to(library)]
    return own[0] if own else pages[-1]
