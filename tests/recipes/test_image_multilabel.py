from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from recipes.image_multilabel import DEMO, Config, build_model, run
from tfft import cli
from tfft.errors import DataError
from tfft.training import Phase

SMALL = shlex.split(
    "--backbone MobileNet --backbone-options '{\"alpha\": 0.25}' --weights none --image-size 32 32 --batch-size 8 "
    "--augment light --views 2 --head.epochs 1 --tune.epochs 1"
)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Noise that is red, green, both or neither, with one column for each colour and one for both."""
    rng = np.random.default_rng(0)
    rows = ["path;red;green;tags"]
    for number in range(48):
        red, green = number % 2, number // 2 % 2
        pixels = rng.integers(0, 60, (24, 24, 3))
        pixels[..., 0] += 150 * red
        pixels[..., 1] += 150 * green
        Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / f"{number}.png")
        rows.append(f"{number}.png;{red};{green};{'|'.join(['red'] * red + ['green'] * green)}")
    (tmp_path / "list.csv").write_text("\n".join(rows))
    return tmp_path / "list.csv"


def config(*flags: str) -> Config:
    return cli.parse(Config, DEMO, [*flags])


def small_backbone(network: keras.Model) -> keras.Model:
    return keras.Model(network.inputs[0], network.get_layer("relu_2").output)


def test_it_learns_from_a_column_for_each_tag(network: keras.Model, table: Path, tmp_path: Path) -> None:
    chosen = config("--data", str(table), "--columns.tags", "red", "green", *SMALL, "--out", str(tmp_path / "run"))
    scores = run(
        replace(
            chosen, backbone=small_backbone(network), backbone_options={}, augment="none", views="auto", dropout=0.0,
            head=Phase(epochs=60, learning_rate=0.03), tune=Phase(epochs=0),
        )
    )  # fmt: skip
    assert scores["test"]["macro_average_precision"] > 0.95
    assert scores["test"]["per_class"].keys() == {"red", "green"}
    thresholds = json.loads((tmp_path / "run" / "thresholds.json").read_text())
    assert thresholds == {name: row["threshold"] for name, row in scores["test"]["per_class"].items()}


def test_thresholds_are_chosen_on_validation_alone(network: keras.Model, table: Path, tmp_path: Path) -> None:
    chosen = config("--data", str(table), *SMALL, "--out", str(tmp_path / "run"))
    scores = run(replace(chosen, backbone=small_backbone(network), backbone_options={}))
    rows = {split: values["per_class"] for split, values in scores.items()}
    assert rows["train"]["red"]["threshold"] == rows["val"]["red"]["threshold"] == rows["test"]["red"]["threshold"]


def test_one_column_with_a_separator_is_the_same_data(table: Path) -> None:
    from recipes.image_multilabel import load_data

    columns = load_data(config("--data", str(table), "--columns.tags", "red", "green", *SMALL))
    cells = load_data(config("--data", str(table), *SMALL))
    assert columns.labels == cells.labels == ["green", "red"]
    assert columns.train.ids == cells.train.ids
    assert np.array_equal(columns.train.targets, cells.train.targets)


def test_weights_make_a_rare_label_louder(table: Path) -> None:
    """The weight of a label acts where that label is there, and on no other label."""
    from recipes.image_multilabel import load_data

    lines = table.read_text().splitlines()
    kept = [line for line in lines if ".png;1;" not in line or int(line.split(".")[0]) < 12]  # few red ones
    table.write_text("\n".join(kept))
    chosen = config("--data", str(table), "--balance", "weights", *SMALL)
    splits = load_data(chosen)
    _, task = build_model(chosen, splits.labels, train=splits.train)
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


def test_what_is_wrong_with_a_table_is_said_before_training(table: Path, tmp_path: Path) -> None:
    table.write_text(table.read_text().replace("7.png;1;1", "7.png;1;maybe"))
    with pytest.raises(DataError, match=r"'maybe' in column 'green', list\.csv row"):
        run(config("--data", str(table), "--columns.tags", "red", "green", *SMALL, "--out", str(tmp_path / "run")))
    assert not (tmp_path / "run").exists()


def test_boxes_say_which_classes_are_there(png: Callable[..., bytes], tmp_path: Path) -> None:
    from recipes.image_multilabel import load_data

    for folder in ("images", "annotations"):
        (tmp_path / folder).mkdir()
    for number in range(12):
        (tmp_path / "images" / f"{number}.png").write_bytes(png(number))
        names = ["cat", "dog"][: 1 + number % 2] * 2
        boxes = "".join(
            f"<object><name>{name}</name><bndbox><xmin>2</xmin><ymin>2</ymin><xmax>9</xmax><ymax>9</ymax></bndbox></object>"
            for name in names
        )
        (tmp_path / "annotations" / f"{number}.xml").write_text(f"<annotation>{boxes}</annotation>")
    splits = load_data(config("--data", str(tmp_path), *SMALL))
    assert splits.labels == ["cat", "dog"]
    for _, examples in splits.items():
        odd = [int(Path(where).stem) % 2 for where in examples.where]
        assert np.array_equal(examples.targets, np.stack([np.ones(len(odd)), odd], axis=1))
