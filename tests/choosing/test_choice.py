from __future__ import annotations

import csv
import logging
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import pytest

from recipes import object_detection
from recipes.image_classification import DEMO, RECIPE, Config
from tfft import workflow
from tfft.choosing import choice, choose, parse_budget
from tfft.errors import ConfigError
from tfft.pages import find_page, load_page
from tfft.training import Phase
from tfft.training.planned import SplitView

Folder = Callable[[Path, dict[str, int]], Path]


class Untouchable:
    """A test split that nothing may ask anything of."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} of the test split was asked for")

    def __len__(self) -> int:
        raise AssertionError("the length of the test split was asked for")


def load_blindly(config: Config, backbone: keras.Model | None = None) -> Any:
    return replace(RECIPE.load_data(config, backbone), test=Untouchable())


BLIND = SimpleNamespace(RECIPE=replace(RECIPE, load_data=load_blindly), Config=Config, DEMO=DEMO)


def save_network(path: Path, blocks: int, *, side: int = 16, blind: bool = False) -> str:
    """Writes a network of some blocks; a blind one gives the same features for all pictures."""
    inputs = keras.Input((side, side, 3))
    x = keras.layers.Rescaling(0.0 if blind else 1 / 127.5, offset=-1.0)(inputs)
    for number in range(blocks):
        x = keras.layers.Conv2D(4, 3, strides=2, padding="same", activation="relu", name=f"conv_{number}")(x)
    keras.Model(inputs, x).save(path)
    return str(path)


@pytest.fixture
def config(tmp_path: Path, picture_folder: Folder) -> Config:
    for split, count in (("train", 10), ("val", 6), ("test", 3)):
        picture_folder(tmp_path / "pictures" / split, {"night": count, "day": count})
    return Config(data=str(tmp_path / "pictures"), out=str(tmp_path / "choice"))


def test_backbones_are_compared_and_one_that_fails_is_named(
    config: Config, tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.INFO, "tfft")
    good = save_network(tmp_path / "good.keras", 3)
    blind = save_network(tmp_path / "blind.keras", 2, side=24, blind=True)
    rows = choose(BLIND, config, backbones=[blind, "MobilNet", good], budget="10m")
    assert [row["backbone"] for row in rows] == [good, blind, "MobilNet"]
    first, second, failed = rows
    assert (first["score"], second["score"], failed["score"]) == (1.0, 0.5, None)
    assert first["score"] == max(first["last_block"], first["all_blocks"])
    assert (first["monitor"], first["input"], second["input"]) == ("val_accuracy", "16 x 16", "24 x 24")
    assert first["neighbours"] > second["neighbours"]
    assert first["parameters"] == 3 * (4 * 9 * 4 + 4) - 4 * 9
    assert first["multiply_adds"] == 8 * 8 * 3 * 9 * 4 + (4 * 4 + 2 * 2) * 4 * 9 * 4
    assert min(first[name] for name in ("milliseconds", "storing", "solving")) > 0
    assert (failed["state"], failed["milliseconds"]) == ("failed", None)
    assert "'MobileNet'" in failed["reason"]
    lines = [record.getMessage() for record in caplog.records]
    assert sum(line.startswith("MobilNet is left out: ") for line in lines) == 1
    assert lines[-1].startswith(f"Take {good}, with val_accuracy 1.0000: ")
    assert f"--data {config.data} --backbone {good}" in lines[-1]
    table = capsys.readouterr().out.splitlines()
    shown = [line.split()[:2] for line in table]
    assert shown == [["backbone", "score"], ["good.keras", "1.000"], ["blind.keras", "0.500"]]
    with (tmp_path / "choice/choice.csv").open(newline="") as file:
        assert [row["backbone"] for row in csv.DictReader(file)] == [good, blind, "MobilNet"]
    page = (tmp_path / "choice/choice.html").read_text()
    assert page.count("data:image/svg+xml") == 1
    assert "MobilNet" in page

    # a run with augmentation and a second phase uses what was stored
    plan = workflow.rehearse(RECIPE, replace(config, backbone=good, tune=Phase(epochs=1, unfreeze=1)))
    for split in ("train", "val"):
        assert plan.activations.room(plan.phases[0].depth, SplitView(split))[1] == 0

    with pytest.raises(ConfigError, match="not an empty folder"):
        choose(BLIND, config, backbones=[good])
    elsewhere = replace(config, out=str(tmp_path / "other"))
    with pytest.raises(ConfigError, match=r"No backbone could be measured.*good.*budget"):
        choose(BLIND, elsewhere, backbones=[good], budget=0.001)
    assert not (tmp_path / "other").exists()  # the same folder can be typed again


def test_the_cheapest_comes_first_and_the_best_of_equals_is_the_quickest(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = []

    def measure(recipe: Any, config: Config, row: dict[str, Any], end: float, pace: float) -> float:
        measured.append((config.backbone, end, pace))
        seconds = {"a": 3.0, "b": 2.0, "c": 1.0}[config.backbone]
        score = {"a": 0.2, "b": 0.2, "c": 0.5}[config.backbone]
        row.update(score=score, mode="min", monitor="val_loss", milliseconds=seconds, storing=0, solving=0, input="")
        row.update(dict.fromkeys(("last_block", "all_blocks", "neighbours"), score))
        return seconds

    sizes = {"a": 30, "b": 10, "c": 20}
    monkeypatch.setattr(
        choice, "looked_at", lambda recipe, config: {"multiply_adds": sizes[config.backbone], "parameters": 1}
    )
    monkeypatch.setattr(choice, "measure", measure)
    rows = choose(BLIND, config, backbones=["a", "b", "c", "a"])
    assert measured == [("b", math.inf, 0.0), ("c", math.inf, 2.0), ("a", math.inf, 2.0)]
    assert [row["backbone"] for row in rows] == ["b", "a", "c"]


def test_what_cannot_be_chosen_is_said_before_anything_is_built(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    for page, asked, said in (
        (object_detection, object_detection.Config(), "linear head"),
        (BLIND, config, "--backbones"),
        (BLIND, replace(config, data="nowhere"), "nowhere"),
    ):
        with pytest.raises(ValueError, match=said):
            choose(page, asked, backbones=() if asked is config else ["MobileNet"])
    assert not (tmp_path / "choice").exists()


def test_budgets() -> None:
    budgets = {None: math.inf, "90s": 90, "10m": 600, "1.5h": 5400, "2 min": 120, 45: 45, "45": 45}
    assert {budget: parse_budget(budget) for budget in budgets} == budgets
    for wrong in ("", "soon", "0", "-5m", "10d", "m"):
        with pytest.raises(ConfigError, match="--budget"):
            parse_budget(wrong)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["image_multilabel", "image_regression", "text_classification"])
def test_other_recipes(name: str, tmp_path: Path) -> None:
    if name == "text_classification":
        pytest.importorskip("keras_hub", reason='needs `pip install "tfft[text]"`')
    page = load_page(find_page(name))
    changes = {} if name == "text_classification" else {"weights": "none"}
    config = replace(page.SMOKE, out=str(tmp_path / "choice"), **changes)
    (row,) = choose(page, config, backbones=[config.backbone])
    assert row["state"] == "measured"
    assert all(math.isfinite(row[part]) for part in ("score", "last_block", "all_blocks", "neighbours"))
