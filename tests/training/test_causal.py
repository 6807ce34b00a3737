"""Networks that read left to right: their frozen blocks are computed once, as those of any network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfft.data import Splits, Texts, fetched_together
from tfft.data.batching.widths import widths_of
from tfft.models import pooled, single_label, unfrozen
from tfft.models.encoders import flat
from tfft.training import Phase, Plan, build_optimizer, fine_tune, plan_phases
from tfft.training.levels import TRUNK_BATCH
from tfft.training.planned import SplitView

SIZES = {"vocabulary_size": 20, "num_layers": 2, "hidden_dim": 8, "intermediate_dim": 12}
PHASES = {"tune": Phase(epochs=2, learning_rate=1e-3, unfreeze=1)}
WIDTH = 16


def classifier(kind: str) -> keras.Model:
    """Two classes of texts, by the last token."""
    from keras_hub import models as hub

    if kind == "gpt2":
        network = hub.GPT2Backbone(**SIZES, num_heads=2, max_sequence_length=WIDTH)
    else:
        network = hub.LlamaBackbone(**SIZES, num_query_heads=4, num_key_value_heads=2)
    encoder = flat(network, 0, kind)
    answers = keras.layers.Dense(2, activation="softmax", name="head_predictions")(pooled(encoder.outputs, "last"))
    return keras.Model(encoder.inputs[0], answers)


def texts(count: int, seed: int) -> Texts:
    """Texts of several lengths and one width, with padding tokens among their tokens."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(WIDTH // 2 + 1, WIDTH + 1, count)
    tokens = np.where(np.arange(WIDTH) < lengths[:, None] - 1, rng.integers(0, 19, (count, WIDTH)), 0).astype(np.int32)
    tokens[np.arange(count), lengths - 1] = 19
    ids = [f"{seed + index:032x}" for index in range(count)]
    return Texts(tokens, np.arange(count, dtype=np.int32) % 2, ids, ids, widths=widths_of(np.full(count, WIDTH)))


def batches(examples: Texts, order: np.ndarray) -> tf.data.Dataset:
    """Of unknown size and length, as ours: a graph for one length has other last bits."""

    def make() -> Iterator[Any]:
        for start in range(0, len(order), TRUNK_BATCH):
            chosen = order[start : start + TRUNK_BATCH]
            yield examples.inputs[chosen], examples.targets[chosen]

    signature = (tf.TensorSpec((None, None), tf.int32), tf.TensorSpec((None,), tf.int32))
    return tf.data.Dataset.from_generator(make, output_signature=signature)


class Frozen(keras.layers.Layer):
    """A network in inference mode, whatever the mode of the model around it."""

    def __init__(self, inner: keras.Model):
        super().__init__(trainable=False)
        self.inner = inner

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        return self.inner(inputs, training=False)


def fit_whole(model: keras.Model, plan: Plan) -> list[float]:
    """The phases with the whole network in Keras's own `fit`; returns the losses."""
    losses = []
    for planned in plan.phases:
        trunk = plan.activations.levels[planned.depth].cut.trunk
        inputs = keras.Input(trunk.inputs[0].shape[1:])
        whole = keras.Model(inputs, planned.top(Frozen(trunk)(inputs)))
        with unfrozen(model, planned.phase.unfreeze, batch_norm="frozen"):
            whole.compile(build_optimizer(planned.phase, plan.steps_per_epoch), plan.task.loss)
            for epoch in planned.epoch_numbers:
                train, group = plan.splits.train, fetched_together(TRUNK_BATCH)
                order = train.epoch_order(plan.seed, epoch, group=group, sampling="all")
                data = batches(train, order).apply(tf.data.experimental.assert_cardinality(plan.steps_per_epoch))
                losses += whole.fit(data, shuffle=False, verbose=0).history["loss"]
    return losses


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["gpt2", "llama"])
def test_stored_streamed_and_whole_are_the_same_to_the_last_bit(kind: str) -> None:
    model = classifier(kind)
    splits = Splits(texts(2 * TRUNK_BATCH, 0), texts(16, 1000), None, ["ant", "bee"])
    task = replace(single_label(["ant", "bee"]), metrics=(), monitor="loss", mode="min")
    start = model.get_weights()
    draws = [generator for layer in model._flatten_layers() for generator in vars(layer).values()
             if isinstance(generator, keras.random.SeedGenerator)]  # fmt: skip
    states = [generator.state.numpy() for generator in draws]
    plan = plan_phases(model, task, splits, PHASES, batch_size=TRUNK_BATCH)
    assert [len(level.cut.crossing) for level in plan.activations.levels] == [2]  # features, and their mask
    assert all(plan.activations.stored)
    streamed = replace(plan.activations, stored=(frozenset(),))
    shuffled = np.random.default_rng(0).permutation(2 * TRUNK_BATCH)[:-5]
    rows = [one.rows(0, SplitView("train"))[shuffled] for one in (plan.activations, streamed)]
    assert np.array_equal(*rows)
    history, weights = fine_tune(plan), model.get_weights()
    assert history.best == 1
    model.set_weights(start)
    for generator, state in zip(draws, states, strict=True):
        generator.state.assign(state)
    assert fit_whole(model, plan) == [row["loss"] for row in history.rows]
    assert all(map(np.array_equal, model.get_weights(), weights))
    moved = sum(not np.array_equal(one, other) for one, other in zip(start, weights, strict=True))
    assert moved > 2
