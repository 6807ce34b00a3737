from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import tfft
from tfft import front
from tfft.errors import ConfigError
from tfft.pages import find_page, load_page
from tfft.training import Phase

PAGE = load_page(find_page("image_classification"))


@pytest.mark.parametrize("verb", [tfft.run, tfft.plan, tfft.choose, tfft.search, tfft.lr])
def test_recipe_is_a_setting_too(verb: Callable[..., Any]) -> None:
    """`recipe="auto"`: so the name of the recipe has no name."""
    assert inspect.signature(verb).parameters["recipe"].kind is inspect.Parameter.POSITIONAL_ONLY


def test_arrays_become_a_model(tmp_path: Path, pyramid: keras.Model) -> None:
    rng = np.random.default_rng(0)
    kinds = np.arange(24) % 2
    pictures = (rng.integers(0, 60, (24, 20, 24, 3)) + 150 * kinds[:, None, None, None]).astype(np.uint8)
    data = {"train": (pictures[:16], kinds[:16]), "val": (pictures[16:], kinds[16:])}
    result = tfft.run(
        "image_classification",
        data=data,
        labels=["night", "day"],
        backbone=pyramid,
        backbone_options={},
        weights="none",
        image_size=64,
        augment="none",
        head={"epochs": 1, "optimizer": "sgd"},
        tune=Phase(epochs=0),
        out=str(tmp_path / "run"),
    )
    assert result.labels == ["night", "day"]  # in the order that was given
    assert set(result.scores) == {"train", "val"}
    assert len(result.history.rows) == 1
    assert json.loads((result.folder / "serving.json").read_text())["labels"] == ["night", "day"]
    assert result.model.output_shape == (None, 2)


def test_settings_and_groups_of_them() -> None:
    config = front.configure(PAGE, "pictures/", None, {"tune": {"epochs": 3}, "hidden": [8], "seed": 4})
    tune = replace(PAGE.Config().tune, epochs=3)
    assert config == PAGE.Config(data="pictures/", tune=tune, hidden=(8,), seed=4)
    assert front.configure(PAGE, None, None, {"seed": 4}).weights == "demo"
    for settings, named in (({"bakbone": "x"}, "backbone"), ({"tune": {"epoch": 3}}, "epochs")):
        with pytest.raises(ConfigError, match=named):
            front.configure(PAGE, "pictures/", None, settings)
    with pytest.raises(ConfigError, match="labels"):
        front.configure(PAGE, "pictures/", ["a"], {})


def test_a_search_takes_the_arguments_of_a_run_and_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tfft.searching.search", lambda *arguments, **options: (*arguments, options))
    page, config, options = tfft.search("image_classification", data="pictures/", seed=4, trials=2, backbones=["A"])
    assert (page, config) == (PAGE, PAGE.Config(data="pictures/", seed=4))
    assert options == {"trials": 2, "space": None, "backbones": ["A"]}


def test_a_choice_takes_the_arguments_of_a_run_and_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tfft.choosing.choose", lambda *arguments, **options: (*arguments, options))
    page, config, options = tfft.choose("image_classification", data="pictures/", seed=4, budget=60, backbones=["A"])
    assert (page, config) == (PAGE, PAGE.Config(data="pictures/", seed=4))
    assert options == {"backbones": ["A"], "budget": 60}


def test_a_range_test_takes_the_arguments_of_a_run_and_a_phase(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tfft.choosing.find_rate", lambda *arguments, **options: (*arguments, options))
    page, config, options = tfft.lr("image_classification", data="pictures/", seed=4, phase="head")
    assert (page, config) == (PAGE, PAGE.Config(data="pictures/", seed=4))
    assert options == {"phase": "head"}


def test_help_explains_the_verbs() -> None:
    assert "tfft.run(" in tfft.__doc__
    for verb in (tfft.run, tfft.plan, tfft.choose, tfft.lr, tfft.search):
        assert "labels" in verb.__doc__
