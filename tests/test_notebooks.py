"""Each notebook runs from top to bottom on small data, and is committed without outputs."""

from __future__ import annotations

import importlib
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import matplotlib
import nbformat
import pytest
from nbclient import NotebookClient

from tfft.data.demo import phrases, scenes

FOLDER = Path(__file__).parent.parent / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
CHOICE = re.compile(r"^(config = DEMO|settings = \{\})$", re.MULTILINE)
"""The line that a person changes, and so do these tests."""


def read(path: Path) -> tuple[nbformat.NotebookNode, str]:
    """A notebook, and the name of the recipe that it follows."""
    notebook = nbformat.read(path, as_version=4)
    source = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    assert len(CHOICE.findall(source)) == 1
    return notebook, re.search(r"(?:from recipes\.|tfft\.run\(\")(\w+)", source)[1]


def changed(source: str, config: str, settings: str) -> str:
    """A cell with another choice."""
    return CHOICE.sub(lambda found: config if found[1].startswith("config") else settings, source)


def test_they_are_committed_without_outputs() -> None:
    assert NOTEBOOKS
    for path in NOTEBOOKS:
        for cell in nbformat.read(path, as_version=4).cells:
            assert not cell.get("outputs"), path.name
            assert cell.get("execution_count") is None, path.name


@pytest.mark.parametrize(
    "path",
    # one that follows the road step by step, and one that uses what was trained; the others call `run`
    [pytest.param(p, id=p.stem, marks=() if p.stem[:2] in ("01", "05") else pytest.mark.slow) for p in NOTEBOOKS],
)
def test_its_cells_run(
    path: Path,
    pyramid: keras.Model,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """In this process, with a tiny network and few examples."""
    monkeypatch.chdir(tmp_path)
    matplotlib.use("agg")
    for split, count in {"train": 48, "val": 24, "test": 24}.items():
        monkeypatch.setitem(scenes.SIZES, split, count)
        monkeypatch.setitem(phrases.SIZES, split, count)
    notebook, recipe = read(path)
    page = importlib.import_module(f"recipes.{recipe}")
    small: Any = page.SMOKE
    small = replace(small, tune=replace(small.tune, epochs=0))
    if hasattr(small, "image_size"):
        small = replace(small, backbone=pyramid, backbone_options={}, image_size=(64, 64))
    settings = {name: value for name, value in vars(small).items() if value != getattr(page.DEMO, name)}
    names = {"__name__": path.stem, "small": small, "settings_of_small": settings}
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type == "code":
            source = changed(cell.source, "config = small", "settings = settings_of_small")
            exec(compile(source, f"{path.name}, cell {number}", "exec"), names)
    matplotlib.pyplot.close("all")
    assert "predicted:" in capsys.readouterr().out


# the client's own event loop, and the sockets of the kernel that it leaves to the collector
@pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)
@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_in_a_kernel(path: Path, tmp_path: Path) -> None:
    notebook, recipe = read(path)
    for cell in notebook.cells:
        smoke = f"from recipes.{recipe} import DEMO, SMOKE\n\n"
        differing = "{name: value for name, value in vars(SMOKE).items() if value != getattr(DEMO, name)}"
        cell.source = changed(cell.source, f"{smoke}config = SMOKE", f"{smoke}settings = {differing}")
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": tmp_path}}).execute()
    said = "".join(o.get("text", "") for cell in notebook.cells for o in cell.get("outputs", []))
    assert "predicted:" in said
