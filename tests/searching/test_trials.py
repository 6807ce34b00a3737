from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image

from recipes.image_classification import RECIPE, Config
from tfft import training, workflow
from tfft.errors import ConfigError, DivergedError
from tfft.runs import replay
from tfft.searching import search, trials
from tfft.settings import applied
from tfft.store import Storage
from tfft.training import Phase

pytest.importorskip("optuna", reason='needs `pip install "tfft[search]"`')
SPACE = {"head.epochs": [1, 2], "features": [2]}
"""Beside the rate and the dropout, which are searched by default; all blocks are seen."""


class Untouchable:
    """A test split that nothing may ask anything of."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} of the test split was asked for")

    def __len__(self) -> int:
        raise AssertionError("the length of the test split was asked for")


def build_backbone(config: Config) -> keras.Model:
    """Two blocks that are traced in a moment, and a third with `--backbone larger`."""
    inputs = keras.Input((*config.image_size, 3))
    x = keras.layers.Rescaling(1 / 127.5, offset=-1.0)(inputs)
    for number in range(2 + (config.backbone == "larger")):
        x = keras.layers.Conv2D(4, 3, strides=2, activation="relu", name=f"conv_{number}")(x)
    backbone = keras.Model(inputs, x, name=config.backbone)
    backbone.trainable = False
    return backbone


def load_data(config: Config, backbone: keras.Model | None = None) -> Any:
    return RECIPE.load_data(config, backbone)


def load_blindly(config: Config, backbone: keras.Model | None = None) -> Any:
    return replace(RECIPE.load_data(config, backbone), test=Untouchable())


TINY = replace(RECIPE, build_backbone=build_backbone, load_data=load_data)
PAGE = SimpleNamespace(RECIPE=TINY, run=lambda config: workflow.run(TINY, config))
BLIND = SimpleNamespace(RECIPE=replace(TINY, load_data=load_blindly), run=lambda config: config)
"""A page whose test split cannot be used, and whose run only returns its configuration."""


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Config]:
    """Settings of the smallest search."""
    folder = tmp_path_factory.mktemp("search")
    rng = np.random.default_rng(0)
    for number in range(36):
        path = folder / "pictures" / ("train", "val", "test")[number // 12] / ("night", "day")[number % 2]
        path.mkdir(parents=True, exist_ok=True)
        picture = rng.integers(0, 90, (20, 24, 3)) + 120 * (number % 2)
        Image.fromarray(picture.astype(np.uint8)).save(path / f"{number}.png")

    def make(**settings: Any) -> Config:
        small = Config(
            data=str(folder / "pictures"),
            backbone="tiny",
            image_size=(16, 16),
            augment="none",
            features=1,
            head=Phase(epochs=2, optimizer="adam", learning_rate=1e-2),
            tune=Phase(epochs=0),
            store=Storage(folder=str(folder / "store")),
        )
        return replace(small, **settings)

    return make


def test_it_is_stopped_and_goes_on_and_the_best_becomes_a_run(
    config: Callable[..., Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    straight = search(BLIND, config(out=str(tmp_path / "straight")), trials=2, space=SPACE)
    stopped = config(out=str(tmp_path / "stopped"))
    with monkeypatch.context() as patch:
        ended = []

        def end(study: Any, trial: Any, row: dict[str, Any]) -> None:
            if len(ended) == 1:
                raise KeyboardInterrupt
            ended.append(row)
            trials_end(study, trial, row)

        trials_end = trials.end
        patch.setattr(trials, "end", end)
        with pytest.raises(KeyboardInterrupt):
            search(BLIND, stopped, trials=2, space=SPACE)
    again = search(PAGE, stopped, trials=2, space=SPACE)

    def without_seconds(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{**row, "seconds": 0} for row in rows]

    assert without_seconds(again.trials) == without_seconds(straight.trials)
    assert again.values == straight.values
    with (tmp_path / "stopped" / "trials.csv").open(newline="") as file:
        assert [row["trial"] for row in csv.DictReader(file)] == ["1", "2"]
    assert "<svg" not in (tmp_path / "stopped" / "search.html").read_text()  # plots are inside, as data
    assert "val_accuracy" in (tmp_path / "stopped" / "search.html").read_text()

    # the best trial is a run like any other: the same numbers, now with the test split
    wanted = replace(applied(config(), {**again.values, "features": 2}), out=str(tmp_path / "stopped" / "best"))
    assert straight.best == replace(wanted, out=str(tmp_path / "straight" / "best"))
    assert replay.read_config(Config, tmp_path / "stopped" / "best", TINY.page) == replace(wanted, out=None)
    assert set(again.best.scores) == {"train", "val", "test"}
    assert again.best.history.best_row["val_accuracy"] == max(row["val_accuracy"] for row in again.trials)
    assert again.best.history.best_row["val_loss"] in [row["val_loss"] for row in again.trials]

    # typed again, nothing is trained
    monkeypatch.setattr(training, "fine_tune", None)
    monkeypatch.setattr(trials, "_train", None)
    repeated = search(PAGE, stopped, trials=1, space=SPACE)
    assert (repeated.values, len(repeated.trials)) == (again.values, 2)
    with pytest.raises(ConfigError, match=r"another space: head\.epochs"):
        search(PAGE, stopped, trials=2, space={**SPACE, "head.epochs": [1, 3]})


def test_how_a_trial_can_end(config: Callable[..., Config], monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[int] = []
    trial = SimpleNamespace(report=lambda score, step: steps.append(step), should_prune=lambda: True, params={})
    row = trials._train(TINY, config(), trial, "val_accuracy", "")
    assert (row["state"], row["epochs"], steps) == ("stopped", 1, [1])
    assert row["score"] is not None
    for values, named in (
        ({"features": 99}, "99"),
        ({"tune.epochs": 3, "tune.gradual": 3.0, "tune.unfreeze": 2}, "gradual"),
    ):
        trial.params = values
        row = trials._train(TINY, config(), trial, "val_accuracy", "")
        assert (row["state"], row["score"]) == ("impossible", None)
        assert named in row["reason"]
    trial.params = {}

    def diverge(*args: Any, **options: Any) -> None:
        raise DivergedError("the loss is not finite")

    monkeypatch.setattr(training, "fine_tune", diverge)
    row = trials._train(TINY, config(), trial, "val_accuracy", "")
    assert (row["state"], row["score"], row["epochs"]) == ("diverged", None, 0)


def test_too_much_for_the_backbone_is_noticed_before_the_first_trial(
    config: Callable[..., Config], tmp_path: Path
) -> None:
    for space, named in (({"features": [1, 99]}, "--features"), ({"tune.unfreeze": [1, 99]}, "unfreeze")):
        asked = config(out=str(tmp_path / "search"), tune=Phase(epochs=1, unfreeze=1))
        with pytest.raises(ConfigError, match=named):
            search(PAGE, asked, trials=1, space=space)
        assert not (tmp_path / "search").exists()


def test_the_best_of_equals_has_the_lower_loss() -> None:
    scores = [("finished", 0.9, 0.3), ("finished", 0.9, 0.2), ("diverged", 1.0, 0.1), ("stopped", 0.8, 0.1)]
    done = [{"state": state, "score": score, "val_loss": loss, "reason": "x"} for state, score, loss in scores]
    assert trials._best(done, SimpleNamespace(mode="max")) == 1
    assert trials._best(done, SimpleNamespace(mode="min")) == 3
    with pytest.raises(ConfigError, match="No trial"):
        trials._best(done[2:3], SimpleNamespace(mode="max"))


def test_a_backbone_that_is_an_object_starts_each_trial_with_its_own_weights(network: keras.Model) -> None:
    before = network.get_weights()
    renew = trials._renewing(network)
    network.set_weights([weight + 1 for weight in before])
    renew()
    assert all(np.array_equal(one, other) for one, other in zip(before, network.get_weights(), strict=True))
