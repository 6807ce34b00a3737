"""What all annotation formats share: their descriptions, finding their files, checking boxes, reporting faults."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tfft.data.records import Record
from tfft.data.sources.files import readable
from tfft.data.truths.boxes import Boxes
from tfft.errors import listed

TOLERANCE = 1.0
"""Pixels by which a box may exceed its picture unnoticed: some tools count from 0, others from 1."""


Size = tuple[int, int]
"""Height and width in pixels."""


NamedBox = tuple[str, list[float]]
"""A class, and left, top, right and bottom in pixels."""


Parser = Callable[[Path, Size | None], Boxes]
"""From an annotation file, and the size of its picture (None if that cannot be opened), to the boxes."""


_SHORT = reprlib.Repr()


_SHORT.maxlevel, _SHORT.maxlong, _SHORT.maxstring, _SHORT.maxother = 2, 24, 60, 60


@dataclass(frozen=True, kw_only=True)
class Format:
    """An annotation format."""

    name: str
    suffix: str
    """Suffix of its files, in lower case."""
    layout: str
    """How pictures and annotation files are arranged in a folder, for messages."""
    hint: str = ""
    """What else to check if no annotations are found, for messages."""


@dataclass(frozen=True, kw_only=True)
class PictureFormat(Format):
    """A format with one file for each picture; both have the same name."""

    parser: Callable[[Path, Path], Parser | None]
    """From the data folder and a folder of files with this suffix to their parser; None if they cannot be parsed."""
    sparse: bool = False
    """Whether a picture without a file has no objects; otherwise it cannot be used."""


@dataclass(frozen=True, kw_only=True)
class ListFormat(Format):
    """A format with one file that lists many pictures."""

    files: Callable[[Path, str | None], Mapping[str | None, Path]]
    """From a folder, and the split of its pictures, to the files in it by split."""
    records: Callable[[Path, Mapping[Path, str | None], Path], Iterator[Record]]
    """From a file, the folders of its pictures with their splits, and the data folder to the records."""
    check: Callable[[Path], object]
    """Raises `DataError` if a file does not have this format."""


class UnusableError(Exception):
    """The reason why the boxes of a picture cannot be used."""


def annotation_files(folder: Path, suffix: str, *, below: bool = False) -> list[Path]:
    """Returns the files with a suffix (in any case) in a folder, or also below it, without hidden and class files."""
    return sorted(
        path
        for path in (folder.rglob("*") if below else folder.glob("*"))
        if path.suffix.lower() == suffix
        and path.name.lower() != "classes.txt"
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and not path.is_dir()
    )


def content_of(path: Path) -> bytes:
    """Returns the bytes of a file; raises `UnusableError` for pipes and devices, reading which may never end."""
    if path.exists() and not path.is_file():
        raise UnusableError(f"{path.name} is not a regular file")
    return path.read_bytes()


def parsed(parse: Callable[[], Boxes]) -> Boxes:
    """Returns the boxes from `parse`, or the reason why they cannot be used."""
    try:
        return parse()
    except (UnusableError, OSError) as error:
        return unusable(str(error))


def unusable(why: str) -> Boxes:
    """Returns boxes that cannot be used, with the reason."""
    return Boxes((), (), wrong=readable(why))


def short(value: object) -> str:
    """Returns a value of a file, shortened to fit into a sentence: `'ant'`, `10000...00000`."""
    return _SHORT.repr(value)


def checked(boxes: Sequence[tuple[str, Sequence[float]]], size: Size, where: str) -> Boxes:
    """Returns boxes relative to the size of their picture: clipped to it, and without those that have no area.

    Raises:
        UnusableError: If a box has no name, is not finite, has its sides in the wrong order, or lies wholly outside.
    """
    if not all(size):
        return Boxes((), ())  # the picture cannot be opened, which decoding reports
    height, width = size
    wrong, names, corners, empty, clipped = [], [], [], 0, 0
    for name, (left, top, right, bottom) in boxes:
        finite = all(map(math.isfinite, (left, top, right, bottom)))
        touching = right >= 0 and bottom >= 0 and left <= width and top <= height
        if not (name and finite and touching and left <= right and top <= bottom):
            wrong.append(f"{name or 'without a name'} {left:g}, {top:g}, {right:g}, {bottom:g}")
            continue
        edges = (max(0.0, left), max(0.0, top), min(float(width), right), min(float(height), bottom))
        if edges[0] == edges[2] or edges[1] == edges[3]:
            empty += 1
            continue
        clipped += max(-left, -top, right - width, bottom - height) > TOLERANCE
        names.append(name)
        corners.append((edges[0] / width, edges[1] / height, edges[2] / width, edges[3] / height))
    if wrong:
        raise UnusableError(
            f"{where} has boxes that are invalid or outside of {width} x {height} pixels: {listed(wrong, most=3)}"
        )
    return Boxes(tuple(names), tuple(corners), empty=empty, clipped=clipped)
