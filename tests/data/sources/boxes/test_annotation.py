from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tfft.data import assign_splits, find_boxes, read_pictures

Check = Callable[..., None]
Text = Callable[..., str]
Write = Callable[[Path, bytes | str], Path]
ANT = ("ant", 3, 2, 13, 12)
"""A class and left, top, right, bottom in a picture that is 20 pixels high and 30 wide."""


def test_pixels_that_some_tools_count_from_one_are_cut_to_the_picture(
    voc_folder: Path, write: Write, voc: Text
) -> None:
    write(voc_folder / "annotations/0.xml", voc(("ant", -1, 0, 31, 20.5)))
    assert find_boxes(str(voc_folder))[0].truth.corners == ((0, 0, 1, 1),)


def test_voc_boxes_that_cannot_be(voc_folder: Path, write: Write, voc: Text, check_fault: Check) -> None:
    for *objects, named in (
        (("ant", 33, 2, 42, 12), ["30 x 20", "ant 33, 2, 42, 12"]),
        (("ant", 3, 2, 13, 12), ("bee", -9, 2, -3, 12), ["bee -9, 2, -3, 12"]),
        (("ant", 3, -9, 13, -2), ["ant 3, -9, 13, -2"]),
        (("ant", 3, 12, 13, 2), ["ant 3, 12, 13, 2"]),
        (("ant", 3, "nan", 13, 12), ["ant 3, nan, 13, 12"]),
        (("ant", 3, 2, "inf", 12), ["ant 3, 2, inf, 12"]),
        (("", 3, 2, 13, 12), ["3, 2, 13, 12"]),
        (("ant", 3, 2, 13, ""), ["could not convert"]),
    ):
        write(voc_folder / "annotations/0.xml", voc(*objects))
        check_fault(find_boxes(str(voc_folder)), "images/0.png", "0.xml", *named)


def test_boxes_over_the_edge_are_clipped_and_those_without_an_area_left_out(
    voc_folder: Path, write: Write, voc: Text, noted: Callable[..., bool]
) -> None:
    """The picture stays, also where no box is left; a pixel over the edge is not worth a note."""
    over = [("ant", -6, 2, 15, 12), ("bee", 3, 10, 31, 25), ("ant", 0, 0, 31, 20.5)]
    write(voc_folder / "annotations/0.xml", voc(*over, ("bee", 3, 2, 3, 12), ("bee", 30, 2, 44, 12)))
    write(voc_folder / "annotations/1.xml", voc(("ant", 3, 2, 13, 2)))
    records = find_boxes(str(voc_folder))
    boxes = records[0].truth
    assert boxes.names == ("ant", "bee", "ant")
    assert np.array(boxes.corners) == pytest.approx(np.array([[0, 0.1, 0.5, 0.6], [0.1, 0.5, 1, 1], [0, 0, 1, 1]]))
    splits = read_pictures(
        assign_splits(records, val_fraction=0.3, test_fraction=0, seed=0), image_size=(20, 30), bad_files="stop"
    )
    assert noted(splits, "3 boxes", "area")
    assert noted(splits, "2 boxes", "clipped")
    assert noted(splits, "1 picture ", "without a box")


def test_what_is_no_voc_file(voc_folder: Path, write: Write, voc: Text, check_fault: Check) -> None:
    for content, *named in (
        ("<annotation>", "no element found"),
        ("", "no element found"),
        (b"\x89PNG\x00", "not well-formed"),
        ("<html><body/></html>", "<html>"),
        ('<annotation xmlns="urn:a"><object/></annotation>', "<{urn:a}annotation>"),
        ("<annotation><Object/></annotation>", "<Object>"),
        ('<annotation xmlns:b="b"><b:object/></annotation>', "<{b}object>"),
        ("<annotation><object><name>ant</name><polygon/></object></annotation>", "object 1", "ant", "bndbox"),
        ('<?xml version="1.0" encoding="odd"?><a/>', "unknown encoding"),
        (voc(ANT, size="<size><width>inf</width><height>20</height></size>"), "infinity"),
    ):
        write(voc_folder / "annotations/0.xml", content)
        check_fault(find_boxes(str(voc_folder)), "images/0.png", "0.xml", *named)


def test_a_voc_file_that_declares_entities(voc_folder: Path, write: Write, voc: Text, check_fault: Check) -> None:
    for start, encoding in (("", "utf-8"), ('<?xml version="1.0" encoding="utf-16"?>', "utf-16")):
        text = f'{start}<!DOCTYPE a [<!ENTITY e "ant">]>{voc(ANT)}'
        write(voc_folder / "annotations/0.xml", text.encode(encoding))
        check_fault(find_boxes(str(voc_folder)), "images/0.png", "0.xml", "entities")


def test_a_voc_size_unlike_the_picture(voc_folder: Path, write: Write, voc: Text, check_fault: Check) -> None:
    for width, height in ((31, 20), (20, 30)):
        size = f"<size><width>{width}</width><height>{height}</height></size>"
        write(voc_folder / "annotations/0.xml", voc(ANT, size=size))
        check_fault(find_boxes(str(voc_folder)), "images/0.png", "0.xml", f"{width} x {height}", "30 x 20")


def test_a_voc_file_without_a_size_is_held_against_the_picture(
    voc_folder: Path, write: Write, voc: Text, check_fault: Check
) -> None:
    for number in range(5):
        write(voc_folder / f"annotations/{number}.xml", voc(ANT, size=""))
    assert find_boxes(str(voc_folder))[0].truth.corners == (pytest.approx((0.1, 0.1, 13 / 30, 0.6)),)
    write(voc_folder / "annotations/0.xml", voc(("ant", 33, 2, 42, 12), size=""))
    check_fault(find_boxes(str(voc_folder)), "images/0.png", "0.xml", "30 x 20", "ant 33, 2, 42, 12")
