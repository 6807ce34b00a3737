"""A configuration as `config.json` has it, and back."""

from __future__ import annotations

import dataclasses
import logging
import types
import typing
from pathlib import Path
from typing import Any, TypeVar

from tfft import files
from tfft.errors import ConfigError, listed
from tfft.pages import Page

logger = logging.getLogger(__name__)

C = TypeVar("C")


def read_config(config_class: type[C], folder: Path, page: Page) -> C:
    """The configuration of an earlier run, with `out` left open.

    A page of the person's own that has changed since is used as it is now, with a warning.

    Raises:
        ConfigError: If the folder holds no configuration, or that of another recipe.
    """
    path = folder / "config.json"
    stored = read_run(folder)
    made_by = stored.get("page", {}).get("file")
    if (stored.get("recipe"), made_by is not None) != (page.name, page.own):
        what = made_by or stored.get("recipe")
        raise ConfigError(
            f"{folder} was made by {what}, not by {page.path if page.own else page.name}",
            fix=f"Type `tfft run {what} --replay {folder}`",
        )
    if page.own and stored["page"].get("digest") != page.digest:
        logger.warning("%s has changed since %s was made; it is used as it is now.", page.path, folder)
    config = _from_json(config_class, stored["config"], path)
    return dataclasses.replace(config, out=None)


def read_run(folder: Path) -> dict[str, Any]:
    """What `config.json` in the folder of a run says.

    Raises:
        ConfigError: If there is none, or it is not as a run wrote it.
    """
    path = folder / "config.json"
    try:
        stored = files.read_json(path)
    except (FileNotFoundError, NotADirectoryError):
        raise ConfigError(f"No run in {folder}: it has no config.json", fix="Check `--replay`") from None
    except ValueError as error:
        raise ConfigError(f"{path} is damaged: {error}") from None
    if not isinstance(stored, dict) or "config" not in stored or not isinstance(stored.get("page", {}), dict):
        raise ConfigError(f"{path} is not the configuration of a run", fix="Check `--replay`")
    return stored


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
