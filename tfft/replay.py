"""A configuration as `config.json` has it, and back."""

from __future__ import annotations

import dataclasses
import types
import typing
from pathlib import Path
from typing import Any, TypeVar

from tfft import files
from tfft.errors import ConfigError, listed

C = TypeVar("C")


def read_config(config_class: type[C], folder: Path) -> C:
    """The configuration of an earlier run, with `out` left open.

    Raises:
        ConfigError: If the folder holds no configuration of this recipe.
    """
    path = folder / "config.json"
    try:
        stored = files.read_json(path)["config"]
    except (FileNotFoundError, NotADirectoryError):
        raise ConfigError("`--replay` names the folder of a run", received=f"no {path}") from None
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError("config.json is as a run wrote it", received=f"{path}: {error}") from None
    config = _from_json(config_class, stored, path)
    return dataclasses.replace(config, out=None)


def as_json(value: Any) -> Any:
    """A configuration as JSON has it; a Python object (a model as backbone) only by its kind and name."""
    if dataclasses.is_dataclass(value) and value.__dataclass_params__.eq:  # without: an object such as an encoder
        return {f.name: as_json(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, (list, tuple)):
        return [as_json(entry) for entry in value]
    if value is None or isinstance(value, (str, int, float, bool, dict)):
        return value
    # named, so that a replay can say why it cannot
    return {"python_object": f"{type(value).__name__} {getattr(value, 'name', '')}".strip()}


def _from_json(config_class: type[C], stored: dict[str, Any], path: Path) -> C:
    hints = typing.get_type_hints(config_class)
    if not isinstance(stored, dict):
        raise ConfigError("config.json is as a run wrote it", received=f"{stored!r} for a group of fields in {path}")
    if unknown := sorted(set(stored) - set(hints)):
        raise ConfigError(
            f"config.json holds fields of {config_class.__module__}.{config_class.__name__}",
            received=f"{listed(unknown)} in {path}",
            fix="Replay it with the recipe and the version of tfft that made it",
        )
    values = {}
    for name, value in stored.items():
        if isinstance(value, dict) and "python_object" in value:
            raise ConfigError(
                "A run that is replayed was described by its configuration alone",
                received=f"`{name}` was a Python object ({value['python_object']}) in {path}",
                fix="Run the Python code again that made it",
            )
        if dataclasses.is_dataclass(hints[name]):
            value = _from_json(hints[name], value, path)
        value = tuple(value) if isinstance(value, list) else value
        if not _fits(value, hints[name]):
            raise ConfigError("config.json is as a run wrote it", received=f"{name}={value!r} in {path}")
        values[name] = value
    return config_class(**values)


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value is of a plain type that a field asks for; other types are left to whoever reads the field."""
    if typing.get_origin(hint) is typing.Literal:
        return value in typing.get_args(hint)
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        return any(_fits(value, one) for one in typing.get_args(hint))
    if hint is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return not isinstance(hint, type) or type(value) is hint
