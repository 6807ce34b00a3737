"""The shape of the repository itself."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = sorted(path for path in (ROOT / "tfft").rglob("*.py") if path.name != "__init__.py")


@pytest.fixture(scope="module")
def trees() -> dict[str, ast.Module]:
    return {str(path.relative_to(ROOT)): ast.parse(path.read_text(encoding="utf-8")) for path in MODULES}


def test_every_room_has_its_tests() -> None:
    """Those of a package stand in a folder of its name: a file for a module, or for what several make together."""
    rooms = {path.parent.relative_to(ROOT / "tfft") for path in MODULES} | {Path("recipes")}
    assert {path.parent.relative_to(ROOT / "tests") for path in (ROOT / "tests").rglob("test_*.py")} == rooms


def test_no_file_is_a_drawer() -> None:
    """Where a file of this name seems needed, the thing is not understood yet."""
    drawers = {"utils", "util", "common", "helpers", "base", "misc"}
    assert not [p for folder in ("tfft", "recipes", "tests") for p in (ROOT / folder).rglob("*") if p.stem in drawers]


def test_a_function_fits_on_a_screen(trees: dict[str, ast.Module]) -> None:
    assert not [
        f"{module}: {node.name}"
        for module, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.end_lineno - node.lineno >= 70
    ]


def test_modules_and_public_names_are_documented(trees: dict[str, ast.Module]) -> None:
    assert not [module for module, tree in trees.items() if not ast.get_docstring(tree)]
    assert not [
        f"{module}: {node.name}"
        for module, tree in trees.items()
        for node in tree.body
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_")
        if not ast.get_docstring(node)
    ]


def test_stubs_name_what_exists() -> None:
    """The public names of a package are imported from its stub at first use: each must be there."""
    missing = []
    for stub in (ROOT / "tfft").rglob("__init__.pyi"):
        package = importlib.import_module(f"tfft.{stub.parent.name}")
        missing += [f"{package.__name__}.{name}" for name in package.__all__ if not hasattr(package, name)]
    assert not missing
