from __future__ import annotations

from collections.abc import Callable

import keras
import pytest

from tfft.models.configurations import complete_configurations


def model_of(layer: keras.Layer) -> keras.Model:
    """A model with one layer."""
    inputs = keras.Input((3, 8))
    return keras.Model(inputs, layer(inputs))


@pytest.fixture
def forgetful() -> Callable[..., keras.Layer]:
    """Makes a layer, as if it were KerasHub's, whose configuration has or lacks what it is told."""

    class Scaled(keras.layers.Layer):
        def __init__(self, scale: float, activation: str = "relu", lacks: str = "", adds: str = "", **options: object):
            super().__init__(**options)
            self.scale, self.lacks, self.adds = scale, lacks, adds
            self.activation = keras.activations.get(activation)

        def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
            return self.scale * self.activation(inputs)

        def get_config(self) -> dict:
            own = {"scale": self.scale, "activation": "tanh", "lacks": self.lacks, "adds": self.adds}
            if self.lacks == "everything":
                raise AttributeError(self.lacks)
            own.pop(self.lacks, None)
            return {**super().get_config(), **own, **({self.adds: 1} if self.adds else {})}

    Scaled.__module__ = "keras_hub.src.models.scaled"
    return Scaled


def test_what_a_layer_forgets_is_read_from_its_attributes(forgetful: Callable[..., keras.Layer]) -> None:
    for options in ({"lacks": "activation"}, {"lacks": "everything"}, {"lacks": "scale", "adds": "shape"}):
        layer = forgetful(3.0, "gelu", **options, name="scaled")
        complete_configurations(model_of(layer))
        config = layer.get_config()
        assert (config["name"], config["scale"], "shape" in config) == ("scaled", 3.0, False)
        again = type(layer).from_config(config)
        assert again.activation is keras.activations.get("tanh" if options["lacks"] == "scale" else "gelu")


def test_a_configuration_that_is_complete_is_left_alone(forgetful: Callable[..., keras.Layer]) -> None:
    for layer in (forgetful(3.0), keras.layers.Dense(2)):
        complete_configurations(model_of(layer))
        assert "get_config" not in vars(layer)
