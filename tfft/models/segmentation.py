"""Semantic segmentation: a light decoder over several scales of a backbone, as in U-Net."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras

from tfft.conventions import IGNORED
from tfft.errors import ConfigError
from tfft.models.anysize import any_size
from tfft.models.losses import pixel_loss
from tfft.models.pixel_iou import PixelIoU
from tfft.models.scales import scales_of
from tfft.models.tasks import Task

STRIDES = (4, 8, 16, 32)
WIDTHS = (64, 96, 128, 192)
"""Filters of the decoder at each stride."""
GROUPS = 8
"""Groups of GroupNormalization, which unlike BatchNormalization does not depend on the rest of the batch."""


def pixel_maps(backbone: keras.Model, labels: Sequence[str]) -> Any:
    """Adds the decoder of U-Net (Ronneberger, Fischer and Brox 2015, arXiv:1505.04597) to four scales of a backbone.

    The coarsest map is enlarged, concatenated with the next finer one, narrowed and smoothed, and so on up to a quarter
    of the resolution; the prediction there is enlarged to the size of the picture.

    Args:
        backbone: Takes (batch, height, width, 3).
        labels: Names of the classes.

    Returns:
        Probabilities, (batch, height, width, labels).
    """
    features, x = scales_of(backbone, STRIDES), None
    for level, (feature, width) in reversed(list(enumerate(zip(features, WIDTHS, strict=True)))):
        if x is not None:
            size = feature.shape[1:3]
            x = keras.layers.Resizing(*size, interpolation="bilinear", name=f"head_up_{level}")(x)
            x = keras.layers.Concatenate(name=f"head_beside_{level}")([x, feature])
        x = keras.layers.Conv2D(width, 1, use_bias=False, name=f"head_narrow_{level}")(feature if x is None else x)
        x = keras.layers.GroupNormalization(GROUPS, name=f"head_narrow_norm_{level}")(x)
        x = keras.layers.Activation("relu", name=f"head_narrow_relu_{level}")(x)
        x = keras.layers.SeparableConv2D(width, 3, padding="same", use_bias=False, name=f"head_conv_{level}")(x)
        x = keras.layers.GroupNormalization(GROUPS, name=f"head_norm_{level}")(x)
        x = keras.layers.Activation("relu", name=f"head_relu_{level}")(x)
    size = backbone.inputs[0].shape[1:3]
    x = keras.layers.Conv2D(len(labels), 1, dtype="float32", name="head_logits")(x)
    x = keras.layers.Resizing(*size, interpolation="bilinear", dtype="float32", name="head_pixels")(x)
    return keras.layers.Softmax(dtype="float32", name="head_predictions")(x)


def pixel_labels(
    labels: Sequence[str],
    image_size: tuple[int, int],
    *,
    weights: Sequence[float] | None = None,
    focal: float = 0.0,
    prior: Sequence[float] | None = None,
    dice: float = 0.0,
) -> Task:
    """Semantic segmentation: one class for each pixel.

    Args:
        labels: Names of the classes; targets are (batch, height, width), indices, 255 for pixels to ignore.
        image_size: Height and width of a picture in pixels.
        weights: Weight of each class in the loss; None for equal weights.
        focal: Exponent of the focal loss, 0 or more; 0 is cross-entropy (Lin et al. 2017, arXiv:1708.02002).
        dice: Weight of the Dice loss (Milletari, Navab and Ahmadi 2016, arXiv:1606.04797) that is added.
    """
    if len(labels) < 2:
        raise ConfigError(f"A segmentation needs at least two labels (got {list(labels)})", fix="Check `--classes`")
    return Task(
        loss=pixel_loss(weights, focal=focal, dice=dice, prior=prior),
        metrics=(PixelIoU(len(labels), ignore_class=IGNORED, name="mean_iou"),),
        monitor="val_mean_iou",
        mode="max",
        outputs=(*image_size, len(labels)),
        activation="softmax",
        chance_loss=math.log(len(labels)) + dice,
        saved=any_size,
    )
