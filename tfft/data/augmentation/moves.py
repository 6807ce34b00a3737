"""Moves of a picture: what flips, turns, zooms, shears and shifts it, as a matrix and with Pillow."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from tfft.data.augmentation.motion import Outside

GREY = 128


@dataclass(frozen=True)
class Flip:
    """Left becomes right."""

    def applied(self, pixels: np.ndarray, outside: Outside) -> np.ndarray:
        """The picture, (height, width, 3), flipped."""
        return pixels[:, ::-1]

    def matrix(self, height: int, width: int) -> np.ndarray:
        """From a place after the change to the place before it: (3, 3), on (x, y, 1) in pixels."""
        return np.array([[-1.0, 0, width], [0, 1, 0], [0, 0, 1]])


@dataclass(frozen=True)
class Warp:
    """One affine change about the middle."""

    zoom: float = 1.0
    """Above 1 it shows more."""
    angle: float = 0.0
    """In radians."""
    shear: tuple[float, float] = (0.0, 0.0)
    shift: tuple[float, float] = (0.0, 0.0)
    """Down and across, in parts of a side."""

    def applied(self, pixels: np.ndarray, outside: Outside) -> np.ndarray:
        """The picture, (height, width, 3), uint8."""
        return moved(pixels, self.matrix(*pixels.shape[:2]), Image.Resampling.BILINEAR, outside)

    def matrix(self, height: int, width: int) -> np.ndarray:
        """From a place after the change to the place before it: (3, 3), on (x, y, 1) in pixels."""
        sine, cosine = self.zoom * math.sin(self.angle), self.zoom * math.cos(self.angle)
        across, down = self.shear
        a, b, d, e = cosine, across - sine, down + sine, cosine
        x, y = width / 2, height / 2
        c = x - a * x - b * y + self.shift[1] * width
        f = y - d * x - e * y + self.shift[0] * height
        return np.array([[a, b, c], [d, e, f], [0, 0, 1]])


def moved(
    pixels: np.ndarray, matrix: np.ndarray, resampling: Image.Resampling, outside: Outside = "mirror"
) -> np.ndarray:
    """A picture or a mask, (height, width) or (height, width, 3), uint8, as `matrix` shows it.

    Args:
        pixels: What is shown.
        matrix: From a place in what comes back to a place in `pixels`, (3, 3), affine.
        resampling: Of Pillow; a mask takes the nearest.
        outside: What is shown beyond the frame: `"mirror"`, or `"grey"`.
    """
    height, width = pixels.shape[:2]
    coefficients = matrix[:2].copy()
    if outside == "grey":
        fill = (GREY,) * 3 if pixels.ndim == 3 else GREY
        shown = Image.fromarray(pixels).transform(
            (width, height), Image.Transform.AFFINE, coefficients.ravel().tolist(), resampling, fillcolor=fill
        )
        return np.asarray(shown)
    corners = matrix[:2] @ np.array([[0, width, 0, width], [0, 0, height, height], [1, 1, 1, 1]])
    beyond = np.maximum(-corners, corners - np.array([[width], [height]])).max()
    margin = max(1, math.ceil(beyond) + 1)
    around = ((margin, margin), (margin, margin), (0, 0))[: pixels.ndim]
    ground = Image.fromarray(np.pad(pixels, around, "symmetric"))
    coefficients[:, 2] += margin
    return np.asarray(
        ground.transform((width, height), Image.Transform.AFFINE, coefficients.ravel().tolist(), resampling)
    )
