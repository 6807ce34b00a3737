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
Text = Callable[..., str]
Write = Callable[[Path, bytes | str], Path]
ANT = ("ant", 3, 2, 13, 12)
"""A class and left, top, right, bottom in a picture that is 20 pixels high and 30 wide."""


def names(source: Path) -> list[tuple[str, ...]]:
    """The classes on each picture."""
    return [record.truth.names for record in find_boxes(str(source))]


def test_pixels_that_some_tools_count_from_one_are_cut_to_the_picture(
    voc_folder: Path, write: Write, voc: Text
) -> None:
    write(voc_folder / "annotations/0.xml", voc(("ant", -1, 0, 31, 20.5)))
    assert find_boxes(str(voc_folder))[0].truth.corners == ((0, 0, 1, 1),)


@pytest.mark.parametrize(
    ("objects", "said"),
    [
        ([("ant", 3, 2, 32, 12)], r"0\.xml has boxes that are empty or not inside 30 x 20 pixels: ant 3, 2, 32, 12"),
        ([("ant", 3, 2, 13, 22)], "0.xml has boxes.*: ant 3, 2, 13, 22"),
        ([("ant", 3, 2, 13, 12), ("bee", -2, 2, 13, 12)], "0.xml has boxes.*: bee -2, 2, 13, 12"),
        ([("ant", 3, -5, 13, 12)], "0.xml has boxes.*: ant 3, -5, 13, 12"),
        ([("ant", 3, 2, 3, 12)], "0.xml has boxes.*: ant 3, 2, 3, 12"),
        ([("ant", 3, 12, 13, 2)], "0.xml has boxes.*: ant 3, 12, 13, 2"),
        ([("ant", 3, "nan", 13, 12)], "0.xml has boxes.*: ant 3, nan, 13, 12"),
        ([("ant", 3, 2, "inf", 12)], "0.xml has boxes.*: ant 3, 2, inf, 12"),
        ([("", 3, 2, 13, 12)], "0.xml has boxes.*: without a name 3, 2, 13, 12"),
        ([("ant", 3, 2, 13, "")], "0.xml is no Pascal VOC: could not convert"),
    ],
)
def test_voc_boxes_that_cannot_be(
    voc_folder: Path, write: Write, voc: Text, check_fault: Check, objects: list, said: str
) -> None:
    write(voc_folder / "annotations/0.xml", voc(*objects))
    check_fault(find_boxes(str(voc_folder)), r"images/0\.png", said)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("<annotation>", "0.xml is no Pascal VOC: no element found"),
        ("", "0.xml is no Pascal VOC: no element found"),
        (b"\x89PNG\x00", "0.xml is no Pascal VOC: not well-formed"),
        ('<?xml version="1.0" encoding="odd"?><a/>', "0.xml is no Pascal VOC: unknown encoding"),
    ],
)
def test_what_is_no_voc_file(
    voc_folder: Path, write: Write, check_fault: Check, content: bytes | str, said: str
) -> None:
    write(voc_folder / "annotations/0.xml", content)
    check_fault(find_boxes(str(voc_folder)), r"images/0\.png", said)


@pytest.mark.parametrize(("start", "encoding"), [("", "utf-8"), ('<?xml version="1.0" encoding="utf-16"?>', "utf-16")])
def test_a_voc_file_that_declares_entities(
    voc_folder: Path, write: Write, voc: Text, check_fault: Check, start: str, encoding: str
) -> None:
    text = f'{start}<!DOCTYPE a [<!ENTITY e "ant">]>{voc(ANT)}'
    write(voc_folder / "annotations/0.xml", text.encode(encoding))
    check_fault(find_boxes(str(voc_folder)), r"images/0\.png", "0.xml declares entities")


@pytest.mark.parametrize(
    ("width", "height", "said"),
    [
        ("31", "20", "0.xml says 31 x 20 pixels.* has 30 x 20"),
        ("20", "30", "0.xml says 20 x 30 pixels.* has 30 x 20"),
        ("inf", "20", "0.xml is no Pascal VOC: cannot convert"),
    ],
)
def test_a_voc_size_unlike_the_picture(
    voc_folder: Path, write: Write, voc: Text, check_fault: Check, width: str, height: str, said: str
) -> None:
    size = f"<size><width>{width}</width><height>{height}</height></size>"
    write(voc_folder / "annotations/0.xml", voc(ANT, size=size))
    check_fault(find_boxes(str(voc_folder)), r"images/0\.png", said)


def test_a_voc_file_without_a_size_is_held_against_the_picture(
    voc_folder: Path, write: Write, voc: Text, check_fault: Check
) -> None:
    for number in range(5):
        write(voc_folder / f"annotations/{number}.xml", voc(ANT, size=""))
    assert find_boxes(str(voc_folder))[0].truth.corners == (pytest.approx((0.1, 0.1, 13 / 30, 0.6)),)
    write(voc_folder / "annotations/0.xml", voc(("ant", 3, 2, 32, 12), size=""))
    check_fault(find_boxes(str(voc_folder)), r"images/0\.png", "0.xml has boxes that are empty or not inside 30 x 20")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("data.yaml", "nc: 2\nnames: [ant, bee]\n"),
        ("data.yml", "names:\n  0: ant\n  1: bee\n"),
        ("data.yaml", "names: {'1': bee, '0': ant}\n"),
        ("data.yaml", "names:\n" + "".join(f"  '{i}': {'ant' if i == 0 else f'no{i}'}\n" for i in range(11))),
        ("classes.txt", "ant\n\nbee\n"),
        ("labels/classes.txt", "\ufeffant\nbee"),
    ],
)
def test_yolo_names(yolo_folder: Path, write: Write, yolo: Text, name: str, text: str) -> None:
    (yolo_folder / "data.yaml").unlink()
    write(yolo_folder / name, text)
    assert set(names(yolo_folder)) == {("ant",)}
    write(yolo_folder / "labels/0.txt", yolo(1, *ANT[1:]))
    assert names(yolo_folder)[0] == (("no1",) if "no1" in text else ("bee",))


def test_a_number_without_a_name_is_no_class(yolo_folder: Path, write: Write, yolo: Text, check_fault: Check) -> None:
    write(yolo_folder / "data.yaml", "names: {0: ant, 2: wasp}\n")
    write(yolo_folder / "labels/0.txt", yolo(2, *ANT[1:]))
    assert names(yolo_folder)[0] == ("wasp",)
    write(yolo_folder / "labels/0.txt", yolo(1, *ANT[1:]))
    check_fault(find_boxes(str(yolo_folder)), r"images/0\.png", r"0\.txt line 1 has class 1, classes are 0, 2")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2 .5 .5 .2 .2", r"0\.txt line 1 has class 2, classes are 0, 1"),
        ("0 .5 .5 .2 .2\n-1 .5 .5 .2 .2", r"0\.txt line 2 has class -1"),
        ("0.5 .5 .5 .2 .2", r"0\.txt line 1 has class 0\.5"),
        ("nan .5 .5 .2 .2", r"0\.txt line 1 has class nan"),
        ("0 .5 .5 .2", r"0\.txt line 1 is not five numbers: '0 \.5 \.5 \.2'"),
        ("0 .1 .1 .2 .1 .2 .2", r"0\.txt line 1 is not five numbers"),
        ("ant .5 .5 .2 .2", r"0\.txt line 1 is not five numbers"),
        ("0 .5 .5 .2 0", r"0\.txt has boxes that are empty"),
        ("0 .5 .5 -.2 .2", r"0\.txt has boxes that are empty"),
        ("0 .5 .5 1.2 .2", r"0\.txt has boxes.* not inside 30 x 20 pixels: ant -3, 8, 33, 12"),
        ("0 15 10 10 10", r"0\.txt has boxes.* not inside"),
        ("0 nan .5 .2 .2", r"0\.txt has boxes.* not inside"),
        ("0 .5 .5 inf .2", r"0\.txt has boxes.* not inside"),
        (b"\xff\xfe0", "'utf-8' codec"),
    ],
)
def test_yolo_faults_are_named(
    yolo_folder: Path, write: Write, check_fault: Check, text: bytes | str, said: str
) -> None:
    write(yolo_folder / "labels/0.txt", text)
    check_fault(find_boxes(str(yolo_folder)), r"images/0\.png", said)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("data.yaml", "names: [ant, bee", r"class names.*data\.yaml"),
        ("data.yaml", "names: ant\n", r"class names.*'ant'.*data\.yaml"),
        ("data.yaml", "names: {ant: 0}\n", r"class names.*data\.yaml"),
        ("data.yaml", "- names\n", r"class names.*data\.yaml"),
        ("data.yaml", b"names: [\xff]", r"class names.*data\.yaml"),
        ("classes.txt", b"\xff", r"class names.*classes\.txt"),
    ],
)
def test_names_that_cannot_be_read(yolo_folder: Path, write: Write, name: str, text: bytes | str, said: str) -> None:
    (yolo_folder / "data.yaml").unlink()
    write(yolo_folder / name, text)
    with pytest.raises(DataError, match=said):
        find_boxes(str(yolo_folder))


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
