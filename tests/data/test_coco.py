from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tfft.data import Record, find_boxes
from tfft.errors import DataError

Painted = Callable[..., bytes]
Check = Callable[[list[Record], str, str], None]
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


@pytest.mark.parametrize(("said", "not_said"), [(1, 0), ("1", "0"), (True, None)])
def test_crowds_are_left_out(
    tmp_path: Path, paint: Paint, write: Write, coco: Coco, said: object, not_said: object
) -> None:
    paint(tmp_path, "a.png", "b.png")
    content = coco({"a.png": [("bee", 0, 0, 30, 20)], "b.png": [ANT]})
    content["annotations"][0]["iscrowd"] = said
    content["annotations"][1]["iscrowd"] = not_said
    write(tmp_path / "all.json", json.dumps(content))
    assert names(tmp_path) == [(), ("ant",)]


@pytest.mark.parametrize(
    ("bbox", "said"),
    [
        ([3, 2, 28, 10], r"all\.json has boxes that are empty or not inside 30 x 20 pixels: ant 3, 2, 31\.5, 12"),
        ([3, 2, 10, 0], r"all\.json has boxes that are empty"),
        ([3, 2, -1, 10], r"all\.json has boxes that are empty"),
        ([-2, 2, 10, 10], r"all\.json has boxes.*: ant -2, 2, 8, 12"),
        ([3, float("nan"), 10, 10], r"all\.json has boxes.*: ant 3, nan"),
    ],
)
def test_coco_faults_are_named(
    coco_folder: Path, write: Write, coco: Coco, check_fault: Check, bbox: list[float], said: str
) -> None:
    content = coco({f"{number}.png": [ANT] for number in range(5)})
    content["annotations"][0]["bbox"] = [v + 0.5 * (v == 28) for v in bbox]
    write(coco_folder / "all.json", json.dumps(content))
    check_fault(find_boxes(str(coco_folder)), r"0\.png", said)


def test_a_coco_size_unlike_the_picture(coco_folder: Path, painted: Painted, write: Write, check_fault: Check) -> None:
    write(coco_folder / "0.png", painted(height=21))
    check_fault(find_boxes(str(coco_folder)), r"0\.png", r"all\.json says 30 x 20 pixels, the picture has 30 x 21")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"categories": []},
            r"annotations\[0\]: category_id 7 is not among.*: none, in .*all\.json\. Correct this",
        ),
        ({"categories": [{"id": 7, "name": None}]}, r"categories\[0\] \(id 7\): name is None, not a text"),
        (
            {"categories": [{"id": 7, "name": "ant"}, {"id": 7, "name": "bee"}]},
            r"categories\[1\] \(id 7\): the id 7 is that of 'ant' and of 'bee'",
        ),
        ({"images": None}, "images: None in"),
        ({"images": [3]}, r"images\[0\]: 3 instead of names and values"),
        ({"images": [image(width=float("inf"))]}, r"images\[0\] \(id 0\): width is inf, not a number of pixels"),
        ({"images": [image(height=10**4000)]}, r"height is 10{9,}\.\.\.0{9,}, not a number of pixels"),
        ({"images": [image(id=[1])]}, r"images\[0\] \(id \[1\]\): id is \[1\], neither a number nor a text"),
        ({"images": [image(file_name=None)]}, r"file_name is None, not a text"),
        ({"images": [image(), image(file_name="1.png")]}, r"images\[1\].*the id 0 is that of '0\.png' and of '1\.png'"),
        ({"annotations": [box(bbox=[1, 2, 3])]}, r"annotations\[0\] \(id 17\): bbox is \[1, 2, 3\], not four numbers"),
        ({"annotations": [box(), box(bbox=None)]}, r"annotations\[1\] \(id 17\): bbox is None, not four numbers"),
        ({"annotations": [box(bbox=["a"] * 4)]}, r"bbox is \['a'.*\], not four numbers"),
        ({"annotations": [{"image_id": 0, "category_id": 7}]}, r"annotations\[0\]: no bbox, in"),
        ({"annotations": [box(category_id=99)]}, r"\(id 17\): category_id 99 is not among the categories: 7, 3"),
        ({"annotations": [box(category_id="7")]}, r"\(id 17\): category_id '7' is not among the categories: 7, 3"),
        ({"annotations": [box(image_id="0")]}, r"\(id 17\): image_id is '0', the id of the picture 0,"),
        ({"annotations": [box(image_id=[[]])]}, r"\(id 17\): image_id is \[\[\]\], neither a number nor a text"),
        ({"annotations": [box(iscrowd="no")]}, r"\(id 17\): iscrowd is 'no', neither 0 nor 1"),
        ({"annotations": [box(iscrowd=[1])]}, r"\(id 17\): iscrowd is \[1\], neither 0 nor 1"),
    ],
)
def test_coco_files_that_are_none(coco_folder: Path, write: Write, coco: Coco, change: dict, said: str) -> None:
    write(coco_folder / "all.json", json.dumps(coco({f"{i}.png": [ANT] for i in range(5)}) | change))
    with pytest.raises(DataError, match=said):
        find_boxes(str(coco_folder))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", b"\xff", "[" * 100_000, "1" * 5000])
def test_what_is_no_coco_file(coco_folder: Path, write: Write, text: bytes | str) -> None:
    write(coco_folder / "all.json", text)
    with pytest.raises(DataError, match=r"A COCO file holds images.*all\.json"):
        find_boxes(str(coco_folder))


def test_a_coco_file_with_a_mark(coco_folder: Path, write: Write) -> None:
    text = (coco_folder / "all.json").read_bytes()
    before = names(coco_folder)
    write(coco_folder / "all.json", b"\xef\xbb\xbf" + text)
    assert names(coco_folder) == before


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "all.json")
    with pytest.raises(DataError, match=r"all\.json is no regular file"):
        find_boxes(str(tmp_path / "all.json"))
