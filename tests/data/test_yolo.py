from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tfft.data import Record, find_boxes
from tfft.errors import DataError

Check = Callable[[list[Record], str, str], None]
Text = Callable[..., str]
Write = Callable[[Path, bytes | str], Path]
ANT = ("ant", 3, 2, 13, 12)
"""A class and left, top, right, bottom in a picture that is 20 pixels high and 30 wide."""


def names(source: Path) -> list[tuple[str, ...]]:
    """The classes on each picture."""
    return [record.truth.names for record in find_boxes(str(source))]


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
