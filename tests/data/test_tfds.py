from __future__ import annotations

import subprocess
import sys
from pathlib import Path

# in a process of its own: TensorFlow Datasets warns of its own dependencies while it is imported
PROGRAM = """
import sys
import numpy as np
import tensorflow_datasets as tfds
from tfft.data import Label, find_pictures

class TinyBeetles(tfds.core.GeneratorBasedBuilder):
    VERSION = tfds.core.Version("1.0.0")
    def _info(self):
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict({
            "image": tfds.features.Image(shape=(8, 8, 3)), "label": tfds.features.ClassLabel(names=["ant", "bee"]),
        }))
    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples(6), "test": self._generate_examples(4)}
    def _generate_examples(self, count, labelled=True):
        for number in range(count):
            pixels = np.random.default_rng(number + 10 * count).integers(0, 255, (8, 8, 3)).astype(np.uint8)
            yield number, {"image": pixels, "label": number % 2 if labelled else -1}

class TinySecret(TinyBeetles):
    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples(6), "test": self._generate_examples(4, labelled=False)}

class TinyTexts(TinyBeetles):
    def _info(self):
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict({"text": tfds.features.Text()}))
"""


def run(code: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM + code],
        capture_output=True,
        text=True,
        env={"TFDS_DATA_DIR": str(folder), "PATH": "", "HOME": str(folder), "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_data_set_that_registers_itself(tmp_path: Path) -> None:
    code = """
from collections import Counter
from tfft.data import assign_splits, read_pictures
records = find_pictures("tfds:tiny_beetles")
print(sorted(Counter((r.split, r.truth.name) for r in records).items()))
splits = read_pictures(assign_splits(records, val_fraction=0.34, test_fraction=0.2, seed=0), image_size=(8, 8))
print({name: len(examples) for name, examples in splits.items()}, splits.labels, splits.train.inputs.dtype)
made = {np.random.default_rng(60 + i).integers(0, 255, (8, 8, 3)).astype(np.uint8).tobytes(): i % 2 for i in range(6)}
print([made[image.tobytes()] for image in splits.train.inputs] == splits.train.targets.tolist())
"""
    said = run(code, tmp_path).splitlines()
    assert said[-3] == "[(('test', 'ant'), 2), (('test', 'bee'), 2), (('train', 'ant'), 3), (('train', 'bee'), 3)]"
    assert said[-2] == "{'train': 4, 'val': 2, 'test': 4} ['ant', 'bee'] uint8"
    assert said[-1] == "True"


def test_a_split_without_labels_is_left_out(tmp_path: Path) -> None:
    code = """
records = find_pictures("tfds:tiny_secret")
print(len(records), {r.split for r in records}, sorted({r.truth.name for r in records}))
"""
    assert run(code, tmp_path).splitlines()[-1] == "6 {None} ['ant', 'bee']"


def test_another_name_or_another_task(tmp_path: Path) -> None:
    wanted = {
        "tiny_beetle": ("ConfigError", "Nearest: 'tiny_beetles'"),
        "": ("ConfigError", "names a TensorFlow Datasets data set"),
        "tiny_beetles:9.9.9": ("ConfigError", "names a TensorFlow Datasets data set"),
        "tiny_texts": ("DataError", "one Image and one ClassLabel"),
    }
    code = f"""
for name in {list(wanted)}:
    try:
        find_pictures("tfds:" + name)
    except Exception as error:
        print("said", type(error).__name__, error)
"""
    said = [line for line in run(code, tmp_path).splitlines() if line.startswith("said ")]
    for line, (kind, sentence) in zip(said, wanted.values(), strict=True):
        assert line.startswith(f"said {kind} ")
        assert sentence in line
