"""Finds labelled texts: in files of rows, a folder of text files, TensorFlow Datasets, or the demo data."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from pathlib import Path

from tfft.data.choices import TextColumns
from tfft.data.demo import phrases
from tfft.data.records import Record, split_name
from tfft.data.sources import array_truths, tfds
from tfft.data.sources.arrays import Arrays, array_records
from tfft.data.sources.class_folders import check_same_classes, tops
from tfft.data.sources.files import files_below, readable, subfolders
from tfft.data.sources.text_files import SUFFIXES, cell, is_rows, name_in, split_files, text_digested, text_rows
from tfft.data.splitting import audit
from tfft.data.truths.labels import Label
from tfft.errors import ConfigError, DataError, listed


def find_texts(source: str | Arrays, columns: TextColumns | None = None) -> list[Record]:
    """Lists the labelled texts of a source with their digests.

    Args:
        source: `Arrays`, or the place of the data:
            a .csv, .tsv or .jsonl file; a folder with such files named after their splits (`train.tsv`, `dev.tsv`);
            a folder with one sub-folder of .txt files per class (with or without `train/`, `val/`, `test/` above
            them); `tfds:NAME`; or `demo:text`.
        columns: Columns of a table, or keys of JSON lines.

    Returns:
        Records in the order of the rows, or of the names.

    Raises:
        ConfigError: If the source is demo data of another task, or not a file of rows despite `columns`, or if text
            and label are the same column.
        DataError: If there is nothing to read, or there are fewer than two classes.
    """
    if isinstance(source, Arrays):
        records = array_records(source, array_truths.text, array_truths.label)
        audit.check_classes(records, str(source))
        return text_digested(records)
    rows = is_rows(Path(source))
    if columns is not None and columns != TextColumns() and not rows:
        raise ConfigError(
            f"`--columns` works only with a .csv, .tsv or .jsonl file, not with {source} (got {columns})",
            fix="Write the texts into a table, or leave the columns out",
        )
    if source == "demo:text":
        records = [
            Record(review.text.encode(), Label(review.label), where=f"demo text {number}", split=review.split)
            for number, review in enumerate(phrases.reviews())
        ]
    elif source == "demo" or source.startswith("demo:"):
        raise ConfigError(
            f"{source!r} is not demo data of this task",
            fix="Type `--data demo:text`, or run another recipe: `tfft ls` lists them",
        )
    elif source.startswith("tfds:"):
        records = tfds.text_records(source.removeprefix("tfds:"))
    elif rows:
        records = list(_row_records(Path(source), columns or TextColumns()))
    else:
        records = _folder_records(Path(source))
    audit.check_classes(records, source)
    audit.check_trained(records, source)
    return text_digested(records)


def _row_records(source: Path, columns: TextColumns) -> Iterable[Record]:
    if columns.text == columns.label:
        raise ConfigError(
            f"`--columns.text` and `--columns.label` are both {columns.text!r}", fix="Name two columns, see `--help`"
        )
    _check_one_kind(source)
    names = [name for name in (columns.text, columns.label, columns.split, columns.group) if name]
    for where, split, row in text_rows(source, names):
        yield Record(
            content=cell(row, columns.text, where).encode("utf-8", "surrogatepass"),
            truth=Label(name_in(row, columns.label, where)),
            where=where,
            split=split_name(name_in(row, columns.split, where), where) if columns.split else split,
            group=name_in(row, columns.group, where) if columns.group else None,
        )


def _check_one_kind(folder: Path) -> None:
    """Raises `DataError` if a folder contains two data sets, one of which would be ignored."""
    if files := split_files(folder):
        beside = [top.name for top in subfolders(folder) if top.name != "runs" and _text_files(top)]
        if len(beside) > 1:
            raise DataError(
                f"{folder} contains both files of splits ({listed(path.name for path in files)}) and folders of .txt "
                f"files ({listed(beside)})",
                fix="Move either kind to another folder",
            )


def _folder_records(folder: Path) -> list[Record]:
    if not folder.is_dir():
        raise DataError(
            f"{folder} is not a folder" if folder.exists() else f"Folder not found: {folder}",
            fix=f"Check `--data`: a {', '.join(SUFFIXES)} file in UTF-8, a folder, `tfds:NAME`, or `demo:text`",
        )
    records = []
    for top, split in tops(folder).items():
        # a folder of runs, which tfft itself writes if it is started inside the data folder, is not a class
        classes = {home: _text_files(home) for home in subfolders(top) if not any(home.glob("*/config.json"))}
        if empty := [home.name for home, files in classes.items() if not files and home.name != "runs"]:
            raise DataError(
                f"No .txt files in {listed(empty)} of {top}",
                fix="Name the texts *.txt, or remove folders without texts",
            )
        records += [
            Record(
                path,
                Label(unicodedata.normalize("NFC", readable(home.name))),
                where=readable(path.relative_to(folder).as_posix()),
                split=split,
            )
            for home, files in classes.items()
            for path in files
        ]
    if not records:
        raise DataError(
            f"No texts found in {folder}",
            fix=f"Name the files train, val and test ({', '.join(SUFFIXES)}), or make one sub-folder of .txt files per "
            "class",
        )
    check_same_classes(records, folder)
    return records


def _text_files(folder: Path) -> list[Path]:
    return files_below(folder, lambda name: name.lower().endswith(".txt"))
