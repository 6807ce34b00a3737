from __future__ import annotations

import keras
import pytest

from tfft.errors import ConfigError
from tfft.models import load_backbone, scales_of

STRIDES = (4, 8, 16, 32)


# where the last block of each scale ends, not where the next one has widened it already
@pytest.mark.parametrize(
    ("name", "layers"),
    [
        ("MobileNetV2", ["block_2_add", "block_5_add", "block_12_add", "out_relu"]),
        ("ResNet50", ["conv2_block3_out", "conv3_block4_out", "conv4_block6_out", "conv5_block3_out"]),
        ("EfficientNetB0", ["block2b_add", "block3b_add", "block5c_add", "top_activation"]),
        ("DenseNet121", ["pool2_conv", "pool3_conv", "pool4_conv", "relu"]),
        ("VGG16", ["block3_conv3", "block4_conv3", "block5_conv3", "block5_pool"]),
        ("MobileNet", ["conv_pw_3_relu", "conv_pw_5_relu", "conv_pw_11_relu", "conv_pw_13_relu"]),
    ],
)
def test_the_end_of_each_scale(name: str, layers: list[str]) -> None:
    found = scales_of(load_backbone(name, image_size=(64, 64), weights="none"), STRIDES)
    assert [tensor._keras_history.operation.name for tensor in found] == layers
    assert [tensor.shape[1:3] for tensor in found] == [(16, 16), (8, 8), (4, 4), (2, 2)]


# the zeros that many networks lay around a map before they halve it belong to no place of the picture
@pytest.mark.parametrize("name", ["MobileNetV2", "ResNet50", "EfficientNetB0", "DenseNet121", "MobileNetV3Small"])
def test_no_map_has_a_frame(name: str) -> None:
    found = scales_of(load_backbone(name, image_size=(64, 64), weights="none"), (2, *STRIDES))
    assert not any(isinstance(tensor._keras_history.operation, keras.layers.ZeroPadding2D) for tensor in found)
    assert [tensor.shape[1] for tensor in found] == [32, 16, 8, 4, 2]


def test_the_end_of_each_scale_of_a_network_that_numbers_its_sums() -> None:
    backbone = load_backbone("ConvNeXtTiny", image_size=(64, 64), weights="none")
    found = scales_of(backbone, STRIDES)
    assert [tuple(tensor.shape[1:]) for tensor in found] == [(16, 16, 96), (8, 8, 192), (4, 4, 384), (2, 2, 768)]
    for tensor, last in zip(found[:3], ("stage_0_block_2", "stage_1_block_2", "stage_2_block_8"), strict=True):
        merged = [given._keras_history.operation.name for given in tensor._keras_history.operation.input]
        assert f"convnext_tiny_{last}_identity" in merged
    assert found[3] is backbone.outputs[0]


def block(x: keras.KerasTensor, filters: int, name: str) -> keras.KerasTensor:
    """Halves a map, widens and narrows it, and adds."""
    x = keras.layers.Conv2D(filters, 3, strides=2, padding="same")(x)
    wide = keras.layers.Conv2D(6 * filters, 1)(x)
    return keras.layers.Add(name=name)([x, keras.layers.Conv2D(filters, 1)(wide)])


def test_the_narrowest_map_after_the_last_block() -> None:
    inputs = keras.Input((32, 32, 3))
    x = block(inputs, 2, "fine")  # stride 2
    x = block(x, 4, "middle")  # stride 4
    narrow = keras.layers.Conv2D(3, 1, name="narrow")(x)
    wide = keras.layers.Conv2D(9, 1, name="wide")(narrow)
    backbone = keras.Model(inputs, block(wide, 5, "coarse"))
    found = scales_of(backbone, (2, 4, 8))
    assert [tensor._keras_history.operation.name for tensor in found] == ["fine", "narrow", "coarse"]
    # maps of a model: they can be computed
    assert keras.Model(inputs, found).output_shape == [(None, 16, 16, 2), (None, 8, 8, 3), (None, 4, 4, 5)]


def test_the_output_stands_for_its_own_stride() -> None:
    inputs = keras.Input((32, 32, 3))
    x = block(inputs, 2, "narrow")
    backbone = keras.Model(inputs, keras.layers.Conv2D(64, 1, name="wide")(x))
    assert scales_of(backbone, (2,)) == [backbone.outputs[0]]


def test_a_stride_that_a_network_does_not_have(network: keras.Model) -> None:
    with pytest.raises(ConfigError, match=r"stride of 16\. Received: .* \[1, 2, 4, 8\] at 32 pixels.*`--image-size`"):
        scales_of(keras.Model(network.inputs[0], network.get_layer("relu_3").output), STRIDES)


def test_pictures_that_are_higher_than_wide() -> None:
    found = scales_of(load_backbone("MobileNetV2", image_size=(96, 64), weights="none"), (8, 32))
    assert [tensor.shape[1:3] for tensor in found] == [(12, 8), (3, 2)]
