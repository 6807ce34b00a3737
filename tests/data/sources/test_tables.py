from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from tfft.data import Columns, find_pictures
from tfft.errors import DataError

Check = Callable[..., None]


@pytest.fixture
def pictures(tmp_path: Path, png: Callable[[int], bytes]) -> Path:
    (tmp_path / "images").mkdir()
    for number in range(4):
        (tmp_path / "images" / f"{number}.png").write_bytes(png(number))
    return tmp_path


def table(folder: Path, text: str, encoding: str = "utf-8") -> str:
    (folder / "list.csv").write_text(text, encoding=encoding)
    return str(folder / "list.csv")


def test_any_delimiter_with_or_without_a_byte_order_mark(pictures: Path) -> None:
    for delimiter, encoding in itertools.product(",;\t", ("utf-8", "utf-8-sig")):
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


def test_what_is_wrong_is_said_with_its_row(pictures: Path, refused: Check) -> None:
    (pictures / "loop.png").symlink_to(pictures / "loop.png")
    for text, *named in (
        ("path,klass\nimages/0.png,ant\n", "'label'", "'path', 'klass'"),
        ("path,label\nimages/0.png,ant\nimages/9.png,bee\n", "images/9.png", "row 3"),
        ("path,label\nimages/0.png,ant\nimages/0.png,bee\n", "images/0.png", "2", "3"),
        ("path,label\nimages/0.png,ant\n../secret.png,bee\n", "../secret.png", "row 3"),
        ("path,label\nimages/0.png,ant\n/etc/hostname,bee\n", "/etc/hostname", "row 3"),
        ("path,label\nimages/0.png,ant\n,bee\n", "'path'", "row 3"),
        ("path,label\nimages/0.png,ant\nimages/1.png,\n", "'label'", "row 3"),
        ("path,label\nimages/0.png,ant\nimages/1.png\n", "'label'", "row 3"),
        ("path,label\nimages/0.png,ant\nimages/../images/0.png,bee\n", "2", "3"),
        ('path,label\nimages/0.png,ant\nimages/1.png,"bee\n', "unexpected end of data", "row"),
        ("path,label\nimages/0.png,ant\nimages/\0.png,bee\n",),
        (f"path,label\nimages/0.png,ant\n{'x' * 5000}.png,bee\n", "too long"),
        ("path,label\nimages/0.png,ant\nimages/1.png,bee,big\n", "row 3"),
        ("path,label,label\nimages/0.png,ant,bee\n", "'label'"),
        ("path,label\n", "header"),
        ("", "empty"),
        ("\n \n", "empty"),
        ("\n\npath,label\nimages/0.png,ant\nimages/9.png,bee\n", "images/9.png", "row 5"),
        ('"path,label\nimages/0.png,ant\n', "unexpected end of data", "row 2", "quote"),
        (f'path,"{"x" * 140_000}"\nimages/0.png,ant\n', "field limit", "row 1"),
        (f'path,label\nimages/0.png,"{"x" * 140_000}"\n', "field limit", "row 2"),
        ("path,label\nimages/0.png,ant\nloop.png,bee\n", "loop", "row 3"),
        ("path,label\nimages/0.png,ant\nimages/1.png,ant\n", "'ant'"),
    ):
        refused(DataError, ("list.csv", *named), find_pictures, table(pictures, text))


def test_blank_lines_before_the_header(pictures: Path) -> None:
    records = find_pictures(table(pictures, "\n  \n\t\npath\tlabel\nimages/0.png\tant\nimages/1.png\tbee\n"))
    assert [r.where for r in records] == ["images/0.png (list.csv row 5)", "images/1.png (list.csv row 6)"]


def test_names_that_look_alike_are_one(pictures: Path) -> None:
    text = "path,label,kin\nimages/0.png,caf\u00e9,\u00e9\nimages/1.png,cafe\u0301,e\u0301\nimages/2.png,bee,e\n"
    records = find_pictures(table(pictures, text), Columns(group="kin"))
    assert [(r.truth.name, r.group) for r in records] == [("caf\u00e9", "\u00e9")] * 2 + [("bee", "e")]


def test_a_class_without_training_rows_and_an_unknown_split(pictures: Path, refused: Check) -> None:
    for text, *named in (
        ("images/1.png,bee,train\nimages/2.png,be,test\n", "'be'", "test", "row 4", "'bee'"),
        ("images/1.png,bee,tset\n", "'tset'", "row 3"),
    ):
        source = table(pictures, f"path,label,split\nimages/0.png,ant,train\n{text}")
        refused(DataError, ("list.csv", *named), find_pictures, source, Columns(split="split"))


def test_no_file_and_no_text(tmp_path: Path, refused: Check) -> None:
    (tmp_path / "file.csv").write_text("path,label\n")
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "bin.csv").write_bytes(b"\xff\xfe\x00path")
    for name in ("none.csv", "file.csv/none.csv", "folder.csv"):
        refused(DataError, name, find_pictures, str(tmp_path / name))
    refused(DataError, ("bin.csv", "UTF-8"), find_pictures, str(tmp_path / "bin.csv"))
