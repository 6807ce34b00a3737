"""Run folders: a new one, or that of an interrupted run, for one run at a time."""

from __future__ import annotations

import dataclasses
import datetime
import itertools
import json
import logging
import shlex
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfft import files
from tfft.errors import ConfigError, ConflictError, MachineError, listed
from tfft.pages import Page
from tfft.runs.replay import CONFIG, as_json, chosen_views, of_earlier, read_run
from tfft.settings import HARMLESS

if TYPE_CHECKING:
    import filelock

logger = logging.getLogger(__name__)

LOCK = ".lock"
"""A file in a run folder, locked while the run lasts; the lock of a killed run ends with its process."""
FINISHED = "report.html"
"""The file that a run writes last."""


@dataclass(frozen=True)
class Claim:
    """A folder that belongs to this run until it is released."""

    folder: Path
    lock: filelock.BaseFileLock
    begun: bool = False
    """Whether an interrupted or finished run of the same configuration is there."""
    made: tuple[Path, ...] = ()
    """The folders that were made for it, the lowest first."""

    def release(self) -> None:
        """Lets other runs use the folder."""
        if self.lock.is_locked:
            with suppress(OSError):  # first, since a file that is not locked may already be locked by another run
                Path(self.lock.lock_file).unlink()
            self.lock.release()

    def undo(self, *names: str) -> None:
        """Releases the folder and removes it, if it has only the given files and was made for this run."""
        with suppress(FileNotFoundError):
            if self.begun or not {entry.name for entry in self.folder.iterdir()} <= {LOCK, *names}:
                return
        for name in names:
            (self.folder / name).unlink(missing_ok=True)
        self.release()
        for folder in self.made:
            with suppress(OSError):  # another run has begun in it
                folder.rmdir()


def claim(page: Page, config: Any) -> Claim:
    """The folder for a run.

    That is `config.out`, if it is new or empty, or has a run of the same configuration. Where `out` is None, it is the
    folder of an interrupted run of the same configuration in `runs/`, or else a new one there.

    Raises:
        ConfigError: If the folder has other files, or a run of another configuration.
        ConflictError: If another run is using the folder.
        MachineError: If the folder cannot be written.
    """
    if config.out is not None:
        return _claimed(Path(config.out), page, config)
    for folder in _interrupted(page, config):
        with suppress(ConflictError):
            return _claimed(folder, page, config)
    stem = f"{page.name}-{datetime.datetime.now():%Y%m%d-%H%M%S}"
    for name in itertools.chain([stem], (f"{stem}-{number}" for number in itertools.count(2))):
        if not (folder := Path("runs", name)).exists():
            with suppress(ConflictError, ConfigError):  # another run started in the same second
                return _claimed(folder, page, config)
    raise AssertionError("unreachable: there is always another name")


def _claimed(folder: Path, page: Page, config: Any) -> Claim:
    """The folder, locked; `config.json` and a copy of your own page are in it."""
    import filelock

    made = tuple(itertools.takewhile(lambda path: not path.exists(), (folder, *folder.parents)))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(folder / LOCK, timeout=0)
        if foreign := _foreign(folder):
            raise ConfigError(
                f"`--out` {folder} already holds other files ({listed(foreign, most=4)})",
                fix="Choose another folder, or empty it yourself; tfft never deletes files",
            )
        stale = folder.joinpath(LOCK).exists()
        lock.acquire()
        if stale:  # a run removes its lock, unless it is killed
            logger.info("Taking over %s from a run that was killed", folder)
        begun = (folder / CONFIG).exists()
        claimed = Claim(folder, lock, begun, made)
        try:
            if begun:
                _check_same(folder, page, config)
            _clean(folder)
            if not begun:
                # this also shows whether the folder can be written; permission bits alone do not
                files.write_json(folder / CONFIG, {**page.described(), "config": as_json(config)})
                if page.own:  # kept as it is now, in case it is changed or lost
                    files.write_text(folder / page.path.name, page.path.read_text(encoding="utf-8"))
            return claimed
        except BaseException:
            claimed.undo(CONFIG, page.path.name)
            claimed.release()
            raise
    except filelock.Timeout:
        raise ConflictError(f"Another run is using {folder}", fix="Choose another `--out`") from None
    except FileExistsError:
        raise ConfigError(f"`--out` {folder} is a file", fix="Choose a new or empty folder") from None
    except OSError as error:
        raise MachineError(
            f"Cannot write the run folder {folder}: {error.strerror}", fix="Choose another `--out`"
        ) from None


def _foreign(folder: Path) -> list[str]:
    """Names of the files in a folder without a run."""
    names = sorted(entry.name for entry in folder.iterdir() if entry.name != LOCK)
    return [] if CONFIG in names else [name for name in names if not files.is_half_written(folder / name)]


def _clean(folder: Path) -> None:
    """Removes what a killed run has left half written."""
    for path in filter(files.is_half_written, folder.iterdir()):
        logger.info("Removing a half-written file of the run that was stopped: %s", path)
        path.unlink(missing_ok=True)


def _interrupted(page: Page, config: Any) -> Iterator[Path]:
    """The folders in `runs/` of interrupted runs of the same configuration, the newest first."""
    wanted = {**page.described(), "config": as_json(config)}
    if "python_object" in json.dumps(wanted):  # two objects of one name may differ
        return
    for folder in sorted(Path("runs").glob(f"{page.name}-*"), reverse=True):
        with suppress(ConfigError, OSError):
            stored = read_run(folder)
            same = stored.get("page") == wanted.get("page") and stored["recipe"] == wanted["recipe"]
            if same and not (folder / FINISHED).exists() and not any(changed_settings(stored, config)):
                yield folder


def _check_same(folder: Path, page: Page, config: Any) -> None:
    """Raises `ConfigError` if the run in a folder is of another recipe or configuration."""
    stored = read_run(folder)
    if (stored.get("recipe"), "page" in stored) != (page.name, page.own):
        raise ConfigError(f"`--out` {folder} has a run of {stored.get('recipe')}", fix="Choose another folder")
    if (digest := stored.get("page", {}).get("digest")) and digest != page.digest:
        raise ConfigError(
            f"{page.path} has changed since the run in {folder} began",
            fix=f"Restore it (its copy is {folder / page.path.name}), or choose another `--out`",
        )
    if (folder / FINISHED).exists() and "python_object" in json.dumps(stored):
        raise ConfigError(
            f"`--out` {folder} has a finished run of Python objects, which may not be those of this run",
            fix="Choose another folder",
        )
    if changes := list(changed_settings(stored, config)):
        resume = f", or resume that run: `{resume_command(folder, page)}`"
        raise ConfigError(
            f"`--out` {folder} has a run with other settings: {listed(changes, most=6)}",
            fix=f"Choose another folder{'' if (folder / FINISHED).exists() else resume}",
        )


def resume_command(folder: Path, page: Page) -> str:
    """What to type to resume the run in a folder."""
    named = f" --page {shlex.quote(str(page.path))}" if page.own else ""
    return f"tfft resume {shlex.quote(str(folder))}{named}"


def changed_settings(stored: Mapping[str, Any], config: Any) -> Iterator[str]:
    """The settings that differ from those of `config.json`: `"--seed 1 (was 0)"`. An older tfft may have stored fewer.

    What `auto` has chosen counts as equal to what was given.
    """
    same = [(f"{phase}.views", count) for phase, count in chosen_views(stored).items()]

    def differing(before: Mapping[str, Any], now: Any, group: str) -> Iterator[str]:
        for name, old in before.items():
            new, path = getattr(now, name, None), f"{group}{name}"
            if dataclasses.is_dataclass(new) and isinstance(old, dict) and "python_object" not in old:
                yield from differing(old, new, f"{path}.")
            elif path not in HARMLESS and as_json(new) != old and not (old is None and (path, new) in same):
                yield f"--{path.replace('_', '-')} {new} (was {old})"

    yield from differing(of_earlier(type(config), stored["config"]), config, "")
