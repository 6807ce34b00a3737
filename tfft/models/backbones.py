"""Backbones: any network of `keras.applications`, raw pixels in, its own preprocessing inside, once."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import keras

from tfft.errors import ConfigError, listed, nearest
from tfft.models import weights as weight_files

# what tfft sets itself when it calls a constructor
SET_HERE = {
    "include_top",
    "weights",
    "input_tensor",
    "input_shape",
    "pooling",
    "classes",
    "classifier_activation",
    "name",
}


def backbone_names() -> list[str]:
    """The constructors of `keras.applications`, by name."""
    return sorted(name for name, entry in vars(keras.applications).items() if inspect.isfunction(entry))


def check_backbone(backbone: str | keras.Model, options: Mapping[str, Any], weights: str) -> None:
    """Raises `ConfigError` for what can be told before any picture is read: name, options, weights file."""
    if isinstance(backbone, keras.Model):
        if options:
            raise ConfigError("A `keras.Model` as backbone takes no `backbone_options`", received=dict(options))
        return
    taken = _options_of(_constructor(backbone))
    for name in options:
        if name not in taken:
            raise ConfigError(
                f"`--backbone-options` of {backbone} are {listed(taken) or 'none'}",
                received=name,
                fix=f"Nearest: {nearest(name, taken)}" if taken else None,
            )
    weight_files.check_weights(weights)


def load_backbone(
    backbone: str | keras.Model,
    *,
    image_size: tuple[int, int],
    weights: str = "imagenet",
    options: Mapping[str, Any] | None = None,
) -> keras.Model:
    """Builds a frozen backbone that takes raw pixels.

    Args:
        backbone: Name of a `keras.applications` constructor, or a functional `keras.Model` that takes
            (batch, height, width, 3) in [0, 255]; it is used as it is and frozen.
        image_size: Height and width in pixels.
        weights: `"imagenet"`, `"none"` (random), or the path of a weights file without top layers.
        options: Further arguments of the constructor, such as `{"alpha": 0.35}`.

    Returns:
        A flat functional model, (batch, height, width, 3) in [0, 255] to features, every layer frozen.

    Raises:
        ConfigError: For a name, an option or a size that the network does not have, or weights that do not fit.
        MachineError: If the weights cannot be downloaded.

    Example:

        backbone = load_backbone("MobileNetV2", image_size=(160, 160), options={"alpha": 0.35})
    """
    options = dict(options or {})
    check_backbone(backbone, options, weights)
    model = backbone if isinstance(backbone, keras.Model) else _build(backbone, image_size, weights, options)
    if model.inputs[0].shape[1:] != (*image_size, 3):
        raise ConfigError(
            f"A backbone takes one input, (batch, {image_size[0]}, {image_size[1]}, 3)",
            received=f"{model.name} with {model.inputs[0].shape}",
            fix="Pass the same `image_size` as the model",
        )
    model.trainable = False
    return model


def _build(name: str, image_size: tuple[int, int], weights: str, options: dict[str, Any]) -> keras.Model:
    constructor = _constructor(name)
    inputs = keras.Input((*image_size, 3), name="image")
    # each family keeps its preprocessing beside its constructors; some have it in the network and an identity here
    preprocessed = inspect.getmodule(constructor).preprocess_input(inputs)
    with weight_files.explained(name, weights):
        network = constructor(
            include_top=False,
            weights=None if weights == "none" else weights,
            input_tensor=preprocessed,
            input_shape=preprocessed.shape[1:],  # the tensor alone is not held against the family's smallest size
            **options,
        )
    return keras.Model(inputs, network.output, name="backbone")


def _constructor(name: str) -> Callable[..., keras.Model]:
    names = backbone_names()
    if name not in names:
        raise ConfigError(
            "`--backbone` is the name of a network in keras.applications",
            received=repr(name),
            fix=f"Nearest: {nearest(name, names)}",
        )
    return getattr(keras.applications, name)


def _options_of(constructor: Callable[..., keras.Model]) -> list[str]:
    return [name for name in inspect.signature(constructor).parameters if name not in SET_HERE]
