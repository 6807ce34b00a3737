from __future__ import annotations

import keras
import pytest

from tfft.errors import ConfigError
from tfft.models import block_outputs, features, load_backbone

SIZE = (64, 64)


def blocks(name: str) -> list[tuple[str, int]]:
    """Names and channels of the outputs of the blocks of a network with random weights."""
    ends = block_outputs(load_backbone(name, image_size=SIZE, weights="none"))
    return [(tensor._keras_history.operation.name, tensor.shape[-1]) for tensor in ends]


def test_the_narrow_tensors_between_the_blocks_of_mobilenet() -> None:
    found = blocks("MobileNetV2")
    assert [channels for _, channels in found] == [
        16,
        *[24] * 2,
        *[32] * 3,
        *[64] * 4,
        *[96] * 3,
        *[160] * 3,
        320,
        1280,
    ]
    assert found[0][0] == "expanded_conv_project_BN"
    assert found[2][0] == "block_2_add"
    assert found[-1][0] == "out_relu"


@pytest.mark.slow
def test_the_residual_blocks_of_resnet_after_their_activation() -> None:
    found = blocks("ResNet50")
    assert [channels for _, channels in found] == [64, *[256] * 3, *[512] * 4, *[1024] * 6, *[2048] * 3]
    assert all(name.endswith(("_out", "pool1_pool")) for name, _ in found)


@pytest.mark.slow
def test_other_families() -> None:
    assert [channels for _, channels in blocks("DenseNet121")] == [64, 128, 256, 512, 1024]
    assert [channels for _, channels in blocks("VGG16")] == [*[64] * 2, *[128] * 2, *[256] * 3, *[512] * 6]
    assert len(blocks("EfficientNetB0")) == 17
    assert len(blocks("ConvNeXtTiny")) == 22
    assert blocks("NASNetMobile")[-1][1] == 1056  # its cells pass on two tensors
    assert not any("pad" in name for name, _ in blocks("MobileNet"))


def test_features_are_pooled_side_by_side_and_the_last_block_comes_last(network: keras.Model) -> None:
    backbone = keras.Model(network.inputs[0], network.get_layer("relu_3").output)
    assert [tuple(tensor.shape[1:]) for tensor in block_outputs(backbone)] == [(16, 16, 4), (8, 8, 8), (4, 4, 8)]
    assert features(backbone, 1).shape == (None, 8)
    assert features(backbone, 2, "avg+max").shape == (None, 32)
    assert features(backbone, "all").shape == (None, 20)
    both = keras.Model(backbone.inputs, [features(backbone, 2), keras.layers.GlobalAveragePooling2D()(backbone.output)])
    side_by_side, last = both.predict(keras.random.uniform((3, 32, 32, 3), 0, 255, seed=0), verbose=0)
    assert side_by_side[:, 8:] == pytest.approx(last)
    with pytest.raises(ConfigError, match=r"--features.*3, the number of blocks.*got 4.*all"):
        features(backbone, 4)


def test_a_backbone_that_ends_in_a_vector_has_that_alone(network: keras.Model) -> None:
    backbone = load_backbone(
        keras.Model(network.inputs[0], network.get_layer("pool").output), image_size=(32, 32), weights="none"
    )
    assert features(backbone, "all").shape[-1] == sum(tensor.shape[-1] for tensor in block_outputs(backbone))
