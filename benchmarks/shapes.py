"""Procedurally generated shapes: a number identifies a shape, and a random generator draws a picture of it.

There are four kinds: fractals, as in Kataoka et al. 2020, "Pre-training without Natural Images", arXiv:2101.08515;
closed contours, as in Kataoka et al. 2022, "Replacing Labeled Real-Image Datasets With Auto-Generated Contours",
arXiv:2206.09132; strokes, like letters of an invented alphabet; and bodies with limbs. Nothing is downloaded, and no
real pictures are used.

The demo weights were trained to classify these shapes: if a formula changes, `benchmarks/pretrain_demo.py` makes other
weights.
"""

from __future__ import annotations

import functools
import math

import numpy as np
from PIL import Image, ImageDraw

FINER = 2
"""Contours, strokes and limbs are drawn larger by this factor and scaled down, for smooth edges."""


def draw_shape(number: int, rng: np.random.Generator, size: int) -> np.ndarray:
    """A picture of the shape with the given number: rotated, stretched and moved at random, with a varied formula.

    Args:
        number: Number of the shape, 0 or more; it determines kind and formula.
        rng: Draws what differs between pictures of one shape.
        size: Height and width in pixels.

    Returns:
        (size, size), uint8: coverage of each pixel, 255 if it is fully covered.

    Example:

        draw_shape(3, np.random.default_rng(0), 96)
    """
    return KINDS[number % len(KINDS)](number, rng, size)


def _placed(points: np.ndarray, rng: np.random.Generator, size: int) -> np.ndarray:
    """Points in [-1, 1], slightly rotated, sheared and stretched, at a random place in the frame."""
    angle, shear, aspect = rng.normal(0, 0.15), rng.normal(0, 0.1), math.exp(rng.normal(0, 0.12))
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    points = points @ (turn @ np.array([[aspect, shear], [0, 1 / aspect]])).T
    scale = 0.5 * size * rng.uniform(0.6, 1.0)
    middle = size / 2 + rng.uniform(-1, 1, 2) * (size / 2 - scale) * 0.9
    return points * scale + middle


def _fractal(number: int, rng: np.random.Generator, size: int) -> np.ndarray:
    """The attractor of affine maps (Barnsley 1988), drawn by the chaos game; brighter where visited more often."""
    maps, shares = _maps(number)
    points = _attractor(maps * rng.uniform(0.9, 1.1, maps.shape), shares, rng, walkers=256, steps=64)
    low, high = np.percentile(points, [2, 98], axis=0)
    points = _placed((points - (low + high) / 2) / max(1e-6, *(high - low)) * 2, rng, size)
    x, y = np.floor(points).astype(int).T
    inside = (x >= 0) & (x < size) & (y >= 0) & (y < size)
    density = np.bincount(y[inside] * size + x[inside], minlength=size * size).reshape(size, size)
    return np.rint(255 * np.minimum(1, np.log1p(density) / math.log(6))).astype(np.uint8)


@functools.lru_cache(maxsize=4096)
def _maps(number: int) -> tuple[np.ndarray, np.ndarray]:
    """Affine maps, (maps, 2, 3), and their probabilities, redrawn until the attractor fills enough of its frame.

    Drawn by singular values, as in Anderson and Farrell 2022, "Improving Fractal Pre-training", arXiv:2110.03091.
    """
    of_kind = np.random.default_rng((2, number))
    while True:
        count = int(of_kind.integers(2, 6))
        maps = np.stack([_map(of_kind, share) for share in _sizes(of_kind, count)])
        shares = np.abs(np.linalg.det(maps[:, :, :2])) + 0.02
        shares /= shares.sum()
        points = _attractor(maps, shares, of_kind, walkers=64, steps=48)
        spread = np.ptp(points, axis=0)
        if np.isfinite(points).all() and spread.min() > 1e-3 and spread.max() < 100:
            grid = np.floor((points - points.min(axis=0)) / spread * 31.99).astype(int)
            if len(np.unique(grid[:, 0] * 32 + grid[:, 1])) > 0.2 * 32 * 32:
                return maps, shares


def _sizes(of_kind: np.random.Generator, count: int) -> np.ndarray:
    """Singular values (s, t), (count, 2); s + 2 t, summed over all n maps, is from (5 + n) / 2 to (6 + n) / 2."""
    while True:
        values = np.sort(of_kind.uniform(0, 1, (count, 2)), axis=1)[:, ::-1]
        total = values[:, 0].sum() + 2 * values[:, 1].sum()
        if (5 + count) / 2 <= total <= (6 + count) / 2:
            return values


def _map(of_kind: np.random.Generator, sizes: np.ndarray) -> np.ndarray:
    first, second = (_turn(of_kind.uniform(-math.pi, math.pi)) for _ in range(2))
    signs = of_kind.choice([-1, 1], 2)
    return np.hstack([first @ np.diag(sizes * signs) @ second, of_kind.uniform(-1, 1, (2, 1))])


def _turn(angle: float) -> np.ndarray:
    return np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])


def _attractor(
    maps: np.ndarray, shares: np.ndarray, rng: np.random.Generator, *, walkers: int, steps: int
) -> np.ndarray:
    """The points visited by walkers that apply a random map at every step, without the first steps, (points, 2)."""
    chosen = rng.choice(len(maps), (steps + 12, walkers), p=shares)
    points = np.zeros((walkers, 2))
    visited = []
    for step, choice in enumerate(chosen):
        applied = maps[choice]
        points = np.clip((applied[:, :, :2] @ points[:, :, None])[:, :, 0] + applied[:, :, 2], -1e6, 1e6)
        if step >= 12:
            visited.append(points)
    return np.concatenate(visited)


def _contour(number: int, rng: np.random.Generator, size: int) -> np.ndarray:
    """A closed curve whose radius is a sum of harmonics: filled, or as concentric rings."""
    of_kind = np.random.default_rng((3, number))
    harmonics = of_kind.integers(1, 9, 3)
    sizes = of_kind.uniform(0.1, 0.9, 3) / np.sqrt(harmonics)
    phases = of_kind.uniform(0, 2 * math.pi, 3) + rng.normal(0, 0.15, 3)
    rings, corners = int(of_kind.choice([1, 1, 2, 4])), int(of_kind.choice([6, 12, 96, 96]))
    sizes = sizes * rng.uniform(0.8, 1.2, 3)
    angles = np.linspace(0, 2 * math.pi, corners, endpoint=False)
    radius = np.maximum(0.15, 1 + (sizes[:, None] * np.cos(np.outer(harmonics, angles) + phases[:, None])).sum(axis=0))
    points = np.stack([np.cos(angles), np.sin(angles)], axis=1) * (radius / radius.max())[:, None]
    points = _placed(points, rng, size) * FINER
    middle = points.mean(axis=0)
    image = Image.new("L", (size * FINER, size * FINER))
    draw = ImageDraw.Draw(image)
    for ring in range(rings):
        shrunk = middle + (points - middle) * (1 - ring / rings)
        draw.polygon([tuple(point) for point in shrunk.tolist()], fill=0 if ring % 2 else 255)
    if rings == 1 and of_kind.random() < 0.3:  # only the outline
        shrunk = middle + (points - middle) * rng.uniform(0.75, 0.92)
        draw.polygon([tuple(point) for point in shrunk.tolist()], fill=0)
    return _smaller(image, size)


def _strokes(number: int, rng: np.random.Generator, size: int) -> np.ndarray:
    """One to four curves of the same width; most start where the previous one ends."""
    of_kind = np.random.default_rng((4, number))
    count = int(of_kind.integers(1, 5))
    bends = of_kind.uniform(-1, 1, (count, 3, 2))
    joined = of_kind.random(count) < 0.6
    bends = bends + rng.normal(0, 0.07, bends.shape)
    for curve in range(1, count):
        if joined[curve]:
            bends[curve, 0] = bends[curve - 1, 2]
    width = max(1, round(size * FINER * rng.uniform(0.02, 0.12)))
    time = np.linspace(0, 1, 16)[:, None]
    image = Image.new("L", (size * FINER, size * FINER))
    draw = ImageDraw.Draw(image)
    curves = [(1 - time) ** 2 * start + 2 * time * (1 - time) * bend + time**2 * end for start, bend, end in bends]
    points = _placed(np.concatenate(curves), rng, size) * FINER
    for curve in np.split(points, count):
        draw.line([tuple(point) for point in curve.tolist()], fill=255, width=width, joint="curve")
        for x, y in (curve[0], curve[-1]):
            draw.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), fill=255)
    return _smaller(image, size)


def _limbs(number: int, rng: np.random.Generator, size: int) -> np.ndarray:
    """An oval body with limbs of different lengths, which taper toward their ends."""
    of_kind = np.random.default_rng((5, number))
    count = int(of_kind.integers(1, 7))
    angles = of_kind.uniform(0, 2 * math.pi) + np.cumsum(of_kind.uniform(0.25, 0.9, count))
    lengths, thick = of_kind.uniform(0.5, 1.0, count), of_kind.uniform(0.08, 0.2)
    body, bend = of_kind.uniform(0.25, 0.5, 2), of_kind.normal(0, 0.25, count)
    angles, lengths = angles + rng.normal(0, 0.08, count), lengths * rng.uniform(0.9, 1.1, count)
    time = np.linspace(0, 1, 12)
    round_angles = np.linspace(0, 2 * math.pi, 32, endpoint=False)
    parts = [np.stack([body[0] * np.cos(round_angles), body[1] * np.sin(round_angles)], axis=1)]
    for angle, length, bent in zip(angles, lengths, bend, strict=True):
        way = angle + bent * time**2
        middle = np.stack([np.cos(way), np.sin(way)], axis=1) * (time * length)[:, None]
        side = np.stack([-np.sin(way), np.cos(way)], axis=1) * (thick * (1 - 0.5 * time) * (time < 1))[:, None]
        parts.append(np.concatenate([middle + side, (middle - side)[::-1]]))
    points = _placed(np.concatenate(parts), rng, size) * FINER
    image = Image.new("L", (size * FINER, size * FINER))
    draw = ImageDraw.Draw(image)
    for part in np.split(points, np.cumsum([len(part) for part in parts])[:-1]):
        draw.polygon([tuple(point) for point in part.tolist()], fill=255)
    return _smaller(image, size)


def _smaller(image: Image.Image, size: int) -> np.ndarray:
    return np.asarray(image.resize((size, size), Image.Resampling.BOX))


KINDS = (_fractal, _contour, _strokes, _limbs)
"""The number of a shape, modulo their count, selects the kind, so their order must not change."""
