"""Finds pictures with tags: in a table, a folder with boxes, or the demo data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from tfft.data.choices import TagColumns
from tfft.data.demo.scenes import scene_records
from tfft.data.records import Record, digested
from tfft.data.sources import array_truths, picture_tables
from tfft.data.sources.arrays import Arrays, array_records
from tfft.data.sources.boxes.folders import find_boxes
from tfft.data.splitting import audit
from tfft.data.truths.tags import Tags
from tfft.errors import ConfigError, DataError

YES, NO = {"1", "1.0", "true", "yes", "x"}, {"0", "0.0", "false", "no", ""}


def find_tagged(source: str | Arrays, columns: TagColumns | None = None) -> list[Record]:
    """Lists the pictures of a source with their tags and digests, without decoding them.

    Args:
        source: `Arrays`, or the place of the data:
            a `.csv` or `.tsv` file; a folder or file with boxes (see `find_boxes`), whose classes become the tags;
            or `demo:tags`.
        columns: Columns of the table.

    Returns:
        Records in the order of the names, or of the rows of the table.

    Raises:
        ConfigError: If `columns` are invalid, or the source is not a table.
        DataError: If there is nothing to read, a cell is invalid, or a tag has no training pictures.
    """
    if isinstance(source, Arrays):
        records = array_records(source, array_truths.picture, array_truths.tags)
    elif source.lower().endswith((".csv", ".tsv")):
        records = _from_table(Path(source), columns or TagColumns())
    elif columns is not None and columns != TagColumns():
        raise ConfigError(
            f"`--columns` works only with a .csv or .tsv file, not with {source} (got {columns})",
            fix="List the pictures in a table, or leave the columns out",
        )
    elif source == "demo:tags":
        records = scene_records(lambda scene: Tags(tuple(map(str, sorted(set(scene.digits.tolist()))))))
    else:
        records = [replace(r, truth=Tags(tuple(sorted(set(r.truth.names))), r.truth.wrong)) for r in find_boxes(source)]
    audit.check_trained(records, source)
    if not any(record.truth.names or record.truth.wrong for record in records):
        raise DataError(f"No picture in {source} has tags", fix="Check `--columns.tags`")
    return records if all(record.digest for record in records) else digested(records)


def _from_table(table: Path, columns: TagColumns) -> list[Record]:
    if not columns.separator:
        raise ConfigError("`--columns.separator` must not be empty (got '')", fix="Try `--columns.separator '|'`")

    def from_flags(cells: Mapping[str, str], where: str) -> Tags:
        for name, cell in cells.items():
            if cell.lower() not in YES | NO:
                raise DataError(
                    f"{cell!r} in column {name!r}, {where}, is neither 1 nor 0",
                    fix="If one column contains the tags of a picture: `--columns.tags NAME --columns.separator '|'`",
                )
        return Tags(tuple(sorted(name for name, cell in cells.items() if cell.lower() in YES)))

    def from_names(cells: Mapping[str, str], where: str) -> Tags:
        (cell,) = cells.values()
        return Tags(tuple(sorted({name.strip() for name in cell.split(columns.separator)} - {""})))

    truth = from_flags if len(columns.tags) > 1 else from_names
    records = picture_tables.table_records(table, columns, columns.tags, truth, empty=True)
    names = {name.lower() for record in records for name in record.truth.names}
    if len(columns.tags) == 1 and names and names <= YES | NO:
        # a single column of 1 and 0 is a single tag
        records = picture_tables.table_records(table, columns, columns.tags, from_flags, empty=True)
    used = {name for record in records for name in record.truth.names}
    if used and (unused := [name for name in columns.tags if len(columns.tags) > 1 and name not in used]):
        raise DataError(
            f"No picture has the tag {unused[0]!r}: its column in {table} has no 1",
            fix="Leave it out of `--columns.tags`, or add pictures with this tag",
        )
    return records
