"""Pictures, splits and networks small enough to train in a test."""

from __future__ import annotations

import gc
import io
import itertools
import logging
import resource
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from tfft.data import Label, Pictures, Record, Splits
from tfft.data.records import digested

if TYPE_CHECKING:
    import keras  # in fixtures, for the process that hands out the tests needs no TensorFlow


_STORES = itertools.count()


def _pixels(seed: int, height: int = 20, width: int = 24, level: int = 128) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(-60, 60, (height, width, 3))
    return np.clip(noise + level, 0, 255).astype(np.uint8)


@pytest.fixture(autouse=True)
def _store(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test has a store of its own, never that of the person who runs them; it is made once something is kept."""
    monkeypatch.setenv("TFFT_STORE", str(tmp_path_factory.getbasetemp() / f"store_{next(_STORES)}"))


@pytest.fixture(autouse=True)
def _seed() -> None:
    """Random weights of a test do not depend on the tests that ran before it."""
    import keras

    keras.utils.set_random_seed(0)


@pytest.fixture(autouse=True)
def _screen() -> Iterator[None]:
    """Lines on the screen, which a command sets up, end with its test."""
    logger = logging.getLogger("tfft")
    handlers, level = logger.handlers, logger.level
    yield
    logger.handlers = handlers
    logger.setLevel(level)


@pytest.fixture(scope="session", autouse=True)
def _imported() -> None:
    """What the imports made stays: the collector need not go through the modules of TensorFlow again and again."""
    import keras  # noqa: F401

    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _memory() -> Iterator[None]:
    """Graphs are given back once they have made a worker larger: it stays below two gigabytes."""
    import keras

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    if resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > 1.02 * before:
        keras.utils.clear_session()  # which collects, too


@pytest.fixture
def png() -> Callable[..., bytes]:
    """Bytes of a noisy PNG; another seed, another picture."""

    def make(seed: int, **shape: int) -> bytes:
        file = io.BytesIO()
        Image.fromarray(_pixels(seed, **shape)).save(file, format="PNG")
        return file.getvalue()

    return make


@pytest.fixture
def painted() -> Callable[..., bytes]:
    """Bytes of a blue PNG with a red rectangle from left, top to right, bottom."""

    def make(box: tuple[int, int, int, int] = (0, 0, 0, 0), height: int = 20, width: int = 30) -> bytes:
        pixels = np.full((height, width, 3), (0, 0, 255), np.uint8)
        left, top, right, bottom = box
        pixels[top:bottom, left:right] = (255, 0, 0)
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, format="PNG")
        return file.getvalue()

    return make


@pytest.fixture
def picture_table(tmp_path: Path, png: Callable[..., bytes]) -> Callable[..., str]:
    """Writes a table beside a folder with `images/0.png` to `images/3.png`."""
    (tmp_path / "images").mkdir()
    for number in range(4):
        (tmp_path / "images" / f"{number}.png").write_bytes(png(number))

    def make(text: str, encoding: str = "utf-8") -> str:
        (tmp_path / "list.csv").write_text(text, encoding=encoding)
        return str(tmp_path / "list.csv")

    return make


@pytest.fixture
def picture_folder(png: Callable[..., bytes]) -> Callable[[Path, dict[str, int]], Path]:
    """Writes `{"ant": 6, "bee": 5}` different pictures into class folders; classes differ in brightness."""

    def make(folder: Path, counts: dict[str, int]) -> Path:
        seed = sum(map(ord, folder.as_posix()))  # pictures of two folders differ
        for position, (label, count) in enumerate(counts.items()):
            (folder / label).mkdir(parents=True)
            for number in range(count):
                content = png(seed + 1000 * position + number, level=60 + 120 * position % 256)
                (folder / label / f"{number}.png").write_bytes(content)
        return folder

    return make


@pytest.fixture
def records(png: Callable[..., bytes]) -> Callable[[dict[str, int]], list[Record]]:
    """Records without files: `{"ant": 6, "bee": 5}`."""

    def make(counts: dict[str, int]) -> list[Record]:
        return digested(
            [
                Record(content=png(1000 * position + number), truth=Label(label), where=f"{label}/{number}")
                for position, (label, count) in enumerate(counts.items())
                for number in range(count)
            ]
        )

    return make


def _examples(count: int, classes: int, seed: int, size: int = 32) -> Pictures:
    targets = np.arange(count, dtype=np.int32) % classes
    images = np.stack([_pixels(seed + i, size, size, 60 + 120 * int(t)) for i, t in enumerate(targets)])
    ids = [f"{seed + index:032x}"[::-1] for index in range(count)]
    where = [f"{seed}/{index}" for index in range(count)]
    return Pictures(images, targets, ids, where, counts=np.bincount(targets, minlength=classes).tolist())


@pytest.fixture
def splits() -> Splits:
    """Two classes that differ in brightness: 20 to train, 7 to validate, 7 to test, 32 x 32."""
    return Splits(_examples(20, 2, 0), _examples(7, 2, 100), _examples(7, 2, 200), ["ant", "bee"])


@pytest.fixture
def network() -> keras.Model:
    """A frozen backbone of three stages, with BatchNorm and an inner dropout, and a trained head with dropout."""
    import keras

    keras.utils.set_random_seed(0)
    inputs = keras.Input((32, 32, 3))
    x = keras.layers.Rescaling(1 / 127.5, offset=-1.0)(inputs)
    for stage, filters in enumerate((4, 8, 8), start=1):
        x = keras.layers.Conv2D(filters, 3, strides=2, padding="same", name=f"conv_{stage}")(x)
        x = keras.layers.BatchNormalization(name=f"norm_{stage}")(x)
        x = keras.layers.ReLU(name=f"relu_{stage}")(x)
        x = keras.layers.Dropout(0.5, seed=stage, name=f"inner_dropout_{stage}")(x)
    backbone = keras.Model(inputs, x)
    backbone.trainable = False
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    x = keras.layers.Dropout(0.5, seed=9, name="head_dropout")(x)
    return keras.Model(inputs, keras.layers.Dense(2, activation="softmax", name="predictions")(x))


@pytest.fixture
def unsaveable() -> Callable[[], keras.Layer]:
    """Makes a layer without a `get_config`, whose argument Keras cannot save by itself."""
    import keras

    class Silent(keras.layers.Layer):
        def __init__(self, change: Callable[[keras.KerasTensor], keras.KerasTensor]):
            super().__init__()
            self.change = change

        def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
            return self.change(inputs)

    return lambda: Silent(lambda inputs: 2 * inputs)


@pytest.fixture
def pyramid() -> keras.Model:
    """A backbone of five stages with maps at strides of 2 to 32, for pictures of 64 pixels; its weights are random."""
    import keras

    inputs = keras.Input((64, 64, 3))
    x = keras.layers.Rescaling(1 / 127.5, offset=-1.0)(inputs)
    for stage in range(1, 6):
        initializer = keras.initializers.GlorotUniform(seed=stage)
        x = keras.layers.Conv2D(8, 3, strides=2, padding="same", kernel_initializer=initializer)(x)
        x = keras.layers.ReLU()(x)
    return keras.Model(inputs, x, name="pyramid")


@pytest.fixture
def seq2seq_folder(tmp_path: Path) -> Callable[[str], Path]:
    """Writes a tiny BART, T5 or Flan (untied), of random weights, and its tokenizer, in KerasHub's form."""

    def make(kind: str) -> Path:
        import keras
        import sentencepiece
        from keras_hub import models as hub

        keras.utils.set_random_seed(3)
        sizes = {"num_layers": 2, "num_heads": 2, "hidden_dim": 8, "intermediate_dim": 12}
        if kind == "bart":
            words = ["<s>", "<pad>", "</s>", "<unk>", "Ġ", *"abcdefghijklmnopqrstuvwxyz.", "Ġt", "Ġth"]
            tokenizer = hub.BartTokenizer({word: n for n, word in enumerate(words)}, ["Ġ t", "Ġt h"])
            network = hub.BartBackbone(len(words), **sizes, max_sequence_length=48)
        else:
            text = io.BytesIO()
            sentencepiece.SentencePieceTrainer.train(
                sentence_iterator=iter(["the zip is good", "the lens is not bad", "a case"] * 10), model_writer=text,
                vocab_size=30, hard_vocab_limit=False, pad_id=0, eos_id=1, unk_id=2, bos_id=-1, minloglevel=2,
            )  # fmt: skip
            tokenizer = hub.T5Tokenizer(text.getvalue())
            # more rows than tokens, as the T5 that are published
            rows, tied = tokenizer.vocabulary_size() + 4, kind == "t5"
            network = hub.T5Backbone(rows, **sizes, use_gated_activation=True, tie_embedding_weights=tied)
        folder = tmp_path / kind
        network.save_to_preset(folder)
        tokenizer.save_to_preset(folder)
        return folder

    return make


@pytest.fixture
def causal_folder(tmp_path: Path) -> Callable[[str], Path]:
    """Writes a tiny GPT-2 or Llama of random weights, and its tokenizer, in KerasHub's form."""

    def make(kind: str) -> Path:
        import keras
        import sentencepiece
        from keras_hub import models as hub

        keras.utils.set_random_seed(3)
        sizes = {"num_layers": 3, "hidden_dim": 8, "intermediate_dim": 12}
        if kind == "gpt2":
            # the first token is its padding, too
            words = ["!", *"abcdefghijklmnopqrstuvwxyz.", "Ġ", "Ġt", "Ġth", "<|endoftext|>"]
            tokenizer = hub.GPT2Tokenizer({word: n for n, word in enumerate(words)}, ["Ġ t", "Ġt h"])
            network = hub.GPT2Backbone(len(words), num_heads=2, max_sequence_length=48, **sizes)
        else:
            text = io.BytesIO()
            sentencepiece.SentencePieceTrainer.train(
                sentence_iterator=iter(["the zip is good", "the lens is not bad", "a case"] * 10), model_writer=text,
                vocab_size=30, hard_vocab_limit=False, minloglevel=2,
            )  # fmt: skip
            tokenizer = hub.LlamaTokenizer(text.getvalue())
            heads = {"num_query_heads": 4, "num_key_value_heads": 2}
            network = hub.LlamaBackbone(tokenizer.vocabulary_size(), **heads, **sizes)
        folder = tmp_path / kind
        network.save_to_preset(folder)
        tokenizer.save_to_preset(folder)
        return folder

    return make
