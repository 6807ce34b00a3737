"""Where pictures with tags come from: a table, a folder with boxes, the demo."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from tfft.data.choices import TagColumns
from tfft.data.demo.scenes import scene_records
from tfft.data.records import Record, digested
from tfft.data.sources import arrays, picture_tables
from tfft.data.sources.arrays import Arrays, array_records
from tfft.data.sources.boxes.folders import find_boxes
from tfft.data.splitting import audit
from tfft.data.truths.tags import Tags
from tfft.errors import ConfigError, DataError

YES, NO = {"1", "1.0", "true", "yes", "x"}, {"0", "0.0", "false", "no", ""}


def find_tagged(source: str | Arrays, columns: TagColumns | None = None) -> list[Record]:
    """Lists the pictures of a source with their tags, and a digest of each, without decoding one.

    Args:
        source: `Arrays`, or where the data are.
            A `.csv` or `.tsv` file; a folder or file with boxes (see `find_boxes`), whose classes are then the
            tags; or `demo:tags`.
        columns: Columns of the table.

    Returns:
        Records in the order of the names, or of the rows of a file.

    Raises:
        ConfigError: If the source is no table and has `columns`, or these cannot be.
        DataError: If there is nothing to read, a cell cannot be understood, or a tag that is asked for or there is
            on no training picture.
    """
    if isinstance(source, Arrays):
        records = array_records(source, arrays.picture, arrays.tags)
    elif source.lower().endswith((".csv", ".tsv")):
        records = _from_table(Path(source), columns or TagColumns())
    elif columns is not None and columns != TagColumns():
        raise ConfigError(
            "`--columns` belongs to a .csv or .tsv file",
            received=f"{columns} with {source}",
            fix="List the pictures in a table, or leave the columns out",
        )
    elif source == "demo:tags":
        records = scene_records(lambda scene: Tags(tuple(map(str, sorted(set(scene.digits.tolist()))))))
    else:
        records = [replace(r, truth=Tags(tuple(sorted(set(r.truth.names))), r.truth.wrong)) for r in find_boxes(source)]
    audit.check_trained(records, source)
    if not any(record.truth.names or record.truth.wrong for record in records):
        raise DataError("Some pictures have tags", received=f"none in {source}", fix="Check `--columns.tags`")
    return records if all(record.digest for record in records) else digested(records)


def _from_table(table: Path, columns: TagColumns) -> list[Record]:
    if not columns.separator:
        raise ConfigError("A separator stands between two names", received="''", fix="Try `--columns.separator '|'`")

    def several(cells: Mapping[str, str], where: str) -> Tags:
        for name, cell in cells.items():
            if cell.lower() not in YES | NO:
                raise DataError(
                    "A column of its own for a tag holds 1 or 0",
                    received=f"{cell!r} in column {name!r}, {where}",
                    fix="Name one column that holds the names, with `--columns.tags NAME --columns.separator '|'`",
                )
        return Tags(tuple(sorted(name for name, cell in cells.items() if cell.lower() in YES)))

    def one(cells: Mapping[str, str], where: str) -> Tags:
        (cell,) = cells.values()
        return Tags(tuple(sorted({name.strip() for name in cell.split(columns.separator)} - {""})))

    found = picture_tables.table_records(
        table, columns, columns.tags, several if len(columns.tags) > 1 else one, empty=True
    )
    names = {name.lower() for record in found for name in record.truth.names}
    if len(columns.tags) == 1 and names and names <= YES | NO:
        # one column of 1 and 0 is that of one tag
        found = picture_tables.table_records(table, columns, columns.tags, several, empty=True)
    there = {name for record in found for name in record.truth.names}
    if there and (alone := [name for name in columns.tags if len(columns.tags) > 1 and name not in there]):
        raise DataError(
            "Each tag is on some picture",
            received=f"no 1 in column {alone[0]!r} of {table}",
            fix="Leave it out of `--columns.tags`, or add pictures that have it",
        )
    return found
