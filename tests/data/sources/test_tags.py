from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from tfft.data import TagColumns, assign_splits, find_tagged, read_pictures
from tfft.data.truths.tags import hot
from tfft.errors import ConfigError, DataError

Table = Callable[..., str]
Check = Callable[..., None]
ONE_EACH = TagColumns(tags=("ant", "bee"))


def names(source: str, columns: TagColumns = TagColumns()) -> list[tuple[str, ...]]:
    return [record.truth.names for record in find_tagged(source, columns)]


def test_names_in_one_column(picture_table: Table) -> None:
    text = "path,tags\nimages/0.png,bee|ant\nimages/1.png,\nimages/2.png, ant | ant || wasp\n"
    assert names(picture_table(text)) == [("ant", "bee"), (), ("ant", "wasp")]


def test_another_separator(picture_table: Table) -> None:
    text = "file,what\nimages/0.png,red ant bee\nimages/1.png,bee\n"
    columns = TagColumns(image="file", tags=("what",), separator=" ")
    assert names(picture_table(text), columns) == [("ant", "bee", "red"), ("bee",)]


def test_a_column_for_each_tag(picture_table: Table) -> None:
    for yes, no in (("1", "0"), ("1.0", "0.0"), ("TRUE", "False"), ("yes", "No"), ("x", "")):
        text = f"path,bee,ant\nimages/0.png,{yes},{no}\nimages/1.png, {yes} ,{yes}\nimages/2.png,{no},{no}\n"
        assert names(picture_table(text), ONE_EACH) == [("bee",), ("ant", "bee"), ()], (yes, no)


def test_split_and_group_columns(picture_table: Table) -> None:
    text = "path,tags,split,scene\nimages/0.png,ant|bee,train,s1\nimages/1.png,bee,valid,s2\n"
    records = find_tagged(picture_table(text), TagColumns(split="split", group="scene"))
    assert [(r.split, r.group) for r in records] == [("train", "s1"), ("val", "s2")]


def test_what_is_wrong_is_said_with_its_row(picture_table: Table, refused: Check) -> None:
    """`test_tables` looks at what goes wrong in the tables of every task."""
    for text, *named in (
        ("path,ant\nimages/0.png,1\n", "'bee'", "'path', 'ant'"),
        ("path,ant,bee\nimages/0.png,1,2\n", "'2'", "'bee'", "row 2", "--columns.tags"),
        ("path,ant,bee\nimages/0.png,1,0\nimages/1.png,ant,bee\n", "'ant'", "row 3"),
        ("path,ant,bee\nimages/0.png,1,0\n,1,0\n", "'path'", "row 3"),
        ("path,ant,bee\nimages/0.png,1,0\nimages/1.png,1\n", "row 3"),
        ("path,ant,bee\nimages/0.png,0,0\nimages/1.png,,\n",),
        ("path,ant,bee\nimages/0.png,1,0\nimages/1.png,0,\n", "'bee'"),
    ):
        refused(DataError, ("list.csv", *named), find_tagged, picture_table(text), ONE_EACH)


def test_tags_that_every_picture_has(picture_table: Table, refused: Check) -> None:
    rows = "".join(
        f"images/{number}.png,a|b,{split}\n" for number, split in enumerate(("train", "train", "val", "test"))
    )
    records = find_tagged(picture_table(f"path,tags,split\n{rows}"), TagColumns(split="split"))
    refused(DataError, ("same tags", "'a', 'b'"), lambda: read_pictures(records, image_size=(8, 8)))


def test_a_tag_without_training_pictures(picture_table: Table, refused: Check) -> None:
    text = "path,tags,split\nimages/0.png,ant|bee,train\nimages/1.png,ant|be,test\n"
    named = ("'be'", "test", "images/1.png", "list.csv", "row 3", "'bee'")
    refused(DataError, named, find_tagged, picture_table(text), TagColumns(split="split"))


def test_columns_that_cannot_be(picture_table: Table, tmp_path: Path, refused: Check) -> None:
    source = picture_table("path,tags,ant\nimages/0.png,ant,1\n")
    for columns, named in (
        (TagColumns(tags=()), "--columns"),
        (TagColumns(tags=("ant", "ant")), "'ant', 'ant'"),
        (TagColumns(separator=""), "''"),
    ):
        refused(ConfigError, named, find_tagged, source, columns)
    refused(ConfigError, (".csv", str(tmp_path)), find_tagged, str(tmp_path), ONE_EACH)


def test_targets_are_ones_where_a_tag_is(picture_table: Table, noted: Callable[..., bool]) -> None:
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
    assert noted(splits, "2", "tag")
    assert noted(splits, "val", "wasp")
    assert splits.augmentation.motion is None


def test_a_separator_that_never_occurs(picture_table: Table, noted: Callable[..., bool]) -> None:
    for cells, *named in (
        (("ant;bee", "bee", "wasp"), "'ant;bee'", "--columns.separator ';'"),
        (('"ant, bee"', "bee", "wasp"), "'ant, bee'", "--columns.separator ','"),
        (("ant;bee|wasp", "wasp", "wasp"),),
        (("ant", "bee", "bee"),),
    ):
        rows = [f"images/{number}.png,{cell},train\n" for number, cell in enumerate(cells)]
        text = "path,tags,split\n" + "".join(rows) + f"images/3.png,{cells[1]},val\n"
        splits = read_pictures(find_tagged(picture_table(text), TagColumns(split="split")), image_size=(8, 8))
        assert noted(splits, *named, "separator") == noted(splits, "separator") == bool(named)


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


def test_a_broken_annotation_is_not_a_picture_without_tags(
    tmp_path: Path, png: Callable[[int], bytes], refused: Check, noted: Callable[..., bool]
) -> None:
    folder = boxed_folder(tmp_path, png)
    (folder / "labels" / "0.txt").write_text("7 .5 .5 .2 .2\n")
    records = assign_splits(find_tagged(str(folder)), val_fraction=0.5, test_fraction=0, seed=0)
    named = ("images/0.png", "0.txt", "line 1", "class 7")
    refused(DataError, named, lambda: read_pictures(records, image_size=(8, 8)))
    splits = read_pictures(records, image_size=(8, 8), bad_files="skip")
    assert [where for where, _ in splits.skipped] == ["images/0.png"]
    assert noted(splits, "1", "tag")


def test_hot_rows() -> None:
    rows = hot([("bee", "ant"), (), ("wasp",)], ["ant", "bee", "wasp"])
    assert rows.tolist() == [[1, 1, 0], [0, 0, 0], [0, 0, 1]]
    assert rows.dtype == np.float32
