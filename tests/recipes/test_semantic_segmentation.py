from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from recipes.semantic_segmentation import DEMO, Config, load_data, run
from tfft import cli
from tfft.errors import DataError
from tfft.training import Phase

SMALL = shlex.split("--image-size 64 64 --batch-size 8 --weights none --augment light --views 2")


def scene(number: int) -> tuple[np.ndarray, np.ndarray]:
    """A bright rectangle on dark noise, 40 x 56, and its mask: 7 for the ground, 3 for the rectangle, 255 around it."""
    rng = np.random.default_rng(number)
    pixels, mask = rng.integers(0, 70, (40, 56, 3)), np.full((40, 56), 7)
    top, left = rng.integers(2, 14), rng.integers(2, 24)
    mask[top - 2 : top + 22, left - 2 : left + 26] = 255
    mask[top : top + 20, left : left + 24] = 3
    pixels[top : top + 20, left : left + 24] += 160
    return pixels.astype(np.uint8), mask.astype(np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "data"
    (root / "images").mkdir(parents=True)
    (root / "trimaps").mkdir()
    rows = ["name,split"]
    for number in range(24):
        pixels, mask = scene(number)
        Image.fromarray(pixels).save(root / "images" / f"{number}.png")
        Image.fromarray(mask).save(root / "trimaps" / f"{number}.png")
        rows.append(f"{number},{('train', 'train', 'val', 'test')[number % 4]}")
    (root / "list.csv").write_text("\n".join(rows))
    return root


def config(folder: Path, *flags: str) -> Config:
    words = ["--data", str(folder), "--masks", "trimaps", "--table", "list.csv", *SMALL, *flags]
    return replace(cli.parse(Config, DEMO, words), backbone_options={})


def test_it_learns_and_answers_at_the_size_of_the_picture(folder: Path, pyramid: keras.Model, tmp_path: Path) -> None:
    chosen = config(folder, "--classes", '{"3": "box", "7": "ground"}', "--ignore", "255", "--out", f"{tmp_path}/run")
    phases = {"head": Phase(epochs=15, learning_rate=0.01), "tune": Phase(epochs=1, unfreeze="all")}
    scores = run(replace(chosen, backbone=pyramid, **phases))
    assert scores["test"]["pixel_accuracy"] > 0.9
    assert scores["test"]["mean_iou"] > 0.8
    assert list(scores["test"]["per_class"]) == ["box", "ground"]
    model = keras.saving.load_model(tmp_path / "run" / "model.keras")
    pixels, mask = scene(3)
    answer = model.predict(pixels[None].astype("float32"), verbose=0)[0]
    assert answer.shape == (40, 56, 2)
    known = mask != 255
    assert (answer.argmax(-1)[known] == np.where(mask == 3, 0, 1)[known]).mean() > 0.85


def test_the_split_column_and_the_numbers_that_are_found(folder: Path) -> None:
    splits = load_data(config(folder))
    assert splits.labels == ["3", "7"]
    assert (len(splits.train), len(splits.val), len(splits.test)) == (12, 6, 6)
    assert {Path(where).stem for where in splits.test.where} == {str(number) for number in range(3, 24, 4)}
    first = splits.train.targets[np.array([0])][0]
    assert first.shape == (64, 64)
    assert set(np.unique(first)) == {0, 1, 255}


@pytest.mark.parametrize(
    "flags", [["--balance", "weights"], ["--dice", "1"], ["--focal", "2"], ["--balance", "sample"]]
)
def test_each_loss_trains(flags: list[str], folder: Path, pyramid: keras.Model, tmp_path: Path) -> None:
    chosen = config(folder, *flags, "--out", f"{tmp_path}/run", "--head.epochs", "1", "--tune.epochs", "0")
    assert np.isfinite(run(replace(chosen, backbone=pyramid))["test"]["mean_iou"])


def test_every_wrong_mask_is_named_or_left_out(folder: Path, pyramid: keras.Model, tmp_path: Path) -> None:
    pixels, mask = scene(100)
    Image.fromarray(pixels).save(folder / "images" / "alone.png")
    for name, other in {"small": mask[:20], "strange": np.where(mask == 3, 9, mask).astype(np.uint8)}.items():
        Image.fromarray(scene(len(name) + 200)[0]).save(folder / "images" / f"{name}.png")
        Image.fromarray(other).save(folder / "trimaps" / f"{name}.png")
    text = (folder / "list.csv").read_text()
    (folder / "list.csv").write_text(text + "\nalone,train\nsmall,train\nstrange,train")
    flags = ["--classes", '{"3": "box", "7": "ground"}', "--ignore", "255", "--out", f"{tmp_path}/run"]
    chosen = replace(config(folder, *flags), backbone=pyramid, head=Phase(epochs=1), tune=Phase(epochs=0))
    with pytest.raises(DataError) as stopped:
        run(chosen)
    said = str(stopped.value)
    assert "alone.png (no mask trimaps/alone.png)" in said
    assert "small.png (its mask has 56 x 20 pixels, the picture 56 x 40)" in said
    assert "strange.png (its mask has the values 9" in said
    assert not (tmp_path / "run").exists()
    run(replace(chosen, bad_files="skip"))
    assert (tmp_path / "run" / "skipped.csv").read_text().count("\n") == 4
