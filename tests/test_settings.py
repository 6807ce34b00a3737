from __future__ import annotations

from recipes.image_classification import Config
from tfft.settings import applied, differing, keeping, named_by_arguments, named_by_flags
from tfft.training import Phase


def test_settings_that_flags_name() -> None:
    words = ["--tune.learning-rate", "1e-4", "--no-flip", "--store.limit=3", "--image-size", "96", "96", "--data"]
    assert named_by_flags(words) == ["tune.learning_rate", "flip", "store.limit", "image_size", "data"]


def test_settings_that_arguments_name() -> None:
    named = named_by_arguments({"seed": 1, "tune": {"epochs": 3}, "head": Phase(), "backbone_options": {}})
    assert {"seed", "tune.epochs", "head.epochs", "head.views"} <= {*named}
    assert "tune.unfreeze" not in named


def test_settings_that_differ() -> None:
    changed = applied(Config(), {"seed": 3, "tune.epochs": 4})
    assert differing(changed, Config()) == ["tune.epochs", "seed"]


def test_what_was_set_is_remembered_only_where_something_may_be_chosen() -> None:
    assert keeping(Config(), ["seed"]).kept is None
    assert keeping(Config(recipe="auto"), ["seed", "seed"]).kept == ("seed",)
    assert keeping(Config(time_budget="10m"), []).kept == ()
