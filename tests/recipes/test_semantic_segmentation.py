from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from recipes.semantic_segmentation import DEMO, RECIPE, Config, build_model, load_data
from tfft import cli
from tfft.errors import DataError

CLASSES = ["--classes", '{"3": "box", "7": "ground"}', "--ignore", "255"]


def config(folder: Path, *flags: str) -> Config:
    words = shlex.split(f"--data {folder} --masks trimaps --table list.csv --image-size 64 64 --weights none")
    return replace(cli.parse(Config, DEMO, [*words, *flags], RECIPE.page), backbone_options={})


def test_the_split_column_and_the_numbers_in_the_masks(mask_data: Path) -> None:
    splits = load_data(config(mask_data))
    assert splits.labels == ["3", "7"]
    assert (len(splits.train), len(splits.val), len(splits.test)) == (12, 6, 6)
    assert {Path(where).stem for where in splits.test.where} == {str(number) for number in range(3, 24, 4)}
    first = splits.train.targets[np.array([0])][0]
    assert first.shape == (64, 64)
    assert set(np.unique(first)) == {0, 1, 255}


def test_each_choice_changes_the_loss(mask_data: Path, pyramid: keras.Model) -> None:
    splits = load_data(config(mask_data, *CLASSES))
    truth = splits.train.targets[np.arange(4)]
    answer = np.full((4, 64, 64, 2), 0.5, np.float32)
    answer[..., 0] = 0.25
    losses = {}
    for flags in ("--dice 0", "--dice 0 --balance weights", "", "--dice 0 --balance focal"):
        _, task = build_model(config(mask_data, *CLASSES, *flags.split()), splits.labels, pyramid, splits.train)
        losses[flags] = float(np.mean(task.loss(truth, answer)))
    assert np.isfinite(list(losses.values())).all()
    assert losses["--dice 0 --balance focal"] < losses["--dice 0"] < losses[""]
    assert losses["--dice 0 --balance weights"] > losses["--dice 0"]  # the box is rarer, and known worse
    assert len(set(losses.values())) == 4


def test_every_wrong_mask_is_named_or_left_out(mask_data: Path, mask_scene: object) -> None:
    pixels, mask = mask_scene(100)
    Image.fromarray(pixels).save(mask_data / "images" / "alone.png")
    for name, other in {"small": mask[:20], "strange": np.where(mask == 3, 9, mask).astype(np.uint8)}.items():
        Image.fromarray(mask_scene(len(name) + 200)[0]).save(mask_data / "images" / f"{name}.png")
        Image.fromarray(other).save(mask_data / "trimaps" / f"{name}.png")
    text = (mask_data / "list.csv").read_text()
    (mask_data / "list.csv").write_text(text + "\nalone,train\nsmall,train\nstrange,train")
    with pytest.raises(DataError, match="--bad-files skip") as stopped:
        load_data(config(mask_data, *CLASSES))
    for named in ("alone.png", "trimaps/alone.png", "small.png", "56 x 20", "56 x 40", "strange.png", "9"):
        assert named in str(stopped.value)
    splits = load_data(config(mask_data, *CLASSES, "--bad-files", "skip"))
    assert [Path(where).stem for where, _ in splits.skipped] == ["alone", "small", "strange"]
