from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tfft.data import Columns, find_pictures
from tfft.errors import DataError


@pytest.fixture
def pictures(tmp_path: Path, png: Callable[[int], bytes]) -> Path:
    (tmp_path / "images").mkdir()
    for number in range(4):
        (tmp_path / "images" / f"{number}.png").write_bytes(png(number))
    return tmp_path


def table(folder: Path, text: str, encoding: str = "utf-8") -> str:
    (folder / "list.csv").write_text(text, encoding=encoding)
    return str(folder / "list.csv")


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_any_delimiter_with_or_without_a_mark(pictures: Path, delimiter: str, encoding: str) -> None:
    text = "path,label\nimages/0.png,ant\nimages/1.png,bee\n".replace(",", delimiter)
    records = find_pictures(table(pictures, text, encoding))
    assert [(r.truth.name, r.split, r.group) for r in records] == [("ant", None, None), ("bee", None, None)]
    assert records[0].content == pictures / "images/0.png"


def test_split_and_group_columns(pictures: Path) -> None:
    text = (
        "file,kind,part,patient\nimages/0.png,ant,train,p1\nimages/1.png,bee,Training,p2\nimages/2.png,ant,valid,p3\n"
    )
    columns = Columns(image="file", label="kind", split="part", group="patient")
    records = find_pictures(table(pictures, text), columns)
    assert [(r.split, r.group) for r in records] == [("train", "p1"), ("train", "p2"), ("val", "p3")]


def test_spaces_beside_the_delimiters_are_no_part_of_a_name_or_a_cell(pictures: Path) -> None:
    records = find_pictures(table(pictures, "path , label\nimages/0.png , ant\nimages/1.png, bee \n"))
    assert [r.truth.name for r in records] == ["ant", "bee"]


def test_a_quoted_cell_may_hold_a_line_break(pictures: Path) -> None:
    records = find_pictures(table(pictures, 'path,label\nimages/0.png,"a\nb"\nimages/1.png,bee\n'))
    assert [r.truth.name for r in records] == ["a\nb", "bee"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("path,klass\nimages/0.png,ant\n", r"a column 'label'.*columns 'path', 'klass'"),
        ("path,label\nimages/0.png,ant\nimages/9.png,bee\n", r"no file .*9\.png \(list\.csv row 3\)"),
        ("path,label\nimages/0.png,ant\nimages/0.png,bee\n", r"images/0\.png in rows 2 and 3 of list\.csv"),
        ("path,label\nimages/0.png,ant\n../secret.png,bee\n", r"\.\./secret\.png in list\.csv row 3"),
        ("path,label\nimages/0.png,ant\n/etc/hostname,bee\n", r"/etc/hostname in list\.csv row 3"),
        ("path,label\nimages/0.png,ant\nimages/1.png,\n", r"an empty cell in list\.csv row 3"),
        ("path,label\nimages/0.png,ant\nimages/1.png\n", r"an empty cell in list\.csv row 3"),
        ("path,label\nimages/0.png,ant\nimages/../images/0.png,bee\n", r"in rows 2 and 3"),
        ('path,label\nimages/0.png,ant\nimages/1.png,"bee\n', r"well-formed CSV.*unexpected end of data.*row"),
        ("path,label\nimages/0.png,ant\nimages/\0.png,bee\n", r"null|NUL"),
        (f"path,label\nimages/0.png,ant\n{'x' * 5000}.png,bee\n", r"too long"),
        ("path,label\nimages/0.png,ant\nimages/1.png,bee,big\n", r"1 more in list\.csv row 3"),
        ("path,label,label\nimages/0.png,ant,bee\n", r"two columns 'label'"),
        ("path,label\n", "only a header"),
        ("", "an empty file"),
        ("\n \n", "an empty file"),
        ("\n\npath,label\nimages/0.png,ant\nimages/9.png,bee\n", r"9\.png \(list\.csv row 5\)"),
        ('"path,label\nimages/0.png,ant\n', r"well-formed CSV.*unexpected end of data.*list\.csv row 2.*quote"),
        (f'path,"{"x" * 140_000}"\nimages/0.png,ant\n', r"well-formed CSV.*field limit.*list\.csv row 1"),
        (f'path,label\nimages/0.png,"{"x" * 140_000}"\n', r"well-formed CSV.*field limit.*list\.csv row 2"),
        ("path,label\nimages/0.png,ant\nloop.png,bee\n", r"[Ll]oop.* in list\.csv row 3|no file .*loop\.png"),
        ("path,label\nimages/0.png,ant\nimages/1.png,ant\n", "only 'ant'"),
    ],
)
def test_what_is_wrong_is_said_with_its_row(pictures: Path, text: str, said: str) -> None:
    (pictures / "loop.png").symlink_to(pictures / "loop.png")
    with pytest.raises(DataError, match=said):
        find_pictures(table(pictures, text))


def test_blank_lines_before_the_header(pictures: Path) -> None:
    records = find_pictures(table(pictures, "\n  \n\t\npath\tlabel\nimages/0.png\tant\nimages/1.png\tbee\n"))
    assert [r.where for r in records] == ["images/0.png (list.csv row 5)", "images/1.png (list.csv row 6)"]


def test_names_that_look_alike_are_one(pictures: Path) -> None:
    text = "path,label,kin\nimages/0.png,caf\u00e9,\u00e9\nimages/1.png,cafe\u0301,e\u0301\nimages/2.png,bee,e\n"
    records = find_pictures(table(pictures, text), Columns(group="kin"))
    assert [(r.truth.name, r.group) for r in records] == [("caf\u00e9", "\u00e9")] * 2 + [("bee", "e")]


def test_a_class_without_training_rows(pictures: Path) -> None:
    text = "path,label,split\nimages/0.png,ant,train\nimages/1.png,bee,train\nimages/2.png,be,test\n"
    with pytest.raises(DataError, match=r"class 'be' only in the test rows.*row 4.*Nearest.*'bee'"):
        find_pictures(table(pictures, text), Columns(split="split"))


def test_an_unknown_split(pictures: Path) -> None:
    text = "path,label,split\nimages/0.png,ant,train\nimages/1.png,bee,tset\n"
    with pytest.raises(DataError, match=r"'tset' in list\.csv row 3"):
        find_pictures(table(pictures, text), Columns(split="split"))


def test_no_file_and_no_text(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no file"):
        find_pictures(str(tmp_path / "none.csv"))
    (tmp_path / "file.csv").write_text("path,label\n")
    with pytest.raises(DataError, match=r"no file .*file\.csv/none\.csv"):
        find_pictures(str(tmp_path / "file.csv/none.csv"))
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(DataError, match="the folder"):
        find_pictures(str(tmp_path / "folder.csv"))
    (tmp_path / "bin.csv").write_bytes(b"\xff\xfe\x00path")
    with pytest.raises(DataError, match="UTF-8"):
        find_pictures(str(tmp_path / "bin.csv"))
