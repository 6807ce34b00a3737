"""Configurations to JSON and back, for `config.json`, `--replay` and resume."""

from __future__ import annotations

import dataclasses
import logging
import types
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from tfft import files
from tfft.errors import ConfigError, listed
from tfft.pages import Page
from tfft.settings import HARMLESS, flattened
from tfft.training.advice import Advice
from tfft.training.phases import of_earlier as phase_of_earlier

logger = logging.getLogger(__name__)

C = TypeVar("C")

BEFORE = {"features": 1, "smoothing": 0.0, "precision": "float32"}
"""What an earlier tfft did where it had no such field: the head saw the last block alone, targets were not smoothed."""
CONFIG = "config.json"
"""The file in a run folder with the configuration, the recipe and what `auto` has chosen."""


def read_config(config_class: type[C], folder: Path, page: Page) -> C:
    """The configuration of an earlier run, with `out` set to None.

    If a custom page has changed since that run, its current version is used, with a warning.

    Raises:
        ConfigError: If the folder has no configuration, or belongs to another recipe.
    """
    stored = read_run(folder)
    made_by = stored.get("page", {}).get("file")
    if (stored.get("recipe"), made_by is not None) != (page.name, page.own):
        maker = made_by or stored.get("recipe")
        raise ConfigError(
            f"{folder} was made by {maker}, not by {page.path if page.own else page.name}",
            fix=f"Type `tfft run {maker} --replay {folder}`",
        )
    if page.own and stored["page"].get("digest") != page.digest:
        logger.warning("%s has changed since the run in %s; its current version is used.", page.path, folder)
    return stored_config(config_class, folder, settled=True)


def stored_config(config_class: type[C], folder: Path, *, settled: bool = False) -> C:
    """The configuration of the run in a folder, with `out` set to None.

    Args:
        config_class: Of the page.
        folder: The run folder.
        settled: Whether to put in the advice that the run has taken, so that nothing is left to be advised.

    Raises:
        ConfigError: If the folder has none, or one with other fields.
    """
    run = read_run(folder)
    stored = of_earlier(config_class, run["config"])
    if settled and (taken := taken_advice(run)) is not None:
        stored = _settled(stored, taken)
    return dataclasses.replace(_from_json(config_class, stored, folder / CONFIG), out=None)


def of_earlier(config_class: type[Any], stored: Any) -> Any:
    """A configuration as an earlier tfft stored it, in the fields and words of now that mean the same."""
    if not isinstance(stored, dict):
        return stored
    stored = {name: _phase_of_earlier(value) for name, value in stored.items()}
    if "focal" in stored and stored.pop("focal"):
        stored["balance"] = "focal"
    if stored.get("balance") == "sample":
        stored["balance"] = "oversample"
    fields = {field.name for field in dataclasses.fields(config_class)}
    return {**{name: value for name, value in BEFORE.items() if name in fields}, **stored}


def _phase_of_earlier(value: Any) -> Any:
    return phase_of_earlier(value) if isinstance(value, dict) and "learning_rate" in value else value


def data_config(config_class: type[C], folder: Path, data: Any = None) -> C:
    """The configuration of the run in a folder, to find its data or other data.

    Python objects, such as a model as backbone, and the place of the store are left out: data do not depend on them.

    Args:
        config_class: Of the page.
        folder: The run folder.
        data: In place of the data of the run; None for those of the run.

    Raises:
        ConfigError: As `stored_config`; or if the data were Python objects and `data` is None.
    """
    stored = dict(of_earlier(config_class, read_run(folder)["config"]))
    if data is not None:
        stored.pop("data", None)
    stored.pop("store", None)
    stored = {name: value for name, value in stored.items() if name == "data" or not _is_object(value)}
    config = dataclasses.replace(_from_json(config_class, stored, folder / CONFIG), out=None)
    if data is not None:
        return dataclasses.replace(config, data=data)
    if str(config.data).startswith("tfds:"):  # the folder may be from a stranger, and this may download
        raise ConfigError(f"The data of the run are {config.data}", fix=f"Name them: `--data {config.data}`")
    return config


def with_choices(config: C, folder: Path) -> C:
    """The configuration with what `auto` chose in the run of a folder, so that another disk changes no number."""
    stored = read_run(folder)
    views = chosen_views(stored)
    if getattr(config, "views", None) != "auto" or config.augment != stored["config"].get("augment"):
        return config
    phases = {name: getattr(config, name) for name in views if dataclasses.is_dataclass(getattr(config, name, None))}
    chosen = {
        name: dataclasses.replace(phase, views=views[name]) for name, phase in phases.items() if phase.views is None
    }
    return dataclasses.replace(config, **chosen)


def trained_with(folder: Path) -> dict[str, Any]:
    """The settings by name that decide what the run in a folder is, with what `auto` has chosen, as JSON values."""
    run = read_run(folder)
    stored, taken, views = run["config"], taken_advice(run), chosen_views(run)
    asked = {name: stored[name] for name in ("recipe", "time_budget") if name in stored}
    settled = stored if taken is None else {**_settled(stored, taken), **asked}
    settings = flattened(settled) | {f"{name}.views": count for name, count in views.items()}
    return {name: value for name, value in settings.items() if name not in {*HARMLESS, "kept"}}


def chosen_views(stored: Mapping[str, Any]) -> dict[str, Any]:
    """How many views `auto` has chosen for each phase, from the content of `config.json`."""
    chosen = stored.get("chosen")
    views = chosen.get("views") if isinstance(chosen, dict) else None
    return views if isinstance(views, dict) else {}


def taken_advice(stored: Mapping[str, Any]) -> tuple[Advice, ...] | None:
    """The advice that a run has taken, from the content of `config.json`; None if it took none."""
    chosen = stored.get("chosen")
    rows = chosen.get("advice") if isinstance(chosen, dict) else None
    if not isinstance(rows, list):
        return None
    fields = {field.name for field in dataclasses.fields(Advice)}
    return tuple(Advice(**row) for row in rows if isinstance(row, dict) and row.keys() == fields)


def _settled(stored: Mapping[str, Any], taken: Sequence[Advice]) -> dict[str, Any]:
    """A stored configuration with the advice that was taken in its place."""
    settled = {**stored, "recipe": "plain", "time_budget": None, "kept": None}
    for advice in taken:
        group, _, name = advice.setting.rpartition(".")
        if group:
            settled[group] = {**settled[group], name: advice.value}
        else:
            settled[name] = advice.value
    return settled


def read_run(folder: Path) -> dict[str, Any]:
    """The content of `config.json` in a run folder.

    Raises:
        ConfigError: If the file is missing, or was not written by a run.
    """
    path = folder / CONFIG
    try:
        stored = files.read_json(path)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        raise ConfigError(f"No run in {folder}: config.json is missing", fix="Check the folder") from None
    except ValueError as error:
        raise ConfigError(f"{path} is damaged: {error}") from None
    groups = (stored.get("config"), stored.get("page", {})) if isinstance(stored, dict) else (None,)
    if not all(isinstance(group, dict) for group in groups):
        raise ConfigError(f"{path} was not written by a run", fix="Check the folder")
    return stored


def as_json(value: Any) -> Any:
    """A configuration as JSON values; a Python object (a model as backbone) becomes its type and name."""
    if dataclasses.is_dataclass(value) and value.__dataclass_params__.eq:  # others are objects, such as an encoder
        return {f.name: as_json(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, (list, tuple)):
        return [as_json(entry) for entry in value]
    if value is None or isinstance(value, (str, int, float, bool, dict)):
        return value
    # named so that a replay can explain why it fails
    return {"python_object": f"{type(value).__name__} {getattr(value, 'name', '')}".strip()}


def _from_json(config_class: type[C], stored: dict[str, Any], path: Path) -> C:
    hints = typing.get_type_hints(config_class)
    if not isinstance(stored, dict):
        raise ConfigError(f"{path} was not written by a run: {stored!r} is not a group of fields")
    if unknown := sorted(set(stored) - set(hints)):
        raise ConfigError(
            f"{path} has fields that {config_class.__module__}.{config_class.__name__} lacks: {listed(unknown)}",
            fix="Replay it with the recipe and the version of tfft that wrote it",
        )
    values = {}
    for name, value in stored.items():
        if _is_object(value):
            raise ConfigError(
                f"{path} cannot be read: `{name}` was a Python object ({value['python_object']})",
                fix="Run the Python code of that run again",
            )
        if dataclasses.is_dataclass(hints[name]):
            value = _from_json(hints[name], value, path)
        value = tuple(value) if isinstance(value, list) else value
        if not fits(value, hints[name]):
            raise ConfigError(f"{path} was not written by a run: {name}={value!r}")
        values[name] = value
    return config_class(**values)


def _is_object(value: Any) -> bool:
    return isinstance(value, dict) and "python_object" in value


def fits(value: Any, hint: Any) -> bool:
    """Whether a value has the type of its field, if that is a plain type; others are checked where they are used."""
    if typing.get_origin(hint) is typing.Literal:
        return value in typing.get_args(hint)
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        return any(fits(value, option) for option in typing.get_args(hint))
    if hint is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return not isinstance(hint, type) or type(value) is hint
