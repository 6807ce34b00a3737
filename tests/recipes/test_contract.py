"""What every recipe promises; a new file in `recipes/` is tested by being there."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import json
import math
import shlex
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import keras
import numpy as np
import pytest

from tfft import cli, commands

FILES = commands.recipe_files()


@pytest.fixture(params=FILES)
def recipe(request: pytest.FixtureRequest) -> ModuleType:
    return importlib.import_module(f"recipes.{request.param}")


def typed(recipe: ModuleType) -> list[list[str]]:
    lines = recipe.__doc__.replace("\\\n", " ").splitlines()
    return [shlex.split(line) for line in lines if line.strip().startswith("python -m recipes.")]


def test_the_page_is_in_order(recipe: ModuleType) -> None:
    source = Path(recipe.__file__).read_text(encoding="utf-8")
    names = [
        getattr(node, "name", None) or node.targets[0].id
        for node in ast.parse(source).body
        if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Assign))
    ]
    expected = ["Config", "DEMO", "SMOKE", "load_data", "build_model", "evaluate", "prepare", "run"]
    assert [name for name in names if name in expected] == expected
    assert len(source.splitlines()) <= 173
    # no loop, and no class but the configuration: what would need one belongs into tfft
    nodes = list(ast.walk(ast.parse(source)))
    assert not any(isinstance(node, (ast.For, ast.While)) for node in nodes)
    assert [node.name for node in nodes if isinstance(node, ast.ClassDef)] == ["Config"]


def test_its_commands_can_be_typed(recipe: ModuleType) -> None:
    found = typed(recipe)
    assert found, "the docstring holds at least one command"
    for words in found:
        assert words[2] == recipe.__name__
        cli.parse(recipe.Config, recipe.DEMO, words[3:])


def test_every_field_is_documented_and_has_a_default(recipe: ModuleType) -> None:
    recipe.Config()
    body = next(
        node.body
        for node in ast.parse(Path(recipe.__file__).read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef) and node.name == "Config"
    )
    fields = [node for node in body[1:] if not isinstance(node, ast.FunctionDef)]
    for field, doc in zip(fields[::2], fields[1::2], strict=True):
        assert isinstance(field, ast.AnnAssign)
        assert isinstance(doc, ast.Expr), f"{field.target.id} has no docstring"
    with pytest.raises(dataclasses.FrozenInstanceError):
        recipe.Config().seed = 1


def test_smoke(recipe: ModuleType, tmp_path: Path) -> None:
    scores = recipe.run(dataclasses.replace(recipe.SMOKE, out=str(tmp_path / "run")))
    folder = tmp_path / "run"
    assert {p.name for p in folder.iterdir()} >= {
        "config.json", "history.csv", "report.json", "report.html", "model.keras", "labels.txt",
    }  # fmt: skip
    report = json.loads((folder / "report.json").read_text())
    assert report["scores"] == scores
    for values in scores.values():
        assert all(math.isfinite(value) for value in values.values() if isinstance(value, float))
    model = keras.saving.load_model(folder / "model.keras")
    splits = recipe.load_data(recipe.SMOKE)
    assert recipe.evaluate(model, splits)[0] == scores
    again = cli.parse(recipe.Config, recipe.DEMO, ["--replay", str(folder), "--out", str(tmp_path / "again")])
    assert recipe.run(again) == scores


def test_its_import_is_light(recipe: ModuleType, tmp_path: Path) -> None:
    """Importing a recipe imports no TensorFlow, so that its help answers in a blink."""
    program = f"import sys, {recipe.__name__}; print([m for m in ('tensorflow', 'keras', 'numpy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "[]\n"


def test_the_head_answers_with_finite_numbers(recipe: ModuleType) -> None:
    model, task = recipe.build_model(recipe.SMOKE, ["a", "b"])
    model.compile("adam", task.loss, metrics=list(task.metrics))
    shape = model.input_shape[1:]
    assert np.isfinite(model.predict(np.zeros((2, *shape), np.float32), verbose=0)).all()
