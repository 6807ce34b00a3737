from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from recipes.image_multilabel import DEMO, RECIPE, Config, build_model, load_data, run
from tfft import cli
from tfft.errors import DataError

SMALL = shlex.split("--backbone MobileNet --backbone-options '{\"alpha\": 0.25}' --weights none --image-size 32 32")


def config(*flags: str) -> Config:
    return cli.parse(Config, DEMO, [*SMALL, *flags], RECIPE.page)


def test_one_column_with_a_separator_is_the_same_data(tag_table: Path) -> None:
    columns = load_data(config("--data", str(tag_table), "--columns.tags", "red", "green"))
    cells = load_data(config("--data", str(tag_table)))
    assert columns.labels == cells.labels == ["green", "red"]
    assert columns.train.ids == cells.train.ids
    assert np.array_equal(columns.train.targets, cells.train.targets)


def test_weights_make_a_rare_label_louder(tag_table: Path, network: keras.Model) -> None:
    """The weight of a label acts where that label is there, and on no other label."""
    lines = tag_table.read_text().splitlines()
    kept = [line for line in lines if ".png;1;" not in line or int(line.split(".")[0]) < 12]  # few red ones
    tag_table.write_text("\n".join(kept))
    chosen = config("--data", str(tag_table), "--balance", "weights")
    splits = load_data(chosen)
    backbone = keras.Model(network.inputs[0], network.get_layer("relu_3").output)
    _, task = build_model(chosen, splits.labels, backbone, train=splits.train)
    green, red = (label == np.array(splits.labels) for label in ("green", "red"))
    wrong = np.full((1, 2), 0.5, np.float32)
    alone = [float(task.loss(hot[None].astype(np.float32), wrong)[0]) for hot in (green, red)]
    nothing = float(task.loss(np.zeros((1, 2), np.float32), wrong)[0])
    count = dict(zip(splits.labels, splits.train.counts, strict=True))
    share = (len(splits.train) - count["red"]) / count["red"]
    assert share > 1.5
    assert alone[1] == pytest.approx(nothing * (1 + share) / 2, rel=1e-5)
    assert alone[0] == pytest.approx(
        nothing * (1 + (len(splits.train) - count["green"]) / count["green"]) / 2, rel=1e-5
    )


def test_what_is_wrong_with_a_table_is_said_before_training(tag_table: Path, tmp_path: Path) -> None:
    tag_table.write_text(tag_table.read_text().replace("7.png;1;1", "7.png;1;maybe"))
    with pytest.raises(DataError, match=r"'maybe'.*'green'.*list\.csv row"):
        run(config("--data", str(tag_table), "--columns.tags", "red", "green", "--out", str(tmp_path / "run")))
    assert not (tmp_path / "run").exists()


def test_boxes_say_which_classes_are_there(png: Callable[..., bytes], tmp_path: Path) -> None:
    for folder in ("images", "annotations"):
        (tmp_path / folder).mkdir()
    for number in range(12):
        (tmp_path / "images" / f"{number}.png").write_bytes(png(number))
        names = ["cat", "dog"][: 1 + number % 2] * 2
        box = "<bndbox><xmin>2</xmin><ymin>2</ymin><xmax>9</xmax><ymax>9</ymax></bndbox>"
        boxes = "".join(f"<object><name>{name}</name>{box}</object>" for name in names)
        (tmp_path / "annotations" / f"{number}.xml").write_text(f"<annotation>{boxes}</annotation>")
    splits = load_data(config("--data", str(tmp_path)))
    assert splits.labels == ["cat", "dog"]
    for _, examples in splits.items():
        odd = [int(Path(where).stem) % 2 for where in examples.where]
        assert np.array_equal(examples.targets, np.stack([np.ones(len(odd)), odd], axis=1))
