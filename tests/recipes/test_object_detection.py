from __future__ import annotations

import csv
import json
import shlex
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from recipes.object_detection import DEMO, Config, load_data, run
from tfft import cli
from tfft.errors import DataError
from tfft.training import Phase

SMALL = shlex.split("--image-size 64 64 --batch-size 8 --weights none --augment light --views 2 --stride 4")


def scene(number: int) -> tuple[np.ndarray, str, tuple[int, int, int, int]]:
    """A red or blue rectangle on dark noise, 48 x 80, its class and its corners."""
    rng = np.random.default_rng(number)
    pixels = rng.integers(0, 60, (48, 80, 3))
    width, height = rng.integers(24, 40), rng.integers(16, 30)
    left, top = rng.integers(0, 80 - width), rng.integers(0, 48 - height)
    pixels[top : top + height, left : left + width, 2 * (number % 2)] += 180
    return pixels.astype(np.uint8), ["red", "blue"][number % 2], (left, top, left + width, top + height)


def voc(name: str, corners: tuple[int, int, int, int], size: tuple[int, int] = (80, 48)) -> str:
    keys = zip(("xmin", "ymin", "xmax", "ymax"), corners, strict=True)
    box = "".join(f"<{key}>{value}</{key}>" for key, value in keys)
    return (
        f"<annotation><size><width>{size[0]}</width><height>{size[1]}</height></size>"
        f"<object><name>{name}</name><bndbox>{box}</bndbox></object></annotation>"
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "data"
    for number in range(48):
        top = root / ("train", "train", "train", "val", "test", "train")[number // 2 % 6]
        for name in ("images", "annotations"):
            (top / name).mkdir(parents=True, exist_ok=True)
        pixels, name, corners = scene(number)
        Image.fromarray(pixels).save(top / "images" / f"{number}.png")
        (top / "annotations" / f"{number}.xml").write_text(voc(name, corners))
    return root


def config(folder: Path, *flags: str) -> Config:
    return replace(cli.parse(Config, DEMO, ["--data", str(folder), *SMALL, *flags]), backbone_options={})


def test_it_learns_and_answers_in_pixels_of_the_picture(folder: Path, pyramid: keras.Model, tmp_path: Path) -> None:
    chosen = config(folder, "--out", f"{tmp_path}/run")
    phases = {"head": Phase(epochs=2, learning_rate=0.01), "tune": Phase(epochs=40, learning_rate=0.01, unfreeze="all")}
    scores = run(replace(chosen, backbone=pyramid, **phases))
    assert scores["test"]["map50"] > 0.6
    assert list(scores["test"]["per_class"]) == ["blue", "red"]
    with (tmp_path / "run" / "history.csv").open(newline="") as file:
        maps = [float(row["val_map"]) for row in csv.DictReader(file)]
    assert scores["val"]["map"] == pytest.approx(max(maps))  # of both phases: what is monitored is what is scored
    assert json.loads((tmp_path / "run" / "thresholds.json").read_text()).keys() == {"blue", "red"}
    model = keras.saving.load_model(tmp_path / "run" / "model.keras")
    pixels, name, corners = scene(8)
    answers = model.predict(pixels[None].astype("float32"), verbose=0)
    assert ["blue", "red"][answers["labels"][0, 0]] == name
    assert np.abs(answers["boxes"][0, 0] - corners).max() < 8
    assert (np.diff(answers["scores"][0]) <= 0).all()


def test_the_folders_are_the_splits(folder: Path) -> None:
    splits = load_data(config(folder))
    assert splits.labels == ["blue", "red"]
    assert (len(splits.train), len(splits.val), len(splits.test)) == (32, 8, 8)
    number = int(Path(splits.test.where[0]).stem)
    left, top, right, bottom = scene(number)[2]
    expected = [left * 64 / 80, top * 64 / 48, right * 64 / 80, bottom * 64 / 48, 1 - number % 2]
    np.testing.assert_allclose(splits.test.targets[0, 0], expected, rtol=1e-6)


def test_every_wrong_box_is_named_or_left_out(folder: Path, pyramid: keras.Model, tmp_path: Path) -> None:
    annotations = folder / "train" / "annotations"
    wrong = {
        "0": (voc("red", (-9, 3, 20, 20)), "not inside 80 x 48"),
        "1": (voc("blue", (9, 20, 9, 30)), "empty or not inside"),
        "2": (voc("red", (3, 3, 20, 20), size=(40, 24)), "says 40 x 24 pixels, the picture has 80 x 48"),
        "3": ("<annotation><object>", "no Pascal VOC"),
    }
    for name, (text, _) in wrong.items():
        (annotations / f"{name}.xml").write_text(text)
    chosen = replace(
        config(folder), backbone=pyramid, head=Phase(epochs=1), tune=Phase(epochs=0), out=f"{tmp_path}/run"
    )
    with pytest.raises(DataError) as stopped:
        run(chosen)
    for name, (_, said) in wrong.items():
        assert f"train/images/{name}.png" in str(stopped.value)
        assert said in str(stopped.value)
    assert not (tmp_path / "run").exists()
    run(replace(chosen, bad_files="skip"))
    assert (tmp_path / "run" / "skipped.csv").read_text().count("\n") == 5


def test_a_picture_without_a_box_is_trained_on_and_noted(folder: Path, pyramid: keras.Model, tmp_path: Path) -> None:
    (folder / "train" / "annotations" / "0.xml").write_text("<annotation></annotation>")
    splits = load_data(config(folder))
    assert "1 pictures have no box" in splits.notes
    assert len(splits.train) == 32
    run(replace(config(folder), backbone=pyramid, head=Phase(epochs=1), tune=Phase(epochs=0), out=f"{tmp_path}/run"))
