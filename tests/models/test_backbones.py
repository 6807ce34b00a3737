from __future__ import annotations

import inspect
import sys
from pathlib import Path
from types import ModuleType

import keras
import numpy as np
import pytest
from keras.src.applications import densenet, efficientnet, mobilenet_v2, resnet

from tfft.errors import ConfigError
from tfft.models import (
    backbone_names,
    backbone_stages,
    describe_backbone,
    downloaded_backbones,
    load_backbone,
    pooled,
)

SIZE = (32, 32)
PIXELS = np.random.default_rng(0).uniform(0, 255, (2, *SIZE, 3)).astype(np.float32)


def test_every_constructor_has_its_preprocessing_beside_it() -> None:
    names = backbone_names()
    assert {"ResNet50", "VGG16", "ConvNeXtTiny", "NASNetMobile", "Xception", "EfficientNetV2B0"} <= set(names)
    assert len(names) > 35
    for name in names:
        assert callable(inspect.getmodule(getattr(keras.applications, name)).preprocess_input)


# for each way of preprocessing: tf, caffe, torch, and inside the network
@pytest.mark.parametrize("family", [mobilenet_v2, resnet, densenet, efficientnet], ids=lambda m: m.__name__[23:])
def test_pixels_are_preprocessed_exactly_once(
    family: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def tiny(include_top: bool, weights: None, input_tensor: keras.KerasTensor, input_shape: tuple) -> keras.Model:
        """A constructor as those of `keras.applications`, of a network that hands on what it is given."""
        return keras.Model(keras.utils.get_source_inputs(input_tensor), keras.layers.Identity()(input_tensor))

    # families keep their preprocessing in the module of their constructors
    module = ModuleType("tiny_family")
    module.preprocess_input = family.preprocess_input
    tiny.__module__ = module.__name__
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(keras.applications, "Tiny", tiny, raising=False)
    prepare = family.preprocess_input
    once = prepare(keras.ops.convert_to_tensor(PIXELS))  # the functions change a numpy array in place
    backbone = load_backbone("Tiny", image_size=SIZE, weights="none")
    answers = backbone(PIXELS)
    np.testing.assert_allclose(answers, once, rtol=1e-4, atol=1e-5)
    inside = family is efficientnet
    assert np.allclose(answers, PIXELS) == np.allclose(answers, prepare(once)) == inside
    backbone.save(tmp_path / "backbone.keras")
    assert np.array_equal(keras.saving.load_model(tmp_path / "backbone.keras")(PIXELS), answers)


def test_networks_on_this_machine_are_known_by_their_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert downloaded_backbones() == []
    (tmp_path / "models").mkdir()
    for name in (
        "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5",
        "weights_mobilenet_v3_small_224_1.0_float_no_top_v2.h5",
        "mobilenet_1_0_224_tf_no_top.h5",
        "efficientnetv2-b0_notop.h5",
        "resnet50v2_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "resnet101_weights_tf_dim_ordering_tf_kernels.h5",
        "imagenet_class_index.json",
    ):
        (tmp_path / "models" / name).touch()
    names = ["EfficientNetV2B0", "MobileNet", "MobileNetV2", "MobileNetV3Small", "ResNet50V2"]
    assert downloaded_backbones() == names  # the file of ResNet101 is with its top layers


def test_a_backbone_is_frozen_and_flat() -> None:
    backbone = load_backbone("MobileNet", image_size=SIZE, weights="none", options={"alpha": 0.25})
    assert backbone.name == "MobileNet"
    assert backbone.trainable_weights == []
    assert not any(isinstance(layer, keras.Model) for layer in backbone.layers)
    assert backbone.output_shape == (None, 1, 1, 256)


def test_a_keras_model_is_used_as_it_is(network: keras.Model) -> None:
    maps = keras.Model(network.inputs[0], network.get_layer("relu_3").output)
    assert load_backbone(maps, image_size=SIZE) is maps
    assert maps.trainable_weights == []


@pytest.mark.parametrize(("places", "shape"), [((), (1, 1, 48)), ((4,), (1, 4, 12)), ((2, 2), (2, 2, 12))])
def test_features_without_a_map_become_one_that_every_head_pools(
    places: tuple[int, ...], shape: tuple[int, ...], tmp_path: Path
) -> None:
    inputs = keras.Input((*SIZE, 3))
    x = keras.layers.Conv2D(12, 3, strides=16, padding="same", name="reshape")(inputs)
    mine = keras.Model(inputs, keras.layers.Reshape((*places, -1), name="mine")(x), name="mine")
    backbone = load_backbone(mine, image_size=SIZE)
    assert (backbone.name, backbone.output_shape) == ("mine", (None, *shape))
    assert backbone.trainable_weights == mine.trainable_weights == []
    assert load_backbone(backbone, image_size=SIZE) is backbone  # once is enough
    features = np.asarray(mine(PIXELS)).reshape(2, -1, shape[-1])
    expected = {"avg": features.mean(axis=1), "max": features.max(axis=1)}
    expected["avg+max"] = np.concatenate([expected["avg"], expected["max"]], axis=-1)
    for pooling, values in expected.items():
        model = keras.Model(backbone.inputs[0], pooled(backbone.output, pooling))
        np.testing.assert_allclose(model(PIXELS), values, rtol=1e-5, atol=1e-3)
    x = keras.layers.GlobalAveragePooling2D()(backbone.output)  # as image_classification has it
    model = keras.Model(backbone.inputs[0], keras.layers.Dense(2, name="head")(x))
    assert [[layer.name for layer in stage] for stage in backbone_stages(model)] == [["reshape"]]
    assert len(model.trainable_weights) == 2
    model.save(tmp_path / "model.keras")
    assert np.array_equal(keras.saving.load_model(tmp_path / "model.keras")(PIXELS), model(PIXELS))


@pytest.mark.parametrize(
    ("name", "size", "options", "weights", "said"),
    [
        ("MobilNetV2", SIZE, {}, "none", "MobilNetV2.*MobileNetV2"),
        ("MobileNetV2", SIZE, {"alfa": 1}, "none", "alfa.*alpha"),
        ("ResNet50", SIZE, {"alpha": 1}, "none", "(?=.*ResNet50)(?=.*alpha)(?=.*--backbone-options)"),
        ("MobileNetV3Small", SIZE, {"include_preprocessing": False}, "none", "include_preprocessing"),
        ("InceptionV3", SIZE, {}, "none", "75x75"),
        ("MobileNetV2", (0, 32), {}, "none", "image.size.*0"),
        ("MobileNetV2", SIZE, {}, "nowhere.h5", r"nowhere\.h5"),
        ("MobileNetV2", SIZE, {}, "imagnet", "imagnet"),
    ],
)
def test_what_cannot_be_built_says_why(
    name: str, size: tuple[int, int], options: dict, weights: str, said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        load_backbone(name, image_size=size, options=options, weights=weights)


def inner(inputs: keras.KerasTensor) -> keras.KerasTensor:
    return keras.layers.BatchNormalization()(keras.layers.Conv2D(2, 3)(inputs))


def test_a_model_inside_the_model_is_refused() -> None:
    inputs = keras.Input((*SIZE, 3))
    nested = keras.Model(inputs, keras.Model(inputs, inner(inputs), name="base")(inputs), name="mine")
    with pytest.raises(ConfigError, match=r"(?=.*mine)(?=.*base)"):
        load_backbone(nested, image_size=SIZE)
    hidden = keras.Model(inputs, keras.layers.TimeDistributed(keras.layers.BatchNormalization(), name="td")(inputs))
    with pytest.raises(ConfigError, match=r"\btd\b"):
        load_backbone(hidden, image_size=SIZE)


def test_several_inputs_or_none_are_refused() -> None:
    class Subclass(keras.Model):
        def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
            return inputs

    with pytest.raises(ConfigError, match="Subclass"):
        load_backbone(Subclass(), image_size=SIZE)
    a, b = keras.Input((*SIZE, 3)), keras.Input((*SIZE, 3))
    with pytest.raises(ConfigError, match="pair"):
        load_backbone(keras.Model([a, b], keras.layers.Add()([a, b]), name="pair"), image_size=SIZE)


def test_a_model_of_another_size(network: keras.Model) -> None:
    with pytest.raises(ConfigError, match=r"(?=.*64)(?=.*32)"):
        load_backbone(network, image_size=(64, 64))


def test_what_a_person_calls_it(network: keras.Model) -> None:
    for said, parts in [
        (describe_backbone("ResNet50", "imagenet"), ("ResNet50", "imagenet")),
        (describe_backbone("ResNet50", "none"), ("ResNet50", "random")),
        (describe_backbone("MobileNetV2", "demo", {"alpha": 0.35}), ("MobileNetV2", "alpha", "0.35", "demo", "tfft")),
        (describe_backbone(network, "imagenet"), (network.name,)),
    ]:
        assert all(part in said for part in parts), said
    assert "imagenet" not in describe_backbone(network, "imagenet")  # its weights are its own


def test_an_augmentation_layer_in_a_backbone_is_named(caplog: pytest.LogCaptureFixture) -> None:
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Pipeline([keras.layers.RandomRotation(0.1, name="turned")])(inputs)
    x = keras.layers.RandomFlip(name="flipped")(x)
    model = keras.Model(inputs, keras.layers.Conv2D(2, 3)(x))
    load_backbone(model, image_size=(8, 8))
    assert "flipped" in caplog.text
    assert "turned" in caplog.text
    assert "--augment" in caplog.text
