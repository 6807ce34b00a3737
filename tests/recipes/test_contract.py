"""What every page promises; a new file in `recipes/` is tested by being there. Their runs are in `test_runs.py`."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import math
import shlex
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from tfft import cli, commands, runs

FILES = commands.recipe_files()


@pytest.fixture(params=FILES)
def recipe(request: pytest.FixtureRequest) -> ModuleType:
    return importlib.import_module(f"recipes.{request.param}")


def test_the_page_is_in_order(recipe: ModuleType) -> None:
    source = Path(recipe.__file__).read_text(encoding="utf-8")
    tree = ast.parse(source)
    names = [
        getattr(node, "name", None) or node.targets[0].id
        for node in tree.body
        if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Assign))
    ]
    expected = ["Config", "DEMO", "SMOKE", "load_data", "build_model", "evaluate", "prepare", "run"]
    assert [name for name in names if name in expected] == expected
    assert len(source.splitlines()) <= 195
    # no loop, and no class but the configuration: what would need one belongs into tfft
    nodes = list(ast.walk(tree))
    assert not any(isinstance(node, (ast.For, ast.While)) for node in nodes)
    (config,) = [node for node in nodes if isinstance(node, ast.ClassDef)]
    fields = [node for node in config.body[1:] if not isinstance(node, ast.FunctionDef)]
    for field, doc in zip(fields[::2], fields[1::2], strict=True):
        assert isinstance(field, ast.AnnAssign)
        assert isinstance(doc, ast.Expr), f"{field.target.id} has no docstring"


def test_its_commands_can_be_typed(recipe: ModuleType) -> None:
    lines = recipe.__doc__.replace("\\\n", " ").splitlines()
    typed = [shlex.split(line) for line in lines if line.strip().startswith("python -m recipes.")]
    assert typed, "the docstring holds at least one command"
    for words in typed:
        assert words[2] == recipe.__name__
        cli.parse(recipe.Config, recipe.DEMO, words[3:])


def test_its_configuration_is_frozen_and_comes_back_from_a_run_folder(recipe: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        recipe.Config().seed = 1
    config = dataclasses.replace(recipe.SMOKE, seed=3, out=str(tmp_path / "run"))
    with runs.open_run(recipe.__name__, config) as run:
        (run.folder / "result").touch()
    again = cli.parse(recipe.Config, recipe.DEMO, ["--replay", str(tmp_path / "run"), "--out", str(tmp_path / "run")])
    assert again == config


def test_fields_of_one_name_agree() -> None:
    """In type where two recipes have them; a recipe's own words may differ in what pictures are for."""
    types: dict[str, object] = {}
    for name in FILES:
        for field in dataclasses.fields(importlib.import_module(f"recipes.{name}").Config):
            if field.name not in ("columns", "balance", "pooling"):  # another table; another loss; a first token
                assert types.setdefault(field.name, field.type) == field.type, f"{name}: {field.name}"


def test_their_import_is_light() -> None:
    """Importing a recipe imports no TensorFlow, so that its help answers in a blink."""
    heavy = "[name for name in ('tensorflow', 'keras', 'numpy') if name in sys.modules]"
    program = f"import sys, {', '.join(f'recipes.{name}' for name in FILES)}; print({heavy})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr


@pytest.mark.slow
def test_smoke(recipe: ModuleType, tmp_path: Path) -> None:
    """The networks and the data that the page names, and a backbone that is known by name."""
    scores = recipe.run(dataclasses.replace(recipe.SMOKE, out=str(tmp_path / "run")))
    for values in scores.values():
        assert all(math.isfinite(value) for value in values.values() if isinstance(value, float))


@pytest.mark.slow
def test_the_head_answers_with_finite_numbers(recipe: ModuleType) -> None:
    model, task = recipe.build_model(recipe.SMOKE, ["a", "b"])
    model.compile("adam", task.loss, metrics=list(task.metrics))
    asked = [np.ones((2, *(side or 8 for side in one.shape[1:])), one.dtype) for one in model.inputs]
    assert np.isfinite(model.predict(asked if len(asked) > 1 else asked[0], verbose=0)).all()
