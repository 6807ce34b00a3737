"""One run of each recipe: on data that a tiny network learns in seconds, asked everything that a run can be asked."""

from __future__ import annotations

import functools
import importlib
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image

from tfft import cli, workflow
from tfft.data.demo import phrases, scenes
from tfft.models import Search
from tfft.store import Storage
from tfft.training import Phase

COUNTS = {"train": 48, "val": 24, "test": 24}
"""The demo has 1,700 scenes and 2,200 texts, of which a test needs some."""


@pytest.fixture(autouse=True, scope="module")
def _few_examples() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for split, count in COUNTS.items():
            patch.setitem(scenes.SIZES, split, count)
            patch.setitem(phrases.SIZES, split, count)
        yield


@dataclass(frozen=True)
class Trained:
    """A run that has ended."""

    recipe: ModuleType
    config: Any
    folder: Path
    result: workflow.Result
    before: list[np.ndarray] | None
    """Weights of the backbone before the run, which trains it in place; None where it is a name."""

    @property
    def scores(self) -> dict[str, Any]:
        """Of every split that was scored."""
        return self.result.scores

    @functools.cached_property
    def opened(self) -> keras.Model:
        """The saved model."""
        return keras.saving.load_model(self.folder / "model.keras")


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Trained]:
    """By the name of a recipe its run, which is made once."""

    @functools.cache
    def make(name: str) -> Trained:
        folder = tmp_path_factory.mktemp(name)
        recipe = importlib.import_module(f"recipes.{name}")
        config = LESSONS[name](recipe, folder)
        config = replace(config, out=str(folder / "run"), store=Storage(folder=str(folder / "store")))
        before = config.backbone.get_weights() if isinstance(config.backbone, keras.Model) else None
        return Trained(recipe, config, folder / "run", recipe.run(config), before)

    return make


@pytest.fixture
def tag_table(tmp_path: Path) -> Path:
    return write_tags(tmp_path)


@pytest.fixture
def number_table(tmp_path: Path) -> Path:
    return write_numbers(tmp_path)


@pytest.fixture
def mask_data(tmp_path: Path) -> Path:
    write_masks(tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def box_data(tmp_path: Path) -> Path:
    write_boxes(tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture(name="voc")
def _voc() -> Callable[..., str]:
    return voc


@pytest.fixture(name="mask_scene")
def _mask_scene() -> Callable[[int], tuple[np.ndarray, np.ndarray]]:
    return mask_scene


@pytest.fixture(name="box_scene")
def _box_scene() -> Callable[[int], tuple[np.ndarray, str, tuple[int, int, int, int]]]:
    return box_scene


def backbone(stages: int) -> keras.Model:
    """Halves the picture in each stage, with BatchNorm and a dropout inside; its weights are always the same."""
    inputs = keras.Input((64, 64, 3))
    x = keras.layers.Rescaling(1 / 127.5, offset=-1.0)(inputs)
    for stage in range(1, stages + 1):
        kernel = keras.initializers.GlorotUniform(seed=stage)
        x = keras.layers.Conv2D(8, 3, strides=2, padding="same", kernel_initializer=kernel)(x)
        x = keras.layers.ReLU()(keras.layers.BatchNormalization(name=f"norm_{stage}")(x))
    return keras.Model(inputs, keras.layers.Dropout(0.1, seed=0)(x), name="tiny")


def parsed(recipe: ModuleType, words: str, *, stages: int, head: Phase, tune: Phase) -> Any:
    """A configuration from flags, with a tiny backbone."""
    words = f"--image-size 64 64 --batch-size 8 --views 2 {words}"
    config = cli.parse(recipe.Config, recipe.DEMO, shlex.split(words), recipe.RECIPE.page)
    return replace(config, backbone=backbone(stages), backbone_options={}, weights="none", head=head, tune=tune)


ONCE = Phase(epochs=1, optimizer="sgd", learning_rate=1e-3, unfreeze=1)
MIXED = replace(ONCE, mixup=0.2)


def write_classes(folder: Path, count: int = 24) -> None:
    """Dark ants and bright bees in class folders, each picture another."""
    for level, name in ((60, "ant"), (180, "bee")):
        (folder / name).mkdir(parents=True)
        for number in range(count):
            rng = np.random.default_rng([*folder.as_posix().encode(), level, number])
            pixels = np.clip(rng.integers(-60, 60, (20, 24, 3)) + level, 0, 255)
            Image.fromarray(pixels.astype(np.uint8)).save(folder / name / f"{number}.png")


def classes(recipe: ModuleType, folder: Path) -> Any:
    """A table of pictures with groups, and a file among them that is no picture."""
    write_classes(folder)
    (folder / "bad.jpg").write_text("<html>404</html>")
    rows = [f"{path.relative_to(folder)};{path.parent.name};{path.stem}" for path in sorted(folder.rglob("*.png"))]
    (folder / "list.csv").write_text("\n".join(["file;kind;scene", "bad.jpg;ant;none", *rows]))
    words = f"--data {folder}/list.csv --columns.image file --columns.label kind --columns.group scene"
    words += " --bad-files skip --augment strong"
    return parsed(recipe, words, stages=3, head=Phase(epochs=4, learning_rate=0.05), tune=ONCE)


def write_tags(folder: Path) -> Path:
    """Noise that is red, green, both or neither; a table with a column for each colour and one for both."""
    rng = np.random.default_rng(0)
    rows = ["path;red;green;tags"]
    for number in range(48):
        red, green = number % 2, number // 2 % 2
        pixels = rng.integers(0, 60, (24, 24, 3))
        pixels[..., 0] += 150 * red
        pixels[..., 1] += 150 * green
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{number}.png")
        rows.append(f"{number}.png;{red};{green};{'|'.join(['red'] * red + ['green'] * green)}")
    (folder / "list.csv").write_text("\n".join(rows))
    return folder / "list.csv"


def tags(recipe: ModuleType, folder: Path) -> Any:
    """A column for each tag."""
    words = f"--data {write_tags(folder)} --columns.tags red green --augment none --dropout 0 --batch-size 2"
    return parsed(recipe, words, stages=2, head=Phase(epochs=15, learning_rate=0.03), tune=MIXED)


def write_numbers(folder: Path) -> Path:
    """Noise of some brightness; two quantities that follow it, one of them in thousands."""
    rng = np.random.default_rng(0)
    rows = ["path,grams,price"]
    for number in range(60):
        level = rng.uniform(20, 220)
        pixels = np.clip(rng.normal(level, 10, (24, 24, 3)), 0, 255)
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{number}.png")
        rows.append(f"{number}.png,{5000 + 100 * level:.1f},{1 - level / 1000:.5f}")
    (folder / "list.csv").write_text("\n".join(rows))
    return folder / "list.csv"


def numbers(recipe: ModuleType, folder: Path) -> Any:
    """Two quantities of very different size."""
    words = f"--data {write_numbers(folder)} --columns.values grams price --augment none --dropout 0 --batch-size 2"
    return parsed(recipe, words, stages=2, head=Phase(epochs=1, optimizer="lbfgs"), tune=MIXED)


def mask_scene(number: int) -> tuple[np.ndarray, np.ndarray]:
    """A bright rectangle on dark noise, 40 x 56, and its mask: 7 for the ground, 3 for the rectangle, 255 around it."""
    rng = np.random.default_rng(number)
    pixels, mask = rng.integers(0, 70, (40, 56, 3)), np.full((40, 56), 7)
    top, left = rng.integers(2, 14), rng.integers(2, 24)
    mask[top - 2 : top + 22, left - 2 : left + 26] = 255
    mask[top : top + 20, left : left + 24] = 3
    pixels[top : top + 20, left : left + 24] += 160
    return pixels.astype(np.uint8), mask.astype(np.uint8)


def write_masks(folder: Path) -> None:
    """24 scenes with their masks, and a table of their splits."""
    (folder / "images").mkdir(parents=True)
    (folder / "trimaps").mkdir()
    rows = ["name,split"]
    for number in range(24):
        for name, pixels in zip(("images", "trimaps"), mask_scene(number), strict=True):
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
        rows.append(f"{number},{('train', 'train', 'val', 'test')[number % 4]}")
    (folder / "list.csv").write_text("\n".join(rows))


def masks(recipe: ModuleType, folder: Path) -> Any:
    """Two classes, and pixels that do not count."""
    write_masks(folder)
    words = f"--data {folder} --masks trimaps --table list.csv --augment light --ignore 255"
    words += """ --batch-size 2 --classes '{"3": "box", "7": "ground"}'"""
    head, tune = Phase(epochs=5, learning_rate=0.01), replace(ONCE, unfreeze="all")
    return parsed(recipe, words, stages=5, head=head, tune=tune)


def box_scene(number: int) -> tuple[np.ndarray, str, tuple[int, int, int, int]]:
    """A red or blue rectangle on dark noise, 48 x 80, its class and its corners."""
    rng = np.random.default_rng(number)
    pixels = rng.integers(0, 60, (48, 80, 3))
    width, height = rng.integers(24, 40), rng.integers(16, 30)
    left, top = rng.integers(0, 80 - width), rng.integers(0, 48 - height)
    pixels[top : top + height, left : left + width, 2 * (number % 2)] += 180
    return pixels.astype(np.uint8), ["red", "blue"][number % 2], (left, top, left + width, top + height)


def voc(name: str, corners: tuple[int, int, int, int], size: tuple[int, int] = (80, 48)) -> str:
    """What a Pascal VOC file says of one object."""
    keys = zip(("xmin", "ymin", "xmax", "ymax"), corners, strict=True)
    box = "".join(f"<{key}>{value}</{key}>" for key, value in keys)
    return (
        f"<annotation><size><width>{size[0]}</width><height>{size[1]}</height></size>"
        f"<object><name>{name}</name><bndbox>{box}</bndbox></object></annotation>"
    )


def write_boxes(folder: Path) -> None:
    """48 scenes in the folders of their splits, as Pascal VOC has them; one of train has no box."""
    for number in range(48):
        top = folder / ("train", "train", "train", "val", "test", "train")[number // 2 % 6]
        for name in ("images", "annotations"):
            (top / name).mkdir(parents=True, exist_ok=True)
        pixels, name, corners = box_scene(number)
        Image.fromarray(pixels).save(top / "images" / f"{number}.png")
        (top / "annotations" / f"{number}.xml").write_text(voc(name, corners))
    Image.fromarray(box_scene(0)[0] // 9).save(folder / "train" / "images" / "dark.png")
    (folder / "train" / "annotations" / "dark.xml").write_text("<annotation></annotation>")


def boxes(recipe: ModuleType, folder: Path) -> Any:
    """Two classes of boxes."""
    write_boxes(folder)
    head, tune = Phase(epochs=2, learning_rate=0.01), Phase(epochs=14, learning_rate=0.005, unfreeze="all")
    words = f"--data {folder} --augment light --stride 8 --batch-size 4"
    return parsed(recipe, words, stages=5, head=head, tune=tune)


def sentiments(recipe: ModuleType, folder: Path) -> Any:
    """The demo, with adapters in place of the weights of the last block."""
    tune = replace(MIXED, epochs=2, learning_rate=0.5, lora_rank=4)
    return replace(recipe.SMOKE, dropout=0.0, tune=tune)


def translations(recipe: ModuleType, folder: Path) -> Any:
    """The demo; answers by beam search."""
    return replace(recipe.SMOKE, search=Search(beams=2))


def summaries(recipe: ModuleType, folder: Path) -> Any:
    """The demo, in one phase; answers are greedy."""
    return replace(recipe.SMOKE, search=Search(beams=1), head=replace(ONCE, epochs=0))


LESSONS = {
    "image_classification": classes,
    "image_multilabel": tags,
    "image_regression": numbers,
    "object_detection": boxes,
    "semantic_segmentation": masks,
    "summarization": summaries,
    "text_classification": sentiments,
    "translation": translations,
}
"""By recipe what makes data in a folder, and the configuration of a run that learns from them in seconds."""
