from __future__ import annotations

import itertools

import numpy as np
from PIL import Image

from tfft.data.augmentation.moves import Flip, Warp, moved

IMAGE = np.random.default_rng(0).integers(0, 256, (24, 30, 3)).astype(np.uint8)
SIZE = (20, 30)
"""Height and width."""


def place(pixels: np.ndarray, matrix: np.ndarray, x: float, y: float) -> np.ndarray:
    """The pixel of a picture that a matrix says is shown at a place."""
    column, row, _ = matrix @ (x, y, 1)
    return pixels[int(np.floor(row)), int(np.floor(column))]


def test_a_matrix_says_what_a_change_shows() -> None:
    """A smooth picture, since pixels between pixels are blends."""
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    smooth = np.stack([rows * 8, columns * 6, 0 * rows], -1).astype(np.uint8)
    warps = (Warp(zoom=0.5), Warp(zoom=1.2, shift=(0.05, -0.1)), Warp(angle=0.3), Warp(shear=(0.1, -0.2)), Warp())
    for change in (Flip(), *warps):
        shown, matrix = change.applied(smooth, "mirror").astype(int), change.matrix(*SIZE)
        for row, column in itertools.product(range(5, 15), range(8, 22)):
            expected = place(smooth, matrix, column + 0.5, row + 0.5)
            assert np.abs(shown[row, column] - expected).max() <= 8, (change, row, column)


def test_a_matrix_that_changes_nothing() -> None:
    for pixels, outside in itertools.product((IMAGE, IMAGE[..., 0]), ("mirror", "grey")):
        assert np.array_equal(moved(pixels, np.eye(3), Image.Resampling.NEAREST, outside), pixels)


def test_what_is_beyond_the_frame() -> None:
    to_the_right = np.array([[1.0, 0, 4], [0, 1, 0], [0, 0, 1]])
    for pixels in (IMAGE, IMAGE[..., 0]):
        mirrored = moved(pixels, to_the_right, Image.Resampling.NEAREST)
        assert np.array_equal(mirrored[:, :-4], pixels[:, 4:])
        assert np.array_equal(mirrored[:, -4:], pixels[:, :-5:-1])
        grey = moved(pixels, to_the_right, Image.Resampling.NEAREST, "grey")
        assert np.array_equal(grey[:, :-4], pixels[:, 4:])
        assert np.unique(grey[:, -4:]).tolist() == [128]


def test_a_mask_gets_no_values_between_its_own() -> None:
    mask = np.where(IMAGE[..., 0] > 128, 200, 10).astype(np.uint8)
    turned = moved(mask, Warp(angle=0.4, zoom=1.3).matrix(24, 30), Image.Resampling.NEAREST)
    assert np.unique(turned).tolist() == [10, 200]
