from __future__ import annotations

from dataclasses import replace
from typing import Any

import keras
import pytest

from recipes import object_detection
from recipes.image_classification import Config
from tfft.data import Splits
from tfft.errors import ConfigError
from tfft.models import single_label
from tfft.searching.space import applied, check_loss, default_space, distributions, middle, parse_space, read_space
from tfft.training import Phase, plan_phases

CONFIG = Config()


def test_values_are_changed_in_their_groups() -> None:
    changed = applied(CONFIG, {"dropout": 0.1, "tune.epochs": 3, "tune.unfreeze": "all", "head.epochs": 1})
    tune = replace(CONFIG.tune, epochs=3, unfreeze="all")
    assert changed == replace(CONFIG, dropout=0.1, tune=tune, head=replace(CONFIG.head, epochs=1))


def test_two_numbers_are_a_range_and_all_else_are_choices() -> None:
    given = {
        "tune.learning-rate": [1e-5, 1e-3],
        "dropout": [0, 0.5],
        "tune.epochs": [2, 9],
        "features": [1, "all"],
        "flip": [True, False],
        "batch_size": [8, 16, 32],
    }
    space = read_space(given, CONFIG)
    assert space["tune.learning_rate"] == [1e-5, 1e-3]
    made = distributions_or_skip(space)
    assert [type(one).__name__.removesuffix("Distribution") for one in made.values()] == [
        "Float", "Float", "Int", "Categorical", "Categorical", "Categorical",
    ]  # fmt: skip
    assert (made["tune.learning_rate"].log, made["dropout"].log) == (True, False)


def distributions_or_skip(space: dict[str, list[Any]]) -> dict[str, Any]:
    pytest.importorskip("optuna", reason='needs `pip install "tfft[search]"`')
    return distributions(space)


def test_what_is_wrong_with_a_space_is_named() -> None:
    for given, *named in (
        ({"tune.learning_rte": [1e-5, 1e-3]}, "tune.learning_rte", "'tune.learning_rate'"),
        ({"tune": [1, 2]}, "tune", "no setting"),
        ({"tune.learning_rate": [1e-3, 1e-5]}, "tune.learning_rate", "0.001 to 1e-05", "lower end first"),
        ({"tune.learning_rate": [0.1, 3.0]}, "tune.learning_rate", "at most 1", "3"),
        ({"tune.schedule": ["cosine", "linear"]}, "tune.schedule", "'linear'", "'constant'"),
        ({"tune.epochs": [1.5, 3.5]}, "tune.epochs", "1.5"),
        ({"dropout": [0.5, 1.0]}, "dropout", "below 1"),
        ({"dropout": []}, "dropout", "[]"),
        ({"dropout": 0.1}, "dropout", "0.1"),
        ({"dropout": [0.1, float("nan")]}, "dropout", "nan"),
        ({"hidden": [64, 128]}, "hidden", "--"),
        ({"hidden": [[64], [128]]}, "hidden", "numbers or words"),
        ({"seed": [0, 9]}, "seed", "decides the data"),
        ({"store.limit": [1, 9]}, "store.limit", "where files are"),
        ({"out": ["a", "b"]}, "out"),
        ({"recipe": ["auto"]}, "recipe", "other settings"),
    ):
        with pytest.raises(ConfigError) as caught:
            read_space(given, CONFIG)
        if named[-1] == "--":
            named = [named[0], "with its flag"]
        assert [name for name in named if name not in str(caught.value)] == [], str(caught.value)
    with pytest.raises(ConfigError, match=r"stride two numbers.*16"):  # 5 would be none of its values
        read_space({"stride": [4, 8]}, object_detection.Config())
    assert read_space({"stride": [4, 8, "auto"]}, object_detection.Config()) == {"stride": [4, 8, "auto"]}
    for text in ("{", "[1]", "3"):
        with pytest.raises(ConfigError, match="--space"):
            parse_space(text)


def test_losses_that_measure_different_things_are_not_compared() -> None:
    check_loss({"balance": ["none", "focal"]}, "val_accuracy")
    with pytest.raises(ConfigError, match="balance"):
        check_loss({"balance": ["none", "focal"]}, "val_loss")


def test_the_default_is_around_the_settings(network: keras.Model, splits: Splits) -> None:
    config = replace(CONFIG, head=Phase(epochs=2), tune=Phase(epochs=4, learning_rate=0.2, unfreeze=3))
    phases = {"head": config.head, "tune": config.tune}
    plan = plan_phases(network, single_label(["ant", "bee"]), splits, phases, batch_size=8)
    space = default_space(config, [plan])
    assert space == {
        "dropout": [0.0, 0.5],
        "head.learning_rate": [1e-4, 1e-2],
        "tune.learning_rate": [0.02, 1.0],
        "tune.epochs": [2, 6],
        "tune.schedule": ["constant", "cosine", "exponential"],
        "tune.unfreeze": [1, 3],  # the network has no fourth stage
    }
    found = {"head": config.head, "tune": replace(config.tune, learning_rate="find")}
    plan = plan_phases(network, single_label(["ant", "bee"]), splits, found, batch_size=8)
    assert {*space} - {*default_space(config, [plan])} == {"tune.learning_rate"}  # each trial finds its own
    assert middle(space, config, plan) == {name: {
        "dropout": 0.2, "head.learning_rate": 1e-3, "tune.learning_rate": 0.2, "tune.epochs": 4,
        "tune.schedule": "constant", "tune.unfreeze": 3,
    }[name] for name in space}  # fmt: skip
    assert middle({"dropout": [0.3, 0.5], "tune.epochs": [4, 5]}, config, plan) == {"tune.epochs": 4}
    words = replace(config, tune=replace(config.tune, epochs="auto", unfreeze="most"))
    assert middle(space, words, plan) == middle(space, config, plan)  # the plan has their numbers
    assert read_space(space, config) == space
