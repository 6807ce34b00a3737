"""What the annotations of a picture share, whatever their format: files found, boxes checked, faults told."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Callable, Sequence
from pathlib import Path

from tfft.data.sources.files import readable
from tfft.data.truths.boxes import Boxes
from tfft.errors import listed

TOLERANCE = 1.0
"""Pixels that a box may be outside of its picture: some tools count from 0, some from 1."""


Size = tuple[int, int]
"""Height and width in pixels."""


Found = tuple[str, list[float]]
"""A class, and left, top, right and bottom in pixels."""


_SHORT = reprlib.Repr()


_SHORT.maxlevel, _SHORT.maxlong, _SHORT.maxstring, _SHORT.maxother = 2, 24, 60, 60


class UnusableError(Exception):
    """Why the boxes of a picture cannot be used."""


def annotation_files(folder: Path, suffix: str, *, below: bool = False) -> list[Path]:
    """Files of one kind (`.xml`, in any case) in a folder, or also below it, without hidden ones and class names."""
    return sorted(
        path
        for path in (folder.rglob("*") if below else folder.glob("*"))
        if path.suffix.lower() == suffix
        and path.name.lower() != "classes.txt"
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and not path.is_dir()
    )


def content_of(path: Path) -> bytes:
    """The bytes of a file; a pipe or a device, which may never end, is not waited for."""
    if path.exists() and not path.is_file():
        raise UnusableError(f"{path.name} is no regular file")
    return path.read_bytes()


def parsed(parse: Callable[[], Boxes]) -> Boxes:
    """What `parse` finds, or why there is nothing to use."""
    try:
        return parse()
    except (UnusableError, OSError) as error:
        return unusable(str(error))


def unusable(why: str) -> Boxes:
    """Boxes that cannot be used."""
    return Boxes((), (), wrong=readable(why))


def short(value: object) -> str:
    """A value of a stranger's file, as long as fits into a sentence: `'ant'`, `10000...00000`."""
    return _SHORT.repr(value)


def checked(found: Sequence[tuple[str, Sequence[float]]], size: Size, where: str) -> Boxes:
    """The boxes in parts of the picture, if each has a name and a size and lies inside."""
    if not all(size):
        return Boxes((), ())  # of a picture that does not open, which decoding tells
    height, width = size
    wrong, kept = [], []
    for name, (left, top, right, bottom) in found:
        inside = min(left, top) >= -TOLERANCE and right <= width + TOLERANCE and bottom <= height + TOLERANCE
        edges = (max(0.0, left), max(0.0, top), min(float(width), right), min(float(height), bottom))
        sized = edges[0] < edges[2] and edges[1] < edges[3]  # inside of the picture
        if not (name and inside and sized and all(map(math.isfinite, (left, top, right, bottom)))):
            wrong.append(f"{name or 'without a name'} {left:g}, {top:g}, {right:g}, {bottom:g}")
            continue
        kept.append((edges[0] / width, edges[1] / height, edges[2] / width, edges[3] / height))
    if wrong:
        raise UnusableError(
            f"{where} has boxes that are empty or not inside {width} x {height} pixels: {listed(wrong, most=3)}"
        )
    return Boxes(tuple(name for name, _ in found), tuple(kept))
