"""Reads COCO files, which list pictures and their boxes, and checks every row."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tfft.data.sources.boxes.annotation import NamedBox, Size, UnusableError, checked, content_of, short
from tfft.data.truths.boxes import Boxes
from tfft.errors import DataError, listed

Row = dict[str, Any]


Id = int | float | str


MOST_PIXELS = 2**31
"""No picture is that wide or high; a larger number is a mistake, and long to print."""


def coco_file(path: Path) -> tuple[list[tuple[Id, str, Size]], dict[Id, list[NamedBox]]]:
    """Returns id, name and size of the pictures of a COCO file, and their boxes by id, without crowds.

    Raises:
        DataError: If the file does not have this format, a row is invalid, or two rows share an id.
    """
    names: dict[Id, str] = {}
    images: dict[Id, tuple[str, Size]] = {}
    objects: dict[Id, list[NamedBox]] = defaultdict(list)
    content = _content(path)

    def category(row: Row) -> None:
        number, name = _id(row, "id"), _class_name(row["name"])
        if names.setdefault(number, name) != name:
            raise ValueError(f"id {short(number)} belongs to both {short(names[number])} and {short(name)}")

    def image(row: Row) -> None:
        number, name = _id(row, "id"), row["file_name"]
        if not isinstance(name, str):
            raise ValueError(f"file_name is {short(name)}, not a text")
        if number in images:
            raise ValueError(f"id {short(number)} belongs to both {short(images[number][0])} and {short(name)}")
        images[number] = (name, (_pixels(row, "height"), _pixels(row, "width")))

    def annotation(row: Row) -> None:
        crowd = row.get("iscrowd")
        if crowd not in [None, 0, 1, "0", "1"]:
            raise ValueError(f"iscrowd is {short(crowd)}, neither 0 nor 1")
        if crowd in [1, "1"]:
            return
        number, kind = _id(row, "image_id"), _id(row, "category_id")
        if kind not in names:
            known = listed(map(short, names), most=10) or "none"
            raise ValueError(f"category_id {short(kind)} is not among the categories: {known}")
        if number not in images and str(number) in as_text:
            raise ValueError(f"image_id is {short(number)}, but the id of the picture is {short(as_text[str(number)])}")
        left, top, width, height = _four_numbers(row["bbox"])
        objects[number].append((names[kind], [left, top, left + width, top + height]))

    _each(path, content, "categories", category)
    _each(path, content, "images", image)
    as_text = {str(number): number for number in images}
    _each(path, content, "annotations", annotation)
    return [(number, name, size) for number, (name, size) in images.items()], objects


def coco_boxes(objects: Sequence[NamedBox], stated: Size, size: Size | None, where: str) -> Boxes:
    """Returns the boxes of one picture; `stated` is its size in the COCO file, `size` its real size if it opens."""
    if size is not None and size != stated:
        raise UnusableError(
            f"{where} states {stated[1]} x {stated[0]} pixels, but the picture has {size[1]} x {size[0]}"
        )
    return checked(objects, stated, where)


def _content(path: Path) -> Row:
    try:
        content = json.loads(content_of(path).decode("utf-8-sig"))
    except (OSError, ValueError, RecursionError, UnusableError) as error:
        raise _fault(f"{path} cannot be read: {type(error).__name__}: {error}") from None
    if not isinstance(content, dict):
        raise _fault(f"{path} is {short(content)}, not an object")
    return content


def _each(path: Path, content: Row, key: str, read: Callable[[Row], None]) -> None:
    """Calls `read` for each row of a list of the file."""
    rows = content.get(key)
    if not isinstance(rows, list):
        raise _fault(f"{key} in {path} is {short(rows)}, not a list" if key in content else f"{path} has no {key}")
    for place, row in enumerate(rows):
        try:
            if not isinstance(row, dict):
                raise ValueError(f"{short(row)} is not an object")
            read(row)
        except (KeyError, ValueError) as error:
            why = f"no {error.args[0]}" if isinstance(error, KeyError) else str(error)
            number = f" (id {short(row['id'])})" if isinstance(row, dict) and "id" in row else ""
            raise _fault(f"{key}[{place}]{number} in {path}: {why}", "Correct this row") from None


def _fault(problem: str, fix: str = "Check `--data`") -> DataError:
    return DataError(
        problem,
        fix=f"{fix}; COCO has images (id, file_name, height, width), categories (id, name) and annotations (image_id, "
        "category_id, bbox), with unique ids that are written alike everywhere",
    )


def _id(row: Row, key: str) -> Id:
    if not isinstance(row[key], Id):
        raise ValueError(f"{key} is {short(row[key])}, neither a number nor a text")
    return row[key]


def _class_name(name: object) -> str:
    if isinstance(name, bool) or not isinstance(name, (str, int, float)):
        raise ValueError(f"name is {short(name)}, not a text")
    return str(name)


def _pixels(row: Row, key: str) -> int:
    try:
        pixels = int(row[key])
    except (TypeError, ValueError, OverflowError):
        pixels = MOST_PIXELS
    if abs(pixels) >= MOST_PIXELS:
        raise ValueError(f"{key} is {short(row[key])}, not a number of pixels")
    return pixels


def _four_numbers(bbox: object) -> list[float]:
    try:
        numbers = [float(number) for number in bbox] if isinstance(bbox, list) else []
    except (TypeError, ValueError, OverflowError):
        numbers = []
    if len(numbers) != 4:
        raise ValueError(f"bbox is {short(bbox)}, not four numbers: left, top, width, height")
    return numbers
