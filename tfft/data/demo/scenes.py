"""Scenes of real handwritten digits on textured backgrounds, with exact boxes, masks, tags and sums."""

from __future__ import annotations

import functools
import io
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from tfft.data.demo.digits import digits
from tfft.data.demo.textures import draw_texture
from tfft.data.records import Record, Truth, digested
from tfft.data.splitting.splits import assign_splits

SIZES = {"train": 1200, "val": 200, "test": 300}
"""Number of scenes in each split."""


SIDE = 128
"""Height and width of a scene in pixels."""


MOST = 5
"""Maximum number of digits in a scene; the minimum is one."""


HEIGHTS = (24, 56)
"""Height in pixels of the smallest and the largest digit, including margins."""


# not the textures that the demo weights were trained to classify
TEXTURES = range(10_000, 10_400)


@dataclass(frozen=True, eq=False)
class Scene:
    """One to five digits on a textured background, and their positions."""

    picture: np.ndarray = field(repr=False)
    """(height, width, 3), uint8."""
    digits: np.ndarray
    """(objects,), int32 from 0 to 9: the digit of each object. As a set they are the tags of the scene."""
    boxes: np.ndarray
    """(objects, 4), int32: left, top, right, bottom in pixels, around all pixels that are more than half covered with
    ink; right and bottom are exclusive."""
    mask: np.ndarray = field(repr=False)
    """(height, width), uint8: 0 is the background, 1 to 10 are the digits 0 to 9."""
    split: str
    """`train`, `val` or `test`."""
    where: str
    """Name of the scene."""

    @property
    def count(self) -> int:
        """The sum of the digits."""
        return int(self.digits.sum())


def scenes(split: str, *, seed: int = 0) -> Iterator[Scene]:
    """Yields the scenes of one split, in a fixed order.

    A handwritten digit may occur in several scenes of a split, but not in two splits. The ink of two digits does not
    overlap; the corners of their boxes may. Digits are scikit-learn's (see `tfft.data.demo.digits`); backgrounds are
    procedurally generated.

    Args:
        split: `"train"`, `"val"` or `"test"`.
        seed: Random seed; the demo data have seed 0.

    Example:

        scene = next(scenes("train"))
        scene.digits, scene.boxes
    """
    by_digit = _originals(seed)[split]
    for number in range(SIZES[split]):
        rng = np.random.default_rng((seed, list(SIZES).index(split), number))
        yield _composed(by_digit, rng, split=split, where=f"demo scene {split} {number}")


def scene_records(truth: Callable[[Scene], Truth]) -> list[Record]:
    """The scenes of all splits as records.

    Args:
        truth: Returns the ground truth of a scene.
    """
    return [
        Record(content=_png(scene.picture), truth=truth(scene), where=scene.where, split=split)
        for split in SIZES
        for scene in scenes(split)
    ]


def _png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="PNG", compress_level=1)
    return file.getvalue()


@functools.cache
def _originals(seed: int) -> Mapping[str, Mapping[int, Sequence[np.ndarray]]]:
    """The handwritten digits, (8, 8) in [0, 255], by split and digit."""
    originals: dict[str, dict[int, list[np.ndarray]]] = {split: defaultdict(list) for split in SIZES}
    for record in assign_splits(digested(digits()), val_fraction=0.15, test_fraction=0.15, seed=seed):
        originals[record.split][int(record.truth.name)].append(_pixels(record))
    return originals


def _pixels(record: Record) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(record.read())))


def _composed(
    by_digit: Mapping[int, Sequence[np.ndarray]], rng: np.random.Generator, *, split: str, where: str
) -> Scene:
    background = draw_texture(int(rng.choice(TEXTURES)), rng, SIDE).astype(np.float64)
    middle = background.mean(axis=(0, 1))
    background = middle + (background - middle) * rng.uniform(0.2, 0.8)  # at full contrast it hides small digits
    mask, names, boxes = np.zeros((SIDE, SIDE), np.uint8), [], []
    for _ in range(int(rng.integers(1, MOST + 1))):
        digit = int(rng.integers(10))
        original = by_digit[digit][rng.integers(len(by_digit[digit]))]
        cover = _enlarged(original, int(rng.integers(HEIGHTS[0], HEIGHTS[1] + 1)))
        place = _free_place(cover.shape[0], mask, rng)
        if place is None:
            continue  # there is no room for a digit of this size
        top, left = place
        inside = np.s_[top : top + cover.shape[0], left : left + cover.shape[1]]
        background[inside] += cover[..., None] * (_ink(middle, rng) - background[inside])
        mask[inside][cover > 0.5] = digit + 1
        down, across = (np.flatnonzero((cover > 0.5).any(axis=axis)) for axis in (1, 0))
        names.append(digit)
        boxes.append((left + across[0], top + down[0], left + across[-1] + 1, top + down[-1] + 1))
    picture = np.rint(np.clip(background, 0, 255)).astype(np.uint8)
    return Scene(picture, np.array(names, np.int32), np.array(boxes, np.int32), mask, split=split, where=where)


def _enlarged(original: np.ndarray, height: int) -> np.ndarray:
    """The ink coverage of each pixel, (height, height) in [0, 1], with edges about two pixels wide."""
    # 0.4 and not 0.5, because thin strokes are faint in 8 x 8 pixels; enlarged edges are height / 8 pixels wide, and
    # the factor reduces them to 2
    larger = np.asarray(Image.fromarray(original).resize((height, height), Image.Resampling.BICUBIC)) / 255
    return np.clip((larger - 0.4) * height / 16 + 0.5, 0, 1)


def _free_place(side: int, mask: np.ndarray, rng: np.random.Generator) -> tuple[int, int] | None:
    """Top and left of a free square, or None after 20 attempts."""
    for top, left in rng.integers(SIDE - side + 1, size=(20, 2)):
        if not mask[top : top + side, left : left + side].any():
            return int(top), int(left)
    return None


def _ink(middle: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A colour, (3,) in [0, 255], that stands out from the mean colour of the background."""
    while True:
        ink = rng.uniform(0, 255, 3)
        if abs(ink.mean() - middle.mean()) > 70:
            return ink
