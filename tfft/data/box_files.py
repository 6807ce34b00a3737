"""The boxes that one file says: Pascal VOC, YOLO or COCO, each box checked."""

from __future__ import annotations

import json
import math
import xml.etree.ElementTree as ET
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tfft.data.boxes import Boxes
from tfft.errors import DataError, listed

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
    return _checked(found, size or said, path.name)


def yolo_boxes(path: Path, names: Mapping[int, str], size: Size | None) -> Boxes:
    """The objects of one YOLO file: a class number, then middle and size in parts of the picture, in each line."""
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            kind, x, y, width, height = map(float, line.split())
        except ValueError:
            raise UnusableError(f"{path.name} line {number} is not five numbers: {line[:60]!r}") from None
        if kind not in names:
            raise UnusableError(f"{path.name} line {number} has class {kind:g}, classes are {listed(names, most=10)}")
        found.append((names[kind], [x - width / 2, y - height / 2, x + width / 2, y + height / 2]))
    height, width = size or (1, 1)
    scaled = [(name, [v * scale for v, scale in zip(c, (width, height) * 2, strict=True)]) for name, c in found]
    return _checked(scaled, (height, width), path.name)


def yolo_names(root: Path, notes: Path) -> dict[int, str]:
    """The class names of YOLO files, from `classes.txt` or `data.yaml` (or another .yaml); empty if there are none."""
    for folder in dict.fromkeys((notes, notes.parent, root)):
        lists = [path for path in (folder / "classes.txt",) if path.is_file()]
        for path in [*lists, *sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")])]:
            if names := _names_in(path):
                return names
    return {}


def _names_in(path: Path) -> dict[int, str]:
    """By number the class names that a file gives; empty if it gives none."""
    import yaml

    try:
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix == ".txt":
            return dict(enumerate(line.strip() for line in text.splitlines() if line.strip()))
        names = (yaml.safe_load(text) or {}).get("names") or []
        if not isinstance(names, (list, dict)):
            raise ValueError(f"names: {names!r}")
        pairs = names.items() if isinstance(names, dict) else enumerate(names)
        return {int(number): str(name) for number, name in pairs}
    except (OSError, yaml.YAMLError, AttributeError, TypeError, ValueError) as error:
        raise DataError(
            "The class names of YOLO files can be read",
            received=f"{' '.join(str(error).split())} in {path}",
            fix="Write `names: [ant, bee]` into data.yaml, or a name into each line of classes.txt",
        ) from None


def coco_file(path: Path) -> tuple[list[tuple[Any, str, Size]], dict[Any, list[Found]]]:
    """The pictures of a COCO file, id, name and size of each, and by id their objects; crowds are left out."""
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
        names = {kind["id"]: str(kind["name"]) for kind in content["categories"]}
        objects: dict[Any, list[Found]] = defaultdict(list)
        for one in content["annotations"]:
            if not one.get("iscrowd"):
                left, top, width, height = map(float, one["bbox"])
                objects[one["image_id"]].append((names[one["category_id"]], [left, top, left + width, top + height]))
        images = [
            (one["id"], str(one["file_name"]), (int(one["height"]), int(one["width"]))) for one in content["images"]
        ]
    except (
        OSError,
        json.JSONDecodeError,
        UnicodeDecodeError,
        KeyError,
        TypeError,
        ValueError,
        OverflowError,
        AttributeError,
    ) as error:
        raise DataError(
            "A COCO file holds images (id, file_name, height, width), categories and annotations with a bbox",
            received=f"{type(error).__name__}: {error} in {path}",
            fix="Check `--data`",
        ) from None
    return images, objects


def coco_boxes(objects: Sequence[Found], said: Size, size: Size | None, where: str) -> Boxes:
    """The objects of one picture of a COCO file, which says the size `said`; `size` is as for `voc_boxes`."""
    if size is not None and size != said:
        raise UnusableError(f"{where} says {said[1]} x {said[0]} pixels, the picture has {size[1]} x {size[0]}")
    return _checked(objects, said, where)


def _checked(found: Sequence[tuple[str, Sequence[float]]], size: Size, where: str) -> Boxes:
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
