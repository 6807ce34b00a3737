from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

# in a process of its own: TensorFlow Datasets warns of its own dependencies while it is imported
PROGRAM = """
import json, sys
import numpy as np
import tensorflow_datasets as tfds
import tfft.data.demo.builders
from tfft.data import find_pictures
from tfft.data.demo import scenes
from tfft.data.reading.images import decode

scenes.SIZES.update(train=6, val=4, test=5)  # all of them would take a minute
found = {}
for name in sys.argv[1:]:
    data = tfds.load(name)
    first = next(iter(tfds.as_numpy(data["train"])))
    features = {
        key: [np.asarray(value).dtype.kind, list(np.asarray(value).shape)]
        for key, value in first.items()
        if key not in ("objects", "tags")  # of any number; looked at below
    }
    found[name] = [{split: len(part) for split, part in data.items()}, features]

made = {scene.picture.tobytes(): scene for scene in scenes.scenes("test")}
for name in ("boxes", "masks", "tags", "count"):
    examples = list(tfds.as_numpy(tfds.load(f"tfft_digits_{name}", split="test")))
    assert len(examples) == len(made) == 5
    for example in examples:
        scene = made[example["image"].tobytes()]
        if name == "boxes":
            assert example["objects"]["label"].tolist() == scene.digits.tolist()
            boxes = np.round(example["objects"]["bbox"] * scenes.SIDE).astype(int)  # top, left, bottom, right
            assert boxes[:, [1, 0, 3, 2]].tolist() == scene.boxes.tolist()
        elif name == "masks":
            assert np.array_equal(example["mask"][..., 0], scene.mask)
        elif name == "tags":
            assert example["tags"].tolist() == sorted(set(scene.digits.tolist()))
        else:
            assert example["count"] == sum(scene.digits)

plain, wrapped = find_pictures("demo"), find_pictures("tfds:tfft_digits")
shown = [sorted((r.truth.name, decode(r.read(), (8, 8))[0].tobytes()) for r in records) for records in (plain, wrapped)]
assert shown[0] == shown[1]
print(json.dumps(found))
"""
SCENES = {"train": 6, "validation": 4, "test": 5}
TEXTS = {"train": 1600, "validation": 200, "test": 400}
PICTURE = ["u", [128, 128, 3]]
EXPECTED: dict[str, tuple[dict[str, int], dict[str, Any]]] = {
    "tfft_digits": ({"train": 1797}, {"image": ["u", [8, 8, 1]], "label": ["i", []]}),
    "tfft_digits_boxes": (SCENES, {"image": PICTURE}),
    "tfft_digits_masks": (SCENES, {"image": PICTURE, "mask": ["u", [128, 128, 1]]}),
    "tfft_digits_tags": (SCENES, {"image": PICTURE}),
    "tfft_digits_count": (SCENES, {"image": PICTURE, "count": ["i", []]}),
    "tfft_text": (TEXTS, {"text": ["S", []], "label": ["i", []]}),
    "tfft_pairs": (TEXTS, {"en": ["S", []], "de": ["S", []]}),
    "tfft_summaries": (TEXTS, {"document": ["S", []], "summary": ["S", []]}),
}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    home = str(tmp_path_factory.mktemp("home"))
    # nobody listens on the discard port
    environment = {**os.environ, "HOME": home, "TFDS_DATA_DIR": f"{home}/data", "https_proxy": "http://127.0.0.1:9"}
    command = [sys.executable, "-c", PROGRAM, *EXPECTED]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_each_is_made_without_a_download(loaded: dict[str, Any]) -> None:
    """Here a few seconds each; `test_tfds` makes some of them small."""
    for name, expected in EXPECTED.items():
        counts, features = loaded[name]
        assert (counts, features) == expected, name


def test_the_docstring_lists_them_all() -> None:
    source = (Path(__file__).parents[3] / "tfft" / "data" / "demo" / "builders.py").read_text(encoding="utf-8")
    for name in EXPECTED:
        assert f"| `{name}` |" in source
