"""What every page promises; a new file in `recipes/` is tested by being there. Their runs are in `test_runs.py`."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import json
import math
import re
import shlex
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import keras
import numpy as np
import pytest

from tfft import cli, models, pages, pictures, runs
from tfft.runs import replay
from tfft.runs.folders import changed_settings

RECIPES = list(pages.stock_pages())
HEADED = ["image_classification", "image_multilabel", "image_regression", "text_classification"]
"""Those with a head that answers once for each example."""
CONFIGS = Path(__file__).parent / "configs"
"""By recipe the `config.json` of a run of the demo, as tfft wrote it before the pages shared their fields."""


@pytest.fixture(params=RECIPES)
def recipe(request: pytest.FixtureRequest) -> ModuleType:
    return importlib.import_module(f"recipes.{request.param}")


@pytest.fixture(scope="module")
def encoder() -> models.Encoder:
    return models.load_encoder("demo")


def test_the_page_is_in_order(recipe: ModuleType) -> None:
    source = Path(recipe.__file__).read_text(encoding="utf-8")
    tree = ast.parse(source)
    names = [
        getattr(node, "name", None) or node.targets[0].id
        for node in tree.body
        if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Assign))
    ]
    expected = ["Config", "DEMO", "SMOKE", "load_data", "build_model", "evaluate", "figures", "RECIPE", "run"]
    assert [name for name in names if name in expected] == expected
    assert len(source.splitlines()) <= 100
    # no loop, and no class but the configuration: what would need one belongs into tfft
    nodes = list(ast.walk(tree))
    assert not any(isinstance(node, (ast.For, ast.While)) for node in nodes)
    assert [node.name for node in nodes if isinstance(node, ast.ClassDef)] == ["Config"]


def test_every_field_is_explained(recipe: ModuleType) -> None:
    """On the page, or where the page has it from."""
    explained = re.findall(r"^ *(\w+): +\S", recipe.Config.__doc__, flags=re.MULTILINE)
    assert {field.name for field in dataclasses.fields(recipe.Config)} <= set(explained)


def test_it_is_named_after_its_file(recipe: ModuleType) -> None:
    page = recipe.RECIPE.page
    assert (page.name, page.path) == (recipe.__name__.partition(".")[2], Path(recipe.__file__))
    assert not page.own


def test_its_commands_can_be_typed(recipe: ModuleType) -> None:
    lines = recipe.__doc__.replace("\\\n", " ").splitlines()
    typed = [shlex.split(line) for line in lines if line.strip().startswith("python -m recipes.")]
    assert typed, "the docstring holds at least one command"
    for words in typed:
        assert words[2] == recipe.__name__
        cli.parse(recipe.Config, recipe.DEMO, words[3:], recipe.RECIPE.page)


def test_its_configuration_is_frozen_and_comes_back_from_a_run_folder(recipe: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        recipe.Config().seed = 1
    config = dataclasses.replace(recipe.SMOKE, seed=3, out=str(tmp_path / "run"))
    page = recipe.RECIPE.page
    with runs.open_run(page, config) as run:
        (run.folder / "result").touch()
    words = ["--replay", str(tmp_path / "run"), "--out", str(tmp_path / "run")]
    assert cli.parse(recipe.Config, recipe.DEMO, words, page) == config


@pytest.mark.parametrize("name", sorted(path.stem for path in CONFIGS.glob("*.json")))
def test_a_run_of_an_earlier_tfft_is_replayed(name: str, tmp_path: Path) -> None:
    recipe = importlib.import_module(f"recipes.{name}")
    page = recipe.RECIPE.page
    text = (CONFIGS / f"{page.name}.json").read_text(encoding="utf-8")
    (tmp_path / "config.json").write_text(text, encoding="utf-8")
    stored = json.loads(text)
    assert stored["recipe"] == page.name
    again = cli.parse(recipe.Config, recipe.DEMO, ["--replay", str(tmp_path)], page)
    assert list(changed_settings(stored, again)) == []  # so it is resumed, too
    for name, value in replay.of_earlier(recipe.Config, stored["config"]).items():
        read = replay.as_json(getattr(again, name))
        # a group of columns may have got further fields
        assert ({**read, **value} if isinstance(value, dict) else value) == read, name


def test_fields_of_one_name_agree() -> None:
    """In type where two recipes have them; a recipe's own words may differ in what pictures are for."""
    types: dict[str, object] = {}
    for name in RECIPES:
        for field in dataclasses.fields(importlib.import_module(f"recipes.{name}").Config):
            if field.name not in ("columns", "balance", "pooling"):  # another table; another loss; a first token
                assert types.setdefault(field.name, field.type) == field.type, f"{name}: {field.name}"


def test_their_import_is_light() -> None:
    """Importing a recipe imports no TensorFlow, so that its help answers in a blink."""
    heavy = "[name for name in ('tensorflow', 'keras', 'numpy') if name in sys.modules]"
    program = f"import sys, {', '.join(f'recipes.{name}' for name in RECIPES)}; print({heavy})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr


def built(recipe: ModuleType, pyramid: keras.Model, encoder: models.Encoder, **choices: Any) -> keras.Model:
    """The model of a page with some choices, whose answers fit its task."""
    if issubclass(recipe.Config, pictures.Config):
        backbone, choices = pyramid, {**choices, "image_size": (64, 64)}
    else:
        backbone = encoder
    model, task = recipe.build_model(dataclasses.replace(recipe.DEMO, **choices), ["a", "b", "c"], backbone)
    task.check(model)
    return model


@pytest.mark.parametrize("recipe", HEADED, indirect=True)
def test_what_is_chosen_reaches_the_head(recipe: ModuleType, pyramid: keras.Model, encoder: models.Encoder) -> None:
    for pooling, pools in {"avg": "Average", "max": "Max"}.items():
        choices = {"pooling": pooling} if hasattr(recipe.DEMO, "pooling") else {}
        model = built(recipe, pyramid, encoder, features=1, hidden=(7, 6), dropout=0.3, **choices)
        names = [layer.name for layer in model.layers if layer.name.startswith("head_")]
        assert names[:4] == ["head_pool", "head_hidden_1", "head_hidden_2", "head_dropout"]
        assert pools in type(model.get_layer("head_pool")).__name__ or not choices
        assert [model.get_layer(f"head_hidden_{number}").units for number in (1, 2)] == [7, 6]
        assert model.get_layer("head_dropout").rate == 0.3
        assert model.output_shape == (None, 3)


# a page that makes a decoder needs data
@pytest.mark.parametrize("recipe", [*HEADED, "object_detection", "semantic_segmentation"], indirect=True)
def test_answers_stay_float32_in_half_precision(
    recipe: ModuleType, pyramid: keras.Model, encoder: models.Encoder
) -> None:
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = built(recipe, pyramid, encoder)
    finally:
        keras.config.set_dtype_policy("float32")
    assert model.output.dtype == "float32"


@pytest.mark.slow
def test_smoke(recipe: ModuleType, tmp_path: Path) -> None:
    """The networks and the data that the page names, and a backbone that is known by name."""
    result = recipe.run(dataclasses.replace(recipe.SMOKE, out=str(tmp_path / "run")))
    for values in result.scores.values():
        assert all(math.isfinite(value) for value in values.values() if isinstance(value, float))


@pytest.mark.slow
def test_the_head_answers_with_finite_numbers(recipe: ModuleType) -> None:
    model, task = recipe.build_model(recipe.SMOKE, ["a", "b"])
    model.compile("adam", task.loss, metrics=list(task.metrics))
    asked = [np.ones((2, *(side or 8 for side in one.shape[1:])), one.dtype) for one in model.inputs]
    assert np.isfinite(model.predict(asked if len(asked) > 1 else asked[0], verbose=0)).all()
