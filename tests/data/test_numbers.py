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


def values(source: str, columns: NumberColumns = NumberColumns()) -> list[tuple[float, ...]]:
    return [record.truth.values for record in find_numbers(source, columns)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_any_delimiter_with_or_without_a_mark(picture_table: Table, delimiter: str, encoding: str) -> None:
    text = "path,value\nimages/0.png,-1.5\nimages/1.png, 2e3 \n".replace(",", delimiter)
    assert values(picture_table(text, encoding)) == [(-1.5,), (2000.0,)]


def test_several_numbers_in_the_order_asked_for(picture_table: Table) -> None:
    text = "file,width,height,part\nimages/0.png,1,2,train\nimages/1.png,3,4,train\nimages/2.png,5,6,val\n"
    columns = NumberColumns(image="file", values=("height", "width"), split="part")
    splits = read_pictures(find_numbers(picture_table(text), columns), image_size=(8, 8))
    assert splits.labels == ["height", "width"]
    assert splits.train.targets.tolist() == [[2, 1], [4, 3]]
    assert splits.val.targets.tolist() == [[6, 5]]
    assert splits.train.targets.dtype == np.float32
    assert (splits.train.rarity, splits.motion) == (None, None)
    assert not [note for note in splits.notes if "no picture of" in note]


@pytest.mark.parametrize("cell", ["nan", "inf", "-inf", "1e39", "two", "1.2.3", '"1,5"'])
def test_a_cell_that_is_no_finite_number(picture_table: Table, cell: str) -> None:
    said = rf"finite number.*{cell.strip(chr(34))}.* in column 'value', list\.csv row 3.*decimal point"
    with pytest.raises(DataError, match=said):
        find_numbers(picture_table(f"path,value\nimages/0.png,1\nimages/1.png,{cell}\n"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("path,values\nimages/0.png,1\n", r"a column 'value'.*nearest: 'values'"),
        ("path,value\nimages/0.png,1\nimages/1.png,\n", r"'value' has a value.*an empty cell in list\.csv row 3"),
        ("path,value\nimages/0.png,1\nimages/0.png,2\n", r"images/0\.png in rows 2 and 3 of list\.csv"),
        ("path,value\nimages/0.png,1\nimages/9.png,2\n", r"no file .*9\.png \(list\.csv row 3\)"),
        ("path,value\nimages/0.png,1\n../secret.png,2\n", r"\.\./secret\.png in list\.csv row 3"),
        ("path,value\nimages/0.png,7\nimages/1.png,7.0\n", r"differ in 'value'.*7 for each of 2 in .*list\.csv"),
        ("path,value\nimages/0.png,1e9\nimages/1.png,1000000001\n", r"differ.*1e\+09 for each of 2.*constant"),
        ("path,value\nimages/0.png,1\nimages/1.png,1,5\n", r"1 more in list\.csv row 3.*decimal point, as 1\.5"),
        ("path,value\n", "only a header"),
    ],
)
def test_what_is_wrong_is_said_with_its_row(picture_table: Table, text: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        find_numbers(picture_table(text))


def test_training_pictures_that_are_all_equal(picture_table: Table) -> None:
    text = "path,value,split\nimages/0.png,1,train\nimages/1.png,1,train\nimages/2.png,2,val\n"
    with pytest.raises(DataError, match=r"training pictures differ in 'value'.*1 for each of 2"):
        find_numbers(picture_table(text), NumberColumns(split="split"))


def test_no_training_pictures(picture_table: Table) -> None:
    text = "path,value,split\nimages/0.png,1,test\nimages/1.png,2,test\n"
    records = find_numbers(picture_table(text), NumberColumns(split="split"))
    with pytest.raises(DataError, match=r"train.*only test"):
        assign_splits(records, val_fraction=0.5, test_fraction=0, seed=0)


@pytest.mark.parametrize("columns", [NumberColumns(values=()), NumberColumns(values=("value", "value"))])
def test_columns_that_cannot_be(picture_table: Table, columns: NumberColumns) -> None:
    with pytest.raises(ConfigError, match=r"at least one column.*once"):
        find_numbers(picture_table("path,value\nimages/0.png,1\nimages/1.png,2\n"), columns)


def test_columns_of_what_is_no_table(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"belongs to a \.csv or \.tsv file"):
        find_numbers(str(tmp_path), NumberColumns(values=("age",)))


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


@pytest.mark.parametrize("name", ["twenty", "nan", "1e39"])
def test_a_folder_that_is_no_number(tmp_path: Path, picture_folder: Maker, name: str) -> None:
    with pytest.raises(DataError, match=rf"'{name}' in the folder of {name}/0\.png"):
        find_numbers(str(picture_folder(tmp_path, {"1": 1, name: 1})))


@pytest.mark.parametrize("name", ["nowhere", "demo", "a.zip"])
def test_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=rf"named by a number.*no folder {name}.*Try `--data demo:count`"):
        find_numbers(name)


def test_mean_and_deviation_are_those_of_the_training_split(picture_table: Table) -> None:
    text = "path,value,more,split\nimages/0.png,1,0,train\nimages/1.png,3,8,train\nimages/2.png,99,99,val\n"
    found = find_numbers(picture_table(text), NumberColumns(values=("value", "more"), split="split"))
    splits = read_pictures(found, image_size=(8, 8))
    assert statistics(splits.train, splits.labels) == ([2.0, 4.0], [1.0, 4.0])
    assert statistics(None, splits.labels) == ([0.0, 0.0], [1.0, 1.0])


def test_training_pictures_that_are_all_equal_once_they_are_dealt(picture_table: Table) -> None:
    found = find_numbers(picture_table("path,value\nimages/0.png,5\nimages/1.png,5\nimages/2.png,9\n"))
    dealt = [replace(record, split="val" if record.truth.values == (9,) else "train") for record in found]
    splits = read_pictures(dealt, image_size=(8, 8))
    with pytest.raises(DataError, match=r"training pictures differ in 'value'.*5 for each of 2 that are left.*--seed"):
        statistics(splits.train, splits.labels)


@pytest.mark.parametrize(("step", "said"), [(40, "3 different numbers of value are 2 in float32"), (400, None)])
def test_numbers_that_float32_makes_equal(picture_table: Table, step: int, said: str | None) -> None:
    rows = [f"images/{i}.png,{1_700_000_000 + step * i},{'val' if i == 1 else 'train'}\n" for i in (0, 1, 2)]
    found = find_numbers(picture_table("path,value,part\n" + "".join(rows)), NumberColumns(split="part"))
    notes = [note for note in read_pictures(found, image_size=(8, 8)).notes if "float32" in note]
    assert [note.partition(",")[0] for note in notes] == ([said] if said else [])
