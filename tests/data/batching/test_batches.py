from __future__ import annotations

import numpy as np
import pytest

from tfft.conventions import TOGETHER
from tfft.data import Feed, epoch_order, evaluation_batches, training_batches
from tfft.data.batching.layout import Layout

ROWS = np.arange(20 * 6, dtype=np.float32).reshape(20, 6)
TARGETS = np.arange(20, dtype=np.int32)
FLAT = Layout(((6,),), "float32")


class Counting:
    """Rows that remember what was asked for."""

    def __init__(self, rows: np.ndarray):
        self.rows, self.asked = rows, []

    def __getitem__(self, positions: np.ndarray) -> np.ndarray:
        self.asked.append(len(positions))
        return self.rows[positions]


def test_an_order_is_a_function_of_seed_and_epoch() -> None:
    assert np.array_equal(epoch_order(50, 1, 2), epoch_order(50, 1, 2))
    assert sorted(epoch_order(50, 1, 2)) == list(range(50))
    orders = {epoch_order(50, seed, epoch).tobytes() for seed in range(3) for epoch in range(3)}
    assert len(orders) == 9


CHANCES = np.array([4.0, 1.0, 0.0, 1.0, 2.0] * 4)


def test_examples_come_as_often_as_their_chances_say() -> None:
    orders = [epoch_order(20, 1, epoch, rarity=CHANCES, sampling="oversample") for epoch in range(300)]
    assert all(order.shape == (20,) for order in orders)
    shares = np.bincount(np.concatenate(orders), minlength=20) / (20 * 300)
    assert shares == pytest.approx(CHANCES / CHANCES.sum(), abs=0.02)
    assert shares[2::5].tolist() == [0, 0, 0, 0]


def test_an_order_by_chances_is_a_function_of_seed_and_epoch() -> None:
    assert np.array_equal(
        epoch_order(20, 1, 2, rarity=CHANCES, sampling="oversample"),
        epoch_order(20, 1, 2, rarity=CHANCES, sampling="oversample"),
    )
    orders = {
        epoch_order(20, seed, epoch, rarity=CHANCES, sampling="oversample").tobytes()
        for seed in range(3)
        for epoch in range(3)
    }
    assert len(orders) == 9
    assert np.array_equal(
        epoch_order(20, 1, 2, rarity=CHANCES, sampling="oversample"),
        epoch_order(20, 1, 2, rarity=100 * CHANCES, sampling="oversample"),
    )


def test_batches_by_chances_keep_each_target_with_its_rows() -> None:
    feed = Feed(
        lambda epoch: ROWS,
        lambda epoch: TARGETS + 100 * epoch,
        lambda epoch: epoch_order(20, 3, epoch, rarity=CHANCES, sampling="oversample"),
        FLAT,
        batch_size=8,
    )
    batches = training_batches(feed, count=20, epochs=range(1, 3))
    found = [(rows.numpy(), targets.numpy()) for rows, targets in batches]
    assert [len(targets) for _, targets in found] == [8, 8, 4] * 2
    rows, targets = (np.concatenate(parts) for parts in zip(*found, strict=True))
    orders = np.concatenate([epoch_order(20, 3, epoch, rarity=CHANCES, sampling="oversample") for epoch in (1, 2)])
    assert np.array_equal(rows, ROWS[orders])
    assert np.array_equal(targets, TARGETS[orders] + 100 * np.repeat([1, 2], 20))


@pytest.mark.parametrize("batch_size", [1, 8, 20, 64])
def test_every_example_once_an_epoch_with_its_own_target(batch_size: int) -> None:
    seen = []
    for epochs in (range(2, 5), range(3, 4)):
        feed = Feed(
            lambda epoch: ROWS + epoch,
            lambda epoch: TARGETS,
            lambda epoch: epoch_order(20, 3, epoch),
            FLAT,
            batch_size=batch_size,
        )
        batches = training_batches(feed, count=20, epochs=epochs)
        steps = -(-20 // batch_size)
        found = [(rows.numpy(), targets.numpy()) for rows, targets in batches]
        assert len(found) == len(batches) == steps * len(epochs)
        for place, epoch in enumerate(epochs):
            some = found[place * steps : (place + 1) * steps]  # no batch joins two epochs
            rows, targets = (np.concatenate(pieces) for pieces in zip(*some, strict=True))
            assert np.array_equal(targets, epoch_order(20, 3, epoch))
            assert np.array_equal(rows, ROWS[targets] + epoch)
            seen.append((epoch, rows.tobytes()))
    assert seen[1] == seen[3]  # an epoch does not depend on those before it


def test_rows_are_fetched_as_many_at_a_time_as_a_trunk_takes() -> None:
    rows = Counting(np.zeros((100, 6), np.float32))
    targets = np.zeros(100, np.int32)
    for batch_size, fetched in ((8, [48, 48, 4]), (32, [96, 4]), (64, [100]), (24, [48, 48, 4])):
        rows.asked.clear()
        list(evaluation_batches(rows, targets, FLAT, order=np.arange(100), batch_size=batch_size))
        assert rows.asked == fetched
    rows.asked.clear()
    list(evaluation_batches(rows, targets, FLAT, order=np.arange(100), batch_size=31))  # 31 * 48 would be too many
    assert rows.asked == [31, 31, 31, 7]
    assert TOGETHER == 48


def test_evaluation_sees_each_example_once_as_it_is() -> None:
    batches = evaluation_batches(ROWS, TARGETS, FLAT, order=np.arange(20), batch_size=8)
    for _ in range(2):  # Keras goes through it again in every epoch
        assert [len(targets) for _, targets in batches] == [8, 8, 4]
        assert np.array_equal(np.concatenate([rows for rows, _ in batches]), ROWS)
        assert np.array_equal(np.concatenate([targets for _, targets in batches]), TARGETS)


def test_a_row_may_hold_several_tensors_and_half_precision() -> None:
    layout = Layout(((2, 2), (2,)), "float16")
    assert (layout.numbers, layout.read_as) == (6, "float32")
    (first, second), _ = next(
        iter(evaluation_batches(ROWS.astype(np.float16), TARGETS, layout, order=np.arange(20), batch_size=3))
    )
    assert (first.shape, second.shape, first.dtype) == ((3, 2, 2), (3, 2), "float32")
    assert np.array_equal(second, ROWS[:3, 4:])


def test_the_end_of_a_pass_waits_for_no_tuner() -> None:
    """With the tuner of tf.data running, the end of an iterator took up to five seconds."""
    assert (
        evaluation_batches(ROWS, TARGETS, FLAT, order=np.arange(20), batch_size=8).options().autotune.enabled is False
    )
