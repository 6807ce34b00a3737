"""Views of a picture: augmentation as a pure function of (seed, view, example), with Pillow, outside the model."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from tfft.data.examples import Indexable

Augmentation = Literal["none", "light", "strong"]

VERSION = 1
"""Of the numbers that this file makes: stored views of another version are not used."""
HALF_TURN = math.pi


@dataclass(frozen=True, eq=False)
class View:
    """One view of all pictures of a split, indexable by an array of positions."""

    inputs: Indexable
    keys: Sequence[str]
    number: int
    augment: Augmentation
    seed: int

    def __getitem__(self, positions: np.ndarray) -> np.ndarray:
        pixels = self.inputs[positions]

        def change(place: int) -> None:
            rng = np.random.default_rng((self.seed, self.number, int(self.keys[positions[place]], 16)))
            pixels[place] = augmented(pixels[place], self.augment, rng)

        with ThreadPoolExecutor(os.cpu_count()) as pool:  # Pillow lets go of the interpreter
            list(pool.map(change, range(len(pixels))))
        return pixels


def view(inputs: Indexable, keys: Sequence[str], number: int, *, augment: Augmentation, seed: int) -> Indexable:
    """The pictures of a split as one view shows them; view 0 shows them as they are.

    Args:
        inputs: Pictures, (examples, height, width, 3), uint8.
        keys: What names the content of each, in hexadecimal digits.
        number: Of the view, 0 or more.
        augment: How the views after the first are changed: see `augmented`.
        seed: With the number and the key of an example, decides the change.

    Returns:
        Indexable by an array of positions; gives (positions, height, width, 3), uint8.
    """
    return inputs if number == 0 or augment == "none" else View(inputs, keys, number, augment, seed)


def augmented(pixels: np.ndarray, augment: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """Changes one picture as `rng` draws.

    What comes in from outside the frame mirrors the picture.

    Args:
        pixels: (height, width, 3), uint8.
        augment: `"light"` flips left to right, rotates by up to 11 degrees, zooms by up to 10 % and changes
            brightness and contrast by up to 10 %. `"strong"` flips, zooms by up to 20 % and applies two of the
            operations of RandAugment (Cubuk et al. 2020, arXiv:1909.13719), without its solarization.
        rng: Decides all.
    """
    if augment == "none":
        return pixels
    flipped = pixels[:, ::-1] if rng.random() < 0.5 else pixels
    if augment == "light":
        turned = _warped(flipped, zoom=_around(rng, 1, 0.1), angle=_around(rng, 0, 0.06 * HALF_TURN))
        return _brightness_and_contrast(turned, 255 * _around(rng, 0, 0.1), _around(rng, 1, 0.1))
    changed = _warped(flipped, zoom=_around(rng, 1, 0.2))
    for number in rng.integers(len(RANDAUGMENT), size=2):
        changed = RANDAUGMENT[number](changed, rng)
    return changed


def _around(rng: np.random.Generator, middle: float, most: float) -> float:
    return middle + most * rng.uniform(-1, 1)


def _warped(
    pixels: np.ndarray,
    *,
    zoom: float = 1.0,
    angle: float = 0.0,
    shear: tuple[float, float] = (0.0, 0.0),
    shift: tuple[float, float] = (0.0, 0.0),
) -> np.ndarray:
    """One affine change about the middle: a zoom above 1 shows more, angles in radians, shifts in parts of a side."""
    height, width = pixels.shape[:2]
    sine, cosine = zoom * math.sin(angle), zoom * math.cos(angle)
    across, down = shear
    a, b, d, e = cosine, across - sine, down + sine, cosine
    far = max(abs(a - 1) + abs(b), abs(d) + abs(e - 1)) / 2 + max(map(abs, shift))
    margin = math.ceil(far * max(height, width)) + 1
    ground = Image.fromarray(np.pad(pixels, ((margin, margin), (margin, margin), (0, 0)), "symmetric"))
    x, y = width / 2, height / 2
    c = margin + x - a * x - b * y + shift[1] * width
    f = margin + y - d * x - e * y + shift[0] * height
    coefficients = (a, b, c, d, e, f)
    return np.asarray(
        ground.transform((width, height), Image.Transform.AFFINE, coefficients, Image.Resampling.BILINEAR)
    )


def _brightness_and_contrast(pixels: np.ndarray, added: float, contrast: float) -> np.ndarray:
    middle = pixels.mean()
    table = np.clip((np.arange(256) - middle) * contrast + middle + added, 0, 255).round()
    return table.astype(np.uint8)[pixels]


def _enhanced(kind: Callable[[Image.Image], object], most: float) -> Callable:
    return lambda pixels, rng: np.asarray(kind(Image.fromarray(pixels)).enhance(_around(rng, 1, most)))


def _posterized(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.asarray(ImageOps.posterize(Image.fromarray(pixels), int(rng.integers(4, 9))))


RANDAUGMENT = (
    lambda pixels, rng: _warped(pixels, shear=(_around(rng, 0, 0.2), _around(rng, 0, 0.2))),
    lambda pixels, rng: _warped(pixels, shift=(_around(rng, 0, 0.15), _around(rng, 0, 0.15))),
    lambda pixels, rng: _warped(pixels, angle=_around(rng, 0, 0.16 * HALF_TURN)),
    _enhanced(ImageEnhance.Brightness, 0.3),
    _enhanced(ImageEnhance.Color, 0.5),
    _enhanced(ImageEnhance.Contrast, 0.4),
    _enhanced(ImageEnhance.Sharpness, 0.5),
    _posterized,
    lambda pixels, rng: np.asarray(ImageOps.autocontrast(Image.fromarray(pixels))),
    lambda pixels, rng: np.asarray(ImageOps.equalize(Image.fromarray(pixels))),
)
"""Functions of pixels and a generator; two of them are drawn for each strong view."""
