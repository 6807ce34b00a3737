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
from typing import Any

import keras
import numpy as np
import pytest

from tfft import cli, commands, runs, training
from tfft.data import phrases, scenes
from tfft.store import Storage

FILES = commands.recipe_files()

PLAIN = """
import sys, keras, numpy as np
asked = np.load(sys.argv[2])
if "texts" in asked:
    import keras_hub, tensorflow
    model = keras.saving.load_model(sys.argv[1], compile=False)
    texts = tensorflow.constant(asked["texts"])
    answers = model.predict([texts, asked["given"]] if "given" in asked else texts, verbose=0)
else:
    model = keras.saving.load_model(sys.argv[1], compile=False)
    answers = model(asked["pictures"], training=False)  # without a graph, which would take most of the time
np.savez(sys.argv[3], *keras.tree.flatten(answers))
assert "tfft" not in sys.modules and "recipes" not in sys.modules
"""


@pytest.fixture(autouse=True)
def _few_scenes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo scenes are 1,700 and the texts 2,200, of which a test needs some."""
    for split, count in {"train": 48, "val": 24, "test": 24}.items():
        monkeypatch.setitem(scenes.SIZES, split, count)
        monkeypatch.setitem(phrases.SIZES, split, count)


@pytest.fixture(params=FILES)
def recipe(request: pytest.FixtureRequest) -> ModuleType:
    return importlib.import_module(f"recipes.{request.param}")


def close(one: Any, other: Any) -> bool:
    """Whether scores differ by rounding alone: a whole network works on batches of another size than a trunk."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(close(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(close, one, other))
    return math.isclose(one, other, rel_tol=1e-4, abs_tol=1e-6) if isinstance(one, float) else one == other


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
    assert len(source.splitlines()) <= 195
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
    if splits.val.texts is None:
        assert close(recipe.evaluate(model, splits)[0], scores)
        asked = {"pictures": splits.val.inputs[:3].astype("float32")}
        expected = keras.tree.flatten(model(asked["pictures"], training=False))
    elif splits.val.references is None:
        answers = model.predict(splits.val.texts, verbose=0)
        assert (answers.argmax(axis=-1) == splits.val.targets).mean() == scores["val"]["accuracy"]
        asked, expected = {"texts": splits.val.texts[:3].astype(str)}, [answers[:3]]
    else:
        asked = {"texts": splits.val.texts[:3].astype(str), "given": splits.val.targets[:3]}
        expected = [model.predict([splits.val.texts[:3], asked["given"]], verbose=0)]
    np.savez(tmp_path / "asked.npz", **asked)
    files = [str(tmp_path / name) for name in ("run/model.keras", "asked.npz", "answers.npz")]
    subprocess.run([sys.executable, "-c", PLAIN, *files], check=True, cwd=tmp_path, capture_output=True)
    found = np.load(tmp_path / "answers.npz").values()
    assert all(np.allclose(*pair, atol=1e-5) for pair in zip(found, expected, strict=True))
    again = cli.parse(recipe.Config, recipe.DEMO, ["--replay", str(folder), "--out", str(tmp_path / "run")])
    assert again == dataclasses.replace(recipe.SMOKE, out=str(tmp_path / "run"))


def test_stored_and_streamed_are_the_same_to_the_last_bit(
    recipe: ModuleType, pyramid: keras.Model, tmp_path: Path
) -> None:
    """With views, so that targets move with their pictures; `Task.encode` and several crossing tensors included."""
    config, start = recipe.SMOKE, pyramid.get_weights()
    if hasattr(config, "image_size"):
        small = {"backbone": pyramid, "backbone_options": {}, "image_size": (64, 64)}
        config = dataclasses.replace(config, **small, augment="light", views=2)
    found = []
    for limit in (1.0, 1e-9):
        stored = dataclasses.replace(config, store=Storage(folder=str(tmp_path / str(limit)), limit=limit))
        pyramid.set_weights(start)
        with runs.rehearse(recipe.__name__, stored) as current:
            model, task, plan, *_ = recipe.prepare(stored, current)
            history = training.fine_tune(model, task, plan)
        assert any(plan.activations.stored) == (limit == 1.0)
        losses = [{name: value for name, value in row.items() if name != "seconds"} for row in history.rows]
        found.append((losses, model.get_weights()))
    (losses, weights), (others, other_weights) = found
    assert losses == others
    assert all(map(np.array_equal, weights, other_weights))


def test_fields_of_one_name_agree(recipe: ModuleType) -> None:
    """In type and default where two recipes have them; a recipe's own words may differ in what pictures are for."""
    ours = {field.name: field.type for field in dataclasses.fields(recipe.Config)}
    for name in FILES:
        other = importlib.import_module(f"recipes.{name}").Config
        theirs = {field.name: field.type for field in dataclasses.fields(other)}
        different = {key for key in ours.keys() & theirs.keys() if ours[key] != theirs[key]}
        assert different <= {"columns", "balance", "pooling"}  # another table; another loss; texts have a first token


def test_its_import_is_light(recipe: ModuleType, tmp_path: Path) -> None:
    """Importing a recipe imports no TensorFlow, so that its help answers in a blink."""
    program = f"import sys, {recipe.__name__}; print([m for m in ('tensorflow', 'keras', 'numpy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "[]\n"


def test_the_head_answers_with_finite_numbers(recipe: ModuleType) -> None:
    model, task = recipe.build_model(recipe.SMOKE, ["a", "b"])
    model.compile("adam", task.loss, metrics=list(task.metrics))
    asked = [np.ones((2, *(side or 8 for side in one.shape[1:])), one.dtype) for one in model.inputs]
    assert np.isfinite(model.predict(asked if len(asked) > 1 else asked[0], verbose=0)).all()
