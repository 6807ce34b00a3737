from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas
import pytest
from PIL import Image

import tfft
from tfft.errors import ConfigError, DataError
from tfft.serving import open_run
from tfft.serving.answers import Unreadable
from tfft.serving.predictor import enlarged_mask

Run, Paint = Callable[[str], Path], Callable[..., np.ndarray]


def test_whatever_holds_a_picture_gets_its_answer(run_of: Run, painted: Paint, tmp_path: Path) -> None:
    predict = tfft.open(run_of("classification"))
    red, deep = painted("red"), Image.fromarray(np.full((9, 7), 40000, np.uint16))
    Image.fromarray(red).save(tmp_path / "a.png")
    (tmp_path / "deep").mkdir()
    Image.fromarray(painted("blue")).save(tmp_path / "deep/b.webp", lossless=True)
    (tmp_path / "broken.jpg").write_text("<html>")
    (tmp_path / "list.csv").write_text("path,more\na.png,1\n../elsewhere.png,2\n")
    content = (tmp_path / "a.png").read_bytes()
    one = predict(str(tmp_path / "a.png"))
    assert (one.label, one.input) == ("red", str(tmp_path / "a.png"))
    assert one.probability > 0.9
    assert list(one.top(2)) == ["red", "green"]
    arrays = [red, *(red.astype(kind) for kind in ("float32", "int64", "uint16")), red.astype(np.uint16) * 256]
    for same in (tmp_path / "a.png", content, memoryview(content), Image.open(io.BytesIO(content)), *arrays):
        assert predict(same).probabilities == one.probabilities
    assert len(set(predict(deep).probabilities.values())) == 1  # grey, of 16 bits
    folder = predict(tmp_path)
    assert [answer.label for answer in folder if not isinstance(answer, Unreadable)] == ["red", "blue"]
    assert [answer.error for answer in folder if isinstance(answer, Unreadable)] == ["text, not a picture"]
    listed = predict(tmp_path / "list.csv")
    assert (listed[0].label, listed[1].error) == ("red", "No such file or directory")
    assert [answer.label for answer in predict(np.stack([red, painted("green")]))] == ["red", "green"]
    assert predict([]) == []


def test_what_is_no_picture_says_why_and_others_go_on(run_of: Run, painted: Paint, tmp_path: Path) -> None:
    predict, red = open_run(run_of("classification")), painted("red")
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "none").mkdir()
    wrong = {
        "do not divide": red / 255,
        "from -1 to": red / 127.5 - 1,
        "from 0 to 300": red.astype(int) * 3 // 2,
        "from nan": np.full((4, 4), np.nan),
        r"shape \(4, 4, 7\)": np.zeros((4, 4, 7)),
        "no pixels": np.zeros((0, 4, 3)),
        "of bool": red > 5,
        "empty": b"",
        "No such file": tmp_path / "no.jpg",
        "a pipe or device": tmp_path / "pipe.jpg",
        "No pictures in": tmp_path / "none",
        r"shape \(3, 30, 40\)": np.moveaxis(red, -1, 0),
    }
    answers = predict([*wrong.values(), red], batch_size=2)
    assert all(isinstance(answer, Unreadable) for answer in answers[:-1])
    for why, answer in zip(wrong, answers, strict=False):
        assert re.search(why, answer.error), (why, answer.error)
    assert answers[-1].label == "red"
    assert [answer.input for answer in answers[:2]] == ["0", "1"]
    with pytest.raises(DataError, match="No pictures in"):
        predict(tmp_path)
    for nothing in (3, None, {}, np.array(3)):
        with pytest.raises(ConfigError, match="cannot be asked about"):
            predict(nothing)
    with pytest.raises(ConfigError, match="batch_size"):
        predict([red], batch_size=0)
    frame = pandas.DataFrame({"more": [1], "path": [str(tmp_path / "no.jpg")]})
    assert "No such file" in predict(frame)[0].error
    assert json.loads(json.dumps(answers[0].json()))["error"] == answers[0].error


def test_tags_have_their_thresholds_and_numbers_their_units(run_of: Run, painted: Paint) -> None:
    tags = open_run(run_of("multilabel"))
    mixed = painted("red", level=204) + painted("green", level=64)
    assert tags(mixed).tags == ("red", "green")  # 0.80 of 0.5, and 0.251 of 0.25
    assert tags(painted("green", level=63)).tags == ()
    numbers = open_run(run_of("regression"))(mixed)
    assert numbers.values["red"] == pytest.approx(0.8, abs=1e-5)
    assert str(numbers) == "picture: red 0.800002, green 0.25098, blue 0"


def test_boxes_are_in_pixels_of_the_upright_picture(run_of: Run, painted: Paint, tmp_path: Path) -> None:
    predict = open_run(run_of("detection"))
    picture = painted("blue", height=30, width=40)
    (box,) = predict(picture).boxes
    assert (box.label, box.corners) == ("blue", (20, 0, 40, 30))
    turned = Image.fromarray(np.rot90(picture))  # a phone stores it lying, and says so
    exif = Image.Exif()
    exif[0x0112] = 6
    turned.save(tmp_path / "phone.png", exif=exif)
    answer = predict(tmp_path / "phone.png")
    assert answer.size == (30, 40)
    assert answer.boxes[0].corners == (20, 0, 40, 30)
    assert predict(painted("blue", level=127)).boxes == ()  # below its threshold


def test_masks_have_the_size_of_the_picture(run_of: Run, painted: Paint) -> None:
    predict = open_run(run_of("segmentation"))
    picture = painted("red", 20, 48)
    picture[:, 24:] = painted("blue", 20, 24)
    answer = predict(picture)
    assert answer.mask.shape == (20, 48)
    assert (answer.mask[:, :23] == 0).all()
    assert (answer.mask[:, 25:] == 2).all()
    assert answer.shares["red"] == pytest.approx(0.5, abs=0.03)
    assert sum(length for _, length in answer.json()["runs"]) == 20 * 48
    small = np.random.default_rng(0).random((16, 16, 3)).astype(np.float32)
    assert (enlarged_mask(small, (16, 16)) == small.argmax(-1)).all()


def test_mirror_images_count_only_where_they_mean_the_same(run_of: Run, painted: Paint) -> None:
    predict = open_run(run_of("segmentation"))
    picture = painted("red", 16, 16)
    picture[:, :6] = painted("green", 16, 6)
    assert (predict(picture, tta=True).mask == predict(picture).mask).all()  # turned back
    with pytest.raises(ConfigError, match="--tta"):
        open_run(run_of("detection"))(picture, tta=True)
