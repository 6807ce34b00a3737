from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from tfft.data import Splits
from tfft.errors import ConfigError
from tfft.serving import save_model


def test_plain_keras_gives_the_same_numbers_without_tfft(network: keras.Model, splits: Splits, tmp_path: Path) -> None:
    save_model(network, ["ant", "bee\nor\\wasp"], tmp_path, sample=splits.val.inputs)
    assert (tmp_path / "labels.txt").read_text() == "ant\nbee\\nor\\\\wasp\n"
    images = splits.val.inputs.astype("float32")
    np.save(tmp_path / "images.npy", images)
    np.save(tmp_path / "expected.npy", network.predict(images, verbose=0))
    program = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("tfft", "recipes"):
            raise ImportError(name)
sys.meta_path.insert(0, Refuse())
import keras, numpy as np
model = keras.saving.load_model("model.keras")
assert np.array_equal(model.predict(np.load("images.npy"), verbose=0), np.load("expected.npy"))
print("equal")
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.endswith("equal\n"), done.stderr


class Forgetful(keras.layers.Dense):
    """A layer that loses its weights when it is saved."""

    def save_own_variables(self, store: dict) -> None:
        store["0"], store["1"] = np.ones(self.kernel.shape), np.zeros(self.bias.shape)


def test_of_a_file_that_answers_otherwise_only_the_weights_stay(tmp_path: Path) -> None:
    with keras.saving.custom_object_scope({"Forgetful": Forgetful}):
        model = keras.Sequential([keras.Input((2,)), Forgetful(2)])
        with pytest.raises(ConfigError, match="differ by up to"):
            save_model(model, ["a", "b"], tmp_path, sample=np.array([[3.0, -2.0]], np.float32))
    assert [path.name for path in tmp_path.iterdir()] == ["model.weights.h5"]


class Unknown(keras.layers.Layer):
    """A layer that plain Keras does not know."""

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        return inputs


def test_a_layer_that_plain_keras_does_not_know(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((2,)), Unknown(), keras.layers.Dense(2)])
    with pytest.raises(ConfigError, match=r"opens in plain Keras.*model\.weights\.h5"):
        save_model(model, ["a", "b"], tmp_path, sample=np.ones((1, 2), np.float32))
    assert (tmp_path / "model.weights.h5").is_file()
