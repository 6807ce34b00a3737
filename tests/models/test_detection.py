from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfft.errors import ConfigError
from tfft.models import box_maps, fitting_stride, object_boxes, scales_of
from tfft.models.detection import centre_maps

Boxes = Callable[..., np.ndarray]
Maps = Callable[[np.ndarray], np.ndarray]
LABELS = ["cup", "key", "pen"]
SIZE = (64, 64)


def backbone(size: tuple[int, int] = SIZE) -> keras.Model:
    """Maps at strides of 2, 4, 8, 16 and 32."""
    inputs = keras.Input((*size, 3))
    x = keras.layers.Rescaling(1 / 255)(inputs)
    for _ in range(5):
        x = keras.layers.Conv2D(4, 3, strides=2, padding="same", activation="relu")(x)
    model = keras.Model(inputs, x)
    model.trainable = False
    return model


def detector(stride: int, network: keras.Model | None = None) -> keras.Model:
    """A backbone, and the maps of a detector behind it."""
    network = network or backbone()
    return keras.Model(network.inputs[0], box_maps(network, LABELS, stride))


def test_head_loss_metrics_and_monitor_agree(boxes_of: Boxes) -> None:
    task = object_boxes(LABELS, SIZE, stride=16)
    model = detector(16)
    task.check(model)
    targets = task.encode(boxes_of([[8, 8, 40, 30, 0], [30, 30, 60, 60, 2]], []))
    # without a graph, which takes most of the time
    model.compile("adam", task.loss, metrics=list(task.metrics), run_eagerly=True)
    pixels = np.random.default_rng(0).uniform(0, 255, (2, *SIZE, 3))
    logs = model.fit(pixels, targets, validation_data=(pixels, targets), epochs=1, verbose=0).history
    assert np.isfinite(logs[task.monitor][0])
    assert task.mode == "min"
    assert np.max(model(pixels)[..., :3]) < 0  # it begins with the chance of a centre


@pytest.mark.parametrize("stride", [4, 8, 16])
def test_a_place_for_every_stride(boxes_of: Boxes, stride: int) -> None:
    task, model = object_boxes(LABELS, SIZE, stride=stride), detector(stride)
    targets = task.encode(boxes_of([[8, 8, 40, 30, 0]]))
    assert targets.shape[1:3] == (64 // stride, 64 // stride) == model.output_shape[1:3]
    task.check(model)
    with pytest.raises(ConfigError, match=rf"(?=.*\b{64 // stride}\b)(?=.*\b{32 // stride}\b)"):
        object_boxes(LABELS, SIZE, stride=2 * stride).check(model)


@pytest.mark.parametrize(("size", "border", "height"), [((64, 64), "valid", 15), ((70, 100), "same", 18)])
def test_maps_and_targets_have_one_size(boxes_of: Boxes, size: tuple[int, int], border: str, height: int) -> None:
    """Even where convolutions leave out the border, or a size is no multiple of the stride."""
    x = inputs = keras.Input((*size, 3))
    for padding in (border, border, "same", "same", "same"):
        x = keras.layers.Conv2D(4, 3, strides=2, padding=padding)(x)
    network = keras.Model(inputs, x)
    assert scales_of(network, (4,))[0].shape[1] == height
    task = object_boxes(LABELS, size, stride=4)
    targets = task.encode(boxes_of([[8, 8, 40, 30, 0]]))
    model = detector(4, network)
    assert model.output_shape[1:3] == targets.shape[1:3]
    task.check(model)


def test_the_head_trains_through_every_scale(boxes_of: Boxes) -> None:
    task = object_boxes(LABELS, SIZE)
    model = detector(8)
    pixels = tf.constant(np.random.default_rng(2).uniform(0, 255, (1, *SIZE, 3)), tf.float32)
    with tf.GradientTape() as tape:
        loss = task.loss(task.encode(boxes_of([[8, 8, 40, 30, 0]])), model(pixels, training=True))
    for weight, gradient in zip(model.trainable_weights, tape.gradient(loss, model.trainable_weights), strict=True):
        assert gradient is not None, weight.path
        assert np.isfinite(gradient).all(), weight.path


def test_maps_worked_out_by_hand(boxes_of: Boxes) -> None:
    maps = centre_maps(boxes_of([[8, 4, 40, 20, 1]], []), 2, (8, 12), 4)  # in cells 2, 1, 10, 5
    assert maps.shape == (2, 8, 12, 7)
    assert maps.dtype == np.float32
    bumps, sides, weight = maps[0, ..., :2], maps[0, ..., 2:6], maps[0, ..., 6]
    assert bumps[3, 6, 1] == 1
    assert np.count_nonzero(bumps == 1) == 1
    assert not bumps[..., 0].any()
    # the bump is even, falls on every side, and reaches further where the box does
    assert np.array_equal(bumps[:7, :, 1], bumps[6::-1, :, 1])
    assert (np.diff(bumps[3, 6:, 1]) < 0).all()
    assert (np.diff(bumps[3:7, 6, 1]) < 0).all()
    assert 0 < bumps[4, 6, 1] < bumps[3, 7, 1] < 1
    assert bumps[3, 0, 1] < 0.01
    # from the middle of the cell
    assert sides[3, 6].tolist() == [4.5, 2.5, 3.5, 1.5]
    there = weight > 0
    assert there[3, 6]
    assert weight.sum() == pytest.approx(1)
    assert np.allclose(weight[there], weight[3, 6])
    for row, column in np.argwhere(there):
        assert sides[row, column].tolist() == [column - 1.5, row - 0.5, 9.5 - column, 4.5 - row]
    assert not sides[~there].any()
    assert not maps[1].any()


def test_of_two_boxes_around_one_place_the_smaller_is_in_front(boxes_of: Boxes) -> None:
    large, small = [0, 0, 64, 64, 0], [24, 24, 44, 44, 0]
    for rows in ([large, small], [small, large]):
        maps = centre_maps(boxes_of(rows), 1, (16, 16), 4)
        assert maps[0, 8, 8, 1:5].tolist() == [2.5, 2.5, 2.5, 2.5]


def test_a_bump_does_not_lower_another(boxes_of: Boxes) -> None:
    near, far = [4, 4, 28, 28, 0], [16, 4, 40, 28, 0]
    one, other, both = (centre_maps(boxes_of(rows), 1, (8, 12), 4)[0, ..., 0] for rows in ([near], [far], [near, far]))
    assert np.array_equal(both, np.maximum(one, other))


def test_boxes_at_the_edge_stay_in_the_map(boxes_of: Boxes) -> None:
    rows = [[64, 64, 64, 64, 0], [0, 0, 1, 1, 0], [60, 0, 64, 8, 0]]
    maps = centre_maps(boxes_of(rows), 1, (16, 16), 4)
    assert np.argwhere(maps[0, ..., 0] == 1).tolist() == [[0, 0], [1, 15], [15, 15]]
    assert np.isfinite(maps).all()


def loss_of(wanted: np.ndarray, maps: np.ndarray) -> float:
    losses = object_boxes(LABELS[: maps.shape[-1] - 4], SIZE).loss(wanted, maps.astype(np.float32))
    return float(np.mean(losses))


def test_perfect_maps_have_the_least_loss(boxes_of: Boxes, several: list, perfect: Maps) -> None:
    wanted = centre_maps(boxes_of(*several), 3, (16, 16), 4)
    maps = perfect(wanted)
    least = loss_of(wanted, maps)
    assert least < 0.2  # beside a centre it is not clear how sure to be
    centres = wanted[..., :3] == 1
    for worse in (
        np.where(np.arange(7) < 3, -maps, maps),  # centres are nowhere, and everywhere else
        np.concatenate([np.where(centres, -3, maps[..., :3]), maps[..., 3:]], -1),
        np.concatenate([maps[..., :3], 1.5 * maps[..., 3:]], -1),
        np.concatenate([np.roll(maps[..., :3], 1, -1), maps[..., 3:]], -1),  # the wrong class
    ):
        assert loss_of(wanted, worse) > least + 0.1


def test_the_loss_of_sides_is_by_overlap() -> None:
    wanted = np.zeros((1, 8, 8, 6), np.float32)
    wanted[0, 4, 4] = [1, 2, 2, 2, 2, 1]
    maps = np.full((1, 8, 8, 5), -200.0, np.float32)
    maps[..., 1:] = 0.1
    maps[0, 4, 4, 0] = 200

    def with_sides(*sides: float) -> float:
        maps[0, 4, 4, 1:] = sides
        return loss_of(wanted, maps)

    assert with_sides(2, 2, 2, 2) == pytest.approx(0, abs=1e-5)
    quarter = with_sides(1, 1, 1, 1)
    assert with_sides(4, 4, 4, 4) == pytest.approx(quarter, rel=1e-5)
    # 12 shared of 22 together, in a frame of 24
    assert with_sides(4, 1, 2, 2) == pytest.approx(quarter / 0.75 * (1 - 12 / 22 + 2 / 24), rel=1e-5)


def test_the_loss_of_a_picture_does_not_depend_on_its_batch(boxes_of: Boxes, several: list) -> None:
    wanted = centre_maps(boxes_of(*several), 3, (16, 16), 4)
    maps = np.random.default_rng(0).uniform(0.5, 2, (len(wanted), 16, 16, 7))
    once, twice = loss_of(wanted, maps), loss_of(np.concatenate([wanted] * 2), np.concatenate([maps] * 2))
    assert twice == pytest.approx(once, rel=1e-4)


@pytest.mark.parametrize("level", [-100.0, 0.0, 100.0])
def test_the_gradient_is_always_a_number(boxes_of: Boxes, several: list, level: float) -> None:
    task = object_boxes(LABELS, SIZE)
    for rows in (several[1], []):
        wanted = centre_maps(boxes_of(rows), 3, (8, 8), 8)
        maps = tf.constant(np.full((1, 8, 8, 7), level), tf.float32)
        with tf.GradientTape() as tape:
            tape.watch(maps)
            loss = task.loss(wanted, tf.concat([maps[..., :3], tf.exp(maps[..., 3:] / 100)], -1))
        assert np.isfinite(loss)
        assert np.isfinite(tape.gradient(loss, maps)).all()


def test_a_finer_map_for_smaller_boxes(boxes_of: Boxes) -> None:
    def squares(side: float, count: int = 20) -> list[list[float]]:
        return [[10, 10, 10 + side, 300, 0]] * count

    assert fitting_stride(boxes_of(squares(200))) == 16
    assert fitting_stride(boxes_of(squares(4))) == 4
    assert fitting_stride(boxes_of(squares(200), squares(4, 1))) == 16  # one odd box
    assert fitting_stride(boxes_of(squares(200), squares(4))) == 4
    assert fitting_stride(None) == fitting_stride(boxes_of([])) == 8
    object_boxes(LABELS, SIZE, stride=fitting_stride(boxes_of(squares(4))))


def test_maps_stay_float32_in_half_precision() -> None:
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = detector(8)
    finally:
        keras.config.set_dtype_policy("float32")
    assert model.output.dtype == "float32"


def test_what_cannot_be() -> None:
    with pytest.raises(ConfigError):
        object_boxes([], SIZE)
