from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from recipes.image_regression import DEMO, Config, load_data, run
from tfft import cli
from tfft.errors import DataError
from tfft.training import Phase

SMALL = shlex.split(
    "--backbone MobileNet --backbone-options '{\"alpha\": 0.25}' --weights none --image-size 32 32 --batch-size 8 "
    "--augment light --views 2 --head.epochs 1 --tune.epochs 1"
)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Noise of some brightness; two quantities that follow it, one of them in thousands."""
    rng = np.random.default_rng(0)
    rows = ["path,grams,price"]
    for number in range(60):
        level = rng.uniform(20, 220)
        pixels = np.clip(rng.normal(level, 10, (24, 24, 3)), 0, 255)
        Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / f"{number}.png")
        rows.append(f"{number}.png,{5000 + 100 * level:.1f},{1 - level / 1000:.5f}")
    (tmp_path / "list.csv").write_text("\n".join(rows))
    return tmp_path / "list.csv"


def config(*flags: str) -> Config:
    return cli.parse(Config, DEMO, [*flags])


def test_it_answers_in_the_units_of_the_data(network: keras.Model, table: Path, tmp_path: Path) -> None:
    flags = ["--data", str(table), "--columns.values", "grams", "price", *SMALL, "--out", str(tmp_path / "run")]
    backbone = keras.Model(network.inputs[0], network.get_layer("relu_2").output)
    chosen = replace(
        config(*flags), backbone=backbone, backbone_options={}, augment="none", dropout=0.0,
        head=Phase(epochs=80, learning_rate=0.03), tune=Phase(epochs=0),
    )  # fmt: skip
    scores = run(chosen)
    quantities = scores["test"]["per_quantity"]
    assert quantities["grams"]["r2"] > 0.7
    assert quantities["price"]["r2"] > 0.7
    assert quantities["grams"]["mae"] > 1000 * quantities["price"]["mae"]
    model = keras.saving.load_model(tmp_path / "run" / "model.keras")
    answers = model.predict(load_data(chosen).test.inputs[:].astype("float32"), verbose=0)
    assert 5000 < answers[:, 0].mean() < 30000
    assert 0.7 < answers[:, 1].mean() < 1


@pytest.mark.parametrize("error", ["squared", "absolute", "huber"])
def test_each_error_trains(error: str, network: keras.Model, table: Path, tmp_path: Path) -> None:
    flags = [
        "--data",
        str(table),
        "--columns.values",
        "price",
        "--error",
        error,
        *SMALL,
        "--out",
        str(tmp_path / "run"),
    ]
    backbone = keras.Model(network.inputs[0], network.get_layer("relu_2").output)
    scores = run(replace(config(*flags), backbone=backbone, backbone_options={}))
    assert scores["val"].keys() == {"r2", "mae", "rmse"}


def test_folders_named_by_a_number(tmp_path: Path) -> None:
    for name, level in {"0.5": 40, "-3": 120, "1e2": 200}.items():
        (tmp_path / name).mkdir()
        for number in range(6):
            pixels = np.random.default_rng(number).integers(0, 40, (20, 20, 3)) + level
            Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / name / f"{number}.png")
    splits = load_data(config("--data", str(tmp_path), *SMALL))
    for _, examples in splits.items():
        assert examples.targets[:, 0].tolist() == [float(Path(where).parent.name) for where in examples.where]


def test_targets_that_are_no_numbers_or_all_equal_are_told_first(table: Path, tmp_path: Path) -> None:
    text = table.read_text()
    for changed, said in (
        (text.replace("\n7.png,", "\n7.png,nan,").replace(",nan,", ",nan\n#", 1).partition("#")[0], r"'nan' in column"),
        ("path,grams\n" + "\n".join(f"{n}.png,5" for n in range(60)), "5 for each of 60"),
    ):
        table.write_text(changed)
        with pytest.raises(DataError, match=said):
            run(config("--data", str(table), "--columns.values", "grams", *SMALL, "--out", str(tmp_path / "run")))
        assert not (tmp_path / "run").exists()
