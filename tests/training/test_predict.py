from __future__ import annotations

import keras
import numpy as np

from tfft.data import Splits
from tfft.training import predict


def test_every_example_of_every_split_once_in_its_order(network: keras.Model, splits: Splits) -> None:
    predictions = predict(network, splits, batch_size=4)
    assert {name: len(rows) for name, rows in predictions.items()} == {"train": 20, "val": 7, "test": 7}
    one_by_one = np.concatenate([network(image[None].astype("float32")) for image in splits.val.inputs])
    np.testing.assert_allclose(predictions["val"], one_by_one, rtol=1e-5)
