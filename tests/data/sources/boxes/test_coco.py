from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tfft.data import find_boxes
from tfft.errors import DataError

Painted = Callable[..., bytes]
Check = Callable[..., None]
Coco = Callable[..., dict[str, Any]]
Paint = Callable[..., None]
Write = Callable[[Path, bytes | str], Path]
ANT = ("ant", 3, 2, 13, 12)
"""A class and left, top, right, bottom in a picture that is 20 pixels high and 30 wide."""


def names(source: Path) -> list[tuple[str, ...]]:
    """The classes on each picture."""
    return [record.truth.names for record in find_boxes(str(source))]


def image(**change: object) -> dict[str, Any]:
    """A row of a picture."""
    return {"id": 0, "file_name": "0.png", "width": 30, "height": 20} | change


def box(**change: object) -> dict[str, Any]:
    """A row of an object."""
    return {"id": 17, "image_id": 0, "category_id": 7, "bbox": [3, 2, 10, 10]} | change


def test_crowds_are_left_out(tmp_path: Path, paint: Paint, write: Write, coco: Coco) -> None:
    paint(tmp_path, "a.png", "b.png")
    for said, not_said in ((1, 0), ("1", "0"), (True, None)):
        content = coco({"a.png": [("bee", 0, 0, 30, 20)], "b.png": [ANT]})
        content["annotations"][0]["iscrowd"] = said
        content["annotations"][1]["iscrowd"] = not_said
        write(tmp_path / "all.json", json.dumps(content))
        assert names(tmp_path) == [(), ("ant",)]


def test_boxes_that_cannot_be(coco_folder: Path, write: Write, coco: Coco, check_fault: Check) -> None:
    content = coco({f"{number}.png": [ANT] for number in range(5)})
    for bbox, *named in (
        ([31, 2, 9, 10], "30 x 20", "ant 31, 2, 40, 12"),
        ([3, 2, -1, 10], "ant 3, 2, 2, 12"),
        ([-12, 2, 10, 10], "ant -12, 2, -2, 12"),
        ([3, float("nan"), 10, 10], "ant 3, nan"),
    ):
        content["annotations"][0]["bbox"] = bbox
        write(coco_folder / "all.json", json.dumps(content))
        check_fault(find_boxes(str(coco_folder)), "0.png", "all.json", *named)


def test_a_coco_size_unlike_the_picture(coco_folder: Path, painted: Painted, write: Write, check_fault: Check) -> None:
    write(coco_folder / "0.png", painted(height=21))
    check_fault(find_boxes(str(coco_folder)), "0.png", "all.json", "30 x 20", "30 x 21")


def test_rows_that_cannot_be(coco_folder: Path, write: Write, coco: Coco, refused: Check) -> None:
    content = coco({f"{number}.png": [ANT] for number in range(5)})
    both = [{"id": 7, "name": "ant"}, {"id": 7, "name": "bee"}]
    for change, *named in (
        ({"categories": []}, "annotations[0]", "category_id 7"),
        ({"categories": [{"id": 7, "name": None}]}, "categories[0]", "id 7", "name", "None"),
        ({"categories": both}, "categories[1]", "id 7", "'ant'", "'bee'"),
        ({"images": None}, "images", "None"),
        ({"images": [3]}, "images[0]", "3"),
        ({"images": [image(width=float("inf"))]}, "images[0]", "id 0", "width", "inf"),
        ({"images": [image(height=10**4000)]}, "height", "1000000000", "...0"),
        ({"images": [image(id=[1])]}, "images[0]", "id [1]"),
        ({"images": [image(file_name=None)]}, "file_name", "None"),
        ({"images": [image(), image(file_name="1.png")]}, "images[1]", "id 0", "'0.png'", "'1.png'"),
        ({"annotations": [box(bbox=[1, 2, 3])]}, "annotations[0]", "id 17", "bbox", "[1, 2, 3]"),
        ({"annotations": [box(), box(bbox=None)]}, "annotations[1]", "id 17", "bbox", "None"),
        ({"annotations": [box(bbox=["a"] * 4)]}, "bbox", "['a'"),
        ({"annotations": [{"image_id": 0, "category_id": 7}]}, "annotations[0]", "bbox"),
        ({"annotations": [box(category_id=99)]}, "id 17", "category_id 99", "7, 3"),
        ({"annotations": [box(category_id="7")]}, "id 17", "category_id '7'", "7, 3"),
        ({"annotations": [box(image_id="0")]}, "id 17", "image_id", "'0'"),
        ({"annotations": [box(image_id=[[]])]}, "id 17", "image_id", "[[]]"),
        ({"annotations": [box(iscrowd="no")]}, "id 17", "iscrowd", "'no'"),
        ({"annotations": [box(iscrowd=[1])]}, "id 17", "iscrowd", "[1]"),
    ):
        write(coco_folder / "all.json", json.dumps(content | change))
        refused(DataError, ("all.json", *named), find_boxes, str(coco_folder))


def test_what_is_no_coco_file(coco_folder: Path, write: Write, refused: Check) -> None:
    for text in ("", "{", "[]", "null", b"\xff", "[" * 100_000, "1" * 5000):
        write(coco_folder / "all.json", text)
        refused(DataError, ("all.json", "images", "categories", "annotations"), find_boxes, str(coco_folder))
    (coco_folder / "all.json").unlink()
    os.mkfifo(coco_folder / "all.json")  # is not waited for
    refused(DataError, "all.json", find_boxes, str(coco_folder / "all.json"))


def test_a_coco_file_with_a_byte_order_mark(coco_folder: Path, write: Write) -> None:
    text = (coco_folder / "all.json").read_bytes()
    before = names(coco_folder)
    write(coco_folder / "all.json", b"\xef\xbb\xbf" + text)
    assert names(coco_folder) == before
