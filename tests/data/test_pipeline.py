from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tfft.data import Splits, epoch_order, evaluation_batches, training_batches

SETTINGS = {"batch_size": 8, "seed": 3}


def pixels(dataset: object) -> np.ndarray:
    return np.concatenate([np.asarray(images, np.float32) for images, _ in dataset])


def test_an_order_is_a_function_of_seed_and_epoch() -> None:
    assert np.array_equal(epoch_order(50, 1, 2), epoch_order(50, 1, 2))
    assert sorted(epoch_order(50, 1, 2)) == list(range(50))
    orders = {epoch_order(50, seed, epoch).tobytes() for seed in range(3) for epoch in range(3)}
    assert len(orders) == 9


@pytest.mark.parametrize("augment", ["none", "light"])
def test_an_epoch_does_not_depend_on_the_epochs_before(splits: Splits, augment: str) -> None:
    both = pixels(training_batches(splits.train, **SETTINGS, epochs=range(4, 6), augment=augment))
    late = pixels(training_batches(splits.train, **SETTINGS, epochs=range(5, 6), augment=augment))
    assert np.array_equal(both[20:], late)
    assert not np.array_equal(both[:20], late)


@pytest.mark.parametrize("augment", ["none", "strong"])
def test_batches_never_join_two_epochs(splits: Splits, augment: str) -> None:
    batches = training_batches(splits.train, **SETTINGS, epochs=range(2), augment=augment)
    assert [len(targets) for _, targets in batches] == [8, 8, 4, 8, 8, 4]


def test_every_example_once_an_epoch_with_its_own_target(splits: Splits) -> None:
    order = epoch_order(20, 3, 0)
    images, targets = zip(*training_batches(splits.train, **SETTINGS, epochs=range(1)), strict=True)
    assert np.array_equal(np.concatenate(images), splits.train.inputs[order])
    assert np.array_equal(np.concatenate(targets), splits.train.targets[order])


def test_augmentation_follows_the_example_not_its_place(splits: Splits) -> None:
    straight = pixels(training_batches(splits.train, **SETTINGS, epochs=range(1), augment="light"))
    turned = replace(
        splits.train,
        inputs=splits.train.inputs[::-1],
        targets=splits.train.targets[::-1],
        ids=splits.train.ids[::-1],
    )
    again = pixels(training_batches(turned, **SETTINGS, epochs=range(1), augment="light"))
    order = epoch_order(20, 3, 0)
    assert np.array_equal(straight[np.argsort(order)], again[np.argsort(order)][::-1])


def test_evaluation_sees_each_example_once_as_it_is(splits: Splits) -> None:
    batches = list(evaluation_batches(splits.val, batch_size=4))
    assert [len(targets) for _, targets in batches] == [4, 3]
    assert np.array_equal(np.concatenate([images for images, _ in batches]), splits.val.inputs)
    assert np.array_equal(np.concatenate([targets for _, targets in batches]), splits.val.targets)
