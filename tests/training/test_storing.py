from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
import pytest

from tfft.data import Augmentation, Splits
from tfft.data.choices import Level, Views
from tfft.models import single_label
from tfft.store import Storage, open_store
from tfft.training import Phase, Plan, plan_phases, store_activations
from tfft.training.levels import TRUNK_BATCH
from tfft.training.planned import SplitView
from tfft.training.storing import missing_bytes

TASK = single_label(["ant", "bee"])
PHASES = {"head": Phase(epochs=3), "tune": Phase(epochs=12, unfreeze=1)}
ALL = {"train", "val", "test"}
HEAD_ROW, TUNE_ROW = 8 * 4, 512 * 4


def light(splits: Splits, augment: Level = "light", views: Views = "auto") -> Splits:
    """Whose training pictures have changed views."""
    return replace(splits, augmentation=Augmentation(augment, views=views))


def plan(network: keras.Model, splits: Splits, *, limit: float = 1.0, **changed: object) -> Plan:
    storage = Storage(limit=limit)
    return plan_phases(network, TASK, light(splits, **changed), PHASES, batch_size=8, storage=storage)


def missing(found: Plan) -> int:
    return missing_bytes(found.activations, found.activations.stored)


def splits_of(found: Plan) -> tuple[set[str], ...]:
    return tuple({one.split for one in shown} for shown in found.activations.stored)


def views(found: Plan) -> list[int | None]:
    return [planned.views for planned in found.phases]


def test_all_of_it_where_it_fits(network: keras.Model, splits: Splits) -> None:
    found = plan(network, splits)
    assert views(found) == [6, 6]
    assert splits_of(found) == (ALL, {"train", "val"})
    assert views(plan(network, splits, views=3)) == [3, 3]
    assert views(plan(network, splits, augment="none")) == [1, 1]
    short = {"head": Phase(epochs=5)}  # each view is shown about twice
    assert plan_phases(network, TASK, light(splits), short, batch_size=8).phases[0].views == 3


# rows at the boundary of tune: 20 to train a view, 7 to validate, 7 to test
@pytest.mark.parametrize(
    ("rows", "options", "expected", "stored"),
    [
        (5 * 20 + 14 + 5, {}, [5, 5], (ALL, {"train", "val"})),
        (4 * 20 + 14 + 5, {}, [4, 4], (ALL, {"train", "val"})),
        (3 * 20 + 14 + 5, {}, [6, None], ({"val", "test"}, {"train", "val"})),  # too few views: fresh ones for tune
        (3 * 20 + 14 + 5, {"views": 4}, [4, 4], ({"val", "test"}, {"train", "val"})),
        (3 * 20 + 14 + 5, {"views": "fresh"}, [None, None], ({"val", "test"}, {"val"})),
        (25, {"augment": "none"}, [1, 1], ({"val", "test"}, {"train", "val"})),
        (0.001, {}, [None, None], (set(), set())),
        (0.001, {"views": 2}, [2, 2], (set(), set())),
    ],
)
def test_less_where_it_does_not(
    network: keras.Model, splits: Splits, rows: float, options: dict, expected: list, stored: tuple
) -> None:
    found = plan(network, splits, limit=rows * TUNE_ROW / 1e9, **options)
    assert views(found) == expected
    assert splits_of(found) == stored


def test_what_is_there_already_takes_no_room(network: keras.Model, splits: Splits) -> None:
    limit = (6 * 20 + 14 + 8) * TUNE_ROW / 1e9 + 2e-5  # the headers
    first = plan(network, splits, limit=limit)
    size = missing(first)
    assert size == (6 * 20 + 14) * TUNE_ROW + (3 * 20 + 7) * HEAD_ROW
    store_activations(first)
    again = plan(network, splits, limit=limit)
    assert views(again) == [6, 6]
    assert missing(again) == 0


def test_cheap_layers_are_not_stored(splits: Splits) -> None:
    """A tensor that is nearly as fast to compute as to read."""
    inputs = keras.Input((32, 32, 3))
    x = keras.layers.Conv2D(16, 1, trainable=False)(inputs)
    x = keras.layers.Conv2D(16, 3, strides=4, name="above")(x)
    model = keras.Model(inputs, keras.layers.Dense(2, activation="softmax")(keras.layers.GlobalAveragePooling2D()(x)))
    found = plan_phases(model, TASK, splits, {"head": Phase(epochs=1)}, batch_size=8)
    assert found.activations.stored == (frozenset(),)


def test_the_pass_stores_what_is_needed_and_nothing_else(network: keras.Model, splits: Splits) -> None:
    found = plan(network, splits, views=4)
    store_activations(found)
    assert missing(found) == 0
    for split in ("train", "val", "test"):
        assert found.activations.room(0, SplitView(split))[1:] == (0, 0)
    assert found.activations.room(0, SplitView("val", 1))[2] == TRUNK_BATCH  # validation pictures are not augmented
    assert found.activations.room(1, SplitView("test"))[2] == TRUNK_BATCH  # the head is not scored by itself
    assert (
        sum(entry["bytes"] for entry in open_store(Storage()).contents())
        < 1.2 * ((4 * 20 + 14) * TUNE_ROW + (3 * 20 + 7) * HEAD_ROW) + 20_000
    )


def test_another_head_and_rate_start_at_once_and_another_picture_does_not(network: keras.Model, splits: Splits) -> None:
    store_activations(plan(network, splits))
    other = keras.Model(
        network.inputs[0], keras.layers.Dense(2, activation="softmax", name="other")(network.get_layer("pool").output)
    )
    phases = {"head": Phase(epochs=3, learning_rate=0.3), "tune": Phase(epochs=12, unfreeze=1, optimizer="sgd")}

    def lacking(splits: Splits, seed: int = 0) -> int:
        return missing(plan_phases(other, TASK, light(splits), phases, batch_size=5, seed=seed))

    assert lacking(splits) == 0
    pixels = splits.train.inputs.copy()
    pixels[3, 0, 0, 0] ^= 1
    edited = replace(splits, train=replace(splits.train, inputs=pixels))
    assert lacking(edited) == 6 * TUNE_ROW + 3 * HEAD_ROW
    assert lacking(splits, seed=1) == 5 * 20 * TUNE_ROW + 2 * 20 * HEAD_ROW
    kernel = network.get_layer("conv_1").kernel
    kernel.assign(np.nextafter(kernel.numpy(), 1))
    assert lacking(splits) > 6 * 20 * TUNE_ROW


def test_what_was_chosen_is_chosen_again_on_a_smaller_disk(network: keras.Model, splits: Splits) -> None:
    def chosen_on(limit: float, phases: dict[str, Phase]) -> dict[str, int | str]:
        storage = Storage(limit=limit)
        return plan_phases(network, TASK, light(splits), phases, batch_size=8, storage=storage).chosen_views

    small = (3 * 20 + 14 + 5) * TUNE_ROW / 1e9
    for limit, expected in ((1.0, {"head": 6, "tune": 6}), (small, {"head": 6, "tune": "fresh"})):
        assert chosen_on(limit, PHASES) == expected
        kept = {name: replace(phase, views=expected[name]) for name, phase in PHASES.items()}
        assert all(chosen_on(other, kept) == expected for other in (1.0, small, 1e-6))
