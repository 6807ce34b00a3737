from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from tfft.training import Phase
from tfft.training.planned import PlannedPhase, SplitView


def planned(top: keras.Model, views: int | None) -> PlannedPhase:
    return PlannedPhase("tune", Phase(epochs=4), range(3, 7), trained=18, frozen=0, top=top, depth=None, views=views)


def test_epochs_walk_through_the_views_from_the_first_of_all_phases_on(network: keras.Model) -> None:
    def shown(views: int | None) -> list[SplitView]:
        phase = planned(network, views)
        return [phase.shown(epoch) for epoch in phase.epoch_numbers]

    assert shown(1) == [SplitView("train")] * 4
    assert shown(5) == [SplitView("train", view) for view in (3, 4, 0, 1)]
    assert shown(None) == [SplitView("train", view) for view in (3, 4, 5, 6)]


def test_the_top_answers_without_dropout_to_batches_of_any_size(network: keras.Model) -> None:
    """Compiled once."""
    pictures = np.random.default_rng(0).uniform(0, 255, (7, 32, 32, 3)).astype(np.float32)
    phase = planned(network, None)
    expected = network(pictures, training=False)
    for count in (7, 1):
        np.testing.assert_allclose(phase.forward(pictures[:count]), expected[:count], rtol=1e-5)
    assert isinstance(phase.forward, tf.types.experimental.ConcreteFunction)  # one trace
