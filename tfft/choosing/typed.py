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
        named = repr(backbone) if isinstance(backbone, str) else "..."
        return f'tfft.run("{recipe.path if recipe.own else recipe.name}", data=..., backbone={named})'
    usual = demo if demo is not None and config.data == demo.data else page.Config()
    words = ["tfft", "run", str(recipe.path) if recipe.own else recipe.name, "--data", config.data]
    for name in leaves(config):
        value = setting(config, name)
        if name not in ("data", "backbone", "out", "kept") and value != setting(usual, name):
            words += _flag(name, value)
    return shlex.join([*words, "--backbone", backbone])


def _flag(name: str, value: Any) -> list[str]:
    """A setting as words of the command line."""
    group, dot, field = name.replace("_", "-").rpartition(".")
    if isinstance(value, bool):
        return [f"--{group}{dot}{'' if value else 'no-'}{field}"]
    values = value if isinstance(value, tuple) else [json.dumps(value) if isinstance(value, dict) else value]
    return [f"--{group}{dot}{field}", *map(str, values)]
