"""Lists files and folders on disk, without those of the operating system and of tfft."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from tfft.data.records import SIGNATURES
from tfft.errors import listed, printable

logger = logging.getLogger(__name__)

IGNORED_NAMES = {"thumbs.db", "desktop.ini", "source.txt"}


IGNORED_SUFFIXES = {
    ".txt",
    ".md",
    ".csv",
    ".tsv",
    ".json",
    ".xml",
    ".yaml",
    ".yml",
    ".html",
    ".py",
    ".ipynb",
    ".keras",
    ".h5",
}


def subfolders(folder: Path) -> list[Path]:
    """Returns the sub-folders of `folder` by name, without hidden ones.

    Links to a folder above or to another one in `folder` are left out with a warning.
    """
    home = folder.resolve()
    found = [entry for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith((".", "__"))]
    loops = [
        entry
        for entry in found
        if home.is_relative_to(entry.resolve()) or (entry.is_symlink() and entry.resolve().is_relative_to(home))
    ]
    _warn_of_left_out(loops)
    return sorted(set(found) - set(loops))


def picture_files(folder: Path) -> list[Path]:
    """Returns all files below `folder` except known other types; links to folders are not followed."""
    return files_below(folder, lambda name: os.path.splitext(name.lower())[1] not in IGNORED_SUFFIXES)


def files_below(folder: Path, wanted: Callable[[str], bool]) -> list[Path]:
    """Returns the files below `folder` whose names `wanted` accepts, without those of the operating system.

    Links to folders, and folders that are named like pictures, are left out with a warning.
    """
    files = []
    for path, folders, names in os.walk(folder, followlinks=False):
        seen = sorted(name for name in folders if not name.startswith("."))
        odd = [name for name in seen if Path(path, name).is_symlink() or Path(name).suffix.lower() in SIGNATURES]
        _warn_of_left_out([Path(path, name) for name in odd])
        folders[:] = [name for name in seen if name not in odd]
        files += [Path(path, name) for name in sorted(names) if not _ignored(name) and wanted(name)]
    # broken links stay, so that reading reports them; pipes and devices are left out, reading them may never end
    return [file for file in files if file.is_file() or not file.exists()]


def _warn_of_left_out(folders: Sequence[Path]) -> None:
    if folders:
        names = printable(listed(folders, most=5))
        logger.warning("Folders left out, because they are links or have the name of a picture: %s", names)


def readable(name: str) -> str:
    """Returns a name on disk as valid Unicode: bytes that are not UTF-8 are replaced."""
    return name.encode("utf-8", "replace").decode("utf-8")


def _ignored(name: str) -> bool:
    return name.startswith(".") or name.lower() in IGNORED_NAMES
