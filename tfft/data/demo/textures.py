"""Procedurally generated textures: a number identifies a texture, and a random generator draws a picture of it.

There are four kinds, after Baradad et al. 2021, "Learning to See by Looking at Noise", arXiv:2106.05963: spectral
noise, waves, dead leaves, and the cells of Worley 1996. Every texture has its own palette. Nothing is downloaded.
"""

from __future__ import annotations

import functools
import math

import numpy as np
from PIL import Image, ImageDraw


def draw_texture(number: int, rng: np.random.Generator, size: int) -> np.ndarray:
    """A picture of the texture with the given number.

    Args:
        number: Number of the texture, 0 or more; it determines kind, formula and palette.
        rng: Draws what differs between pictures of one texture.
        size: Height and width in pixels, 16 or more.

    Returns:
        (size, size, 3), uint8.

    Example:

        draw_texture(7, np.random.default_rng(0), 96)
    """
    of_kind = np.random.default_rng((1, number))
    palette = _palette(of_kind)
    palette = np.clip(palette + rng.normal(0, 12, palette.shape) + rng.normal(0, 12, 3), 0, 255)
    return KINDS[number % len(KINDS)](of_kind, rng, size, palette)


def _palette(of_kind: np.random.Generator) -> np.ndarray:
    """Three colours, (3, 3) in [0, 255]: mostly greyish, as in nature, and similar or different."""
    middle = of_kind.uniform(20, 235) + of_kind.normal(0, 30, 3)
    return np.clip(
        middle + of_kind.normal(0, of_kind.choice([15, 40, 80]), (3, 1)) + of_kind.normal(0, 15, (3, 3)), 0, 255
    )


def _coloured(field: np.ndarray, palette: np.ndarray) -> np.ndarray:
    """A field of about unit variance in colour: its low, middle and high values take the colours of the palette."""
    place = np.clip(field + 1.5, 0, 3) * (2 / 3)
    low = place < 1
    part = np.where(low, place, place - 1)[..., None]
    start, end = np.where(low[..., None], palette[0], palette[1]), np.where(low[..., None], palette[1], palette[2])
    return np.rint(start + part * (end - start)).astype(np.uint8)


def _noise(of_kind: np.random.Generator, rng: np.random.Generator, size: int, palette: np.ndarray) -> np.ndarray:
    """Noise whose amplitude falls with a power of the frequency, stretched in one direction, possibly in bands."""
    power, stretch, angle = of_kind.uniform(0.6, 2.2), of_kind.choice([1, 1, 2, 4]), of_kind.uniform(0, math.pi)
    bands = of_kind.choice([0, 0, 2, 4])
    down, across = _frequencies(size)
    along = across * math.cos(angle) + down * math.sin(angle)
    perpendicular = down * math.cos(angle) - across * math.sin(angle)
    frequency = np.hypot(along * stretch, perpendicular)
    frequency[0, 0] = np.inf
    field = np.fft.irfft2(np.fft.rfft2(rng.standard_normal((size, size))) * frequency**-power, s=(size, size))
    field /= field.std()
    return _coloured(1.4 * np.sin(bands * field) if bands else field, palette)


@functools.lru_cache(maxsize=4)
def _frequencies(size: int) -> tuple[np.ndarray, np.ndarray]:
    return np.fft.fftfreq(size)[:, None] * np.ones((1, size // 2 + 1)), np.fft.rfftfreq(size)[None, :] * np.ones(
        (size, 1)
    )


def _waves(of_kind: np.random.Generator, rng: np.random.Generator, size: int, palette: np.ndarray) -> np.ndarray:
    """A sum of a few gratings: stripes, checks and weaves, soft or sharp."""
    count, sharp = of_kind.integers(1, 4), of_kind.choice([1, 4])
    waves = of_kind.uniform(3, 20, count)
    angles = of_kind.uniform(0, math.pi, count) + rng.normal(0, 0.1)
    down, across = np.mgrid[:size, :size] / size * rng.uniform(0.8, 1.25)
    field = np.zeros((size, size))
    for wave, angle in zip(waves, angles, strict=True):
        phase = rng.uniform(0, 2 * math.pi)
        field += np.sin(2 * math.pi * wave * (across * math.cos(angle) + down * math.sin(angle)) + phase)
    return _coloured(1.4 * np.tanh(sharp * field / math.sqrt(count)), palette)


def _leaves(of_kind: np.random.Generator, rng: np.random.Generator, size: int, palette: np.ndarray) -> np.ndarray:
    """Dead leaves (Matheron 1968): overlapping shapes of one kind, many of them small and few large."""
    sides, power = of_kind.choice([0, 3, 4, 6]), of_kind.uniform(1.5, 3.0)
    least, aspect, turned = of_kind.choice([0.02, 0.05]), of_kind.uniform(0.4, 1.0), of_kind.random() < 0.5
    image = Image.new("RGB", (size, size), tuple(int(value) for value in palette[0]))
    draw = ImageDraw.Draw(image)
    count = 250
    radii = size * least * np.minimum(rng.uniform(1e-3, 1, count) ** (-1 / power), 12)
    colours = np.clip(palette[rng.integers(3, size=count)] + rng.normal(0, 10, (count, 1)), 0, 255).astype(int)
    corners = np.linspace(0, 2 * math.pi, sides or 12, endpoint=False)
    for radius, colour, middle in zip(radii, colours, rng.uniform(0, size, (count, 2)), strict=True):
        angle = rng.uniform(0, 2 * math.pi) if turned else 0.0
        x, y = radius * np.cos(corners), aspect * radius * np.sin(corners)
        points = np.stack([x * math.cos(angle) - y * math.sin(angle), x * math.sin(angle) + y * math.cos(angle)], 1)
        draw.polygon([tuple(point) for point in (points + middle).tolist()], fill=tuple(colour.tolist()))
    return np.asarray(image)


def _cells(of_kind: np.random.Generator, rng: np.random.Generator, size: int, palette: np.ndarray) -> np.ndarray:
    """Cells around points (Worley 1996): distances to the nearest point, or to the edge between the nearest two."""
    count, edges, stretch = of_kind.integers(8, 60), of_kind.random() < 0.5, of_kind.uniform(0.5, 1.0)
    side = size // 2
    down, across = np.mgrid[:side, :side] / side
    points = rng.uniform(0, 1, (count, 2))
    squared = (across[..., None] - points[:, 0]) ** 2 + ((down[..., None] - points[:, 1]) * stretch) ** 2
    nearest = np.sqrt(np.partition(squared, 1, axis=-1)[..., :2])
    field = nearest[..., 1] - nearest[..., 0] if edges else nearest[..., 0]
    field = (field - field.mean()) / field.std()
    return np.asarray(Image.fromarray(_coloured(field, palette)).resize((size, size), Image.Resampling.BILINEAR))


KINDS = (_noise, _waves, _leaves, _cells)
"""The number of a texture, modulo their count, selects the kind, so their order must not change."""
