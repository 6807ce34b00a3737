from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tfft.data import find_boxes
from tfft.errors import DataError

Check = Callable[..., None]
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


def test_yolo_names(yolo_folder: Path, write: Write, yolo: Text) -> None:
    many = "".join(f"  '{number}': {name}\n" for number, name in enumerate(["ant", "bee", *"cdefghijk"]))
    (yolo_folder / "data.yaml").unlink()
    for name, text in (
        ("data.yaml", "nc: 2\nnames: [ant, bee]\n"),
        ("data.yml", "names:\n  0: ant\n  1: bee\n"),
        ("data.yaml", "names: {'1': bee, '0': ant}\n"),
        ("data.yaml", f"names:\n{many}"),
        ("data.yaml", 'names: ["ant", "bee"]'),
        ("DATA.YAML", "a: &ant ant\nnames: [*ant, bee]\n"),
        ("hyp.yaml", "names: [ant, bee]"),
        ("classes.txt", "ant\nbee\n\n\n"),
        ("Classes.txt", "ant\nbee\n"),
        ("labels/classes.txt", "\ufeffant\nbee"),
    ):
        write(yolo_folder / name, text)
        write(yolo_folder / "labels/0.txt", yolo(1, *ANT[1:]))
        assert names(yolo_folder) == [("bee",), *[("ant",)] * 4], (name, text)
        (yolo_folder / name).unlink()


def test_a_number_without_a_name_is_no_class(yolo_folder: Path, write: Write, yolo: Text, check_fault: Check) -> None:
    """A blank line of classes.txt has its number, too."""
    for name, text in (("data.yaml", "names: {0: ant, 2: wasp}\n"), ("classes.txt", "ant\n\nwasp\n")):
        write(yolo_folder / name, text)
        write(yolo_folder / "labels/0.txt", yolo(2, *ANT[1:]))
        assert names(yolo_folder)[0] == ("wasp",)
        write(yolo_folder / "labels/0.txt", yolo(1, *ANT[1:]))
        check_fault(find_boxes(str(yolo_folder)), "images/0.png", "0.txt", "line 1", "class 1", "0, 2")
        (yolo_folder / name).unlink()


def test_names_as_they_are_written(yolo_folder: Path, write: Write) -> None:
    for said, name in (("007", "007"), ("1.10", "1.10"), ("'yes'", "yes")):
        write(yolo_folder / "data.yaml", f"names: [{said}, bee]\n")
        assert set(names(yolo_folder)) == {(name,)}


def test_other_yaml_files_do_not_count_beside_the_one_of_the_data(yolo_folder: Path, write: Write) -> None:
    for text in ("names: [wasp]", "names: ["):
        write(yolo_folder / "coco.yaml", text)
        assert set(names(yolo_folder)) == {("ant",)}


def test_names_that_contradict_each_other(yolo_folder: Path, write: Write, refused: Check) -> None:
    (yolo_folder / "data.yaml").unlink()
    for pair in (("classes.txt", "data.yaml"), ("data.yaml", "labels/classes.txt"), ("a.yaml", "b.yaml")):
        for name in pair:
            write(yolo_folder / name, "ant\nbee" if name.endswith("txt") else "names: [ant, bee]")
        assert set(names(yolo_folder)) == {("ant",)}
        write(yolo_folder / pair[1], "bee\nant" if pair[1].endswith("txt") else "names: [bee, ant]")
        places = [str(yolo_folder / name) for name in pair]
        refused(DataError, (*places, "0: 'bee'", "1: 'ant'"), find_boxes, str(yolo_folder))
        for name in pair:
            (yolo_folder / name).unlink()


def test_lines_that_cannot_be(yolo_folder: Path, write: Write, check_fault: Check) -> None:
    for text, *named in (
        ("2 .5 .5 .2 .2", "line 1", "class 2", "0, 1"),
        ("0 .5 .5 .2 .2\n-1 .5 .5 .2 .2", "line 2", "class -1"),
        ("0.5 .5 .5 .2 .2", "line 1", "class 0.5"),
        ("nan .5 .5 .2 .2", "line 1", "class nan"),
        ("0 .5 .5 .2", "line 1", "'0 .5 .5 .2'"),
        ("0 .1 .1 .2 .1 .2 .2", "line 1", "polygon", "'0 .1"),
        ("0 .1 .1 .2 .1 .9", "line 1", "'0 .1"),
        ("ant .5 .5 .2 .2", "line 1", "'ant .5"),
        ("0 .5 .5 -.2 .2", "ant 18, 8, 12, 12"),
        ("0 -.5 .5 .2 .2", "30 x 20", "ant -18, 8, -12, 12"),
        ("0 15 10 10 10", "ant 300, 100, 600, 300"),
        ("0 nan .5 .2 .2", "ant nan"),
        ("0 .5 .5 inf .2", "ant -inf"),
        (b"\xff\xfe0", "UTF-8"),
    ):
        write(yolo_folder / "labels/0.txt", text)
        check_fault(find_boxes(str(yolo_folder)), "images/0.png", "0.txt", *named)


def test_names_that_cannot_be_read(yolo_folder: Path, write: Write, refused: Check) -> None:
    (yolo_folder / "data.yaml").unlink()
    for name, text, *named in (
        ("data.yaml", "names: [ant, bee"),
        ("data.yaml", "names: ant\n", "'ant'"),
        ("data.yaml", "names: {ant: 0}\n"),
        ("data.yaml", "- names\n"),
        ("data.yaml", "names: [yes, bee]", "class 0", "'yes'", "bool"),
        ("data.yaml", "names: {0: ant, 1: }", "class '1'", "''", "null"),
        ("data.yaml", "names: [ant, [bee]]", "class 1", "sequence"),
        ("data.yaml", "names: {0: ant, 0: bee}", "class '0'", "'ant'", "'bee'"),
        ("data.yaml", "names: {[0]: ant}"),
        ("data.yaml", BOMB + "names: [*a8, bee]", "class 0", "sequence"),
        ("data.yaml", BOMB + "names: *a8", "class 0", "sequence"),
        ("data.yaml", BOMB + "names: {<<: [*a8, *a8]}", "class '<<'", "sequence"),
        ("data.yaml", MERGES + "names: [yes]", "bool"),
        ("data.yaml", "names: " + "[" * 1000, "recursion"),
        ("data.yaml", b"names: [\xff]"),
        ("classes.txt", b"\xff"),
    ):
        write(yolo_folder / name, text)
        refused(DataError, (str(yolo_folder / name), *named), find_boxes, str(yolo_folder))
        (yolo_folder / name).unlink()
