from __future__ import annotations

import shlex
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from recipes.image_regression import DEMO, RECIPE, Config, build_model, load_data, run
from tfft import cli
from tfft.errors import DataError

SMALL = shlex.split("--backbone MobileNet --backbone-options '{\"alpha\": 0.25}' --weights none --image-size 32 32")


def config(*flags: str) -> Config:
    return cli.parse(Config, DEMO, [*SMALL, *flags], RECIPE.page)


def test_the_error_that_is_chosen_is_the_loss_in_deviations(number_table: Path, network: keras.Model) -> None:
    backbone = keras.Model(network.inputs[0], network.get_layer("relu_3").output)
    splits = load_data(config("--data", str(number_table), "--columns.values", "grams", "price"))
    deviation = np.std(splits.train.targets, axis=0)
    for error, loss in {"squared": 4.0, "absolute": 2.0, "huber": 1.5}.items():
        chosen = config("--data", str(number_table), "--columns.values", "grams", "price", "--error", error)
        _, task = build_model(chosen, splits.labels, backbone, splits.train)
        truth = splits.train.targets[:3]
        assert np.asarray(task.loss(truth, truth + 2 * deviation)) == pytest.approx([loss] * 3, rel=1e-3)


def test_numbers_are_answered_in_units(number_table: Path) -> None:
    inputs = keras.Input((32, 32, 3))
    backbone = keras.Model(inputs, keras.layers.Conv2D(5, 3, trainable=False)(inputs))
    chosen = config("--data", str(number_table), "--columns.values", "grams", "price")
    splits = load_data(chosen)
    model, task = build_model(chosen, splits.labels, backbone, splits.train)
    task.check(model)
    mean, deviation = splits.train.targets.mean(axis=0), splits.train.targets.std(axis=0)
    # the network sees nothing in black pictures and starts from zero biases
    assert np.asarray(model(np.zeros((1, 32, 32, 3)))) == pytest.approx(mean[None], rel=1e-5)
    bright = np.random.default_rng(0).uniform(0, 255, (3, 32, 32, 3))
    deviations = np.asarray(keras.Model(model.input, model.get_layer("head_deviations").output)(bright))
    assert np.asarray(model(bright)) == pytest.approx(deviations * deviation + mean, rel=1e-5)


def test_folders_named_by_a_number(tmp_path: Path) -> None:
    for name, level in {"0.5": 40, "-3": 120, "1e2": 200}.items():
        (tmp_path / name).mkdir()
        for number in range(6):
            pixels = np.random.default_rng(number).integers(0, 40, (20, 20, 3)) + level
            Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / name / f"{number}.png")
    splits = load_data(config("--data", str(tmp_path)))
    for _, examples in splits.items():
        assert examples.targets[:, 0].tolist() == [float(Path(where).parent.name) for where in examples.where]


def test_targets_that_are_no_numbers_or_all_equal_are_told_first(number_table: Path, tmp_path: Path) -> None:
    first, *rows = number_table.read_text().splitlines()
    no_number = [*rows[:7], rows[7].replace(rows[7].split(",")[1], "nan"), *rows[8:]]
    equal = [f"{row.split(',')[0]},5,1" for row in rows]
    for changed, named in ((no_number, "'nan'.*'grams'"), (equal, "5.*60")):
        number_table.write_text("\n".join([first, *changed]))
        with pytest.raises(DataError, match=named):
            run(config("--data", str(number_table), "--columns.values", "grams", "--out", str(tmp_path / "run")))
        assert not (tmp_path / "run").exists()
