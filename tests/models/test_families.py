"""Networks of `keras.applications`, each built once and asked everything that depends on its architecture."""

from __future__ import annotations

import inspect
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from tfft.models import (
    backbone_stages,
    box_maps,
    cut,
    fingerprint,
    load_backbone,
    object_boxes,
    pixel_labels,
    pixel_maps,
    pooled,
    scales_of,
    unfrozen,
)
from tfft.models.graph import nodes_in_order
from tfft.models.trunk import between, multiply_adds

Boxes = Callable[..., np.ndarray]
LABELS = ["cup", "key", "pen"]
STRIDES = (2, 4, 8, 16, 32)


@dataclass(frozen=True)
class Family:
    """A network, and what is expected of it."""

    stages: int
    heights: tuple[int, ...]
    """Of its maps at the coarsest strides of `STRIDES`."""
    ends: tuple[str, ...] = ()
    """The last layers of the scales from a stride of 4 on: where its last block ends, not where the next one has
    widened it already. Empty where Keras numbers them."""
    crossing: dict[int, str] = field(default_factory=dict)
    """For stages that are unfrozen, the layer that the trunk ends with: where the fewest numbers cross, not where the
    last frozen layer happens to widen them."""
    size: tuple[int, int] = (64, 64)
    options: dict[str, Any] = field(default_factory=dict)
    statistics: bool = True
    """Whether it has statistics, and with random weights anything comes through to move them."""


# a network for each way of preprocessing (tf, caffe, torch, and inside the network), and others that are odd
FAMILIES = {
    "MobileNetV2": Family(
        5, (32, 16, 8, 4, 2), ("block_2_add", "block_5_add", "block_12_add", "out_relu"),
        {1: "block_12_add", 2: "block_5_add"}, options={"alpha": 0.35},
    ),
    "NASNetMobile": Family(5, (31, 16, 8, 4, 2)),
    "ConvNeXtTiny": Family(
        4, (16, 8, 4, 2),
        # what its sums add, which are numbered
        (
            "convnext_tiny_stage_0_block_2_identity", "convnext_tiny_stage_1_block_2_identity",
            "convnext_tiny_stage_2_block_8_identity", "layer_normalization",
        ),
        statistics=False,
    ),
    "ResNet50": Family(
        5, (32, 16, 8, 4, 2), ("conv2_block3_out", "conv3_block4_out", "conv4_block6_out", "conv5_block3_out"),
        {1: "conv4_block6_out"},
    ),
    "EfficientNetB0": Family(
        5, (32, 16, 8, 4, 2), ("block2b_add", "block3b_add", "block5c_add", "top_activation"), {2: "block3b_add"}
    ),
    "DenseNet121": Family(
        5, (32, 16, 8, 4, 2), ("pool2_conv", "pool3_conv", "pool4_conv", "relu"), {1: "pool4_pool"}
    ),
    "VGG16": Family(
        5, (32, 16, 8, 4, 2), ("block3_conv3", "block4_conv3", "block5_conv3", "block5_pool"), {1: "block4_pool"},
        statistics=False,
    ),
    "MobileNet": Family(
        5, (32, 16, 8, 4, 2), ("conv_pw_3_relu", "conv_pw_5_relu", "conv_pw_11_relu", "conv_pw_13_relu"),
        statistics=False,
    ),
    "MobileNetV3Small": Family(5, (32, 16, 8, 4, 2)),
    # its first convolutions leave out the border: each has a resolution of its own
    "Xception": Family(6, (45, 23, 12, 6, 3), size=(96, 96)),
}  # fmt: skip


def families(*fast: str, slow: Callable[[Family], object] = lambda family: True) -> pytest.MarkDecorator:
    """A test of some networks, and of those others for which `slow` is true, where it is slow."""
    rest = [name for name, family in FAMILIES.items() if name not in fast and slow(family)]
    names = [*fast, *(pytest.param(name, marks=pytest.mark.slow) for name in rest)]
    return pytest.mark.parametrize("built", names, indirect=True)


def load(name: str, size: tuple[int, int] | None = None) -> keras.Model:
    """A network of random weights, the same at each call."""
    keras.utils.set_random_seed(0)
    family = FAMILIES[name]
    return load_backbone(name, image_size=size or family.size, weights="none", options=family.options)


@dataclass(frozen=True)
class Built:
    """A network, and a classifier on it; they are as they were after each test."""

    name: str
    family: Family
    backbone: keras.Model
    model: keras.Model
    pixels: np.ndarray


def headed(backbone: keras.Model, outputs: keras.KerasTensor) -> keras.Model:
    return keras.Model(backbone.inputs[0], outputs, name=backbone.name)


def detector(backbone: keras.Model, stride: int) -> keras.Model:
    return headed(backbone, box_maps(backbone, LABELS, stride))


@pytest.fixture(scope="module")
def built(request: pytest.FixtureRequest) -> Built:
    family, backbone = FAMILIES[request.param], load(request.param)
    pixels = np.random.default_rng(0).uniform(0, 255, (2, *family.size, 3)).astype(np.float32)
    answers = keras.layers.Dense(2, activation="softmax", name="head_predictions")(pooled(backbone.output, "avg"))
    return Built(request.param, family, backbone, headed(backbone, answers), pixels)


@families("MobileNetV2")
def test_pixels_are_preprocessed_once_as_the_family_does(built: Built) -> None:
    constructor = getattr(keras.applications, built.name)
    bare = constructor(include_top=False, weights=None, input_shape=(*built.family.size, 3), **built.family.options)
    bare.set_weights(built.backbone.get_weights())
    # on a tensor: the functions change a numpy array in place
    by_hand = inspect.getmodule(constructor).preprocess_input(keras.ops.convert_to_tensor(built.pixels))
    # called, not predicted: a graph of each would take most of the time
    answers = built.backbone(built.pixels, training=False)
    np.testing.assert_allclose(answers, bare(by_hand, training=False), rtol=1e-4, atol=1e-5)


@families()
def test_saved_and_opened_it_answers_the_same(built: Built, tmp_path: Path) -> None:
    built.backbone.save(tmp_path / "backbone.keras")
    opened = keras.saving.load_model(tmp_path / "backbone.keras")
    expected = built.backbone(built.pixels, training=False)
    assert np.array_equal(opened(built.pixels, training=False), expected)


@families("MobileNetV2")
def test_built_twice_it_has_one_fingerprint(built: Built) -> None:
    keras.layers.Dense(1)  # so that automatic names go on
    assert fingerprint(load(built.name)) == fingerprint(built.backbone)


@families("MobileNetV2", "NASNetMobile", "ConvNeXtTiny")
def test_inputs_come_before_what_uses_them(built: Built) -> None:
    known = {id(tensor) for tensor in built.backbone.inputs}
    operations = set()
    for node in nodes_in_order(built.backbone):
        assert all(id(tensor) in known for tensor in node.inputs)
        known.update(id(tensor) for tensor in node.outputs)
        operations.add(id(node.operation))
    assert all(id(tensor) in known for tensor in built.backbone.outputs)
    layers = [layer for layer in built.backbone.layers if not isinstance(layer, keras.layers.InputLayer)]
    assert {id(layer) for layer in layers} <= operations


@families("MobileNetV2", "NASNetMobile", "ConvNeXtTiny")
def test_stages_are_resolutions(built: Built) -> None:
    found = backbone_stages(built.model)
    assert len(found) == built.family.stages
    # every frozen layer with weights that could be trained is in exactly one stage
    layers = [layer for stage in found for layer in stage]
    constants = keras.layers.Normalization
    assert len(layers) == len(set(map(id, layers)))
    assert set(map(id, layers)) == {
        id(layer) for layer in built.backbone.layers if layer.weights and not isinstance(layer, constants)
    }
    assert all(layer.count_params() for stage in found for layer in stage)


# the zeros that many networks lay around a map before they halve it belong to no place of the picture
@families("MobileNetV2", "NASNetMobile", "ConvNeXtTiny")
def test_each_scale_has_a_map_without_a_frame(built: Built) -> None:
    found = scales_of(built.backbone, STRIDES[-len(built.family.heights) :])
    assert tuple(tensor.shape[1] for tensor in found) == built.family.heights
    assert not any(isinstance(tensor._keras_history.operation, keras.layers.ZeroPadding2D) for tensor in found)
    assert found[-1] is built.backbone.outputs[0]


def last_layer(tensor: keras.KerasTensor) -> str:
    """Of a sum that Keras numbers, what it adds last."""
    operation = tensor._keras_history.operation
    if re.fullmatch(r"add(_\d+)?", operation.name):
        operation = operation.input[-1]._keras_history.operation
    return operation.name


@families("MobileNetV2", "ConvNeXtTiny", slow=lambda family: family.ends)
def test_a_scale_ends_with_its_last_block(built: Built) -> None:
    found = [last_layer(tensor) for tensor in scales_of(built.backbone, STRIDES[1:])]
    assert tuple(found[:-1]) == built.family.ends[:-1]
    assert found[-1].startswith(built.family.ends[-1])


@families("MobileNetV2", slow=lambda family: family.crossing)
def test_the_cut_is_narrow(built: Built) -> None:
    for unfreeze, layer in built.family.crossing.items():
        with unfrozen(built.model, unfreeze, batch_norm="frozen"):
            found = cut(built.model)
        assert [tensor._keras_history[0].name for tensor in found.crossing] == [layer]
        whole = multiply_adds(built.model)
        assert 0.2 * whole < found.multiply_adds < whole


@families()
def test_trunk_and_top_together_are_the_whole(built: Built) -> None:
    head = cut(built.model)
    with unfrozen(built.model, 1, batch_norm="frozen"):
        tune = cut(built.model)
        assert tune.trunk.trainable_weights == []
        assert len(tune.top.trainable_weights) == len(built.model.trainable_weights)
    assert built.name != "NASNetMobile" or len(tune.crossing) > 1
    expected = built.model(built.pixels, training=False)
    below = tune.trunk(built.pixels, training=False)
    assert np.array_equal(tune.top(below, training=False), expected)
    above = between(tune, head)(below, training=False)
    assert np.array_equal(head.top(above, training=False), expected)


@families("MobileNetV2", slow=lambda family: family.statistics)
def test_not_one_statistic_moves_while_the_top_is_tuned(built: Built) -> None:
    before, start = {weight.path: weight.numpy() for weight in built.model.weights}, built.model.get_weights()
    with unfrozen(built.model, 2, batch_norm="frozen"):
        trainable = {weight.path for weight in built.model.trainable_weights}
        found = cut(built.model)
        # a step on pictures far from the statistics of a new network: whatever can move, moves
        found.top.compile(keras.optimizers.Adam(0.1), "sparse_categorical_crossentropy", run_eagerly=True)
        found.top.train_on_batch(found.trunk(built.pixels, training=False), np.array([0, 0]))
    moved = {weight.path for weight in built.model.weights if not np.array_equal(weight.numpy(), before[weight.path])}
    built.model.set_weights(start)
    assert moved & {weight.path for weight in built.backbone.weights}
    assert moved <= trainable
    assert not any("moving" in path or "gamma" in path or "beta" in path for path in trainable)


@families(slow=lambda family: len(family.heights) == 5)
def test_maps_and_targets_have_one_size(built: Built, boxes_of: Boxes) -> None:
    size = built.family.size
    for stride in (4, 8, 16):
        task, model = object_boxes(LABELS, size, stride=stride), detector(built.backbone, stride)
        assert model.output_shape[1:3] == task.encode(boxes_of([])).shape[1:3]
        task.check(model)
    model = headed(built.backbone, pixel_maps(built.backbone, LABELS))
    assert model.output_shape == (None, *size, 3)
    pixel_labels(LABELS, size).check(model)


def test_pictures_need_not_be_square_or_divide_by_the_strides(boxes_of: Boxes) -> None:
    size = (100, 72)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        backbone = load("MobileNetV2", size)
    assert [tensor.shape[1:3] for tensor in scales_of(backbone, STRIDES[1:])] == [(25, 18), (13, 9), (7, 5), (4, 3)]
    for stride in (4, 8):
        task = object_boxes(LABELS, size, stride=stride)
        assert detector(backbone, stride).output_shape[1:3] == task.encode(boxes_of([])).shape[1:3]
    assert headed(backbone, pixel_maps(backbone, LABELS)).output_shape == (None, *size, 3)
