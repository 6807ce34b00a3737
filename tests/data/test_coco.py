from __future__ import annotations

import json
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


def test_crowds_are_left_out(tmp_path: Path, paint: Paint, write: Write, coco: Coco) -> None:
    paint(tmp_path, "a.png", "b.png")
    content = coco({"a.png": [("bee", 0, 0, 30, 20)], "b.png": [ANT]})
    content["annotations"][0]["iscrowd"] = 1
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
        ({"categories": []}, r"KeyError: 7 in .*all\.json"),
        ({"images": None}, "TypeError"),
        ({"images": [{"id": 0, "file_name": "0.png", "width": float("inf"), "height": 20}]}, "OverflowError"),
        ({"annotations": [{"image_id": 0, "category_id": 7, "bbox": [1, 2, 3]}]}, "ValueError"),
        ({"annotations": [{"image_id": 0, "category_id": 7}]}, "KeyError: 'bbox'"),
    ],
)
def test_coco_files_that_are_none(coco_folder: Path, write: Write, coco: Coco, change: dict, said: str) -> None:
    write(coco_folder / "all.json", json.dumps(coco({f"{i}.png": [ANT] for i in range(5)}) | change))
    with pytest.raises(DataError, match=said):
        find_boxes(str(coco_folder))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", b"\xff"])
def test_what_is_no_coco_file(coco_folder: Path, write: Write, text: bytes | str) -> None:
    write(coco_folder / "all.json", text)
    with pytest.raises(DataError, match=r"A COCO file holds images.*all\.json"):
        find_boxes(str(coco_folder))


def test_a_coco_file_with_a_mark(coco_folder: Path, write: Write) -> None:
    text = (coco_folder / "all.json").read_bytes()
    before = names(coco_folder)
    write(coco_folder / "all.json", b"\xef\xbb\xbf" + text)
    assert names(coco_folder) == before
