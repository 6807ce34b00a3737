"""A network of your own as backbone: a `keras.Model`, or a `.keras` file with one."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

import keras

from tfft.errors import ConfigError, listed
from tfft.models.opening import open_model_file

logger = logging.getLogger(__name__)

AUGMENTING = ("Random", "RandAugment", "AugMix", "CutMix", "MixUp")
"""Beginnings of the names of Keras's augmentation layers."""


def is_file(backbone: Any) -> bool:
    """Whether a backbone is the path of a `.keras` file."""
    return isinstance(backbone, str) and backbone.endswith(".keras")


def opened(backbone: str, weights: str) -> keras.Model:
    """The model of a `.keras` file, named after it.

    Raises:
        ConfigError: If it cannot be opened, has the head of an earlier run, or `weights` names others.
    """
    path = Path(backbone).expanduser()
    if weights not in ("imagenet", "demo"):  # the defaults, which nobody typed
        raise ConfigError(f"`--weights {weights}` does not go with {path}, which has weights", fix="Leave it out")
    if not path.exists():
        raise ConfigError(f"Backbone not found: {path}", fix="Check the path in `--backbone`")
    model = open_model_file(path, fix=f'Save it again in Keras 3: `model.save("{path.name}")`')
    _check_flat(model)
    if heads := [layer.name for layer in model.layers if layer.name.startswith("head_")]:
        raise ConfigError(
            f"{path} has the head of an earlier run ({listed(heads, most=3)})",
            fix="Save the part below it: `keras.Model(model.inputs, model.get_layer(NAME).output).save(...)`",
        )
    # of the characters that TensorFlow allows in a name
    name = re.sub(r"[^A-Za-z0-9]+", "_", path.stem).strip("_") or "backbone"
    return keras.Model(model.inputs[0], model.outputs[0], name=name)


def usable(model: keras.Model, image_size: tuple[int, int]) -> keras.Model:
    """A model of your own as a backbone: for pictures of one size, to a feature map.

    Raises:
        ConfigError: If it is not functional, has a model inside, or does not take such pictures.
    """
    _check_flat(model)
    _warn_of_augmentation(model)
    model = _with_map(_sized(model, image_size))
    shape = model.inputs[0].shape
    if shape[1:] == (*image_size, 3):
        return model
    what = f"The input of {model.name} must be (batch, {image_size[0]}, {image_size[1]}, 3) (got {shape})"
    if len(shape) != 4 or shape[3] != 3:
        raise ConfigError(what, fix="Choose a network for pictures with three channels, (batch, height, width, 3)")
    sides = " ".join(map(str, dict.fromkeys(shape[1:3])))
    raise ConfigError(what, fix=f"Set `--image-size {sides}`, the size that it takes")


def _sized(model: keras.Model, image_size: tuple[int, int]) -> keras.Model:
    """The model for pictures of one size, if it takes any."""
    shape = model.inputs[0].shape
    if len(shape) != 4 or None not in shape[1:3]:
        return model
    pictures = keras.Input([own or side for own, side in zip(shape[1:], (*image_size, 3), strict=True)], name="image")
    model = keras.Model(model.inputs[0], model.outputs[0], name=model.name)  # not Sequential
    try:
        outputs = model._run_through_graph(pictures, operation_fn=lambda operation: operation)
    except ValueError as error:  # of Keras, if too little is left of a small picture
        first = str(error).partition("\n")[0]
        fix = "Set a larger `--image-size`"
        raise ConfigError(f"{model.name} does not take this size: {first}", fix=fix) from error
    return keras.Model(pictures, outputs, name=model.name)


def _with_map(model: keras.Model) -> keras.Model:
    """The same model, with features reshaped to a map if they have no positions, or positions in a row."""
    shape = model.outputs[0].shape[1:]
    if len(shape) not in (1, 2):
        return model
    # an unusual name: Keras refuses two layers with the same name
    as_map = keras.layers.Reshape((1,) * (3 - len(shape)) + shape, name="backbone_map")
    return keras.Model(model.inputs[0], as_map(model.outputs[0]), name=model.name)


def _warn_of_augmentation(model: keras.Model) -> None:
    """Logs a warning for Keras's augmentation layers: in a frozen backbone they do nothing."""
    layers = model._flatten_layers(include_self=False)  # with those inside a `Pipeline`
    names = [layer.name for layer in layers if type(layer).__name__.startswith(AUGMENTING)]
    if names:
        logger.warning(
            "%s of backbone %s will not augment anything: a frozen backbone runs in inference mode. Use `--augment`, "
            "or pass `augment` to `pictures.load_data` on a page of your own.",
            listed(names, most=3),
            model.name,
        )


def _check_flat(model: keras.Model) -> None:
    """Raises `ConfigError` for a model inside the model: it would hide stages and BatchNormalization layers."""
    if len(getattr(model, "inputs", None) or ()) != 1 or len(getattr(model, "outputs", None) or ()) != 1:
        raise ConfigError(
            "A `keras.Model` as backbone must be functional with one input and one output "
            f"(got {type(model).__name__} {model.name})",
            fix="Build it with `keras.Model(inputs, outputs)`",
        )
    hiding = [
        layer.name
        for layer in model.layers
        for inner in layer._flatten_layers(include_self=False)
        if isinstance(layer, keras.Model) or isinstance(inner, keras.layers.BatchNormalization)
    ]
    if hiding:
        raise ConfigError(
            f"Backbone {model.name} has a model or BatchNormalization inside {listed(dict.fromkeys(hiding), most=3)}",
            fix="Pass the inner model itself, or build it with `input_tensor=` instead of calling it",
        )
