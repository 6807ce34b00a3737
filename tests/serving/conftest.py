"""Run folders of tiny networks whose answers can be told from their pictures: nothing is trained."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops
from PIL import Image

from tfft.data import Label, Record
from tfft.models import any_size
from tfft.serving import Contract, PictureInput, open_run
from tfft.serving.contract import write_contract
from tfft.serving.exporting import Examples
from tfft.serving.scoring import truths_of
from tfft.store import Storage

SIDE = 16
COLOURS = ("red", "green", "blue")


def shares() -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Pixels, and the mean of each colour in [0, 1]."""
    pixels = keras.Input((SIDE, SIDE, 3))
    return pixels, keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(1 / 255)(pixels))


def network(task: str) -> keras.Model:
    """Classes are the strongest colour; boxes are around the right half of the picture."""
    pixels, means = shares()
    match task:
        case "classification":
            return keras.Model(pixels, keras.layers.Softmax()(means * 8))
        case "multilabel" | "regression":
            return keras.Model(pixels, means * 1)
        case "segmentation":
            return any_size(keras.Model(pixels, keras.layers.Softmax()(pixels * 1)))
    box = ops.ones_like(means)[:, :1, None] * np.array([[[SIDE / 2, 0, SIDE, SIDE]]], np.float32)
    scores = ops.max(means, axis=-1, keepdims=True)
    labels = ops.cast(ops.argmax(means, axis=-1), "int32")[:, None]
    return any_size(keras.Model(pixels, {"boxes": box, "scores": scores, "labels": labels}))


@pytest.fixture(scope="session")
def run_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """By task the folder of a finished run, made once."""
    made: dict[str, Path] = {}

    def make(task: str) -> Path:
        if task not in made:
            made[task] = folder = tmp_path_factory.mktemp(task)
            network(task).save(folder / "model.keras")
            contract = Contract(COLOURS, PictureInput((SIDE, SIDE)), task=task, about={"recipe": "mine"})
            if task in ("multilabel", "detection"):
                contract = replace(contract, thresholds=(0.5, 0.25, 0.5))
            write_contract(contract, folder)
        return made[task]

    return make


@pytest.fixture
def painted() -> Callable[..., np.ndarray]:
    """A picture of one colour, (height, width, 3), uint8."""

    def paint(colour: str, height: int = 30, width: int = 40, level: int = 200) -> np.ndarray:
        picture = np.zeros((height, width, 3), np.uint8)
        picture[..., COLOURS.index(colour)] = level
        return picture

    return paint


@pytest.fixture
def examples(run_of: Callable[[str], Path], painted: Callable[..., np.ndarray]) -> Examples:
    """Noisy pictures of each colour: six to compare on, six to calibrate on."""
    predict = open_run(run_of("classification"))
    rng = np.random.default_rng(0)
    records = []
    for number in range(12):
        colour = COLOURS[number % 3]
        picture = painted(colour, SIDE, SIDE, 120) + rng.integers(0, 80, (SIDE, SIDE, 3), np.uint8)
        file = io.BytesIO()
        Image.fromarray(picture).save(file, "PNG")
        records.append(Record(file.getvalue(), Label(colour), f"{number}.png", digest=str(number)))
    return Examples(truths_of(predict.contract, records[:6], Storage()), lambda: records[6:])
