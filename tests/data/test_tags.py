from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tfft.data import TagColumns, assign_splits, find_tagged, read_pictures
from tfft.data.tags import hot
from tfft.errors import ConfigError, DataError

Table = Callable[..., str]
ONE_EACH = TagColumns(tags=("ant", "bee"))


def names(source: str, columns: TagColumns = TagColumns()) -> list[tuple[str, ...]]:
    return [record.truth.names for record in find_tagged(source, columns)]


def test_names_in_one_column(picture_table: Table) -> None:
    text = "path,tags\nimages/0.png,bee|ant\nimages/1.png,\nimages/2.png, ant | ant || wasp\n"
    assert names(picture_table(text)) == [("ant", "bee"), (), ("ant", "wasp")]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_any_delimiter_with_or_without_a_mark(picture_table: Table, delimiter: str, encoding: str) -> None:
    text = "path,ant,bee\nimages/0.png,1,0\nimages/1.png,0,1\n".replace(",", delimiter)
    assert names(picture_table(text, encoding), ONE_EACH) == [("ant",), ("bee",)]


def test_another_separator(picture_table: Table) -> None:
    text = "file,what\nimages/0.png,red ant bee\nimages/1.png,bee\n"
    columns = TagColumns(image="file", tags=("what",), separator=" ")
    assert names(picture_table(text), columns) == [("ant", "bee", "red"), ("bee",)]


@pytest.mark.parametrize(("yes", "no"), [("1", "0"), ("1.0", "0.0"), ("TRUE", "False"), ("yes", "No"), ("x", "")])
def test_a_column_for_each_tag(picture_table: Table, yes: str, no: str) -> None:
    text = f"path,bee,ant\nimages/0.png,{yes},{no}\nimages/1.png, {yes} ,{yes}\nimages/2.png,{no},{no}\n"
    assert names(picture_table(text), ONE_EACH) == [("bee",), ("ant", "bee"), ()]


def test_split_and_group_columns(picture_table: Table) -> None:
    text = "path,tags,split,scene\nimages/0.png,ant|bee,train,s1\nimages/1.png,bee,valid,s2\n"
    records = find_tagged(picture_table(text), TagColumns(split="split", group="scene"))
    assert [(r.split, r.group) for r in records] == [("train", "s1"), ("val", "s2")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("path,ant\nimages/0.png,1\n", r"a column 'bee'.*columns 'path', 'ant'"),
        ("path,ant,bee\nimages/0.png,1,2\n", r"holds 1 or 0.*'2' in column 'bee', list\.csv row 2.*--columns\.tags"),
        ("path,ant,bee\nimages/0.png,1,0\nimages/1.png,ant,bee\n", r"'ant' in column 'ant', list\.csv row 3"),
        ("path,ant,bee\nimages/0.png,1,0\n,1,0\n", r"'path' has a value.*an empty cell in list\.csv row 3"),
        ("path,ant,bee\nimages/0.png,1,0\nimages/0.png,0,1\n", r"images/0\.png in rows 2 and 3 of list\.csv"),
        ("path,ant,bee\nimages/0.png,1,0\nimages/9.png,0,1\n", r"no file .*9\.png \(list\.csv row 3\)"),
        ("path,ant,bee\nimages/0.png,1,0\n../secret.png,0,1\n", r"\.\./secret\.png in list\.csv row 3"),
        ("path,ant,bee\nimages/0.png,1,0\nimages/1.png,1,0,1\n", r"1 more in list\.csv row 3"),
        ("path,ant,bee\nimages/0.png,1,0\nimages/1.png,1\n", r"fewer in list\.csv row 3"),
        ("path,ant,bee\nimages/0.png,0,0\nimages/1.png,,\n", r"Some pictures have tags.*list\.csv"),
        ("path,ant,bee\nimages/0.png,1,0\nimages/1.png,0,\n", r"some picture.*no 1 in column 'bee' of .*list\.csv"),
        ("path,ant,bee\n", "only a header"),
    ],
)
def test_what_is_wrong_is_said_with_its_row(picture_table: Table, text: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        find_tagged(picture_table(text), ONE_EACH)


def test_a_tag_without_training_pictures(picture_table: Table) -> None:
    text = "path,tags,split\nimages/0.png,ant|bee,train\nimages/1.png,ant|be,test\n"
    with pytest.raises(DataError, match=r"class 'be' only in the test split.*1\.png \(list\.csv row 3\).*'bee'"):
        find_tagged(picture_table(text), TagColumns(split="split"))


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (TagColumns(tags=()), r"at least one column.*none"),
        (TagColumns(tags=("ant", "ant")), r"once.*'ant', 'ant'"),
        (TagColumns(separator=""), r"separator.*''"),
    ],
)
def test_columns_that_cannot_be(picture_table: Table, columns: TagColumns, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        find_tagged(picture_table("path,tags,ant\nimages/0.png,ant,1\n"), columns)


def test_columns_of_what_is_no_table(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"belongs to a \.csv or \.tsv file"):
        find_tagged(str(tmp_path), ONE_EACH)


def test_targets_are_ones_where_a_tag_is(picture_table: Table) -> None:
    text = "path,tags,split\n" + "".join(
        f"images/{number}.png,{tags},{split}\n"
        for number, (tags, split) in enumerate([("wasp|ant", "train"), ("", "train"), ("ant", "val"), ("", "val")])
    )
    found = find_tagged(picture_table(text), TagColumns(split="split"))
    splits = read_pictures(found, image_size=(8, 8))
    assert splits.labels == ["ant", "wasp"]
    assert splits.train.targets.tolist() == [[1, 1], [0, 0]]
    assert splits.val.targets.tolist() == [[1, 0], [0, 0]]
    assert splits.train.targets.dtype == np.float32
    assert splits.train.counts == [1, 1]
    assert {"2 pictures have no tag", "val has no picture of wasp"} <= set(splits.notes)
    assert splits.motion is None


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (
            ("ant;bee", "bee", "wasp"),
            ["no picture has two tags, but 'ant;bee' is one: if not, set `--columns.separator ';'`"],
        ),
        (
            ('"ant, bee"', "bee", "wasp"),
            ["no picture has two tags, but 'ant, bee' is one: if not, set `--columns.separator ','`"],
        ),
        (("ant;bee|wasp", "wasp", "wasp"), []),
        (("ant", "bee", "bee"), []),
    ],
)
def test_a_separator_that_never_occurs(picture_table: Table, cells: tuple[str, ...], said: list[str]) -> None:
    rows = [f"images/{number}.png,{cell},train\n" for number, cell in enumerate(cells)]
    text = "path,tags,split\n" + "".join(rows) + f"images/3.png,{cells[1]},val\n"
    found = find_tagged(picture_table(text), TagColumns(split="split"))
    assert [note for note in read_pictures(found, image_size=(8, 8)).notes if "separator" in note] == said


def test_names_that_look_alike_are_one(picture_table: Table) -> None:
    text = "path,tags\nimages/0.png,caf\u00e9|ant\nimages/1.png,cafe\u0301\n"
    assert names(picture_table(text)) == [("ant", "caf\u00e9"), ("caf\u00e9",)]


def boxed_folder(folder: Path, png: Callable[[int], bytes]) -> Path:
    """Pictures of 24 x 20 in YOLO form: the first has two bees and an ant, the last none."""
    lines = ["1 .5 .5 .2 .2\n1 .2 .2 .2 .2\n0 .5 .5 .4 .4\n", "0 .5 .5 .4 .4\n", "1 .5 .5 .4 .4\n", ""]
    for name in ("images", "labels"):
        (folder / name).mkdir()
    (folder / "classes.txt").write_text("ant\nbee\n")
    for number, text in enumerate(lines):
        (folder / "images" / f"{number}.png").write_bytes(png(number))
        (folder / "labels" / f"{number}.txt").write_text(text)
    return folder


def test_classes_of_boxes_are_tags(tmp_path: Path, png: Callable[[int], bytes]) -> None:
    assert names(str(boxed_folder(tmp_path, png))) == [("ant", "bee"), ("ant",), ("bee",), ()]


def test_a_broken_annotation_is_not_a_picture_without_tags(tmp_path: Path, png: Callable[[int], bytes]) -> None:
    folder = boxed_folder(tmp_path, png)
    (folder / "labels" / "0.txt").write_text("7 .5 .5 .2 .2\n")
    records = assign_splits(find_tagged(str(folder)), val_fraction=0.5, test_fraction=0, seed=0)
    with pytest.raises(DataError, match=r"1 that do not: images/0\.png \(0\.txt line 1 has class 7"):
        read_pictures(records, image_size=(8, 8))
    splits = read_pictures(records, image_size=(8, 8), bad_files="skip")
    assert [where for where, _ in splits.skipped] == ["images/0.png"]
    assert "1 pictures have no tag" in splits.notes


def test_hot_rows() -> None:
    rows = hot([("bee", "ant"), (), ("wasp",)], ["ant", "bee", "wasp"])
    assert rows.tolist() == [[1, 1, 0], [0, 0, 0], [0, 0, 1]]
    assert rows.dtype == np.float32
