"""Moves of a picture (flip, rotation, zoom, shear, shift), as matrices and applied with Pillow."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from tfft.data.augmentation.motion import Outside

GREY = 128


@dataclass(frozen=True)
class Flip:
    """Mirrors left and right."""

    def applied(self, pixels: np.ndarray, outside: Outside) -> np.ndarray:
        """The mirrored picture, (height, width, 3)."""
        return pixels[:, ::-1]

    def matrix(self, height: int, width: int) -> np.ndarray:
        """Maps a point (x, y, 1) after the move to the point before it, in pixels: (3, 3)."""
        return np.array([[-1.0, 0, width], [0, 1, 0], [0, 0, 1]])


@dataclass(frozen=True)
class Warp:
    """An affine move about the center."""

    zoom: float = 1.0
    """Values above 1 zoom out."""
    angle: float = 0.0
    """In radians."""
    shear: tuple[float, float] = (0.0, 0.0)
    shift: tuple[float, float] = (0.0, 0.0)
    """Down and across, as fractions of height and width."""

    def applied(self, pixels: np.ndarray, outside: Outside) -> np.ndarray:
        """The moved picture, (height, width, 3), uint8."""
        return moved(pixels, self.matrix(*pixels.shape[:2]), Image.Resampling.BILINEAR, outside)

    def matrix(self, height: int, width: int) -> np.ndarray:
        """Maps a point (x, y, 1) after the move to the point before it, in pixels: (3, 3)."""
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
    """A picture or mask, (height, width) or (height, width, 3), uint8, moved by a matrix.

    Args:
        pixels: The picture or mask.
        matrix: Maps a point in the result to a point in `pixels`, (3, 3), affine.
        resampling: Pillow's filter; `NEAREST` for a mask.
        outside: What to show outside the picture: `"mirror"` or `"grey"`.
    """
    height, width = pixels.shape[:2]
    coefficients = matrix[:2].copy()
    if outside == "grey":
        fill = (GREY,) * 3 if pixels.ndim == 3 else GREY
        image = Image.fromarray(pixels).transform(
            (width, height), Image.Transform.AFFINE, coefficients.ravel().tolist(), resampling, fillcolor=fill
        )
        return np.asarray(image)
    corners = matrix[:2] @ np.array([[0, width, 0, width], [0, 0, height, height], [1, 1, 1, 1]])
    beyond = np.maximum(-corners, corners - np.array([[width], [height]])).max()
    margin = max(1, math.ceil(beyond) + 1)
    margins = ((margin, margin), (margin, margin), (0, 0))[: pixels.ndim]
    padded = Image.fromarray(np.pad(pixels, margins, "symmetric"))
    coefficients[:, 2] += margin
    return np.asarray(
        padded.transform((width, height), Image.Transform.AFFINE, coefficients.ravel().tolist(), resampling)
    )
