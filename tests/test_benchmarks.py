"""The command that made the demo weights goes on where it stopped, every mistake can be planted, and so on."""

from __future__ import annotations

import ast
import importlib.util
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from shapes import draw_shape

from tfft.data import Splits
from tfft.data.demo.textures import draw_texture

FOLDER = Path(__file__).parent.parent / "benchmarks"


def _loaded(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, name, module)  # where a dataclass looks for its annotations
        spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def script() -> ModuleType:
    return _loaded("pretrain_demo")


def build(config: Any, steps: int) -> keras.Model:
    """As in the script, with a network that is traced in a moment."""
    inputs = keras.Input((16, 16, 3))
    x = keras.layers.Conv2D(4, 3, strides=4, activation="relu")(keras.layers.Rescaling(1 / 255)(inputs))
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.BatchNormalization()(x))
    heads = {"shape": config.shapes, "texture": config.textures}
    outputs = {name: keras.layers.Dense(count, activation="softmax", name=name)(x) for name, count in heads.items()}
    model = keras.Model(inputs, outputs)
    rate = keras.optimizers.schedules.CosineDecay(1e-2, 3 * steps)
    model.compile(keras.optimizers.AdamW(rate), loss=dict.fromkeys(heads, "sparse_categorical_crossentropy"))
    return model


@pytest.mark.slow
def test_stopped_and_started_again_it_makes_the_same_weights(script: ModuleType, tmp_path: Path) -> None:
    config = script.Config(
        tmp_path / "straight", shapes=4, shape_pictures=8, textures=3, image_size=16, batch_size=8, epochs=3
    )
    rng = np.random.default_rng(0)
    shapes = [np.stack([draw_shape(number, rng, 16) for _ in range(8)]) for number in range(4)]
    textures = [np.stack([draw_texture(number, rng, 24) for _ in range(2)]) for number in range(3)]
    stopped = replace(config, folder=tmp_path / "stopped")
    for each in (config, stopped):
        each.folder.mkdir()
    straight = script.trained(config, shapes, textures, build)
    script.trained(replace(stopped, epochs=1), shapes, textures, build)
    keras.utils.clear_session()
    again = script.trained(stopped, shapes, textures, build)
    pairs = zip(straight.get_weights(), again.get_weights(), strict=True)
    assert all(np.array_equal(one, other) for one, other in pairs)
    assert len((stopped.folder / "history.csv").read_text().splitlines()) == 1 + 3


def test_every_epoch_draws_its_pictures_anew(script: ModuleType, tmp_path: Path) -> None:
    config = script.Config(tmp_path, shapes=2, shape_pictures=4, textures=1, image_size=16, batch_size=4)
    same, ground = [np.full((4, 16, 16), 90, np.uint8)] * 2, [draw_texture(0, np.random.default_rng(0), 24)[None]]
    first, again, second = (script.pictures(config, same, ground, epoch, steps=2) for epoch in (0, 0, 1))
    shown = [
        {pixels.tobytes() for step in range(2) for pixels in batches[step][0]} for batches in (first, again, second)
    ]
    assert shown[0] == shown[1]
    assert not shown[0] & shown[2]
    assert len(shown[0]) == 8


def test_what_is_compressed_is_read_the_same(script: ModuleType, tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((40,)), keras.layers.Dense(50), keras.layers.Dense(2)])
    model.save_weights(tmp_path / "large.weights.h5")
    script.compress(tmp_path / "large.weights.h5", tmp_path / "small.weights.h5")
    before = model.get_weights()
    model.set_weights([value * 0 for value in before])
    model.load_weights(tmp_path / "small.weights.h5")
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    with h5py.File(tmp_path / "small.weights.h5") as file:
        found = []
        file.visititems(lambda name, item: found.append(getattr(item, "compression", None)))
    assert "gzip" in found


@pytest.mark.slow
def test_the_whole_command_twice(tmp_path: Path) -> None:
    """Renders, trains, saves; the second time there is nothing left to do, and another choice is refused."""
    small = "--shapes 4 --shape-pictures 4 --textures 4 --texture-pictures 1 --image-size 32 --batch-size 8 --epochs 1"
    command = [sys.executable, str(FOLDER / "pretrain_demo.py"), "--folder", str(tmp_path), *shlex.split(small)]
    networks = []
    for _ in range(2):
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        path = str(tmp_path / "demo.weights.h5")
        networks.append(
            keras.applications.MobileNetV2(alpha=0.35, include_top=False, input_shape=(32, 32, 3), weights=path)
        )
    assert "1 of 1 epochs done" in done.stdout
    pairs = zip(networks[0].get_weights(), networks[1].get_weights(), strict=True)
    assert all(np.array_equal(one, other) for one, other in pairs)
    refused = subprocess.run([*command, "--seed", "1"], capture_output=True, text=True)
    assert "seed=1" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_some_examples_of_each_class(splits: Splits) -> None:
    few = _loaded("demo_weights").first_of_each(splits.train, 3)
    assert sorted(few.targets.tolist()) == [0, 0, 0, 1, 1, 1]
    places = [splits.train.ids.index(name) for name in few.ids]
    assert places == sorted(places)
    assert np.array_equal(few.inputs, splits.train.inputs[places])
    assert few.where == [splits.train.where[place] for place in places]


def test_every_mistake_can_be_planted() -> None:
    """One that cannot any more has to follow the code that it was planted in."""
    planting = _loaded("planted_mistakes")
    for mistake in planting.mistakes():
        ast.parse(mistake.planted(FOLDER.parent))
    with pytest.raises(ValueError, match=r"gone.*nowhere"):
        planting.Mistake("gone", "", "a text that is not there", "").place(FOLDER.parent)


@pytest.mark.slow
def test_killed_runs_leave_what_others_leave(capsys: pytest.CaptureFixture[str]) -> None:
    killing = _loaded("kill_test")
    for name, recipe, *stages in (
        ("SIGKILL", "image_classification", "decode", "head", "validation", "state"),
        ("SIGTERM", "text_classification", "tune", "save"),
    ):
        wrong = killing.main(killing.Settings(len(stages), name, (recipe,), tuple(stages)))
        assert wrong == 0, capsys.readouterr().out
