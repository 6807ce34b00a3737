"""Recipes for trials: without their test split, with data that are loaded once for all trials that have the same."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import replace
from typing import Any

from tfft.workflow import Recipe


def without_test(recipe: Recipe, key_of: Callable[[Any], Hashable], *, most: int = 1) -> Recipe:
    """A recipe whose data have no test split, and are kept for the next trial.

    Args:
        recipe: The recipe.
        key_of: From a configuration to what its data depend on; None if they are to be loaded again.
        most: Data that are kept at once.
    """
    loaded: dict[Hashable, Any] = {}

    def load_data(config: Any, backbone: Any) -> Any:
        key = key_of(config)
        if key is None or key not in loaded:
            while len(loaded) >= most:
                loaded.pop(next(iter(loaded)))
            loaded[key] = replace(recipe.load_data(config, backbone), test=None)
        return loaded[key]

    return replace(recipe, load_data=load_data)
