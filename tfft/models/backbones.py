"""Backbones: any network of `keras.applications` for raw pixels, with its own preprocessing inside, once."""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras

from tfft.errors import ConfigError, check_range, listed, nearest
from tfft.models import weights as weight_files
from tfft.models.custom import is_file, opened, usable

# arguments of a constructor that tfft sets itself
SET_HERE = {
    "include_top",
    "weights",
    "input_tensor",
    "input_shape",
    "pooling",
    "classes",
    "classifier_activation",
    "include_preprocessing",
    "name",
}


def backbone_names() -> list[str]:
    """Returns the names of the constructors of `keras.applications`."""
    return sorted(name for name, entry in vars(keras.applications).items() if inspect.isfunction(entry))


def downloaded_backbones() -> list[str]:
    """Returns the networks whose ImageNet weights are in the cache of Keras on this machine."""
    names = {name.lower(): name for name in backbone_names()}
    downloaded = set()
    for file in Path(os.environ.get("KERAS_HOME", "~/.keras"), "models").expanduser().glob("*.h5"):
        # convnext_tiny_notop.h5, mobilenet_1_0_224_tf_no_top.h5, weights_mobilenet_v3_small_224_1.0_float_no_top_v2.h5
        plain = re.sub(r"[^a-z0-9]", "", file.name.lower()).removeprefix("weights")
        if "notop" in plain and (fitting := [name for name in names if plain.startswith(name)]):
            downloaded.add(names[max(fitting, key=len)])
    return sorted(downloaded)


def load_backbone(
    backbone: str | keras.Model,
    *,
    image_size: tuple[int, int],
    weights: str = "imagenet",
    options: Mapping[str, Any] | None = None,
) -> keras.Model:
    """Builds a frozen backbone that takes raw pixels.

    Args:
        backbone: Name of a `keras.applications` constructor, or a functional `keras.Model`, or the path of a `.keras`
            file with one, that takes (batch, height, width, 3) in [0, 255], which is used with its weights and frozen.
            If it outputs (batch, channels) or (batch, positions, channels), a layer is added that reshapes features to
            a map.
        image_size: Height and width in pixels.
        weights: `"imagenet"`, `"demo"` (for MobileNetV2 with alpha 0.35, in the package), `"none"` (random), or
            the path of a weights file without top layers.
        options: Further arguments of the constructor, such as `{"alpha": 0.35}`.

    Returns:
        A flat functional model, (batch, height, width, 3) in [0, 255] to features, with all layers frozen, named
        after its network.

    Raises:
        ConfigError: If the name, an option or the size does not exist for the network, the weights do not fit, or a
            file cannot be opened.
        MachineError: If the weights cannot be downloaded, or those in the package are damaged.

    Example:

        backbone = load_backbone("MobileNetV2", image_size=(160, 160), options={"alpha": 0.35})
    """
    check_range("image_size", min(image_size), least=1)
    options = dict(options or {})
    if is_file(backbone):
        backbone = opened(backbone, weights)
    if isinstance(backbone, keras.Model):
        if options:
            raise ConfigError(
                f"Backbone {backbone.name}, a model of your own, takes no `--backbone-options` (got {options})",
                fix="Pass `--backbone-options '{}'`",
            )
        model = usable(backbone, image_size)
    else:
        model = _build(backbone, image_size, weights, options)
    model.trainable = False
    return model


def describe_backbone(backbone: Any, weights: str | None = None, options: Mapping[str, Any] | None = None) -> str:
    """Describes a backbone in words: `"MobileNetV2, weights imagenet"`, or the name of a file or a custom model.

    Args:
        backbone: A name, a `.keras` file, a `keras.Model`, or an `Encoder`.
        weights: Weights of a `keras.applications` network; None if the name is enough.
        options: Further arguments of the network.
    """
    if not isinstance(backbone, str):
        return f"{getattr(backbone, 'model', backbone).name}, a custom model"
    if is_file(backbone):
        return Path(backbone).name
    if weights is None:
        return "demo (a small BERT with random weights, for trying things out)" if backbone == "demo" else backbone
    chosen = "".join(f", {name}={value}" for name, value in (options or {}).items())
    return f"{backbone}{chosen}, weights {weight_files.ABOUT.get(weights, weights)}"


def _build(name: str, image_size: tuple[int, int], weights: str, options: dict[str, Any]) -> keras.Model:
    constructor = _constructor(name)
    # checked before the options, since nobody typed those of a demo run
    pretrained = weight_files.constructor_weights(name, weights, options)
    taken = [option for option in inspect.signature(constructor).parameters if option not in SET_HERE]
    for option in options:
        if option not in taken:
            raise ConfigError(
                f"{name} has no option {option!r} for `--backbone-options` (it takes {listed(taken) or 'none'})",
                fix=f"Nearest: {nearest(option, taken)}" if taken else "Pass `--backbone-options '{}'`",
            )
    weight_files.check_weights(weights)
    inputs = keras.Input((*image_size, 3), name="image")
    # each family's module has its preprocessing; it is an identity if the network itself preprocesses
    preprocessed = inspect.getmodule(constructor).preprocess_input(inputs)
    with weight_files.explained(name, weights):
        network = weight_files.tried(
            constructor,
            include_top=False,
            weights=pretrained,
            input_tensor=preprocessed,
            input_shape=preprocessed.shape[1:],  # for a tensor alone, Keras does not check the smallest size
            **options,
        )
    return keras.Model(inputs, network.output, name=name)


def _constructor(name: str) -> Callable[..., keras.Model]:
    names = backbone_names()
    if name not in names:
        raise ConfigError(
            f"`--backbone` {name!r} not found in keras.applications",
            fix=f"Nearest: {nearest(name, names)}. A network of your own is a file that ends in .keras",
        )
    return getattr(keras.applications, name)
