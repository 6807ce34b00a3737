from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tfft.data import Record, find_boxes

Check = Callable[[list[Record], str, str], None]
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
        ("<html><body/></html>", "0.xml is no Pascal VOC: its root is <html>, not <annotation>"),
        ("<annotations><image/></annotations>", "0.xml is no Pascal VOC: its root is <annotations>"),
        ('<annotation xmlns="urn:a"><object/></annotation>', "0.xml is no Pascal VOC: its root is <{urn:a}annotation>"),
        ("<annotation><Object/></annotation>", "0.xml is no Pascal VOC: it has <Object> instead of <object>"),
        ('<annotation xmlns:b="b"><b:object/></annotation>', "0.xml is no Pascal VOC: it has <{b}object> instead"),
        (
            "<annotation><object><name>ant</name><polygon/></object></annotation>",
            r"0.xml is no Pascal VOC: object 1 \(ant\) has no bndbox",
        ),
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
