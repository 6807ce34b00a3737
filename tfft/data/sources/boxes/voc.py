"""Reads Pascal VOC annotations: one XML file for each picture."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

from tfft.data.sources.boxes.annotation import NamedBox, PictureFormat, Size, UnusableError, checked, content_of
from tfft.data.truths.boxes import Boxes


def voc_boxes(path: Path, size: Size | None) -> Boxes:
    """Returns the boxes of a Pascal VOC file; `size` is the size of its picture, None if that cannot be opened."""
    content = content_of(path)
    plain = content.replace(b"\0", b"")  # the zeros of UTF-16
    if b"<!DOCTYPE" in plain or b"<!ENTITY" in plain:  # entities may grow without bound
        raise UnusableError(f"{path.name} declares entities, which no annotation needs")
    try:
        root = ET.fromstring(content)
        if root.tag != "annotation":
            raise ValueError(f"its root is <{root.tag[:60]}>, not <annotation>")
        stated = tuple(int(float(root.findtext(f"size/{key}") or 0)) for key in ("height", "width"))
        boxes = [_voc_object(number, item) for number, item in enumerate(_voc_objects(root), start=1)]
    except (ET.ParseError, ValueError, LookupError, OverflowError) as error:
        raise UnusableError(f"{path.name} is not valid Pascal VOC: {error}") from None
    if all(stated) and size is not None and stated != size:
        raise UnusableError(
            f"{path.name} states {stated[1]} x {stated[0]} pixels, but the picture has {size[1]} x {size[0]}"
        )
    return checked(boxes, size or stated, path.name)


def _voc_objects(root: ET.Element) -> list[ET.Element]:
    """Returns the objects of a file; a misspelled tag raises `ValueError`, since its objects would be ignored."""
    for item in root:
        if item.tag != "object" and item.tag.rpartition("}")[2].lower() in ("object", "objects"):
            raise ValueError(f"it has <{item.tag[:60]}> instead of <object>")
    return root.findall("object")


def _voc_object(number: int, item: ET.Element) -> NamedBox:
    name = (item.findtext("name") or "").strip()
    if item.find("bndbox") is None:
        raise ValueError(f"object {number} ({name or 'without a name'}) has no bndbox")
    return name, [float(item.findtext(f"bndbox/{key}") or "") for key in ("xmin", "ymin", "xmax", "ymax")]


VOC = PictureFormat(
    name="Pascal VOC",
    suffix=".xml",
    layout="images/ and annotations/*.xml",
    parser=lambda root, folder: voc_boxes,
)
