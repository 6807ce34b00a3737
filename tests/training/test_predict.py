from __future__ import annotations

import keras
import numpy as np

from tfft.data import Splits
from tfft.training import Phase, plan_phases, predict


def test_every_example_of_every_split_once_in_its_order(network: keras.Model, splits: Splits) -> None:
    found = predict(network, splits, batch_size=4)
    plan = plan_phases(network, splits, {"tune": Phase(epochs=1, unfreeze=1)}, batch_size=8)
    stored = predict(network, splits, plan)
    for name, examples in splits.items():
        expected = network.predict(examples.inputs.astype("float32"), verbose=0)
        np.testing.assert_allclose(found[name], expected, rtol=1e-5)
        np.testing.assert_allclose(stored[name], expected, rtol=1e-5)
