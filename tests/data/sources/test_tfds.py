"""In a folder of its own, and with the demo data made small; `test_demo` looks at them all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from tfft.data import PairColumns, assign_splits, find_pairs, find_pictures, find_texts, read_pictures
from tfft.data.demo import phrases, scenes
from tfft.errors import ConfigError, DataError

# TensorFlow Datasets warns of its own dependencies while it is imported
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module", autouse=True)
def tfds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    import tensorflow_datasets as tfds

    def pixels(number: int) -> np.ndarray:
        return np.random.default_rng(number).integers(0, 255, (8, 8, 3)).astype(np.uint8)

    class TinyBeetles(tfds.core.GeneratorBasedBuilder):
        VERSION = tfds.core.Version("1.0.0")
        LABELLED = True

        def _info(self) -> tfds.core.DatasetInfo:
            return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(self.features()))

        def features(self) -> dict[str, Any]:
            label = tfds.features.ClassLabel(names=["ant", "bee"])
            return {"image": tfds.features.Image(shape=(8, 8, 3)), "label": label}

        def _split_generators(self, dl_manager: object) -> dict[str, Any]:
            return {"train": self._generate_examples(range(6)), "test": self._generate_examples(range(6, 10))}

        def _generate_examples(self, numbers: range) -> Iterator[tuple[int, dict[str, Any]]]:
            for number in numbers:
                label = number % 2 if self.LABELLED or number < 6 else -1
                yield number, {"image": pixels(number), "label": label}

    class TinySecret(TinyBeetles):
        LABELLED = False

    class TinyTexts(TinyBeetles):
        def features(self) -> dict[str, Any]:
            return {"text": tfds.features.Text()}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tfds.core.constants, "DATA_DIR", str(tmp_path_factory.mktemp("tfds")))
        for sizes in (phrases.SIZES, scenes.SIZES):
            for split, size in (("train", 10), ("val", 2), ("test", 3)):
                patch.setitem(sizes, split, size)
        yield tfds


def test_a_data_set_that_registers_itself() -> None:
    records = find_pictures("tfds:tiny_beetles")
    assert Counter((r.split, r.truth.name) for r in records) == {
        ("train", "ant"): 3,
        ("train", "bee"): 3,
        ("test", "ant"): 2,
        ("test", "bee"): 2,
    }
    splits = read_pictures(assign_splits(records, val_fraction=0.34, test_fraction=0.2, seed=0), image_size=(8, 8))
    assert {name: len(examples) for name, examples in splits.items()} == {"train": 4, "val": 2, "test": 4}
    assert splits.labels == ["ant", "bee"]
    made = {
        np.random.default_rng(number).integers(0, 255, (8, 8, 3)).astype(np.uint8).tobytes(): number % 2
        for number in range(6)
    }
    assert [made[image.tobytes()] for image in splits.train.inputs] == splits.train.targets.tolist()


def test_a_split_without_labels_is_left_out() -> None:
    records = find_pictures("tfds:tiny_secret")
    assert Counter((r.split, r.truth.name) for r in records) == {(None, "ant"): 3, (None, "bee"): 3}


def test_another_name_or_another_task(refused: Callable[..., None]) -> None:
    for name, kind, *named in (
        ("tiny_beetle", ConfigError, "'tiny_beetle'", "'tiny_beetles'"),
        ("", ConfigError, "''"),
        ("tiny_beetles:9.9.9", ConfigError, "'tiny_beetles:9.9.9'"),
        ("tiny_texts", DataError, "tfds:tiny_texts", "Image", "ClassLabel"),
    ):
        refused(kind, named, find_pictures, f"tfds:{name}")


def test_texts_and_pairs(refused: Callable[..., None]) -> None:
    texts = find_texts("tfds:tfft_text")
    assert Counter(r.split for r in texts) == {"train": 10, "val": 2, "test": 3}
    assert {r.read().decode(): r.truth.name for r in texts} == {one.text: one.label for one in phrases.reviews()}
    found = find_pairs("tfds:tfft_pairs", PairColumns(source="en", target="de"))
    assert {r.read().decode(): r.truth.texts for r in found} == {one.source: (one.target,) for one in phrases.pairs()}
    columns = PairColumns(source="en", target="fr")
    refused(DataError, ("'fr'", "en, de", "tfds:tfft_pairs"), find_pairs, "tfds:tfft_pairs", columns)


def test_a_data_set_of_the_demo(tfds: ModuleType) -> None:
    made = {scene.picture.tobytes(): scene for scene in scenes.scenes("test")}
    examples = list(tfds.as_numpy(tfds.load("tfft_digits_boxes", split="test")))
    assert len(examples) == len(made) == 3
    for example in examples:
        scene = made[example["image"].tobytes()]
        assert example["objects"]["label"].tolist() == scene.digits.tolist()
        boxes = np.round(example["objects"]["bbox"] * scenes.SIDE).astype(int)  # top, left, bottom, right
        assert boxes[:, [1, 0, 3, 2]].tolist() == scene.boxes.tolist()
