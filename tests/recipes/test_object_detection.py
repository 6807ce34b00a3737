from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from recipes.object_detection import DEMO, RECIPE, Config, load_data, run
from tfft import cli
from tfft.errors import DataError

Voc = Callable[..., str]


def config(folder: Path, *flags: str) -> Config:
    words = shlex.split(f"--data {folder} --image-size 64 64 --weights none --stride 4")
    return replace(cli.parse(Config, DEMO, [*words, *flags], RECIPE.page), backbone_options={})


def test_the_folders_are_the_splits(box_data: Path, box_scene: Callable) -> None:
    splits = load_data(config(box_data))
    assert splits.labels == ["blue", "red"]
    assert (len(splits.train), len(splits.val), len(splits.test)) == (33, 8, 8)
    number = int(Path(splits.test.where[0]).stem)
    left, top, right, bottom = box_scene(number)[2]
    expected = [left * 64 / 80, top * 64 / 48, right * 64 / 80, bottom * 64 / 48, 1 - number % 2]
    np.testing.assert_allclose(splits.test.targets[0, 0], expected, rtol=1e-6)
    assert any(note.startswith("1 ") for note in splits.notes)  # one picture has no box


def test_pictures_of_rare_classes_are_shown_more_often(box_data: Path) -> None:
    assert {load_data(config(box_data, *flags)).sampling for flags in ([], ["--balance", "none"])} == {"all"}
    for balance in ("oversample", "undersample"):
        splits = load_data(config(box_data, "--balance", balance))
        assert (splits.sampling, splits.train.rarity is None) == (balance, False)


def test_every_wrong_box_is_named_or_left_out(box_data: Path, voc: Voc, tmp_path: Path) -> None:
    annotations = box_data / "train" / "annotations"
    wrong = {
        "0": (voc("red", (-29, 3, -20, 20)), "80 x 48"),
        "1": (voc("blue", (9, 20, 5, 30)), "blue 9, 20, 5, 30"),
        "2": (voc("red", (3, 3, 20, 20), size=(40, 24)), "40 x 24"),
        "3": ("<annotation><object>", "3.xml"),
    }
    for name, (text, _) in wrong.items():
        (annotations / f"{name}.xml").write_text(text)
    with pytest.raises(DataError) as stopped:
        run(replace(config(box_data, "--backbone", "MobileNet"), out=f"{tmp_path}/run"))
    for name, (_, named) in wrong.items():
        assert f"train/images/{name}.png" in str(stopped.value)
        assert named in str(stopped.value)
    assert not (tmp_path / "run").exists()
    splits = load_data(config(box_data, "--bad-files", "skip"))
    assert [Path(where).stem for where, _ in splits.skipped] == list(wrong)
