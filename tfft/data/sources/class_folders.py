"""Pictures or texts in folders named after their class, with or without folders of splits above them."""

from __future__ import annotations

from pathlib import Path

from tfft.data.records import SPLIT_NAMES, Record
from tfft.data.sources.files import picture_files, readable, subfolders
from tfft.data.truths.labels import Label
from tfft.errors import DataError, listed


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
        Record(
            content=file, truth=Label(readable(name)), where=readable(file.relative_to(root).as_posix()), split=split
        )
        for name, files in found.items()
        for file in files
    ]


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
