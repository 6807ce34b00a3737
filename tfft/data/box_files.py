"""The boxes that one file says: those of Pascal VOC, and the check of each box of any form."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path

from tfft.data.boxes import Boxes
from tfft.errors import listed

TOLERANCE = 1.0
"""Pixels that a box may be outside of its picture: some tools count from 0, some from 1."""
Size = tuple[int, int]
"""Height and width in pixels."""
Found = tuple[str, list[float]]
"""A class, and left, top, right and bottom in pixels."""


class UnusableError(Exception):
    """Why the boxes of a picture cannot be used."""


def voc_boxes(path: Path, size: Size | None) -> Boxes:
    """The objects of one Pascal VOC file; `size` is that of its picture, None if it does not open."""
    content = path.read_bytes()
    plain = content.replace(b"\0", b"")  # as UTF-16 has them
    if b"<!DOCTYPE" in plain or b"<!ENTITY" in plain:  # entities may grow without bound
        raise UnusableError(f"{path.name} declares entities, which no annotation needs")
    try:
        root = ET.fromstring(content)
        said = tuple(int(float(root.findtext(f"size/{key}") or 0)) for key in ("height", "width"))
        found = []
        for item in root.iterfind("object"):
            corners = [float(item.findtext(f"bndbox/{key}") or "") for key in ("xmin", "ymin", "xmax", "ymax")]
            found.append(((item.findtext("name") or "").strip(), corners))
    except (ET.ParseError, ValueError, LookupError, OverflowError) as error:
        raise UnusableError(f"{path.name} is no Pascal VOC: {error}") from None
    if all(said) and size is not None and said != size:
        raise UnusableError(f"{path.name} says {said[1]} x {said[0]} pixels, the picture has {size[1]} x {size[0]}")
    return checked(found, size or said, path.name)


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
