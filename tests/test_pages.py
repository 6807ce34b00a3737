from __future__ import annotations

import ast
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tfft import pages
from tfft.errors import ConfigError
from tfft.pages import Page, find_page, load_page, stock_pages
from tfft.whole import whole_page


def test_a_page_is_found_by_name_or_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert not find_page("image_classification").own
    for wrong, named in (
        ("image_clasification", "image_classification"),
        ("mine.py", r"mine\.py"),
        ("mine", "tfft ls"),
    ):
        with pytest.raises(ConfigError, match=named):
            find_page(wrong)
    Path("mine.py").write_text("Config = 1")
    assert find_page("mine.py").own
    with pytest.raises(ConfigError, match=r"mine\.py"):  # a name without its suffix
        find_page("mine")
    with pytest.raises(ConfigError, match=r"RECIPE, run"):
        load_page(find_page("mine.py"))


def test_a_folder_recipes_of_the_person_hides_nothing(tmp_path: Path) -> None:
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "__init__.py").touch()
    (tmp_path / "recipes" / "image_classification.py").write_text("raise SystemExit('theirs')")
    program = "from tfft.pages import *; print(load_page(find_page('image_classification')).Config().data)"
    paths = [str(tmp_path), str(pages.FOLDER.parent)]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {paths}; {program}"], capture_output=True, text=True
    )
    assert done.stdout == "demo\n", done.stderr


@pytest.mark.parametrize("name", stock_pages())
def test_a_whole_page_imports_nothing_shared_and_has_the_same_settings(name: str, tmp_path: Path) -> None:
    stock = load_page(find_page(name))
    path = tmp_path / f"whole_{name}.py"
    path.write_text(whole_page(Page(Path(stock.__file__))))
    imported = {
        alias.name
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module == "tfft"
        for alias in node.names
    }
    assert not imported & {"pictures", "texts", "workflow"}
    whole = load_page(Page(path))
    assert vars(whole.DEMO) == vars(stock.DEMO)
    assert vars(whole.SMOKE) == vars(stock.SMOKE)
    assert whole.RECIPE.page == Page(path)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["image_classification", "translation"])
def test_a_whole_page_runs(name: str, tmp_path: Path) -> None:
    path = tmp_path / "whole.py"
    path.write_text(whole_page(find_page(name)))
    page = load_page(Page(path))
    result = page.run(replace(page.SMOKE, out=str(tmp_path / "run")))
    assert set(result.scores) >= {"val", "test"}
    assert '"recipe": "whole"' in (result.folder / "config.json").read_text()
