from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import keras
import numpy as np
import pytest

from tfft.errors import ConfigError
from tfft.models import any_size, box_maps, hidden_layers, pixel_maps, pooled, with_boxes
from tfft.serving import Contract, PictureInput, check_saving, open_model, save_model

TWO = Contract(("a", "b"), PictureInput((64, 64)))

REFUSE = """
import sys
from contextlib import nullcontext
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("tfft", "recipes"):
            raise ImportError(name)
sys.meta_path.insert(0, Refuse())
import keras, numpy as np
"""


def backbone(size: int = 64) -> keras.Model:
    """Maps at strides of 2, 4, 8, 16 and 32, that are of a picture and not all alike."""
    inputs = keras.Input((size, size, 3))
    x = keras.layers.Rescaling(1 / 127.5, offset=-1)(inputs)
    for seed in range(5):
        kernel = keras.initializers.HeNormal(seed=seed)
        x = keras.layers.Conv2D(8, 3, strides=2, padding="same", activation="relu", kernel_initializer=kernel)(x)
    return keras.Model(inputs, x)


def tagger(network: keras.Model) -> keras.Model:
    """The head of image_multilabel."""
    x = hidden_layers(pooled(network.output, "avg+max"), (5,))
    x = keras.layers.Dropout(0.2)(x)
    return keras.Model(network.inputs[0], keras.layers.Dense(2, activation="sigmoid", dtype="float32")(x))


def measurer(network: keras.Model) -> keras.Model:
    """The head of image_regression."""
    x = keras.layers.Dense(2, dtype="float32")(pooled(network.output, "avg"))
    return keras.Model(network.inputs[0], keras.layers.Rescaling([20, 0.1], offset=[70, 1.7], dtype="float32")(x))


@pytest.mark.slow
def test_models_of_every_task_answer_in_plain_keras_as_here(tmp_path: Path) -> None:
    names = ["ant", "bee"]
    random = np.random.default_rng(0)
    pictures = {side: random.uniform(0, 255, (2, side, side + 16, 3)).astype(np.float32) for side in (48, 96)}
    pictures[64] = random.uniform(0, 255, (2, 64, 64, 3)).astype(np.float32)
    inner = backbone()
    detector = keras.Model(inner.inputs[0], box_maps(inner, names, stride=8))
    detector.get_layer("head_centres").bias.assign([0.0, 0.5])  # so that it answers with many boxes
    inner = backbone()
    models = {
        "tags": tagger(backbone()),
        "numbers": measurer(backbone()),
        "masks": any_size(keras.Model(inner.inputs[0], pixel_maps(inner, names))),
        "boxes": any_size(with_boxes(detector, names)),
    }
    for task, model in models.items():
        (tmp_path / task).mkdir()
        save_model(model, TWO, tmp_path / task, sample=pictures[64])
        for side in (64, 48, 96) if task in ("masks", "boxes") else (64,):
            answer = model.predict(pictures[side], verbose=0)
            np.savez(tmp_path / task / f"{side}.npz", pictures=pictures[side], **tree_of(answer))
    assert (answer["labels"] >= 0).sum() > 8
    program = f"""{REFUSE}
from pathlib import Path
for path in sorted(Path().glob("*/*.npz")):
    model = keras.saving.load_model(path.with_name("model.keras"))
    saved = dict(np.load(path))
    answer = model.predict(saved.pop("pictures"), verbose=0)
    answer = answer if isinstance(answer, dict) else dict(answer=answer)
    assert answer.keys() == saved.keys(), path
    for key, value in saved.items():
        assert value.dtype == answer[key].dtype and np.array_equal(value, answer[key]), (str(path), key)
    print(path)
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 8


def tree_of(answer: np.ndarray | dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return answer if isinstance(answer, dict) else {"answer": answer}


class Forgetful(keras.layers.Dense):
    """A layer that loses its weights when it is saved."""

    def save_own_variables(self, store: dict) -> None:
        store["0"], store["1"] = np.ones(self.kernel.shape), np.zeros(self.bias.shape)


def test_the_model_of_a_stranger_runs_no_code_and_unpacks_to_no_more_than_weights_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path, model = tmp_path / "model.keras", keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    keras.Sequential([keras.Input((2,)), keras.layers.Lambda(lambda x: Path("ran").touch() or x)]).save(path)
    Path("ran").unlink()  # Keras has called it to build the network
    with pytest.raises(ConfigError, match="Lambda"):
        open_model(tmp_path)
    model.save(path)
    open_model(tmp_path)
    whole = path.read_bytes()
    link = zipfile.ZipInfo("assets/link")
    link.external_attr = 0o120777 << 16
    for member, content, said in (
        ("../outside", b"", "outside"),
        ("assets/../../outside", b"", "outside"),
        ("run.py", b"", "run"),
        (link, b"/etc/passwd", "link"),
        ("assets/zeros", bytes(3_000_000), r"up to assets/zeros unpacks from \d+\.\d kB to 3\.\d MB"),
    ):
        path.write_bytes(whole)
        with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(member, content)
        with pytest.raises(ConfigError, match=f"not opened: .*{said}"):
            open_model(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["model.keras"]


class Speechless(keras.layers.Layer):
    """A layer whose weights cannot be saved at all."""

    def save_own_variables(self, store: dict) -> None:
        raise RuntimeError("no words")


def test_weights_that_cannot_be_saved_at_all_are_known_before_training(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with keras.saving.custom_object_scope({"Speechless": Speechless}):
        model = keras.Sequential([keras.Input((2,)), Speechless(), keras.layers.Dense(2)])
        with pytest.raises(ConfigError, match="Speechless cannot be saved: no words"):
            check_saving(model)
        (tmp_path / "state.npz").touch()
        with pytest.raises(RuntimeError, match="no words"):
            save_model(model, TWO, tmp_path, sample=np.ones((1, 2), np.float32))
    assert f"are in {tmp_path / 'state.npz'}" in caplog.text


def test_of_a_file_that_answers_otherwise_only_the_weights_stay(tmp_path: Path) -> None:
    with keras.saving.custom_object_scope({"Forgetful": Forgetful}):
        model = keras.Sequential([keras.Input((2,)), Forgetful(2)])
        with pytest.raises(ConfigError, match=r"model\.weights\.h5"):
            save_model(model, TWO, tmp_path, sample=np.array([[3.0, -2.0]], np.float32))
    assert [path.name for path in tmp_path.iterdir()] == ["model.weights.h5"]


def test_saved_again_the_weights_are_compared_and_what_was_there_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = keras.Input((2,))
    model = keras.Model(inputs, keras.layers.Dense(2, name="dense")(inputs), name="saved")
    sample = np.array([[3.0, -2.0]], np.float32)
    save_model(model, TWO, tmp_path, sample=sample)
    first = (tmp_path / "model.keras").read_bytes()
    model.layers[1].kernel.assign_add([[1.0, 2.0], [3.0, 4.0]])
    save_model(model, TWO, tmp_path, sample=sample)
    assert np.array_equal(open_model(tmp_path)(sample), model(sample))
    before, weights = (tmp_path / "model.keras").read_bytes(), model.get_weights()
    monkeypatch.setattr(keras.Model, "save", lambda self, path: path.write_bytes(first))
    with pytest.raises(ConfigError, match=r"Predictions .*model\.weights\.h5"):
        save_model(model, TWO, tmp_path, sample=sample)
    assert (tmp_path / "model.keras").read_bytes() == before
    assert all(map(np.array_equal, model.get_weights(), weights))


def test_what_cannot_be_compared_by_weights_alone_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network with adapters, which Keras merges into the weights that it saves, and one with another activation."""
    inputs, sample = keras.Input((2,)), np.array([[3.0, -2.0]], np.float32)

    def network(activation: str) -> keras.Model:
        dense = keras.layers.Dense(2, activation, kernel_initializer=keras.initializers.Constant(-1.0), name="dense")
        return keras.Model(inputs, dense(inputs), name="saved")

    model, other, save = network("linear"), network("relu"), keras.Model.save
    save_model(model, TWO, tmp_path, sample=sample)
    monkeypatch.setattr(keras.Model, "save", lambda self, path: save(other, path))
    with pytest.raises(ConfigError, match="Predictions"):
        save_model(model, TWO, tmp_path, sample=sample)
    monkeypatch.undo()
    model.layers[1].enable_lora(1)
    for change in (0.0, 1.0):
        model.layers[1].lora_kernel_b.assign_add([[change, 2.0]])
        save_model(model, TWO, tmp_path, sample=sample)
        assert open_model(tmp_path)(sample).numpy() == pytest.approx(model(sample).numpy(), rel=1e-5)


class Rounded(keras.layers.Layer):
    """A layer whose answer, opened again, is a little larger."""

    def __init__(self, by: float, opened: bool = False, **options: object):
        super().__init__(**options)
        self.by, self.opened = by, opened

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        return inputs + self.by if self.opened else inputs + 0.0

    def get_config(self) -> dict:
        return {**super().get_config(), "by": self.by, "opened": True}


@pytest.mark.parametrize(("largest", "by", "right"), [(13.6, 8e-6, True), (13.6, 1e-4, False), (0.9, 8e-6, False)])
def test_near_zero_an_answer_is_as_exact_as_the_large_one_beside_it(
    largest: float, by: float, right: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with keras.saving.custom_object_scope({"Rounded": Rounded}):
        model = keras.Sequential([keras.Input((2,)), Rounded(by)])
        sample = np.array([[largest, 0.0]], np.float32)
        with nullcontext() if right else pytest.raises(ConfigError, match=r"model\.weights\.h5"):
            save_model(model, TWO, tmp_path, sample=sample)
    assert ("import" in caplog.text and "Rounded" in caplog.text) == right  # plain Keras does not know it


class Unknown(keras.layers.Layer):
    """A layer that plain Keras does not know."""

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        return inputs


def test_a_layer_that_plain_keras_does_not_know(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((2,)), Unknown(), keras.layers.Dense(2)])
    with pytest.raises(ConfigError, match="Unknown cannot be saved"):
        check_saving(model)
    with pytest.raises(ConfigError, match=r"model\.weights\.h5"):
        save_model(model, TWO, tmp_path, sample=np.ones((1, 2), np.float32))
    assert (tmp_path / "model.weights.h5").is_file()


def test_what_cannot_be_saved_is_known_before_training_and_costs_no_weights(
    tmp_path: Path, unsaveable: Callable[[], keras.Layer], caplog: pytest.LogCaptureFixture
) -> None:
    inputs = keras.Input((2,))
    silent = keras.Model(inputs, keras.layers.Dense(2)(unsaveable()(inputs)))
    hidden = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Lambda(lambda x: x * 2)(inputs)))
    for model, named in ((silent, "get_config"), (hidden, "[Ll]ambda")):
        with pytest.raises(ConfigError, match=named):
            check_saving(model)
    with pytest.raises(NotImplementedError):
        save_model(silent, TWO, tmp_path, sample=np.ones((1, 2), np.float32))
    assert [path.name for path in tmp_path.iterdir()] == ["model.weights.h5"]
    assert "model.weights.h5" in caplog.text
    check_saving(keras.Model(inputs, keras.layers.Dense(2)(inputs)))
