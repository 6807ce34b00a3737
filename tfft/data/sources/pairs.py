"""Where texts come from with what is to be made of them: files of rows or of lines, TensorFlow Datasets, the demo."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tfft.data.choices import PairColumns
from tfft.data.demo import notices, phrases
from tfft.data.records import SPLIT_NAMES, Record, split_name
from tfft.data.sources import arrays, tfds
from tfft.data.sources.arrays import Arrays, array_records
from tfft.data.sources.text_files import SUFFIXES, cell, is_rows, name_in, text_digested, text_lines, text_rows
from tfft.data.truths.references import References
from tfft.errors import ConfigError, DataError, listed


def find_pairs(source: str | Arrays, columns: PairColumns | None = None) -> list[Record]:
    """Lists the texts of a source with their references, and a digest of each.

    Args:
        source: `Arrays`, or where the data are.
            A .csv, .tsv or .jsonl file, or a folder with such files named after their splits; a folder with two
            files for each split whose lines belong together, `train.en` and `train.de`; `tfds:NAME`; or `demo:pairs`,
            `demo:summaries`.
        columns: Columns of a table, keys of JSON lines, features of a data set, endings of files of lines.

    Raises:
        ConfigError: If the source is demo data of another task, or source and target are one.
        DataError: If there is nothing to read, or two files have not as many lines.
    """
    if isinstance(source, Arrays):
        return text_digested(array_records(source, arrays.text, arrays.references))
    columns = columns or PairColumns()
    if columns.source == columns.target:
        raise ConfigError(
            "Source and target differ", received=repr(columns.source), fix="Check `--columns.*`, see `--help`"
        )
    if source == "demo:pairs":
        found = [
            Record(one.source.encode(), References((one.target,)), where=f"demo pair {number}", split=one.split)
            for number, one in enumerate(phrases.pairs())
        ]
    elif source == "demo:summaries":
        found = [
            Record(one.document.encode(), References((one.summary,)), where=f"demo notice {number}", split=one.split)
            for number, one in enumerate(notices.summaries())
        ]
    elif source == "demo" or source.startswith("demo:"):
        raise ConfigError(
            "The demo data with what is to be made of each text are `demo:pairs` and `demo:summaries`",
            received=repr(source),
            fix="Type `--data demo:pairs`, or run the recipe of that task: `tfft ls` lists them",
        )
    elif source.startswith("tfds:"):
        found = tfds.pair_records(source.removeprefix("tfds:"), columns.source, columns.target)
    elif is_rows(Path(source)):
        found = list(_row_records(Path(source), columns))
    else:
        found = list(_line_records(Path(source), columns))
    if not found:
        raise DataError("The data hold examples", received=f"none in {source}", fix="Check `--data`")
    return text_digested(found)


def _row_records(source: Path, columns: PairColumns) -> Iterator[Record]:
    named = [name for name in (columns.source, columns.target, columns.split, columns.group) if name]
    for where, split, row in text_rows(source, named):
        targets = row[columns.target]
        several = targets if isinstance(targets, list) else [targets]
        if not all(one is None or isinstance(one, (str, int, float)) for one in several):
            raise DataError(
                f"{columns.target!r} is a text, or a list of texts", received=f"{str(targets)[:80]} in {where}"
            )
        yield Record(
            content=cell(row, columns.source, where).encode("utf-8", "surrogatepass"),
            truth=References(tuple(str(one) for one in several if one is not None and str(one).strip())),
            where=where,
            split=split_name(name_in(row, columns.split, where), where) if columns.split else split,
            group=name_in(row, columns.group, where) if columns.group else None,
        )


def _line_records(folder: Path, columns: PairColumns) -> Iterator[Record]:
    """Records of `train.en` and `train.de`, and so on."""
    if not folder.is_dir():
        raise DataError(
            f"`--data` is a {', '.join(SUFFIXES)} file, a folder, `tfds:NAME`, or `demo:pairs`",
            received=f"{folder} ({'a file' if folder.exists() else 'no such folder'})",
            fix="Save a table as .csv, UTF-8" if folder.exists() else "Check the path, or try `--data demo:pairs`",
        )
    stems = {path.stem for path in folder.glob(f"*.{columns.source}")}
    named = {stem: "test" if stem == columns.test else SPLIT_NAMES.get(stem.lower()) for stem in sorted(stems)}
    if "train" not in named.values():
        raise DataError(
            "A folder of pairs holds train, val and test files, of rows or of lines",
            received=f"{listed(sorted(path.name for path in folder.iterdir())[:8]) or 'nothing'} in {folder}",
            fix="Name the files train.en, val.en and so on, and the endings with `--columns.source en`",
        )
    if columns.test not in {*stems, PairColumns.test}:
        raise DataError(
            f"The files to test on begin with {columns.test!r}",
            received=f"{listed(sorted(stems))} in {folder}",
            fix="Check `--columns.test`",
        )
    for stem, split in named.items():
        if split is None:
            continue  # another test split, or something else
        if not (folder / f"{stem}.{columns.target}").is_file():
            raise DataError(
                "Two files whose lines belong together lie beside each other",
                received=f"{stem}.{columns.source} without {stem}.{columns.target} in {folder}",
                fix="Check `--columns.target`, or add the file",
            )
        sides = [text_lines(folder / f"{stem}.{ending}") for ending in (columns.source, columns.target)]
        if len(sides[0]) != len(sides[1]):
            raise DataError(
                "Two files whose lines belong together have as many",
                received=f"{len(sides[0])} in {stem}.{columns.source}, {len(sides[1])} in {stem}.{columns.target}",
                fix="Look for a line that is missing, or one that was broken in two",
            )
        for number, (one, other) in enumerate(zip(*sides, strict=True), start=1):
            where = f"{stem}.{columns.source} line {number}"
            truth = References((other,) if other.strip() else ())
            yield Record(one.encode(), truth, where=where, split=split)
