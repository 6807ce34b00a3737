"""Folders named after classes, with or without split folders above them."""

from __future__ import annotations

from pathlib import Path

from tfft.data.records import SPLIT_NAMES, Record
from tfft.data.sources.files import picture_files, readable, subfolders
from tfft.data.truths.labels import Label
from tfft.errors import DataError, listed


def folder_records(folder: Path) -> list[Record]:
    """Returns the records of a folder of class folders, or of `train/`, `val/`, `test/` folders of class folders."""
    if not folder.is_dir():
        raise DataError(
            f"{folder} is not a folder" if folder.exists() else f"Folder not found: {folder}",
            fix="Check `--data`: a folder with one sub-folder per class, a .csv or .tsv file, `tfds:NAME`, or `demo`",
        )
    return [record for top, split in tops(folder).items() for record in _class_records(top, folder, split)]


def tops(folder: Path) -> dict[Path, str | None]:
    """Returns the folders that contain class folders, with their splits: `folder` (None), or train, val and test.

    Raises:
        DataError: If val and test exist without train, or other folders beside train.
    """
    folders = subfolders(folder)
    splits = split_folders(folder)
    if "train" not in splits.values():
        if len(splits) > 1:
            raise DataError(
                f"No train folder in {folder}, only {listed(top.name for top in folders)}",
                fix="Rename the folder of training examples to train",
            )
        return {folder: None}
    # tfft itself writes runs/ if it is started inside the data folder
    if others := [top.name for top in folders if top not in splits and top.name != "runs"]:
        raise DataError(
            f"Folders beside train/ in {folder} are not splits: {listed(others)}",
            fix=f"Move them into train/ or elsewhere; splits are named {', '.join(sorted(set(SPLIT_NAMES)))}",
        )
    return dict(splits)


def split_folders(folder: Path) -> dict[Path, str]:
    """Returns the sub-folders that are named after a split, with their splits."""
    return {top: SPLIT_NAMES[top.name.lower()] for top in subfolders(folder) if top.name.lower() in SPLIT_NAMES}


def _class_records(folder: Path, root: Path, split: str | None) -> list[Record]:
    classes = subfolders(folder)
    if not classes:
        raise DataError(
            f"No class folders in {folder}",
            fix="Move the pictures into sub-folders named after their class, or pass a CSV file",
        )
    pictures = {top.name: picture_files(top) for top in classes}
    if not any(pictures.values()):
        raise DataError(f"No pictures found below {folder}", fix="Check `--data`")
    if not pictures.get("runs", True):
        del pictures["runs"]  # tfft itself writes there if it is started inside the data folder
    if empty := [name for name, files in pictures.items() if not files]:
        raise DataError(
            f"Class folders without pictures: {listed(folder / name for name in empty)}",
            fix="Add pictures, or remove the empty folders",
        )
    return [
        Record(
            content=file, truth=Label(readable(name)), where=readable(file.relative_to(root).as_posix()), split=split
        )
        for name, files in pictures.items()
        for file in files
    ]


def check_same_classes(records: list[Record], folder: Path) -> None:
    """Raises `DataError` if a class of val or test is not in train."""
    classes = {split: {r.truth.name for r in records if r.split == split} for split in ("train", "val", "test")}
    for split in ("val", "test"):
        if unknown := classes[split] - classes["train"]:
            raise DataError(
                f"Classes without training examples, only in {split} of {folder}: {listed(sorted(unknown))}",
                fix="Add examples of them to train, or remove their folders",
            )
