from __future__ import annotations

import math
from collections.abc import Callable

import keras
import numpy as np
import pytest
from keras import ops

from tfft.models import object_boxes, with_boxes

Boxes = Callable[..., np.ndarray]
Maps = Callable[[np.ndarray], np.ndarray]
LABELS = ["cup", "key", "pen"]
SIZE = (64, 64)


def answers_to(maps: np.ndarray, size: tuple[int, int]) -> dict[str, np.ndarray]:
    """What a model answers with that gives such maps: one that reads them from the pixels of a picture."""
    inputs = keras.Input((*size, 3))
    numbers = math.prod(maps.shape[1:])
    given = ops.reshape(ops.reshape(inputs, (-1, math.prod(size) * 3))[:, :numbers], (-1, *maps.shape[1:]))
    model = with_boxes(keras.Model(inputs, given), LABELS[: maps.shape[-1] - 4])
    pixels = np.zeros((len(maps), math.prod(size) * 3), np.float32)
    pixels[:, :numbers] = maps.reshape(len(maps), -1)
    # called, not predicted: a graph of each would take most of the time
    return {key: np.asarray(value) for key, value in model(pixels.reshape(len(maps), *size, 3)).items()}


def found(answers: dict[str, np.ndarray], picture: int = 0, least: float = 0.5) -> list[list[float]]:
    """Boxes with their classes, of which a model is sure, in an order that does not depend on it."""
    sure = answers["scores"][picture] >= least
    return sorted(np.column_stack([answers["boxes"][picture], answers["labels"][picture]])[sure].tolist())


# also sizes that are no multiple of the stride
@pytest.mark.parametrize(
    ("size", "stride"), [((64, 64), 4), ((64, 96), 8), ((64, 64), 16), ((72, 70), 16), ((66, 68), 8), ((65, 67), 4)]
)
def test_boxes_become_maps_and_maps_become_the_boxes(
    boxes_of: Boxes, several: list, perfect: Maps, size: tuple[int, int], stride: int
) -> None:
    pictures = several if stride < 16 else [[rows[0]] if rows else [] for rows in several]  # one centre in each cell
    wanted = object_boxes(LABELS, size, stride=stride).encode(boxes_of(*pictures))
    answers = answers_to(perfect(wanted), size)
    for picture, rows in enumerate(pictures):
        received = found(answers, picture)
        assert len(received) == len(rows)
        np.testing.assert_allclose(received, sorted(rows), atol=1e-3)


def test_answers_fall_and_are_filled_up_with_none() -> None:
    maps = np.full((2, 16, 16, 6), -200.0, np.float32)
    maps[..., 2:] = 1
    for place, logit in ((3, 1.0), (6, 3.0), (9, 2.0), (12, 0.5)):
        maps[0, place, place, place % 2] = logit
    answers = answers_to(maps, SIZE)
    assert answers["boxes"].shape == (2, 100, 4)
    assert answers["boxes"].dtype == answers["scores"].dtype == np.float32
    assert answers["labels"].dtype == np.int32
    sure = 1 / (1 + np.exp([-3, -2, -1, -0.5]))
    assert answers["scores"][0] == pytest.approx([*sure, *[0] * 96], abs=1e-6)
    assert answers["labels"].tolist() == [[0, 1, 1, 0, *[-1] * 96], [-1] * 100]
    middle = 4 * (np.array([6, 9, 3, 12]) + 0.5)
    assert answers["boxes"][0, :4] == pytest.approx(np.stack([middle - 4] * 2 + [middle + 4] * 2, -1))


def test_fewer_places_than_answers() -> None:
    maps = np.full((1, 2, 2, 5), -200.0, np.float32)
    maps[..., 1:] = 0.5
    maps[0, 1, 0, 0] = 1
    assert found(answers_to(maps, SIZE)) == [[0, 32, 32, 64, 0]]


def test_the_better_one_of_two_answers_to_one_thing() -> None:
    maps = np.full((1, 16, 16, 6), -200.0, np.float32)
    # all of them the box 16, 16, 48, 48, or nearly, but for the last two, which are smaller
    for row, column, label, logit, box in (
        (7, 7, 0, 1.0, (16, 16, 48, 48)),
        (7, 9, 0, 3.0, (16, 16, 48, 46)),
        (9, 7, 1, 2.0, (16, 16, 48, 48)),
        (9, 9, 0, 0.5, (24, 24, 44, 44)),
        (11, 10, 1, 4.0, (24, 32, 44, 47)),  # the best one, but it covers too little of the one around it
    ):
        x, y = 4 * column + 2, 4 * row + 2
        maps[0, row, column, label] = logit
        maps[0, row, column, 2:] = (x - box[0]) / 4, (y - box[1]) / 4, (box[2] - x) / 4, (box[3] - y) / 4
    answers = answers_to(maps, SIZE)
    assert answers["labels"][0, :5].tolist() == [1, 0, 1, 0, -1]
    inside, around = [[24, 32, 44, 47]], [[16, 16, 48, 46], [16, 16, 48, 48], [24, 24, 44, 44]]
    assert answers["boxes"][0, :4].tolist() == inside + around
    assert answers["scores"][0, 4] == 0


def test_only_the_highest_place_around_is_a_centre() -> None:
    maps = np.full((1, 16, 16, 5), -200.0, np.float32)
    maps[..., 1:] = 0.4  # boxes that do not overlap
    maps[0, 4:7, 4:7, 0] = 1
    maps[0, 5, 5, 0] = 2
    assert len(found(answers_to(maps, SIZE))) == 1


def test_boxes_end_where_the_picture_ends() -> None:
    maps = np.full((1, 8, 12, 5), -200.0, np.float32)
    maps[..., 1:] = 100
    maps[0, 3, 3, 0] = 2
    assert found(answers_to(maps, (64, 96))) == [[0, 0, 96, 64, 0]]
