"""Where labelled pictures come from: a folder, a table, TensorFlow Datasets, the demo."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from tfft.data import audit, tables, tfds
from tfft.data.choices import Columns
from tfft.data.digits import digits
from tfft.data.labels import Label
from tfft.data.records import SPLIT_NAMES, Record, digested
from tfft.errors import ConfigError, DataError, listed

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


def find_pictures(source: str, columns: Columns | None = None) -> list[Record]:
    """Lists the labelled pictures of a source, with a digest of each, without decoding one.

    Args:
        source: A folder with one sub-folder per class (with or without `train/`, `val/`, `test/` above
            them), a `.csv` or `.tsv` file, `tfds:NAME`, or `demo`.
        columns: Columns of the table.

    Returns:
        Records in an order that depends on names only.

    Raises:
        ConfigError: If the source is demo data of another task, or no table and has `columns`.
        DataError: If there is nothing to read, a class is empty, or there are fewer than two classes.
    """
    table = source.lower().endswith((".csv", ".tsv"))
    if columns is not None and columns != Columns() and not table:
        raise ConfigError(
            "`--columns` belongs to a .csv or .tsv file",
            received=f"{columns} with {source}",
            fix="List the pictures in a table, or leave the columns out",
        )
    if source == "demo":
        records = digits()
    elif source.startswith("demo:"):
        raise ConfigError(
            "The demo data with a class for each picture are `demo`",
            received=repr(source),
            fix="Type `--data demo`, or run the recipe of that task: `tfft ls` lists them",
        )
    elif source.startswith("tfds:"):
        records = tfds.records(source.removeprefix("tfds:"))
    elif table:
        records = tables.records(Path(source), columns or Columns())
    else:
        records = folder_records(Path(source))
        check_same_classes(records, Path(source))
    audit.check_classes(records, source)
    return digested(records)


def folder_records(folder: Path) -> list[Record]:
    """Records of a folder of class folders, or of `train/`, `val/`, `test/` folders of them."""
    if not folder.is_dir():
        raise DataError(
            "`--data` must be a folder with one sub-folder per class, a .csv or .tsv file, `tfds:NAME`, or `demo`",
            received=f"{folder} ({'a file' if folder.exists() else 'no such folder'})",
            fix="Check the path, or try `--data demo`",
        )
    return [record for top, split in tops(folder).items() for record in _class_records(top, folder, split)]


def tops(folder: Path) -> dict[Path, str | None]:
    """The folders that hold folders of classes, with their splits: `folder` itself (None), or train, val and test.

    Raises:
        DataError: If there are val and test without train, or other folders beside train.
    """
    there = subfolders(folder)
    splits = split_folders(folder)
    if "train" not in splits.values():
        if len(splits) > 1:
            raise DataError(
                "Beside val and test folders there is a train folder",
                received=f"only {listed(top.name for top in there)} in {folder}",
                fix="Rename the folder that is trained on to train",
            )
        return {folder: None}
    # runs/ is where tfft itself writes, if it is started inside the data folder
    if others := [top.name for top in there if top not in splits and top.name != "runs"]:
        raise DataError(
            f"A folder with a train/ folder holds only split folders ({', '.join(sorted(set(SPLIT_NAMES)))})",
            received=f"also {listed(others)} in {folder}",
            fix="Move them into train/, or somewhere else",
        )
    return dict(splits)


def split_folders(folder: Path) -> dict[Path, str]:
    """The sub-folders that are named after a split, with that."""
    return {top: SPLIT_NAMES[top.name.lower()] for top in subfolders(folder) if top.name.lower() in SPLIT_NAMES}


def _class_records(folder: Path, root: Path, split: str | None) -> list[Record]:
    classes = subfolders(folder)
    if not classes:
        raise DataError(
            "A picture folder holds one sub-folder per class",
            received=f"no sub-folder in {folder}",
            fix="Move the pictures into sub-folders named after their class, or pass a CSV file",
        )
    found = {top.name: picture_files(top) for top in classes}
    if not any(found.values()):
        raise DataError("A picture folder holds pictures", received=f"no picture below {folder}", fix="Check `--data`")
    if not found.get("runs", True):
        del found["runs"]  # where tfft itself writes, if it is started inside the data folder
    if empty := [name for name, files in found.items() if not files]:
        raise DataError(
            "Every class folder holds at least one picture",
            received=f"no picture in {listed(folder / name for name in empty)}",
            fix="Add pictures, or remove the empty folders",
        )
    return [
        Record(content=file, truth=Label(text(name)), where=text(file.relative_to(root).as_posix()), split=split)
        for name, files in found.items()
        for file in files
    ]


def subfolders(folder: Path) -> list[Path]:
    """Folders in `folder` by name, without hidden ones and links that lead back above themselves."""
    home = folder.resolve()
    return sorted(
        entry
        for entry in folder.iterdir()
        if entry.is_dir() and not entry.name.startswith((".", "__")) and not home.is_relative_to(entry.resolve())
    )


def picture_files(folder: Path) -> list[Path]:
    """Every file below `folder` that is not known to be something else; links to folders are not followed."""
    return files_below(folder, lambda name: os.path.splitext(name.lower())[1] not in IGNORED_SUFFIXES)


def files_below(folder: Path, wanted: Callable[[str], bool]) -> list[Path]:
    """The files below `folder` whose names are wanted, without what systems leave there."""
    files = []
    for path, folders, names in os.walk(folder, followlinks=False):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        files += [Path(path, name) for name in sorted(names) if not _ignored(name) and wanted(name)]
    # a broken link stays, to be named with what cannot be read; a pipe or a device would never end
    return [file for file in files if file.is_file() or not file.exists()]


def text(name: str) -> str:
    """A name on disk as text that can be written: bytes that are no UTF-8 are replaced."""
    return name.encode("utf-8", "replace").decode("utf-8")


def _ignored(name: str) -> bool:
    return name.startswith(".") or name.lower() in IGNORED_NAMES


def check_same_classes(records: list[Record], folder: Path) -> None:
    """Raises `DataError` if a class of val or test is not in train."""
    classes = {split: {r.truth.name for r in records if r.split == split} for split in ("train", "val", "test")}
    for split in ("val", "test"):
        if unknown := classes[split] - classes["train"]:
            raise DataError(
                f"Every class of the {split} folder is also in the train folder",
                received=f"{listed(sorted(unknown))} only in {split} of {folder}",
                fix="Add some of it to train, or remove its folder",
            )
