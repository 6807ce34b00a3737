"""Pictures to pretrain on: a shape made by formula in front of a texture made by formula."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image


def compose(front: np.ndarray, back: np.ndarray, fill: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, bool]:
    """A shape in front of a texture or of one colour, with light, blur and noise.

    Args:
        front: How much of each pixel is covered, (height, width), uint8.
        back: What is behind, (height, width, 3), uint8.
        fill: What the shape is made of, like `back`.
        rng: Decides all.

    Returns:
        The picture, (height, width, 3), uint8, and whether one colour is behind in place of the texture.
    """
    plain = bool(rng.random() < 0.5)
    behind = _colour(front.shape, rng) if plain else back.astype("float32")
    before = _colour(front.shape, rng) if rng.random() < 0.6 else fill.astype("float32")
    gap = float(before.mean() - behind.mean())
    before = before + np.float32(math.copysign(max(abs(gap), rng.uniform(40, 120)), gap) - gap)  # else hardly seen
    cover = front[..., None] * np.float32(1 / 255)
    shown = behind + cover * (before - behind)
    if rng.random() < 0.3:  # as small pictures look when they are enlarged
        shown = _blurred(shown, int(rng.integers(10, 48)))
    shown = shown + rng.standard_normal(shown.shape, "float32") * np.float32(10 if rng.random() < 0.3 else 2)
    return np.clip(shown, 0, 255).astype("uint8"), plain


def _colour(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """A colour, grey as often as not, that slowly changes across the picture, as light does."""
    colour = rng.uniform(0, 255) + rng.choice([8, 60]) * rng.standard_normal(3)
    down, across = (np.linspace(-1, 1, side, dtype="float32") * np.float32(rng.normal(0, 25)) for side in shape)
    return (down[:, None] + across)[..., None] + colour.astype("float32")


def _blurred(picture: np.ndarray, side: int) -> np.ndarray:
    """Scaled down to `side` pixels and up again."""
    image = Image.fromarray(np.clip(picture, 0, 255).astype("uint8"))
    small = image.resize((side, side), Image.Resampling.BOX)
    return np.asarray(small.resize(image.size, Image.Resampling.BILINEAR))
