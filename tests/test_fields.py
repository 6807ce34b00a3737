from __future__ import annotations

import pytest

from recipes.image_classification import Config
from tfft.errors import ConfigError


def test_settings_are_explained_in_python_too() -> None:
    for setting in ("image_size: Height and width", "dropout: ", "columns: ", "seed: "):
        assert setting in Config.__doc__


def test_one_number_is_both_sides() -> None:
    assert Config(image_size=64).image_size == (64, 64)


@pytest.mark.parametrize(("name", "value"), [("image_size", (0, 9)), ("batch_size", 0), ("dropout", 1.0), ("views", 0)])
def test_a_number_out_of_its_range_is_refused_at_once(name: str, value: object) -> None:
    with pytest.raises(ConfigError, match=name):
        Config(**{name: value})


@pytest.mark.parametrize("settings", [{"leaks": "dropp"}, {"views": "fresher"}, {"balance": True}])
def test_a_word_that_is_no_choice_is_refused_at_once(settings: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=f"`{next(iter(settings))}` must be one of '.*got"):
        Config(**settings)
