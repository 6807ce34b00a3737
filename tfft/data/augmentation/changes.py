"""What one view does to a picture: drawn at random, with Pillow, outside the model."""

from __future__ import annotations

import hashlib
import inspect
import math
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from tfft.data.augmentation.motion import Motion, Outside
from tfft.data.augmentation.moves import Flip, Warp
from tfft.data.choices import Level, Views
from tfft.errors import ConfigError, check_range

Augment = Callable[[np.ndarray, np.random.Generator], np.ndarray]

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
    views: Views = "auto"
    """How many views of each training picture the epochs walk through, the picture itself and changed ones; `"fresh"`
    makes a new one in every epoch; `"auto"` takes at most 6 where they can be stored."""
    motion: Motion | None = None
    """How targets follow their pictures; None where they do not have to."""
    own: Augment | None = None
    """A change of the person's own, after these: from a picture, (height, width, 3), uint8, and a generator of random
    numbers to such a picture. Where targets have places in them it must leave everything where it is."""

    def __post_init__(self) -> None:
        if not isinstance(self.views, str):
            check_range("views", self.views, least=1, fix="Or `fresh`, or `auto`")

    @property
    def active(self) -> bool:
        """Whether any view differs from its picture."""
        return self.level != "none" or self.own is not None

    @property
    def turns(self) -> bool:
        """Whether pictures are turned and shorn; if not, they are zoomed by up to a third and shifted by up to 15 %."""
        return self.motion is None or self.motion.turns

    @property
    def outside(self) -> Outside:
        """What is shown beyond the frame."""
        return "mirror" if self.motion is None else self.motion.outside

    @property
    def key(self) -> dict[str, Any]:
        """What decides the changes, as JSON has it; the number of views does not."""
        key = {"level": self.level, "flip": self.flip, "turns": self.turns, "outside": self.outside}
        return key if self.own is None else {**key, "own": source_digest(self.own)}


def source_digest(function: Callable[..., Any]) -> str:
    """32 hexadecimal digits of the file that a function stands in, with its name; a new number each time where there
    is none, so that nothing stored is taken for what it makes."""
    try:
        source = Path(inspect.getsourcefile(function) or "").read_bytes()
    except (OSError, TypeError):
        return uuid.uuid4().hex
    return hashlib.blake2b(source + function.__qualname__.encode(), digest_size=16).hexdigest()


def augmented(pixels: np.ndarray, augmentation: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """One picture, (height, width, 3), uint8, changed as `rng` draws."""
    for change in changes(augmentation, rng):
        pixels = change.applied(pixels, augmentation.outside) if isinstance(change, (Flip, Warp)) else change(pixels)
    if augmentation.own is None:
        return pixels
    changed = augmentation.own(pixels, rng)
    if not isinstance(changed, np.ndarray) or (changed.shape, changed.dtype) != (pixels.shape, pixels.dtype):
        what = f"{changed.shape}, {changed.dtype}" if isinstance(changed, np.ndarray) else type(changed).__name__
        raise ConfigError(
            f"`{augmentation.own.__name__}` gives a picture like the one it is given, {pixels.shape}, uint8",
            received=what,
            fix="Clip and convert it: `np.clip(picture, 0, 255).astype('uint8')`",
        )
    return changed


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
