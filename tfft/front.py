"""From the arguments of the verbs of `tfft`, such as `tfft.run`, to a page and its configuration."""

from __future__ import annotations

import dataclasses
import logging
import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from tfft.cli import log_to_screen
from tfft.errors import ConfigError, TfftError, check_range, nearest
from tfft.pages import Page, find_page, load_page
from tfft.runs.replay import CONFIG, data_config, read_run, stored_config
from tfft.settings import keeping, named_by_arguments

logger = logging.getLogger(__name__)

MOST_SHOWN = 6
"""Examples on the page of a model."""

if TYPE_CHECKING:
    from tfft.evaluation import Verdict
    from tfft.serving import Predictor
    from tfft.serving.comparing import Compared
    from tfft.serving.paired import Contest


def open_page(recipe: str) -> ModuleType:
    """Imports the page of a recipe, and shows log messages on the screen."""
    log_to_screen()
    return load_page(find_page(str(recipe)))


def open_run_page(folder: Path, command: str) -> tuple[Page, ModuleType]:
    """The page of an earlier run, if it is one of those that come with tfft.

    A page of your own is never imported because a run folder names it: the folder may be from a stranger.

    Args:
        folder: The run folder.
        command: What to type for a page of your own, with `{page}` and `{run}` in place of the paths.

    Raises:
        ConfigError: If the folder has no run, or one of a page of your own.
    """
    stored = read_run(folder)
    name = stored.get("page", {}).get("file") or stored.get("recipe")
    if not isinstance(name, str):
        raise ConfigError(f"{folder / CONFIG} names no recipe", fix="Check the folder")
    if name.endswith(".py"):
        typed = command.format(page=shlex.quote(name), run=shlex.quote(str(folder)))
        copy = folder / Path(name).name
        what = f"The run in {folder} was made by a page of your own, which you must name"
        if os.path.isfile(copy) and not os.path.isfile(name):  # which take a name of any length
            what += f" ({name} is missing; {copy} is its copy)"
        raise ConfigError(what, fix=f"Type `{typed}`")
    page = find_page(name)
    return page, load_page(page)


def page_of_run(folder: Path, page: str | os.PathLike[str] | None, verb: str) -> ModuleType:
    """The page of an earlier run, which for a page of your own must be named; `verb` is the command that needs it."""
    if page is None:
        return open_run_page(folder, f"tfft {verb} {{run}} --page {{page}}")[1]
    return load_page(find_page(str(page)))


def open_run(folder: str | os.PathLike[str], *, column: str | None = None, lines: bool = False) -> Predictor:
    """Opens the model of a finished run; TensorFlow starts without its log lines."""
    from tfft.runs.starting import import_keras
    from tfft.serving.contract import read_contract

    read_contract(Path(folder))  # a wrong folder is known before TensorFlow is imported
    import_keras()
    from tfft import serving

    return serving.open_run(folder, column=column, lines=lines)


def evaluate(
    folder: str | os.PathLike[str],
    page: str | os.PathLike[str] | None = None,
    data: Any = None,
    labels: list[str] | None = None,
    *,
    tta: bool = False,
) -> dict[str, Any]:
    """Scores the model of a run on its own test split, or on other data."""
    log_to_screen()
    folder = Path(folder)
    module = page_of_run(folder, page, "evaluate")
    config = data_config(module.Config, folder, _as_data(data, labels))
    return score(folder, module, config, own=data is None, tta=tta)[0]


def score(folder: Path, page: ModuleType, config: Any, *, own: bool, tta: bool) -> tuple[dict[str, Any], list[Verdict]]:
    """Scores the model of a run on the data of a configuration, see `evaluate_run`."""
    from tfft.runs.starting import import_keras

    import_keras()
    from tfft.serving.evaluating import evaluate_run

    return evaluate_run(folder, page.RECIPE.find_data, config, own=own, tta=tta)


def compare(
    folders: Sequence[str | os.PathLike[str]],
    page: str | os.PathLike[str] | None = None,
    data: Any = None,
    labels: list[str] | None = None,
) -> Contest:
    """Compares several runs on the test split of the first, or on other data; shows a table."""
    log_to_screen()
    folders = [Path(folder) for folder in folders]
    if len(folders) < 2:
        raise ConfigError("Two runs or more are needed", fix="Type `tfft compare RUN RUN`")
    module = page_of_run(folders[0], page, "compare")
    config = data_config(module.Config, folders[0], _as_data(data, labels))
    from tfft.runs.starting import import_keras

    import_keras()
    from tfft import reporting
    from tfft.serving.paired import compare_runs

    contest = compare_runs(folders, module.RECIPE.find_data, config, own=data is None)
    reporting.show_contest(contest)
    return contest


def export(
    folder: str | os.PathLike[str],
    formats: Sequence[str],
    out: str | os.PathLike[str] | None = None,
    page: str | os.PathLike[str] | None = None,
    data: Any = None,
    labels: list[str] | None = None,
) -> dict[str, Compared]:
    """Exports the model of a run; each export is compared with it on examples of the run, or of other data."""
    log_to_screen()
    folder, formats = Path(folder), [formats] if isinstance(formats, str) else list(formats)
    from tfft.serving.job import check_folders

    out = folder / "export" if out is None else Path(out)
    check_folders(formats, out)
    predict = open_run(folder)
    from tfft.serving import exporting

    for name in formats:
        exporting.check_format(predict, name)
    module = page_of_run(folder, page, "export")
    config = data_config(module.Config, folder, _as_data(data, labels))
    own_config = None if data is None else lambda: data_config(module.Config, folder)
    examples = exporting.Examples.of(predict, module.RECIPE.find_data, config, own_config)
    return exporting.export_run(predict, formats, out, examples)


def serve(
    folder: str | os.PathLike[str],
    host: str = "127.0.0.1",
    port: int | None = None,
    page: str | os.PathLike[str] | None = None,
) -> None:
    """Shows a page where pictures or texts can be tried, with examples from the test split if the data are there."""
    log_to_screen()
    folder = Path(folder)
    if port is not None:
        check_range("--port", port, least=1, most=65_535)
    predict = open_run(folder)
    from tfft.serving import page as pages
    from tfft.serving.asked import Asked
    from tfft.serving.evaluating import held_out
    from tfft.serving.splits import spread

    try:
        module = page_of_run(folder, page, "serve")
        records = held_out(folder, module.RECIPE.find_data, data_config(module.Config, folder), own=True)
        examples = [Asked(record.where, record.content) for record in spread(records, MOST_SHOWN)]
    except TfftError as error:
        logger.info("The page has no examples: %s", error)
        examples = []
    pages.serve(predict, pages.Address(host, port), examples)


def _as_data(data: Any, labels: list[str] | None) -> Any:
    """What `--data` takes, or arrays; None for None.

    Raises:
        ConfigError: If `labels` is passed without arrays.
    """
    if data is not None and not isinstance(data, (str, os.PathLike)):
        from tfft.data import as_arrays

        return as_arrays(data, labels)
    if labels is not None:
        raise ConfigError(
            "`labels` names the classes of arrays", fix="Leave it out: a folder or a table has names itself"
        )
    return None if data is None else os.fspath(data)


def resume(folder: str | os.PathLike[str], page: str | os.PathLike[str] | None = None, **settings: Any) -> Any:
    """Resumes the run in a folder."""
    log_to_screen()
    folder = Path(folder)
    module = page_of_run(folder, page, "resume")
    # a page of your own may have been made before there was such a field
    settings = {name: value for name, value in settings.items() if value != "stop"}
    return module.run(changed(stored_config(module.Config, folder), {**settings, "out": str(folder)}))


def configure(page: ModuleType, data: Any, labels: list[str] | None, settings: Mapping[str, Any]) -> Any:
    """The settings from keyword arguments; without data, changes to those of the demo.

    Raises:
        ConfigError: If a setting is unknown, or `labels` is passed without arrays.
    """
    start = page.Config() if data is not None else getattr(page, "DEMO", None) or page.Config()
    if (given := _as_data(data, labels)) is not None:
        settings = {**settings, "data": given}
    return keeping(changed(start, settings), named_by_arguments(settings))


def changed(config: Any, settings: Mapping[str, Any]) -> Any:
    """A frozen dataclass with changed values; a group of settings may be a dictionary.

    Raises:
        ConfigError: If a setting is unknown.
    """
    fields = {field.name: getattr(config, field.name) for field in dataclasses.fields(config)}
    for name in settings:
        if name not in fields:
            raise ConfigError(f"No setting `{name}`", fix=f"Nearest: {nearest(name, fields)}")
    values = {
        name: changed(fields[name], value)
        if dataclasses.is_dataclass(fields[name]) and isinstance(value, Mapping)
        else tuple(value)
        if isinstance(value, list)
        else value
        for name, value in settings.items()
    }
    return dataclasses.replace(config, **values)
