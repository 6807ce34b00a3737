from __future__ import annotations

import keras
import numpy as np

from tfft.data import Splits, Texts
from tfft.data.batching.widths import widths_of
from tfft.models import single_label
from tfft.training import Phase, plan_phases, predict
from tfft.training.predict import together

TASK = single_label(["ant", "bee"])


def test_every_example_of_every_split_once_in_its_order(network: keras.Model, splits: Splits) -> None:
    found = predict(network, splits, batch_size=4)
    plan = plan_phases(network, TASK, splits, {"tune": Phase(epochs=1, unfreeze=1)}, batch_size=8)
    stored = predict(network, splits, plan)
    for name, examples in splits.items():
        expected = network.predict(examples.inputs.astype("float32"), verbose=0)
        np.testing.assert_allclose(found[name], expected, rtol=1e-5)
        np.testing.assert_allclose(stored[name], expected, rtol=1e-5)


def texts(lengths: list[int], seed: int, longest: int = 32) -> Texts:
    rng = np.random.default_rng(seed)
    rows = [np.pad(rng.integers(1, 50, length), (0, longest - length)) for length in lengths]
    ids = [f"{seed}{number}" for number in range(len(lengths))]
    widths = widths_of(np.array(lengths))
    return Texts(np.array(rows, np.int32), np.zeros(len(lengths), np.int32), ids, ids, widths=widths)


def test_answers_to_texts_are_in_the_order_of_the_texts() -> None:
    """They are asked from the shortest to the longest."""
    tokens = keras.Input((None,), dtype="int32")
    words = keras.layers.Embedding(50, 4, mask_zero=True)(tokens)
    model = keras.Model(tokens, keras.layers.GlobalAveragePooling1D()(words))
    splits = Splits(texts([30, 3, 17, 9, 25], 0), texts([20, 5], 1), texts([4, 32, 12], 2), ["ant", "bee"])
    found = predict(model, splits, batch_size=2)
    for name, examples in splits.items():
        np.testing.assert_allclose(found[name], model(examples.inputs), rtol=1e-5)


def test_one_long_text_makes_the_batches_smaller() -> None:
    """Texts that are computed together have the width of the longest."""
    tokens = keras.Input((None,), dtype="int32")
    words = keras.layers.Dense(8, trainable=False)(keras.layers.Embedding(50, 4, trainable=False)(tokens))
    words = keras.layers.Dense(8, activation="relu")(words)
    answers = keras.layers.Dense(2, activation="softmax")(keras.layers.GlobalAveragePooling1D()(words))
    model = keras.Model(tokens, answers)
    found = {}
    for longest in (8, 4096):
        splits = Splits(texts([8] * 40, 0, longest), texts([8] * 39 + [longest], 1, longest), None, ["ant", "bee"])
        plan = plan_phases(model, TASK, splits, {"head": Phase(epochs=1)}, batch_size=8)
        assert plan.lowest.depth == 0
        found[longest] = together(plan, plan.lowest)
    assert found[8] == 480
    assert found[4096] * 4096 * 8 < 2**19
