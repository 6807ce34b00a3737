"""What one view does to a picture: drawn at random, with Pillow, outside the model."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from tfft.data.augmentation.motion import Outside
from tfft.data.augmentation.moves import Flip, Warp

Level = Literal["none", "light", "strong"]


HALF_TURN = math.pi


@dataclass(frozen=True)
class Augmentation:
    """How the views of a picture differ from it."""

    level: Level = "none"
    """`light` flips left to right, rotates by up to 11 degrees, zooms by up to 10 % and changes brightness and
    contrast by up to 10 %. `strong` flips, zooms by up to 20 % and applies two of the operations of RandAugment (Cubuk
    et al. 2020, arXiv:1909.13719), without its solarization."""
    flip: bool = True
    """Whether left may become right: not for text, or where sides matter."""
    turns: bool = True
    """Whether pictures are turned and shorn; if not, they are zoomed by up to a third and shifted by up to 15 %."""
    outside: Outside = "mirror"
    """What is shown beyond the frame."""


def augmented(pixels: np.ndarray, augmentation: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """One picture, (height, width, 3), uint8, changed as `rng` draws."""
    for change in changes(augmentation, rng):
        pixels = change.applied(pixels, augmentation.outside) if isinstance(change, (Flip, Warp)) else change(pixels)
    return pixels


Colour = Callable[[np.ndarray], np.ndarray]
"""A change of the pixels, (height, width, 3), uint8, that leaves them where they are."""


def changes(augmentation: Augmentation, rng: np.random.Generator) -> list[Flip | Warp | Colour]:
    """What one view does to its picture, in this order."""
    if augmentation.level == "none":
        return []
    # drawn even where nothing is flipped, so that the rest of a view is the same
    flipped = rng.random() < 0.5
    found: list[Flip | Warp | Colour] = [Flip()] if flipped and augmentation.flip else []
    if augmentation.level == "light":
        found.append(
            _turned_or_shifted(
                Warp(zoom=_around(rng, 1, 0.1), angle=_around(rng, 0, 0.06 * HALF_TURN)), augmentation, rng
            )
        )
        added, contrast = 255 * _around(rng, 0, 0.1), _around(rng, 1, 0.1)
        return [*found, lambda pixels: _brightness_and_contrast(pixels, added, contrast)]
    found.append(Warp(zoom=_around(rng, 1, 0.2)))
    drawn = [RANDAUGMENT[number](rng) for number in rng.integers(len(RANDAUGMENT), size=2)]
    return found + [_turned_or_shifted(one, augmentation, rng) if isinstance(one, Warp) else one for one in drawn]


def _turned_or_shifted(warp: Warp, augmentation: Augmentation, rng: np.random.Generator) -> Warp:
    """The warp; or, where pictures stay upright, a zoom by up to a third and a shift by up to 15 %."""
    if augmentation.turns:
        return warp
    return Warp(zoom=(4 / 3) ** _around(rng, 0, 1), shift=(_around(rng, 0, 0.15), _around(rng, 0, 0.15)))


def _around(rng: np.random.Generator, middle: float, most: float) -> float:
    return middle + most * rng.uniform(-1, 1)


def _brightness_and_contrast(pixels: np.ndarray, added: float, contrast: float) -> np.ndarray:
    middle = pixels.mean()
    table = np.clip((np.arange(256) - middle) * contrast + middle + added, 0, 255).round()
    return table.astype(np.uint8)[pixels]


def _enhanced(kind: Callable[[Image.Image], Any], most: float) -> Callable[[np.random.Generator], Colour]:
    def drawn(rng: np.random.Generator) -> Colour:
        factor = _around(rng, 1, most)
        return lambda pixels: np.asarray(kind(Image.fromarray(pixels)).enhance(factor))

    return drawn


def _posterized(rng: np.random.Generator) -> Colour:
    bits = int(rng.integers(4, 9))
    return lambda pixels: np.asarray(ImageOps.posterize(Image.fromarray(pixels), bits))


RANDAUGMENT: tuple[Callable[[np.random.Generator], Warp | Colour], ...] = (
    lambda rng: Warp(shear=(_around(rng, 0, 0.2), _around(rng, 0, 0.2))),
    lambda rng: Warp(shift=(_around(rng, 0, 0.15), _around(rng, 0, 0.15))),
    lambda rng: Warp(angle=_around(rng, 0, 0.16 * HALF_TURN)),
    _enhanced(ImageEnhance.Brightness, 0.3),
    _enhanced(ImageEnhance.Color, 0.5),
    _enhanced(ImageEnhance.Contrast, 0.4),
    _enhanced(ImageEnhance.Sharpness, 0.5),
    _posterized,
    lambda rng: lambda pixels: np.asarray(ImageOps.autocontrast(Image.fromarray(pixels))),
    lambda rng: lambda pixels: np.asarray(ImageOps.equalize(Image.fromarray(pixels))),
)
"""Each draws one change; two of them are drawn for each strong view."""
