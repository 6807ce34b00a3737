"""Finds texts with references: in tables, JSON lines, aligned line files, TensorFlow Datasets, or the demo data."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tfft.data.choices import PairColumns
from tfft.data.demo import notices, phrases
from tfft.data.records import SPLIT_NAMES, Record, split_name
from tfft.data.sources import array_truths, tfds
from tfft.data.sources.arrays import Arrays, array_records
from tfft.data.sources.text_files import SUFFIXES, cell, is_rows, name_in, text_digested, text_lines, text_rows
from tfft.data.truths.references import References
from tfft.errors import ConfigError, DataError, listed


def find_pairs(source: str | Arrays, columns: PairColumns | None = None) -> list[Record]:
    """Lists the texts of a source with their references and digests.

    Args:
        source: `Arrays`, or the place of the data:
            a .csv, .tsv or .jsonl file, or a folder with such files named after their splits; a folder with two
            line-aligned files for each split, `train.en` and `train.de`; `tfds:NAME`; `demo:pairs`; or
            `demo:summaries`.
        columns: Columns of a table, keys of JSON lines, features of a data set, or endings of line files.

    Raises:
        ConfigError: If the source is demo data of another task, or source and target are the same column.
        DataError: If there is nothing to read, or two aligned files differ in their number of lines.
    """
    if isinstance(source, Arrays):
        return text_digested(array_records(source, array_truths.text, array_truths.references))
    columns = columns or PairColumns()
    if columns.source == columns.target:
        raise ConfigError(
            f"`--columns.source` and `--columns.target` are both {columns.source!r}",
            fix="Name two columns, see `--help`",
        )
    if source == "demo:pairs":
        records = [
            Record(pair.source.encode(), References((pair.target,)), where=f"demo pair {number}", split=pair.split)
            for number, pair in enumerate(phrases.pairs())
        ]
    elif source == "demo:summaries":
        records = [
            Record(pair.document.encode(), References((pair.summary,)), where=f"demo notice {number}", split=pair.split)
            for number, pair in enumerate(notices.summaries())
        ]
    elif source == "demo" or source.startswith("demo:"):
        raise ConfigError(
            f"{source!r} is not demo data of this task",
            fix="Type `--data demo:pairs` or `--data demo:summaries`, or run another recipe: `tfft ls` lists them",
        )
    elif source.startswith("tfds:"):
        records = tfds.pair_records(source.removeprefix("tfds:"), columns.source, columns.target)
    elif is_rows(Path(source)):
        records = list(_row_records(Path(source), columns))
    else:
        records = list(_line_records(Path(source), columns))
    if not records:
        raise DataError(f"No examples found in {source}", fix="Check `--data`")
    return text_digested(records)


def _row_records(source: Path, columns: PairColumns) -> Iterator[Record]:
    names = [name for name in (columns.source, columns.target, columns.split, columns.group) if name]
    for where, split, row in text_rows(source, names):
        value = row[columns.target]
        targets = value if isinstance(value, list) else [value]
        if not all(target is None or isinstance(target, (str, int, float)) for target in targets):
            raise DataError(f"{columns.target!r} in {where} must be a text or a list of texts (got {str(value)[:80]})")
        yield Record(
            content=cell(row, columns.source, where).encode("utf-8", "surrogatepass"),
            truth=References(tuple(str(target) for target in targets if target is not None and str(target).strip())),
            where=where,
            split=split_name(name_in(row, columns.split, where), where) if columns.split else split,
            group=name_in(row, columns.group, where) if columns.group else None,
        )


def _line_records(folder: Path, columns: PairColumns) -> Iterator[Record]:
    """Yields the records of line-aligned files: `train.en` and `train.de`, and so on."""
    if not folder.is_dir():
        raise DataError(
            f"{folder} is not a folder" if folder.exists() else f"Folder not found: {folder}",
            fix=f"Check `--data`: a {', '.join(SUFFIXES)} file in UTF-8, a folder, `tfds:NAME`, or `demo:pairs`",
        )
    stems = {path.stem for path in folder.glob(f"*.{columns.source}")}
    splits = {stem: "test" if stem == columns.test else SPLIT_NAMES.get(stem.lower()) for stem in sorted(stems)}
    if "train" not in splits.values():
        names = listed(sorted(path.name for path in folder.iterdir())[:8])
        raise DataError(
            f"No file of training pairs in {folder}, only {names or 'nothing'}",
            fix="Name the files train.en, val.en and so on, and the endings with `--columns.source en`",
        )
    if columns.test not in {*stems, PairColumns.test}:
        raise DataError(
            f"Test files {columns.test!r} not found in {folder}, only {listed(sorted(stems))}",
            fix="Check `--columns.test`",
        )
    for stem, split in splits.items():
        if split is None:
            continue  # not a split, or another test split
        if not (folder / f"{stem}.{columns.target}").is_file():
            raise DataError(
                f"{stem}.{columns.target} not found beside {stem}.{columns.source} in {folder}",
                fix="Check `--columns.target`, or add the file",
            )
        sides = [text_lines(folder / f"{stem}.{ending}") for ending in (columns.source, columns.target)]
        if len(sides[0]) != len(sides[1]):
            raise DataError(
                f"{stem}.{columns.source} has {len(sides[0])} lines, but {stem}.{columns.target} has {len(sides[1])}",
                fix="Look for a line that is missing or broken in two",
            )
        for number, (text, target) in enumerate(zip(*sides, strict=True), start=1):
            where = f"{stem}.{columns.source} line {number}"
            truth = References((target,) if target.strip() else ())
            yield Record(text.encode(), truth, where=where, split=split)
