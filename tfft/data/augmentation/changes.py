"""Random changes of a picture in one view, made with Pillow outside the model."""

from __future__ import annotations

import math
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from tfft.data.augmentation.motion import Motion, Outside
from tfft.data.augmentation.moves import Flip, Warp
from tfft.data.choices import Level, Views
from tfft.errors import ConfigError, TfftError, check_range, listed
from tfft.store.code import code_digest

Augment = Callable[[np.ndarray, np.random.Generator], np.ndarray]

HALF_TURN = math.pi


@dataclass(frozen=True)
class Augmentation:
    """How the views of a picture are made."""

    level: Level = "none"
    """`light` mirrors, rotates by up to 11 degrees, zooms by up to 10 % and changes brightness and contrast by up to
    10 %. `strong` mirrors, zooms by up to 20 % and applies two random operations of RandAugment (Cubuk et al. 2020,
    arXiv:1909.13719), except solarization."""
    flip: bool = True
    """Whether views may mirror the picture; not for text, or if left and right matter."""
    views: Views = "auto"
    """Number of views of each training picture that epochs cycle through, the original included; `"fresh"` makes new
    ones in every epoch; `"auto"` makes at most 12, if they can be stored."""
    motion: Motion | None = None
    """How targets follow the moves of a view; None if they do not depend on positions."""
    own: Augment | None = None
    """A custom change after those of `level`: takes a picture, (height, width, 3), uint8, and a random generator, and
    returns a picture of the same shape and type. It must not move anything if targets depend on positions."""

    def __post_init__(self) -> None:
        if self.level not in get_args(Level):
            raise ConfigError(f"Unknown augmentation level {self.level!r}", fix=f"Choose {listed(get_args(Level))}")
        if not isinstance(self.views, str):
            check_range("views", self.views, least=1, fix="Or `fresh`, or `auto`")

    @property
    def active(self) -> bool:
        """Whether any view differs from its picture."""
        return self.level != "none" or self.own is not None

    @property
    def turns(self) -> bool:
        """Whether views are rotated and sheared; if not, they are zoomed by up to a third and shifted by up to 15 %."""
        return self.motion is None or self.motion.turns

    @property
    def outside(self) -> Outside:
        """What a view shows outside the picture."""
        return "mirror" if self.motion is None else self.motion.outside

    @property
    def key(self) -> dict[str, Any]:
        """The fields that determine the changes, as JSON: all but the number of views."""
        key = {"level": self.level, "flip": self.flip, "turns": self.turns, "outside": self.outside}
        return key if self.own is None else {**key, "own": code_digest(self.own)}

    @property
    def note(self) -> str | None:
        """What the plan and the report say about your own augmentation; None if there is none."""
        if self.own is None:
            return None
        note = f"training pictures are augmented with `{getattr(self.own, '__name__', 'own')}`"
        if code_digest(self.own) == code_digest(self.own):
            return note
        return f"{note}; later runs cannot reuse its views, because it refers to an object that tfft cannot hash"


def augmented(pixels: np.ndarray, augmentation: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """A picture, (height, width, 3), uint8, with the random changes that `rng` draws."""
    for change in changes(augmentation, rng):
        pixels = change.applied(pixels, augmentation.outside) if isinstance(change, (Flip, Warp)) else change(pixels)
    if augmentation.own is None:
        return pixels
    name = getattr(augmentation.own, "__name__", "own")  # a `functools.partial` has no name
    try:
        changed = augmentation.own(np.array(pixels), rng)  # a copy: arrays of Pillow are read-only
    except TfftError:
        raise
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        raise ConfigError(
            f"`{name}` failed on a picture of {pixels.shape}: {type(error).__name__}: {error} "
            f"({last.filename}, line {last.lineno})",
            fix="Mend it; it takes `(picture, rng)` and returns a picture",
        ) from error
    if not isinstance(changed, np.ndarray) or (changed.shape, changed.dtype) != (pixels.shape, pixels.dtype):
        result = f"{changed.shape}, {changed.dtype}" if isinstance(changed, np.ndarray) else type(changed).__name__
        raise ConfigError(
            f"`{name}` must return a picture of {pixels.shape}, uint8 (got {result})",
            fix="Clip and convert it: `np.clip(picture, 0, 255).astype('uint8')`",
        )
    return changed


Colour = Callable[[np.ndarray], np.ndarray]
"""A change of the pixel values, (height, width, 3), uint8; nothing moves."""


def changes(augmentation: Augmentation, rng: np.random.Generator) -> list[Flip | Warp | Colour]:
    """The changes of one view, in the order they are applied."""
    if augmentation.level == "none":
        return []
    # drawn even without flips, so that `flip` does not affect the other changes
    flipped = rng.random() < 0.5
    drawn: list[Flip | Warp | Colour] = [Flip()] if flipped and augmentation.flip else []
    if augmentation.level == "light":
        drawn.append(
            _turned_or_shifted(
                Warp(zoom=_around(rng, 1, 0.1), angle=_around(rng, 0, 0.06 * HALF_TURN)), augmentation, rng
            )
        )
        added, contrast = 255 * _around(rng, 0, 0.1), _around(rng, 1, 0.1)
        return [*drawn, lambda pixels: _brightness_and_contrast(pixels, added, contrast)]
    drawn.append(Warp(zoom=_around(rng, 1, 0.2)))
    operations = [RANDAUGMENT[number](rng) for number in rng.integers(len(RANDAUGMENT), size=2)]
    return drawn + [_turned_or_shifted(op, augmentation, rng) if isinstance(op, Warp) else op for op in operations]


def _turned_or_shifted(warp: Warp, augmentation: Augmentation, rng: np.random.Generator) -> Warp:
    """The warp; or, if pictures stay upright, a zoom by up to a third and a shift by up to 15 %."""
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
"""Each function draws one change; every strong view uses two of them."""
