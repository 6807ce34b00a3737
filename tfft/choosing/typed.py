"""Settings as a command to type."""

from __future__ import annotations

import json
import shlex
from types import ModuleType
from typing import Any

from tfft.settings import leaves, setting


def typed(page: ModuleType, config: Any, backbone: Any) -> str:
    """What to type to run a recipe with a backbone: all flags whose values differ from the defaults."""
    recipe, demo = page.RECIPE.page, getattr(page, "DEMO", None)
    if not isinstance(config.data, str) or not isinstance(backbone, str):  # Python objects
        return _call(page, config, backbone)
    usual = demo if demo is not None and config.data == demo.data else page.Config()
    words = ["tfft", "run", str(recipe.path) if recipe.own else recipe.name, "--data", config.data]
    for name in _changed(config, usual):
        words += _flag(name, setting(config, name))
    return shlex.join([*words, "--backbone", backbone])


def _call(page: ModuleType, config: Any, backbone: Any) -> str:
    """The same in Python, with `...` for objects."""
    recipe, usual = page.RECIPE.page, page.Config()
    given = {"data": config.data, "backbone": backbone}
    words = [f"{name}={value!r}" if isinstance(value, str) else f"{name}=..." for name, value in given.items()]
    groups: dict[str, dict[str, Any]] = {}
    for name in _changed(config, usual):
        group, _, field = name.rpartition(".")
        groups.setdefault(group, {})[field] = setting(config, name)
    words += [f"{name}={value!r}" for name, value in groups.pop("", {}).items()]
    words += [f"{name}={values!r}" for name, values in groups.items()]
    return f'tfft.run("{recipe.path if recipe.own else recipe.name}", {", ".join(words)})'


def _changed(config: Any, usual: Any) -> list[str]:
    """The names of the settings that differ from the usual ones, without data, backbone and folder."""
    names = [name for name in leaves(config) if name.partition(".")[0] not in ("data", "backbone", "out", "kept")]
    return [name for name in names if setting(config, name) != setting(usual, name)]


def _flag(name: str, value: Any) -> list[str]:
    """A setting as words of the command line."""
    group, dot, field = name.replace("_", "-").rpartition(".")
    if isinstance(value, bool):
        return [f"--{group}{dot}{'' if value else 'no-'}{field}"]
    values = value if isinstance(value, tuple) else [json.dumps(value) if isinstance(value, dict) else value]
    return [f"--{group}{dot}{field}", *map(str, values)]
