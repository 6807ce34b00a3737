"""Pascal VOC: the boxes that one file says."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

from tfft.data.sources.boxes.annotation import Found, Size, UnusableError, checked, content_of
from tfft.data.truths.boxes import Boxes


def voc_boxes(path: Path, size: Size | None) -> Boxes:
    """The objects of one Pascal VOC file; `size` is that of its picture, None if it does not open."""
    content = content_of(path)
    plain = content.replace(b"\0", b"")  # as UTF-16 has them
    if b"<!DOCTYPE" in plain or b"<!ENTITY" in plain:  # entities may grow without bound
        raise UnusableError(f"{path.name} declares entities, which no annotation needs")
    try:
        root = ET.fromstring(content)
        if root.tag != "annotation":
            raise ValueError(f"its root is <{root.tag[:60]}>, not <annotation>")
        said = tuple(int(float(root.findtext(f"size/{key}") or 0)) for key in ("height", "width"))
        found = [_voc_object(number, item) for number, item in enumerate(_voc_objects(root), start=1)]
    except (ET.ParseError, ValueError, LookupError, OverflowError) as error:
        raise UnusableError(f"{path.name} is no Pascal VOC: {error}") from None
    if all(said) and size is not None and said != size:
        raise UnusableError(f"{path.name} says {said[1]} x {said[0]} pixels, the picture has {size[1]} x {size[0]}")
    return checked(found, size or said, path.name)


def _voc_objects(root: ET.Element) -> list[ET.Element]:
    """The objects of a file; none, if they go by another name, would be a mistake that nobody sees."""
    for item in root:
        if item.tag != "object" and item.tag.rpartition("}")[2].lower() in ("object", "objects"):
            raise ValueError(f"it has <{item.tag[:60]}> instead of <object>")
    return root.findall("object")


def _voc_object(number: int, item: ET.Element) -> Found:
    name = (item.findtext("name") or "").strip()
    if item.find("bndbox") is None:
        raise ValueError(f"object {number} ({name or 'without a name'}) has no bndbox")
    return name, [float(item.findtext(f"bndbox/{key}") or "") for key in ("xmin", "ymin", "xmax", "ymax")]
