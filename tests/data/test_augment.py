from __future__ import annotations

import numpy as np
import pytest

from tfft.data import Splits
from tfft.data.augment import RANDAUGMENT, augmented, view

IMAGE = np.random.default_rng(0).integers(0, 256, (24, 30, 3)).astype(np.uint8)
ALL = np.arange(20)


def train_of(splits: Splits) -> tuple:
    return splits.train.inputs, splits.train.ids


@pytest.mark.parametrize("level", ["light", "strong"])
def test_a_pure_function_of_seed_view_and_example(splits: Splits, level: str) -> None:
    def seen(number: int, seed: int) -> np.ndarray:
        return view(*train_of(splits), number, augment=level, seed=seed)[ALL]

    first = {(number, seed): seen(number, seed) for number in (1, 2) for seed in (0, 1)}
    assert all(np.array_equal(seen(*key), pixels) for key, pixels in reversed(first.items()))
    assert len({pixels.tobytes() for pixels in first.values()}) == 4
    # of the example, not of its place or of who is beside it
    some = np.array([7, 3])
    assert np.array_equal(view(*train_of(splits), 1, augment=level, seed=0)[some], first[1, 0][some])
    twins = [splits.train.ids[0]] * 20
    assert not np.array_equal(view(splits.train.inputs, twins, 1, augment=level, seed=0)[ALL], first[1, 0])


def test_the_first_view_is_the_picture_itself(splits: Splits) -> None:
    assert np.array_equal(view(*train_of(splits), 0, augment="strong", seed=0)[ALL], splits.train.inputs)
    assert np.array_equal(view(*train_of(splits), 3, augment="none", seed=0)[ALL], splits.train.inputs)


def test_pictures_are_left_as_they_are(splits: Splits) -> None:
    before = splits.train.inputs.copy()
    view(*train_of(splits), 1, augment="strong", seed=0)[ALL]
    assert np.array_equal(splits.train.inputs, before)


@pytest.mark.parametrize("level", ["light", "strong"])
def test_pixels_stay_pictures(level: str) -> None:
    found = [augmented(IMAGE, level, np.random.default_rng(number)) for number in range(60)]
    assert {(image.shape, image.dtype) for image in found} == {((24, 30, 3), np.dtype("uint8"))}
    assert min(image.std() for image in found) > 10


def test_every_operation_of_randaugment_is_drawn() -> None:
    assert len({int(np.random.default_rng(seed).integers(len(RANDAUGMENT))) for seed in range(200)}) == len(RANDAUGMENT)
    for operation in RANDAUGMENT:
        changed = operation(IMAGE, np.random.default_rng(1))
        assert (changed.shape, changed.dtype) == (IMAGE.shape, np.uint8)


def test_it_flips_about_half_of_the_time() -> None:
    ramp = np.broadcast_to(np.linspace(0, 200, 24)[None, :, None], (24, 24, 3)).astype(np.uint8)
    turned = [augmented(ramp, "light", np.random.default_rng(number)) for number in range(100)]
    assert 30 < sum(bool(image[:, 0].mean() > image[:, -1].mean()) for image in turned) < 70


def test_the_frame_is_filled_by_the_picture_mirrored() -> None:
    """No black corners: a white picture stays white wherever it is turned, shorn or moved to."""
    white = np.full((16, 40, 3), 255, np.uint8)
    for operation in RANDAUGMENT[:3]:
        assert all(operation(white, np.random.default_rng(seed)).min() == 255 for seed in range(20))


def test_a_picture_of_one_pixel() -> None:
    for level in ("light", "strong"):
        assert augmented(np.zeros((1, 1, 3), np.uint8), level, np.random.default_rng(0)).shape == (1, 1, 3)
