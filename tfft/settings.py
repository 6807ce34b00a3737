"""Settings of a configuration by name: `"dropout"`, `"tune.epochs"`."""

from __future__ import annotations

import dataclasses
import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

C = TypeVar("C")

HARMLESS = {"accept", "out", "changed_data", "store.folder", "store.limit", "store.memory", "track"}
"""Settings that may differ when a run is resumed: they change no number of it."""
OBJECTS = {"backbone_options", "classes"}
"""Settings that are JSON objects."""


def leaves(config: Any, group: str = "") -> list[str]:
    """The names of all settings: `"dropout"`, `"tune.epochs"`."""
    names = []
    for field in dataclasses.fields(config):
        value, name = getattr(config, field.name), f"{group}{field.name}"
        names += leaves(value, f"{name}.") if dataclasses.is_dataclass(value) else [name]
    return names


def setting(config: Any, name: str) -> Any:
    """The value of a setting; None if the configuration has none of that name."""
    group, _, field = name.rpartition(".")
    return getattr(getattr(config, group, None) if group else config, field, None)


def applied(config: C, values: Mapping[str, Any]) -> C:
    """A configuration with other values: `applied(config, {"dropout": 0.1, "tune.learning_rate": 1e-4})`.

    Raises:
        ConfigError: If a value is out of its range.
    """
    groups: dict[str, dict[str, Any]] = {}
    for name, value in values.items():
        group, _, field = name.rpartition(".")
        groups.setdefault(group, {})[field] = value
    changed = groups.pop("", {})
    changed.update({name: dataclasses.replace(getattr(config, name), **new) for name, new in groups.items()})
    return dataclasses.replace(config, **changed)


def differing(config: Any, other: Any) -> list[str]:
    """The names of the settings in which two configurations of one kind differ."""
    return [name for name in leaves(config) if setting(config, name) != setting(other, name)]


def named_by_flags(words: Sequence[str]) -> list[str]:
    """The names of the settings that the flags of a command line set: `--no-flip` sets `"flip"`."""
    names = [word[2:].partition("=")[0].replace("-", "_") for word in words if word.startswith("--")]
    return [name.removeprefix("no_") for name in names]


def named_by_arguments(settings: Mapping[str, Any]) -> list[str]:
    """The names of the settings that keyword arguments set; a group is a dictionary, or a dataclass that sets all."""
    names = []
    for name, value in settings.items():
        inner = list(value) if isinstance(value, Mapping) else leaves(value) if _is_group(value) else None
        names += [name] if inner is None else [f"{name}.{one}" for one in inner]
    return names


def keeping(config: C, names: Sequence[str]) -> C:
    """A configuration that remembers which settings a person has set, if it lets others be chosen; those that change no
    number are left out, so that a run can be resumed with others."""
    if getattr(config, "recipe", "plain") == "auto" or getattr(config, "time_budget", None):
        return dataclasses.replace(config, kept=tuple(sorted({*names} - HARMLESS)))
    return config


def flattened(values: Mapping[str, Any], group: str = "") -> dict[str, Any]:
    """The settings of a configuration as JSON by name, as `leaves` names them: `{"tune.epochs": 10}`.

    Values that are objects themselves, such as options of a backbone, stay as they are: their own names could be
    anything.
    """
    named: dict[str, Any] = {}
    for name, value in values.items():
        nested = isinstance(value, dict) and value and name not in OBJECTS and "python_object" not in value
        named |= flattened(value, f"{group}{name}.") if nested else {f"{group}{name}": value}
    return named


def _is_group(value: Any) -> bool:
    return dataclasses.is_dataclass(value) and not isinstance(value, type)


def flags_of(config: Any) -> list[str]:
    """The words of a command line that give a configuration from the defaults; Python objects are left out."""
    words = []
    for name in differing(config, type(config)()):
        value, flag = setting(config, name), f"--{name.replace('_', '-')}"
        parent = getattr(config, name.rpartition(".")[0], config)
        if name in ("out", "kept") or not parent.__dataclass_params__.eq:  # others are objects, such as arrays
            continue
        if isinstance(value, bool):
            group, _, field = flag[2:].rpartition(".")
            words.append(flag if value else f"--{group}{'.' if group else ''}no-{field}")
        elif isinstance(value, (list, tuple)):
            words += [flag, *map(str, value)]
        elif isinstance(value, Mapping):
            words += [flag, json.dumps(value)]
        elif value is None or isinstance(value, (str, int, float)):
            words += [flag, str(value)]
    return words


def as_command(page: Any, config: Any) -> str:
    """The command that trains with a configuration: `"tfft run image_classification --data pictures/"`.

    Args:
        page: Of the recipe.
        config: Its configuration.
    """
    command = shlex.join(["tfft", "run", str(page.path) if page.own else page.name, *flags_of(config)])
    objects = [field.name for field in dataclasses.fields(config) if _is_object(getattr(config, field.name))]
    return command + (f"  # in Python, with objects as {' and '.join(objects)}" if objects else "")


def _is_object(value: Any) -> bool:
    """Whether a value cannot stand on a command line, such as arrays or a model."""
    if dataclasses.is_dataclass(value):
        return not value.__dataclass_params__.eq
    return value is not None and not isinstance(value, (str, int, float, list, tuple, Mapping))
