from __future__ import annotations

import keras

from tfft.models import backbone_stages


def test_the_stages_of_a_small_network(network: keras.Model) -> None:
    names = [[layer.name for layer in stage] for stage in backbone_stages(network)]
    assert names == [["conv_1", "norm_1"], ["conv_2", "norm_2"], ["conv_3", "norm_3"]]


def test_squeeze_and_excitation_belongs_to_the_stage_around_it() -> None:
    def block(x: keras.KerasTensor, stage: int) -> keras.KerasTensor:
        """Halves a map, and weighs its channels by what is in all of it."""
        x = keras.layers.Conv2D(4, 3, strides=2, padding="same", name=f"conv_{stage}")(x)
        weight = keras.layers.Reshape((1, 1, 4))(keras.layers.GlobalAveragePooling2D()(x))
        weight = keras.layers.Conv2D(2, 1, activation="relu", name=f"reduce_{stage}")(weight)
        weight = keras.layers.Conv2D(4, 1, activation="sigmoid", name=f"expand_{stage}")(weight)
        x = keras.layers.Multiply()([x, weight])
        return keras.layers.BatchNormalization(name=f"norm_{stage}")(x)

    inputs = keras.Input((8, 8, 3))
    backbone = keras.Model(inputs, block(block(block(inputs, 1), 2), 3))
    backbone.trainable = False
    # the last map is itself 1 x 1
    assert [sorted(layer.name for layer in stage) for stage in backbone_stages(backbone)] == [
        [f"conv_{stage}", f"expand_{stage}", f"norm_{stage}", f"reduce_{stage}"] for stage in (1, 2, 3)
    ]


def test_what_has_nothing_to_train_is_no_stage() -> None:
    """A Normalization before the first layer holds constants, and a pooling between two layers nothing."""
    inputs = keras.Input((16, 16, 3))
    x = keras.layers.Normalization(name="constants")(inputs)
    x = keras.layers.Conv2D(4, 3, strides=2, padding="same", name="conv_1")(x)
    x = keras.layers.MaxPooling2D(2)(keras.layers.MaxPooling2D(2)(x))
    x = keras.layers.Conv2D(4, 3, padding="same", name="conv_2")(x)
    backbone = keras.Model(inputs, keras.layers.MaxPooling2D(2)(x))
    backbone.trainable = False
    assert backbone.get_layer("constants").weights
    names = [[layer.name for layer in stage] for stage in backbone_stages(backbone)]
    assert names == [["conv_1"], ["conv_2"]]
