from __future__ import annotations

import csv
import json
import logging
import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import pytest

from recipes import image_classification
from recipes.image_classification import DEMO, RECIPE, Config
from tfft import cli
from tfft.choosing import find_rate
from tfft.errors import ConfigError
from tfft.training import Phase


@pytest.fixture
def config(tmp_path: Path, picture_folder: Callable[[Path, dict[str, int]], Path]) -> Config:
    for split, count in (("train", 10), ("val", 6), ("test", 3)):
        picture_folder(tmp_path / "pictures" / split, {"night": count, "day": count})
    inputs = keras.Input((16, 16, 3))
    x = keras.layers.Rescaling(1 / 127.5, offset=-1.0)(inputs)
    for number in range(2):
        x = keras.layers.Conv2D(4, 3, strides=2, padding="same", activation="relu", name=f"conv_{number}")(x)
    keras.Model(inputs, x).save(tmp_path / "net.keras")
    return Config(
        data=str(tmp_path / "pictures"),
        backbone=str(tmp_path / "net.keras"),
        image_size=(16, 16),
        augment="none",
        tune=Phase(epochs=1, unfreeze=1, learning_rate="find"),
        out=str(tmp_path / "rates"),
    )


def load_without_test(config: Config, backbone: keras.Model | None = None) -> Any:
    class Untouchable:
        """A test split that nothing may ask anything of."""

    return replace(RECIPE.load_data(config, backbone), test=Untouchable())


@pytest.mark.slow
def test_a_rate_is_found_after_the_earlier_phase_and_written(
    config: Config, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "tfft")
    page = SimpleNamespace(RECIPE=replace(RECIPE, load_data=load_without_test), Config=Config, DEMO=DEMO)
    test = find_rate(page, config)
    assert "Phase head: the head was solved" in caplog.text
    with (tmp_path / "rates/learning_rates.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [{name: float(value) for name, value in row.items()} for row in rows] == test.rows
    assert [*rows[0]] == ["learning_rate", "loss", "val_loss"]
    assert "</svg>" in (tmp_path / "rates/learning_rates.svg").read_text()
    words = shlex.split(caplog.messages[-1].removeprefix("Type: "))
    typed = cli.parse(Config, DEMO, words[3:])
    assert typed == replace(config, out=None, tune=replace(config.tune, learning_rate=test.suggestion))

    with pytest.raises(ConfigError, match="not an empty folder"):
        find_rate(page, config)
    other = replace(config, out=str(tmp_path / "other"))
    with pytest.raises(ConfigError, match=r"head.*solved"):
        find_rate(page, other, phase="head")
    with pytest.raises(ConfigError, match=r"tune has no epochs"):
        find_rate(page, replace(other, tune=Phase(epochs=0)), phase="tune")
    with pytest.raises(ConfigError, match=r"No phase has a learning rate"):
        find_rate(page, replace(other, tune=Phase(epochs=0)))
    assert not (tmp_path / "other").exists()


@pytest.mark.slow
def test_a_run_finds_the_same_rate(config: Config, tmp_path: Path) -> None:
    suggestion = find_rate(image_classification, config).suggestion
    image_classification.run(replace(config, out=str(tmp_path / "run")))
    report = json.loads((tmp_path / "run/report.json").read_text())
    assert [phase["learning_rate"] for phase in report["phases"]] == [1e-3, suggestion]
    assert any("range test" in note for note in report["notes"])
    assert json.loads((tmp_path / "run/config.json").read_text())["config"]["tune"]["learning_rate"] == "find"
