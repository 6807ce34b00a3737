from __future__ import annotations

import inspect
import warnings
from pathlib import Path

import keras
import numpy as np
import pytest

from tfft.errors import ConfigError
from tfft.models import backbone_names, describe_backbone, load_backbone

SIZE = (32, 32)
PIXELS = np.random.default_rng(0).uniform(0, 255, (2, *SIZE, 3)).astype(np.float32)
# for each way of preprocessing: tf, caffe, torch, and inside the network
FAMILIES = ["MobileNetV2", "ResNet50", "DenseNet121", "EfficientNetB0", "MobileNetV3Small"]


def test_every_constructor_has_its_preprocessing_beside_it() -> None:
    names = backbone_names()
    assert {"ResNet50", "VGG16", "ConvNeXtTiny", "NASNetMobile", "Xception", "EfficientNetV2B0"} <= set(names)
    assert len(names) > 35
    for name in names:
        assert callable(inspect.getmodule(getattr(keras.applications, name)).preprocess_input)


@pytest.mark.parametrize("name", FAMILIES)
def test_pixels_are_preprocessed_once_as_the_family_does(name: str, tmp_path: Path) -> None:
    backbone = load_backbone(name, image_size=SIZE, weights="none")
    constructor = getattr(keras.applications, name)
    bare = constructor(include_top=False, weights=None, input_shape=(*SIZE, 3))
    bare.set_weights(backbone.get_weights())
    # on a tensor: the functions change a numpy array in place
    by_hand = inspect.getmodule(constructor).preprocess_input(keras.ops.convert_to_tensor(PIXELS))
    # called, not predicted: a graph of each would take most of the time
    answers = np.asarray(backbone(PIXELS, training=False))
    np.testing.assert_allclose(answers, bare(by_hand, training=False), rtol=1e-4, atol=1e-5)
    backbone.save(tmp_path / "backbone.keras")
    reopened = keras.saving.load_model(tmp_path / "backbone.keras")
    assert np.array_equal(reopened(PIXELS, training=False), answers)


def test_a_backbone_is_frozen_and_flat() -> None:
    backbone = load_backbone("MobileNet", image_size=SIZE, weights="none", options={"alpha": 0.25})
    assert backbone.name == "MobileNet"
    assert backbone.trainable_weights == []
    assert not any(isinstance(layer, keras.Model) for layer in backbone.layers)
    assert backbone.output_shape == (None, 1, 1, 256)


def test_a_keras_model_is_used_as_it_is(network: keras.Model) -> None:
    assert load_backbone(network, image_size=SIZE) is network
    assert network.trainable_weights == []


@pytest.mark.parametrize(
    ("name", "size", "options", "weights", "said"),
    [
        ("MobilNetV2", SIZE, {}, "none", r"'MobilNetV2'\. Nearest: 'MobileNetV2'"),
        ("MobileNetV2", SIZE, {"alfa": 1}, "none", r"are alpha\. Received: alfa\. Nearest: 'alpha'"),
        ("ResNet50", SIZE, {"alpha": 1}, "none", r"are none\. Received: alpha\. Pass `--backbone-options '{}'`"),
        ("MobileNetV3Small", SIZE, {"include_preprocessing": False}, "none", "Received: include_preprocessing"),
        ("InceptionV3", SIZE, {}, "none", "75x75"),
        ("MobileNetV2", (0, 32), {}, "none", "image_size=0"),
        ("MobileNetV2", SIZE, {}, "nowhere.h5", "no file nowhere.h5"),
        ("MobileNetV2", SIZE, {}, "imagnet", "'imagnet'"),
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
    with pytest.raises(ConfigError, match=r"mine with base\. Pass the inner model itself"):
        load_backbone(nested, image_size=SIZE)
    hidden = keras.Model(inputs, keras.layers.TimeDistributed(keras.layers.BatchNormalization(), name="td")(inputs))
    with pytest.raises(ConfigError, match="with td"):
        load_backbone(hidden, image_size=SIZE)


def test_several_inputs_or_none_are_refused() -> None:
    class Subclass(keras.Model):
        def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
            return inputs

    with pytest.raises(ConfigError, match="one input and one output"):
        load_backbone(Subclass(), image_size=SIZE)
    a, b = keras.Input((*SIZE, 3)), keras.Input((*SIZE, 3))
    with pytest.raises(ConfigError, match="one input and one output"):
        load_backbone(keras.Model([a, b], keras.layers.Add()([a, b])), image_size=SIZE)


def test_a_model_of_another_size(network: keras.Model) -> None:
    with pytest.raises(ConfigError, match=r"\(batch, 64, 64, 3\)"):
        load_backbone(network, image_size=(64, 64))


def test_what_a_person_calls_it(network: keras.Model) -> None:
    assert describe_backbone("ResNet50", "imagenet") == "ResNet50, weights imagenet"
    assert describe_backbone("ResNet50", "none") == "ResNet50, weights random"
    said = describe_backbone("MobileNetV2", "demo", {"alpha": 0.35})
    assert said.startswith("MobileNetV2, alpha=0.35, weights demo (made by tfft from pictures drawn by formula")
    assert describe_backbone(network, "imagenet") == f"{network.name}, a model of your own"


def test_an_odd_size_warns_of_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_backbone("MobileNetV2", image_size=(40, 56), weights="none", options={"alpha": 0.35})
