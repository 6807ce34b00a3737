"""Finds labelled pictures: in a folder, a table, TensorFlow Datasets, or the demo data."""

from __future__ import annotations

from pathlib import Path

from tfft.data.choices import Columns
from tfft.data.demo.digits import digits
from tfft.data.records import Record, digested
from tfft.data.sources import array_truths, picture_tables, tfds
from tfft.data.sources.arrays import Arrays, array_records
from tfft.data.sources.class_folders import check_same_classes, folder_records
from tfft.data.splitting import audit
from tfft.errors import ConfigError


def find_pictures(source: str | Arrays, columns: Columns | None = None) -> list[Record]:
    """Lists the labelled pictures of a source with their digests, without decoding them.

    Args:
        source: `Arrays`, or the place of the data:
            a folder with one sub-folder per class (with or without `train/`, `val/`, `test/` above
            them), a `.csv` or `.tsv` file, `tfds:NAME`, or `demo`.
        columns: Columns of the table.

    Returns:
        Records in the order of the names, or of the rows of the table.

    Raises:
        ConfigError: If the source is demo data of another task, or not a table despite `columns`.
        DataError: If there is nothing to read, a class is empty, or there are fewer than two classes.
    """
    if isinstance(source, Arrays):
        records = array_records(source, array_truths.picture, array_truths.label)
        audit.check_classes(records, str(source))
        return digested(records)
    table = source.lower().endswith((".csv", ".tsv"))
    if columns is not None and columns != Columns() and not table:
        raise ConfigError(
            f"`--columns` works only with a .csv or .tsv file, not with {source} (got {columns})",
            fix="List the pictures in a table, or leave the columns out",
        )
    if source == "demo":
        records = digits()
    elif source.startswith("demo:"):
        raise ConfigError(
            f"{source!r} is not demo data of this task",
            fix="Type `--data demo`, or run another recipe: `tfft ls` lists them",
        )
    elif source.startswith("tfds:"):
        records = tfds.records(source.removeprefix("tfds:"))
    elif table:
        records = picture_tables.records(Path(source), columns or Columns())
    else:
        records = folder_records(Path(source))
        check_same_classes(records, Path(source))
    audit.check_classes(records, source)
    return digested(records)
