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
BOMB = "a0: &a0 ant\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 9))
"""A few lines that stand for nine to the power of eight words."""
MERGES = "a0: &a0 {x: 1}\n" + "".join(f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 9)}]}}\n" for i in range(1, 9))


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
        ("data.yaml", 'names: ["ant", "bee"]'),
        ("DATA.YAML", "a: &ant ant\nnames: [*ant, bee]\n"),
        ("hyp.yaml", "names: [ant, bee]"),
        ("classes.txt", "ant\nbee\n\n\n"),
        ("Classes.txt", "ant\nbee\n"),
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


def test_names_as_they_are_written(yolo_folder: Path, write: Write) -> None:
    for said, name in (("007", "007"), ("1.10", "1.10"), ("'yes'", "yes")):
        write(yolo_folder / "data.yaml", f"names: [{said}, bee]\n")
        assert set(names(yolo_folder)) == {(name,)}


def test_a_blank_line_has_its_number(yolo_folder: Path, write: Write, yolo: Text, check_fault: Check) -> None:
    (yolo_folder / "data.yaml").unlink()
    write(yolo_folder / "classes.txt", "ant\n\nbee\n")
    write(yolo_folder / "labels/0.txt", yolo(2, *ANT[1:]))
    assert names(yolo_folder)[0] == ("bee",)
    write(yolo_folder / "labels/0.txt", yolo(1, *ANT[1:]))
    check_fault(find_boxes(str(yolo_folder)), r"images/0\.png", r"0\.txt line 1 has class 1, classes are 0, 2")


def test_other_yaml_files_do_not_count_beside_the_one_of_the_data(yolo_folder: Path, write: Write) -> None:
    for text in ("names: [wasp]", "names: ["):
        write(yolo_folder / "coco.yaml", text)
        assert set(names(yolo_folder)) == {("ant",)}


@pytest.mark.parametrize(
    ("one", "other"),
    [("classes.txt", "data.yaml"), ("data.yaml", "labels/classes.txt"), ("a.yaml", "b.yaml")],
)
def test_names_that_contradict_each_other(yolo_folder: Path, write: Write, one: str, other: str) -> None:
    (yolo_folder / "data.yaml").unlink()
    for name in (one, other):
        write(yolo_folder / name, "ant\nbee" if name.endswith("txt") else "names: [ant, bee]")
    assert set(names(yolo_folder)) == {("ant",)}
    write(yolo_folder / other, "bee\nant" if other.endswith("txt") else "names: [bee, ant]")
    with pytest.raises(DataError, match=r"say the same") as caught:
        find_boxes(str(yolo_folder))
    assert one in str(caught.value)
    assert f"0: 'bee', 1: 'ant' in {yolo_folder / other}" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2 .5 .5 .2 .2", r"0\.txt line 1 has class 2, classes are 0, 1"),
        ("0 .5 .5 .2 .2\n-1 .5 .5 .2 .2", r"0\.txt line 2 has class -1"),
        ("0.5 .5 .5 .2 .2", r"0\.txt line 1 has class 0\.5"),
        ("nan .5 .5 .2 .2", r"0\.txt line 1 has class nan"),
        ("0 .5 .5 .2", r"0\.txt line 1 is not five numbers: '0 \.5 \.5 \.2'"),
        ("0 .1 .1 .2 .1 .2 .2", r"0\.txt line 1 has a polygon, as for segmentation; a box is five numbers: '0 \.1"),
        ("0 .1 .1 .2 .1 .9", r"0\.txt line 1 is not five numbers"),
        ("ant .5 .5 .2 .2", r"0\.txt line 1 is not five numbers"),
        ("0 .5 .5 .2 0", r"0\.txt has boxes that are empty"),
        ("0 .5 .5 -.2 .2", r"0\.txt has boxes that are empty"),
        ("0 .5 .5 1.2 .2", r"0\.txt has boxes.* not inside 30 x 20 pixels: ant -3, 8, 33, 12"),
        ("0 15 10 10 10", r"0\.txt has boxes.* not inside"),
        ("0 nan .5 .2 .2", r"0\.txt has boxes.* not inside"),
        ("0 .5 .5 inf .2", r"0\.txt has boxes.* not inside"),
        (b"\xff\xfe0", r"0\.txt is not UTF-8 text"),
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
        ("data.yaml", "names: [yes, bee]", r"name of class 0 is 'yes', which YAML reads as bool; put a name in quotes"),
        ("data.yaml", "names: {0: ant, 1: }", r"name of class '1' is '', which YAML reads as null"),
        ("data.yaml", "names: [ant, [bee]]", r"name of class 1 is a sequence"),
        ("data.yaml", "names: {0: ant, 0: bee}", r"class '0' has the names 'ant' and 'bee'"),
        ("data.yaml", "names: {[0]: ant}", r"class names.*data\.yaml"),
        ("data.yaml", BOMB + "names: [*a8, bee]", r"name of class 0 is a sequence"),
        ("data.yaml", BOMB + "names: *a8", r"name of class 0 is a sequence"),
        ("data.yaml", BOMB + "names: {<<: [*a8, *a8]}", r"name of class '<<' is a sequence"),
        ("data.yaml", MERGES + "names: [yes]", r"YAML reads as bool"),
        ("data.yaml", "names: " + "[" * 5000, r"recursion.*data\.yaml"),
        ("data.yaml", b"names: [\xff]", r"class names.*data\.yaml"),
        ("classes.txt", b"\xff", r"class names.*classes\.txt"),
    ],
)
def test_names_that_cannot_be_read(yolo_folder: Path, write: Write, name: str, text: bytes | str, said: str) -> None:
    (yolo_folder / "data.yaml").unlink()
    write(yolo_folder / name, text)
    with pytest.raises(DataError, match=said):
        find_boxes(str(yolo_folder))
