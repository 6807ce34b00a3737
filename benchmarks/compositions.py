"""Pictures for pretraining: a generated shape in front of a generated texture."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image


def compose(front: np.ndarray, back: np.ndarray, fill: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, bool]:
    """A shape in front of a texture or a plain colour, with light, blur and noise.

    Args:
        front: Coverage of each pixel by the shape, (height, width), uint8.
        back: Texture of the background, (height, width, 3), uint8.
        fill: Texture of the shape, (height, width, 3), uint8.
        rng: Draws colours, light, blur and noise.

    Returns:
        The picture, (height, width, 3), uint8, and whether the background is a plain colour instead of the texture.
    """
    plain = bool(rng.random() < 0.5)
    behind = _colour(front.shape, rng) if plain else back.astype("float32")
    before = _colour(front.shape, rng) if rng.random() < 0.6 else fill.astype("float32")
    gap = float(before.mean() - behind.mean())
    before = before + np.float32(math.copysign(max(abs(gap), rng.uniform(40, 120)), gap) - gap)  # for enough contrast
    cover = front[..., None] * np.float32(1 / 255)
    picture = behind + cover * (before - behind)
    if rng.random() < 0.3:  # like a small picture that was enlarged
        picture = _blurred(picture, int(rng.integers(10, 48)))
    picture = picture + rng.standard_normal(picture.shape, "float32") * np.float32(10 if rng.random() < 0.3 else 2)
    return np.clip(picture, 0, 255).astype("uint8"), plain


def _colour(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """A colour, often greyish, with a slow gradient across the picture like that of light."""
    colour = rng.uniform(0, 255) + rng.choice([8, 60]) * rng.standard_normal(3)
    down, across = (np.linspace(-1, 1, side, dtype="float32") * np.float32(rng.normal(0, 25)) for side in shape)
    return (down[:, None] + across)[..., None] + colour.astype("float32")


def _blurred(picture: np.ndarray, side: int) -> np.ndarray:
    """The picture scaled down to `side` pixels and up again."""
    image = Image.fromarray(np.clip(picture, 0, 255).astype("uint8"))
    small = image.resize((side, side), Image.Resampling.BOX)
    return np.asarray(small.resize(image.size, Image.Resampling.BILINEAR))
