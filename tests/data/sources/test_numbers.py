from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tfft.data import NumberColumns, assign_splits, find_numbers, read_pictures, statistics
from tfft.errors import ConfigError, DataError

Table = Callable[..., str]
Maker = Callable[[Path, dict[str, int]], Path]
Check = Callable[..., None]


def values(source: str, columns: NumberColumns = NumberColumns()) -> list[tuple[float, ...]]:
    return [record.truth.values for record in find_numbers(source, columns)]


def test_numbers_of_every_kind_and_any_delimiter(picture_table: Table) -> None:
    for delimiter in ",;\t":
        text = "path,value\nimages/0.png,-1.5\nimages/1.png, 2e3 \n".replace(",", delimiter)
        assert values(picture_table(text)) == [(-1.5,), (2000.0,)]


def test_several_numbers_in_the_order_asked_for(picture_table: Table) -> None:
    text = "file,width,height,part\nimages/0.png,1,2,train\nimages/1.png,3,4,train\nimages/2.png,5,6,val\n"
    columns = NumberColumns(image="file", values=("height", "width"), split="part")
    splits = read_pictures(find_numbers(picture_table(text), columns), image_size=(8, 8))
    assert splits.labels == ["height", "width"]
    assert splits.train.targets.tolist() == [[2, 1], [4, 3]]
    assert splits.val.targets.tolist() == [[6, 5]]
    assert splits.train.targets.dtype == np.float32
    assert (splits.train.rarity, splits.augmentation.motion) == (None, None)
    assert not [note for note in splits.notes if "height" in note]  # a quantity is no class that val may lack


def test_a_cell_that_is_no_finite_number(picture_table: Table, refused: Check) -> None:
    for cell in ("nan", "inf", "-inf", "1e39", "two", "1.2.3", '"1,5"'):
        source = picture_table(f"path,value\nimages/0.png,1\nimages/1.png,{cell}\n")
        refused(DataError, (cell.strip('"'), "'value'", "list.csv", "row 3"), find_numbers, source)


def test_what_is_wrong_is_said_with_its_row(picture_table: Table, refused: Check) -> None:
    """`test_tables` looks at what goes wrong in the tables of every task."""
    for text, *named in (
        ("path,values\nimages/0.png,1\n", "'value'", "'values'"),
        ("path,value\nimages/0.png,1\nimages/1.png,\n", "'value'", "row 3"),
        ("path,value\nimages/0.png,7\nimages/1.png,7.0\n", "'value'", "7", "2"),
        ("path,value\nimages/0.png,1e9\nimages/1.png,1000000001\n", "'value'", "1e+09", "2"),
        ("path,value\nimages/0.png,1\nimages/1.png,1,5\n", "row 3", "1.5"),  # a comma in place of the point
    ):
        refused(DataError, ("list.csv", *named), find_numbers, picture_table(text))


def test_training_pictures_that_are_all_equal(picture_table: Table, refused: Check) -> None:
    text = "path,value,split\nimages/0.png,1,train\nimages/1.png,1,train\nimages/2.png,2,val\n"
    refused(DataError, ("'value'", "1", "2"), find_numbers, picture_table(text), NumberColumns(split="split"))


def test_no_training_pictures(picture_table: Table, refused: Check) -> None:
    text = "path,value,split\nimages/0.png,1,test\nimages/1.png,2,test\n"
    records = find_numbers(picture_table(text), NumberColumns(split="split"))
    refused(DataError, ("train", "test"), lambda: assign_splits(records, val_fraction=0.5, test_fraction=0, seed=0))


def test_columns_that_cannot_be(picture_table: Table, tmp_path: Path, refused: Check) -> None:
    source = picture_table("path,value\nimages/0.png,1\nimages/1.png,2\n")
    for columns in (NumberColumns(values=()), NumberColumns(values=("value", "value"))):
        refused(ConfigError, "--columns", find_numbers, source, columns)
    refused(ConfigError, (".csv", str(tmp_path)), find_numbers, str(tmp_path), NumberColumns(values=("age",)))


def test_folders_named_by_numbers(tmp_path: Path, picture_folder: Maker) -> None:
    records = find_numbers(str(picture_folder(tmp_path, {"-1.5": 1, "20": 2})))
    assert [(r.truth.values, r.truth.names, r.where) for r in records] == [
        ((-1.5,), ("value",), "-1.5/0.png"),
        ((20.0,), ("value",), "20/0.png"),
        ((20.0,), ("value",), "20/1.png"),
    ]


def test_a_number_need_not_be_in_every_split(tmp_path: Path, picture_folder: Maker) -> None:
    picture_folder(tmp_path / "train", {"1": 1, "3": 1})
    picture_folder(tmp_path / "val", {"2": 1, "87": 1})
    found = {(r.split, r.truth.values) for r in find_numbers(str(tmp_path))}
    assert found == {("train", (1.0,)), ("train", (3.0,)), ("val", (2.0,)), ("val", (87.0,))}


def test_a_folder_that_is_no_number(tmp_path: Path, picture_folder: Maker, refused: Check) -> None:
    for name in ("twenty", "nan", "1e39"):
        source = str(picture_folder(tmp_path / name, {"1": 1, name: 1}))
        refused(DataError, (f"'{name}'", f"{name}/0.png"), find_numbers, source)


def test_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: Check) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("nowhere", "demo", "a.zip"):
        refused(DataError, (name, "demo:count"), find_numbers, name)


def test_mean_and_deviation_are_those_of_the_training_split(picture_table: Table) -> None:
    text = "path,value,more,split\nimages/0.png,1,0,train\nimages/1.png,3,8,train\nimages/2.png,99,99,val\n"
    found = find_numbers(picture_table(text), NumberColumns(values=("value", "more"), split="split"))
    splits = read_pictures(found, image_size=(8, 8))
    assert statistics(splits.train, splits.labels) == ([2.0, 4.0], [1.0, 4.0])
    assert statistics(None, splits.labels) == ([0.0, 0.0], [1.0, 1.0])


def test_training_pictures_that_are_all_equal_once_they_are_dealt(picture_table: Table, refused: Check) -> None:
    found = find_numbers(picture_table("path,value\nimages/0.png,5\nimages/1.png,5\nimages/2.png,9\n"))
    dealt = [replace(record, split="val" if record.truth.values == (9,) else "train") for record in found]
    splits = read_pictures(dealt, image_size=(8, 8))
    refused(DataError, ("'value'", "5", "2", "--seed"), statistics, splits.train, splits.labels)


def test_numbers_that_float32_makes_equal(picture_table: Table, noted: Callable[..., bool]) -> None:
    for step, equal in ((40, True), (400, False)):
        rows = [f"images/{i}.png,{1_700_000_000 + step * i},{'val' if i == 1 else 'train'}\n" for i in (0, 1, 2)]
        found = find_numbers(picture_table("path,value,part\n" + "".join(rows)), NumberColumns(split="part"))
        splits = read_pictures(found, image_size=(8, 8))
        assert noted(splits, "3", "value", "2", "float32") == noted(splits, "float32") == equal
