from __future__ import annotations

import keras
import pytest

from tfft.models import attach_head, backbone_stages, load_backbone, single_label


def test_the_stages_of_a_small_network(network: keras.Model) -> None:
    names = [[layer.name for layer in stage] for stage in backbone_stages(network)]
    assert names == [["conv_1", "norm_1"], ["conv_2", "norm_2"], ["conv_3", "norm_3"]]


@pytest.mark.parametrize(
    ("name", "options", "stages"),
    [
        ("MobileNetV2", {"alpha": 0.35}, 5),
        ("ResNet50", {}, 5),
        ("EfficientNetB0", {}, 5),
        ("DenseNet121", {}, 5),
        ("ConvNeXtTiny", {}, 4),
        ("VGG16", {}, 5),
        ("MobileNetV3Small", {}, 5),
    ],
)
def test_stages_are_resolutions(name: str, options: dict, stages: int) -> None:
    backbone = load_backbone(name, image_size=(64, 64), weights="none", options=options)
    found = backbone_stages(attach_head(backbone, single_label(["a", "b"])))
    assert len(found) == stages
    # every frozen layer with weights that could be trained is in exactly one stage
    layers = [layer for stage in found for layer in stage]
    constants = keras.layers.Normalization
    assert len(layers) == len(set(map(id, layers)))
    assert set(map(id, layers)) == {
        id(layer) for layer in backbone.layers if layer.weights and not isinstance(layer, constants)
    }
    assert all(layer.count_params() for stage in found for layer in stage)


def test_squeeze_and_excitation_belongs_to_the_stage_around_it() -> None:
    backbone = load_backbone("EfficientNetB0", image_size=(32, 32), weights="none")
    stage_of = {layer.name: index for index, stage in enumerate(backbone_stages(backbone)) for layer in stage}
    assert stage_of["block2a_se_reduce"] == stage_of["block2a_bn"]
    # at 32 pixels the last stage is itself 1 x 1
    assert stage_of["block6a_se_expand"] == stage_of["top_conv"] == len(set(stage_of.values())) - 1
