from __future__ import annotations

import numpy as np
import pytest

from tfft.data.batching.layout import Layout
from tfft.data.batching.mixing import Mixing

COUNT = 400
CLASSES = np.arange(COUNT, dtype=np.int32)
"""The class of each example is its number."""


def mixing(*shapes: tuple[int | None, ...], mixup: float = 0.0, cutmix: float = 0.0, targets: str = "pairs") -> Mixing:
    return Mixing(3, mixup, cutmix, targets, Layout(shapes, "float32"))


def test_an_example_and_its_targets_have_the_same_share_of_another() -> None:
    rows = np.random.default_rng(0).random((COUNT, 5)).astype(np.float32)
    (mixed,), pairs = mixing((5,), mixup=0.5)(0, 0, [rows], CLASSES)
    assert (mixed.dtype, pairs.shape) == (np.float32, (COUNT, 3))
    own, other, share = pairs[:, 0].astype(int), pairs[:, 1].astype(int), pairs[:, 2:]
    assert np.array_equal(own, CLASSES)
    assert sorted(other) == list(range(COUNT))
    assert mixed == pytest.approx(share * rows + (1 - share) * rows[other], abs=1e-6)
    assert ((share < 0.1) | (share > 0.9)).mean() == pytest.approx(0.41, abs=0.08)  # of Beta(0.5, 0.5)
    _, sums = mixing((5,), mixup=0.5, targets="sums")(0, 0, [rows], np.stack([CLASSES, 2 * CLASSES], axis=1))
    assert sums == pytest.approx((share * own[:, None] + (1 - share) * other[:, None]) * [1, 2], rel=1e-5)
    _, tags = mixing((5,), mixup=0.5)(0, 0, [rows], np.stack([CLASSES, 2 * CLASSES], axis=1))
    assert np.array_equal(tags, np.concatenate([np.stack([own, 2 * own, other, 2 * other], axis=1), share], axis=1))


def test_what_is_drawn_is_a_function_of_seed_epoch_and_batch() -> None:
    rows = np.random.default_rng(0).random((8, 4, 4, 1)).astype(np.float32)

    def drawn(seed: int, epoch: int, step: int, cutmix: float = 0.0) -> bytes:
        made = Mixing(seed, 1.0, cutmix, "pairs", Layout(((4, 4, 1),), "float32"))
        return b"".join(array.tobytes() for array in made(epoch, step, [rows], CLASSES[:8])[0])

    places = [(seed, epoch, step) for seed in range(2) for epoch in range(2) for step in range(2)]
    assert len({drawn(*place) for place in places}) == 8
    assert [drawn(*place) for place in places] == [drawn(*place) for place in places]
    # with both, half of the batches are cut: their numbers are those of the examples
    cut = [np.isin(np.frombuffer(drawn(0, 0, step, 1.0), np.float32), rows).all() for step in range(60)]
    assert 15 < sum(cut) < 45


def test_a_patch_has_the_share_of_its_area_on_every_map() -> None:
    pixels = np.broadcast_to(CLASSES[:, None, None, None], (COUNT, 16, 24, 3)).astype(np.float32)
    maps, pooled = pixels[:, ::4, ::4], pixels[:, 0, 0]
    made = mixing((4, 6, 3), (16, 24, 3), (3,), cutmix=1.0)
    (small, large, flat), pairs = made(1, 2, [maps, pixels, pooled], CLASSES)
    own, other, share = pairs.T
    moved = own != other
    of_other = (large[..., 0] == other[:, None, None]).mean(axis=(1, 2))
    assert of_other[moved] == pytest.approx(1 - share[moved], abs=1e-6)
    assert ((large == own[:, None, None, None]) | (large == other[:, None, None, None])).all()
    assert flat[:, 0] == pytest.approx(share * own + (1 - share) * other, rel=1e-5)
    coarse = (small[..., 0] == other[:, None, None]).mean(axis=(1, 2))
    assert np.abs(coarse - of_other)[moved].max() < 0.3
    assert np.corrcoef(coarse[moved], of_other[moved])[0, 1] > 0.95
    assert 0.5 < share.mean() < 0.75  # half, and more where a patch reaches over the edge
    rows = np.argwhere(large[1, ..., 0] == other[1])
    assert len(rows) == np.prod(np.ptp(rows, axis=0) + 1)  # a rectangle


def test_texts_are_mixed_where_either_has_tokens() -> None:
    lengths = np.array([1, 2, 3, 4])
    mask = (np.arange(4) < lengths[:, None]).astype(np.float32)
    states = np.full((4, 4, 2), 7, np.float32)
    (mixed, seen), pairs = mixing((None, 2), (None,), mixup=1.0)(0, 0, [states, mask], CLASSES[:4])
    other, share = pairs[:, 1].astype(int), pairs[:, 2:]
    assert np.array_equal(seen, np.maximum(mask, mask[other]))
    assert mixed[..., 0] == pytest.approx(7 * (share * mask + (1 - share) * mask[other]), rel=1e-5)
