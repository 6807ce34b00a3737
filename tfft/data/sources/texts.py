"""Where labelled texts come from: files of rows, a folder of text files, TensorFlow Datasets, the demo."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from pathlib import Path

from tfft.data.choices import TextColumns
from tfft.data.demo import phrases
from tfft.data.records import Record, split_name
from tfft.data.sources import arrays, tfds
from tfft.data.sources.arrays import Arrays, array_records
from tfft.data.sources.class_folders import check_same_classes, tops
from tfft.data.sources.files import files_below, readable, subfolders
from tfft.data.sources.text_files import SUFFIXES, cell, is_rows, name_in, split_files, text_digested, text_rows
from tfft.data.splitting import audit
from tfft.data.truths.labels import Label
from tfft.errors import ConfigError, DataError, listed


def find_texts(source: str | Arrays, columns: TextColumns | None = None) -> list[Record]:
    """Lists the labelled texts of a source, with a digest of each.

    Args:
        source: `Arrays`, or where the data are.
            A .csv, .tsv or .jsonl file; a folder with such files named after their splits (`train.tsv`, `dev.tsv`);
            a folder with one sub-folder of .txt files per class (with or without `train/`, `val/`, `test/` above
            them); `tfds:NAME`; or `demo:text`.
        columns: Columns of a table, keys of JSON lines.

    Returns:
        Records in the order of the rows, or of the names.

    Raises:
        ConfigError: If the source is demo data of another task, or no file of rows and has `columns`, or these name
            one column as text and label.
        DataError: If there is nothing to read, or there are fewer than two classes.
    """
    if isinstance(source, Arrays):
        found = array_records(source, arrays.text, arrays.label)
        audit.check_classes(found, str(source))
        return text_digested(found)
    rows = is_rows(Path(source))
    if columns is not None and columns != TextColumns() and not rows:
        raise ConfigError(
            "`--columns` belongs to a .csv, .tsv or .jsonl file",
            received=f"{columns} with {source}",
            fix="Write the texts into a table, or leave the columns out",
        )
    if source == "demo:text":
        found = [
            Record(one.text.encode(), Label(one.label), where=f"demo text {number}", split=one.split)
            for number, one in enumerate(phrases.reviews())
        ]
    elif source == "demo" or source.startswith("demo:"):
        raise ConfigError(
            "The demo data with a class for each text are `demo:text`",
            received=repr(source),
            fix="Type `--data demo:text`, or run the recipe of that task: `tfft ls` lists them",
        )
    elif source.startswith("tfds:"):
        found = tfds.text_records(source.removeprefix("tfds:"))
    elif rows:
        found = list(_row_records(Path(source), columns or TextColumns()))
    else:
        found = _folder_records(Path(source))
    audit.check_classes(found, source)
    audit.check_trained(found, source)
    return text_digested(found)


def _row_records(source: Path, columns: TextColumns) -> Iterable[Record]:
    if columns.text == columns.label:
        raise ConfigError(
            "Text and label stand in two columns", received=repr(columns.text), fix="Check `--columns.*`, see `--help`"
        )
    _check_one_kind(source)
    named = [name for name in (columns.text, columns.label, columns.split, columns.group) if name]
    for where, split, row in text_rows(source, named):
        yield Record(
            content=cell(row, columns.text, where).encode("utf-8", "surrogatepass"),
            truth=Label(name_in(row, columns.label, where)),
            where=where,
            split=split_name(name_in(row, columns.split, where), where) if columns.split else split,
            group=name_in(row, columns.group, where) if columns.group else None,
        )


def _check_one_kind(folder: Path) -> None:
    """One of two data sets in a folder would be passed over."""
    if files := split_files(folder):
        beside = [top.name for top in subfolders(folder) if top.name != "runs" and _text_files(top)]
        if len(beside) > 1:
            raise DataError(
                "A folder holds files named after splits, or folders of .txt files",
                received=f"{listed(path.name for path in files)} and {listed(beside)} in {folder}",
                fix="Move one kind to a folder of its own",
            )


def _folder_records(folder: Path) -> list[Record]:
    if not folder.is_dir():
        raise DataError(
            f"`--data` is a {', '.join(SUFFIXES)} file, a folder, `tfds:NAME`, or `demo:text`",
            received=f"{folder} ({'a file' if folder.exists() else 'no such folder'})",
            fix="Save a table as .csv, UTF-8" if folder.exists() else "Check the path, or try `--data demo:text`",
        )
    found = []
    for top, split in tops(folder).items():
        # where tfft itself writes, if it is started inside the data folder, is no class
        classes = {each: _text_files(each) for each in subfolders(top) if not any(each.glob("*/config.json"))}
        if empty := [each.name for each, files in classes.items() if not files and each.name != "runs"]:
            raise DataError(
                "Every class folder holds .txt files",
                received=f"none in {listed(empty)} of {top}",
                fix="Name the texts *.txt, or remove the folders without any",
            )
        found += [
            Record(
                path,
                Label(unicodedata.normalize("NFC", readable(each.name))),
                where=readable(path.relative_to(folder).as_posix()),
                split=split,
            )
            for each, files in classes.items()
            for path in files
        ]
    if not found:
        raise DataError(
            "A folder of texts holds train, val and test files, or one sub-folder of .txt files per class",
            received=f"neither in {folder}",
            fix=f"Name the files train, val and test ({', '.join(SUFFIXES)}), or pass one file",
        )
    check_same_classes(found, folder)
    return found


def _text_files(folder: Path) -> list[Path]:
    return files_below(folder, lambda name: name.lower().endswith(".txt"))
