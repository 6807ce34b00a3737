from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from tfft.data import Splits
from tfft.data.augmentation.changes import RANDAUGMENT, Augmentation, augmented, changes
from tfft.data.augmentation.motion import Motion
from tfft.data.augmentation.moves import Flip, Warp
from tfft.data.augmentation.views import view, view_of_targets

IMAGE = np.random.default_rng(0).integers(0, 256, (24, 30, 3)).astype(np.uint8)
ALL = np.arange(20)
SIZE = (20, 30)
"""Height and width."""
KEYS = ["0", "1", "2"]


def train_of(splits: Splits) -> tuple:
    return splits.train.inputs, splits.train.ids


@pytest.mark.parametrize("level", ["light", "strong"])
def test_a_pure_function_of_seed_view_and_example(splits: Splits, level: str) -> None:
    def seen(number: int, seed: int) -> np.ndarray:
        return view(*train_of(splits), number, augmentation=Augmentation(level), seed=seed)[ALL]

    first = {(number, seed): seen(number, seed) for number in (1, 2) for seed in (0, 1)}
    assert all(np.array_equal(seen(*key), pixels) for key, pixels in reversed(first.items()))
    assert len({pixels.tobytes() for pixels in first.values()}) == 4
    # of the example, not of its place or of who is beside it
    some = np.array([7, 3])
    assert np.array_equal(view(*train_of(splits), 1, augmentation=Augmentation(level), seed=0)[some], first[1, 0][some])
    twins = [splits.train.ids[0]] * 20
    assert not np.array_equal(
        view(splits.train.inputs, twins, 1, augmentation=Augmentation(level), seed=0)[ALL], first[1, 0]
    )


def test_the_first_view_is_the_picture_itself(splits: Splits) -> None:
    assert np.array_equal(
        view(*train_of(splits), 0, augmentation=Augmentation("strong"), seed=0)[ALL], splits.train.inputs
    )
    assert np.array_equal(view(*train_of(splits), 3, augmentation=Augmentation(), seed=0)[ALL], splits.train.inputs)


def test_pictures_are_left_as_they_are(splits: Splits) -> None:
    before = splits.train.inputs.copy()
    view(*train_of(splits), 1, augmentation=Augmentation("strong"), seed=0)[ALL]
    assert np.array_equal(splits.train.inputs, before)


def test_pixels_stay_pictures() -> None:
    for level in ("light", "strong"):
        found = [augmented(IMAGE, Augmentation(level), np.random.default_rng(number)) for number in range(60)]
        assert {(image.shape, image.dtype) for image in found} == {((24, 30, 3), np.dtype("uint8"))}
        assert min(image.std() for image in found) > 10


def test_every_operation_of_randaugment_is_drawn() -> None:
    assert len({int(np.random.default_rng(seed).integers(len(RANDAUGMENT))) for seed in range(200)}) == len(RANDAUGMENT)
    for operation in RANDAUGMENT:
        change = operation(np.random.default_rng(1))
        changed = change.applied(IMAGE, "mirror") if isinstance(change, Warp) else change(IMAGE)
        assert (changed.shape, changed.dtype) == (IMAGE.shape, np.uint8)


def test_it_flips_about_half_of_the_time() -> None:
    ramp = np.broadcast_to(np.linspace(0, 200, 24)[None, :, None], (24, 24, 3)).astype(np.uint8)
    turned = [augmented(ramp, Augmentation("light"), np.random.default_rng(number)) for number in range(100)]
    assert 30 < sum(bool(image[:, 0].mean() > image[:, -1].mean()) for image in turned) < 70


def test_the_frame_is_filled_by_the_picture_mirrored() -> None:
    """No black corners: a white picture stays white wherever it is turned, shorn or moved to."""
    white = np.full((16, 40, 3), 255, np.uint8)
    for operation in RANDAUGMENT[:3]:
        warps = [operation(np.random.default_rng(seed)) for seed in range(20)]
        assert all(warp.applied(white, "mirror").min() == 255 for warp in warps)
        assert any(warp.applied(white, "grey").min() == 128 for warp in warps)


def test_a_picture_of_one_pixel() -> None:
    for level in ("light", "strong"):
        assert augmented(np.zeros((1, 1, 3), np.uint8), Augmentation(level), np.random.default_rng(0)).shape == (
            1,
            1,
            3,
        )


def every_change(augmentation: Augmentation) -> list:
    return [change for seed in range(200) for change in changes(augmentation, np.random.default_rng(seed))]


def test_pictures_that_may_not_be_turned_are_shifted() -> None:
    for level in ("light", "strong"):
        turned, shifted = (
            [one for one in every_change(Augmentation(level, motion=motion)) if isinstance(one, Warp)]
            for motion in (None, Motion(lambda target, matrices, size: target, outside="grey", turns=False))
        )
        assert any(one.angle for one in turned)
        assert not any(one.angle or any(one.shear) for one in shifted)
        assert sum(any(one.shift) for one in shifted) > 100
        assert any(one.zoom != 1 for one in shifted)


def test_no_flip_where_sides_matter_and_the_rest_is_the_same() -> None:
    for level in ("light", "strong"):
        flipped, kept = every_change(Augmentation(level)), every_change(Augmentation(level, flip=False))
        assert any(isinstance(one, Flip) for one in flipped)
        assert not any(isinstance(one, Flip) for one in kept)
        assert [one for one in flipped if isinstance(one, Warp)] == [one for one in kept if isinstance(one, Warp)]


def views(targets: np.ndarray, number: int, augmentation: Augmentation) -> np.ndarray:
    """What follows the pictures of a view."""
    return view_of_targets(targets, KEYS, number, augmentation=augmentation, seed=5, image_size=SIZE)


def test_targets_without_a_place_are_those_of_every_view() -> None:
    targets = np.arange(3)
    assert views(targets, 1, Augmentation("strong")) is targets
    motion = Motion(lambda target, matrix, size: target + 1, outside="mirror", turns=True)
    assert views(targets, 0, Augmentation("strong", motion=motion)) is targets
    assert views(targets, 1, Augmentation("none", motion=motion)) is targets


@pytest.mark.parametrize("level", ["light", "strong"])
def test_targets_follow_each_move_of_their_picture(level: str) -> None:
    """The first picture of a view is moved as the first target is, whoever is beside it, and none in between."""
    seen: list[np.ndarray] = []

    def follow(target: np.ndarray, matrices: Sequence[np.ndarray], size: tuple[int, int]) -> np.ndarray:
        assert size == SIZE
        seen.extend(matrices)
        return target + len(matrices)

    augmentation = Augmentation(level, motion=Motion(follow, outside="mirror", turns=True))
    targets = np.zeros((3, 1))
    for number in (1, 2, 3):
        seen.clear()
        after = views(targets, number, augmentation)[np.array([2])]
        rng = np.random.default_rng((5, number, int(KEYS[2], 16)))
        moves = [one.matrix(*SIZE) for one in changes(augmentation, rng) if isinstance(one, (Flip, Warp))]
        assert np.array_equal(seen, moves)
        assert after.tolist() == [[len(moves)]]
    assert not targets.any()
