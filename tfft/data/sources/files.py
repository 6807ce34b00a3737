"""Lists files and folders on disk, without those of the operating system and of tfft."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

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
    """Returns the sub-folders of `folder` by name, without hidden ones and links to a folder above."""
    home = folder.resolve()
    return sorted(
        entry
        for entry in folder.iterdir()
        if entry.is_dir() and not entry.name.startswith((".", "__")) and not home.is_relative_to(entry.resolve())
    )


def picture_files(folder: Path) -> list[Path]:
    """Returns all files below `folder` except known other types; links to folders are not followed."""
    return files_below(folder, lambda name: os.path.splitext(name.lower())[1] not in IGNORED_SUFFIXES)


def files_below(folder: Path, wanted: Callable[[str], bool]) -> list[Path]:
    """Returns the files below `folder` whose names `wanted` accepts, without those of the operating system."""
    files = []
    for path, folders, names in os.walk(folder, followlinks=False):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        files += [Path(path, name) for name in sorted(names) if not _ignored(name) and wanted(name)]
    # broken links stay, so that reading reports them; pipes and devices are left out, reading them may never end
    return [file for file in files if file.is_file() or not file.exists()]


def readable(name: str) -> str:
    """Returns a name on disk as valid Unicode: bytes that are not UTF-8 are replaced."""
    return name.encode("utf-8", "replace").decode("utf-8")


def _ignored(name: str) -> bool:
    return name.startswith(".") or name.lower() in IGNORED_NAMES
