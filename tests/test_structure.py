"""The shape of the repository itself."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = sorted(p for p in (ROOT / "tfft").rglob("*.py") if p.name != "__init__.py")


@pytest.mark.parametrize("module", MODULES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_every_module_has_its_test_file(module: Path) -> None:
    mirrored = ROOT / "tests" / module.relative_to(ROOT / "tfft").parent / f"test_{module.name}"
    assert mirrored.is_file(), f"{mirrored.relative_to(ROOT)} is missing"


def test_every_test_file_has_its_module() -> None:
    mirrored = {p.relative_to(ROOT / "tfft").with_name(f"test_{p.name}") for p in MODULES}
    mirrored |= {Path(f"test_{name}.py") for name in ("structure", "notebooks", "readme", "benchmarks")}
    mirrored |= {Path("recipes", f"test_{p.name}") for p in (ROOT / "recipes").glob("*.py")}
    tests = {p.relative_to(ROOT / "tests") for p in (ROOT / "tests").rglob("test_*.py")}
    assert tests - {Path("recipes/test_contract.py")} <= mirrored


def test_no_file_is_a_drawer() -> None:
    """Where a file of this name seems needed, the thing is not understood yet."""
    drawers = {"utils", "util", "common", "helpers", "base", "misc"}
    assert not [p for folder in ("tfft", "recipes", "tests") for p in (ROOT / folder).rglob("*") if p.stem in drawers]


@pytest.mark.parametrize("module", MODULES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_a_function_fits_on_a_screen(module: Path) -> None:
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno - node.lineno < 70, f"{module.name}: {node.name}"


@pytest.mark.parametrize("module", MODULES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_public_names_are_documented(module: Path) -> None:
    tree = ast.parse(module.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{module.name}: {node.name}"


def test_stubs_name_what_exists() -> None:
    """The public names of a package are imported from its stub at first use: each must be there."""
    import importlib

    for stub in (ROOT / "tfft").rglob("__init__.pyi"):
        package = importlib.import_module(f"tfft.{stub.parent.name}")
        for name in package.__all__:
            getattr(package, name)
