from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tfft.data import Columns, find_pictures
from tfft.errors import ConfigError, DataError

Maker = Callable[[Path, dict[str, int]], Path]


def test_a_folder_of_class_folders(tmp_path: Path, picture_folder: Maker) -> None:
    records = find_pictures(str(picture_folder(tmp_path, {"bee": 2, "ant": 3})))
    assert [(r.truth.name, r.split, r.where) for r in records] == [
        ("ant", None, "ant/0.png"),
        ("ant", None, "ant/1.png"),
        ("ant", None, "ant/2.png"),
        ("bee", None, "bee/0.png"),
        ("bee", None, "bee/1.png"),
    ]


def test_folders_that_are_splits(tmp_path: Path, picture_folder: Maker) -> None:
    for split, count in (("train", 3), ("validation", 2), ("test", 1)):
        picture_folder(tmp_path / split, {"ant": count, "bee": count})
    records = find_pictures(str(tmp_path))
    assert Counter(r.split for r in records) == {"train": 6, "val": 4, "test": 2}
    assert {r.truth.name for r in records} == {"ant", "bee"}


def test_a_class_may_be_named_test_where_there_is_no_train(tmp_path: Path, picture_folder: Maker) -> None:
    assert {r.truth.name for r in find_pictures(str(picture_folder(tmp_path, {"test": 2, "bee": 2})))} == {
        "test",
        "bee",
    }


def test_what_lies_about_is_ignored(tmp_path: Path, picture_folder: Maker) -> None:
    folder = picture_folder(tmp_path, {"ant": 1, "bee": 1})
    for name in (".DS_Store", "Thumbs.db", "._0.png", "SOURCE.txt", "notes.md"):
        (folder / "ant" / name).write_bytes(b"x")
        (folder / name).write_bytes(b"x")
    (folder / "ant" / ".ipynb_checkpoints").mkdir()
    (folder / "ant" / ".ipynb_checkpoints" / "0.png").write_bytes(b"x")
    (folder / ".git").mkdir()
    assert len(find_pictures(str(folder))) == 2


def test_folders_inside_a_class_belong_to_it(tmp_path: Path, picture_folder: Maker) -> None:
    folder = picture_folder(tmp_path, {"ant": 1, "bee": 1})
    picture_folder(folder / "ant" / "2024", {"may": 2})
    assert Counter(r.truth.name for r in find_pictures(str(folder))) == {"ant": 3, "bee": 1}


def test_a_link_in_a_circle_multiplies_nothing(tmp_path: Path, picture_folder: Maker) -> None:
    folder = picture_folder(tmp_path, {"ant": 1, "bee": 1})
    (folder / "ant" / "loop").symlink_to(folder, target_is_directory=True)
    (folder / "loop").symlink_to(folder, target_is_directory=True)
    assert len(find_pictures(str(folder))) == 2


def test_a_pipe_is_no_picture_and_a_broken_link_is_kept_to_be_named(tmp_path: Path, picture_folder: Maker) -> None:
    folder = picture_folder(tmp_path, {"ant": 1, "bee": 1})
    os.mkfifo(folder / "ant" / "pipe")
    (folder / "bee" / "broken.png").symlink_to(tmp_path / "nowhere.png")
    assert [r.where for r in find_pictures(str(folder))] == ["ant/0.png", "bee/0.png", "bee/broken.png"]


def test_odd_names_work(tmp_path: Path, picture_folder: Maker) -> None:
    folder = picture_folder(tmp_path / "käfer & co", {"grün\nblau": 1, "a b": 1, "A B": 1})
    assert {r.truth.name for r in find_pictures(str(folder))} == {"grün\nblau", "a b", "A B"}


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        find_pictures(str(tmp_path / "nowhere"))
    (tmp_path / "a.zip").touch()
    with pytest.raises(DataError, match="a file"):
        find_pictures(str(tmp_path / "a.zip"))


def test_no_classes(tmp_path: Path, png: Callable[[int], bytes]) -> None:
    (tmp_path / "0.png").write_bytes(png(0))
    with pytest.raises(DataError, match="no sub-folder in"):
        find_pictures(str(tmp_path))


def test_no_pictures(tmp_path: Path) -> None:
    (tmp_path / "ant").mkdir()
    (tmp_path / "bee").mkdir()
    with pytest.raises(DataError, match="no picture below"):
        find_pictures(str(tmp_path))


def test_an_empty_class_is_named(tmp_path: Path, picture_folder: Maker) -> None:
    picture_folder(tmp_path, {"ant": 2, "bee": 0, "wasp": 0})
    with pytest.raises(DataError, match=r"no picture in .*/bee, .*/wasp\."):
        find_pictures(str(tmp_path))


def test_one_class(tmp_path: Path, picture_folder: Maker) -> None:
    with pytest.raises(DataError, match="only 'ant'"):
        find_pictures(str(picture_folder(tmp_path, {"ant": 2})))


def test_a_class_that_is_never_trained(tmp_path: Path, picture_folder: Maker) -> None:
    picture_folder(tmp_path / "train", {"ant": 1, "bee": 1})
    picture_folder(tmp_path / "val", {"ant": 1, "wasp": 1})
    with pytest.raises(DataError, match="wasp only in val"):
        find_pictures(str(tmp_path))


def test_columns_of_what_is_no_table(tmp_path: Path, picture_folder: Maker) -> None:
    folder = picture_folder(tmp_path, {"ant": 1, "bee": 1})
    with pytest.raises(ConfigError, match="group='patient'"):
        find_pictures(str(folder), Columns(group="patient"))


def test_started_inside_the_data_folder(tmp_path: Path, picture_folder: Maker) -> None:
    folder = picture_folder(tmp_path, {"ant": 1, "bee": 1})
    (folder / "runs" / "mine").mkdir(parents=True)
    (folder / "runs" / "mine" / "model.keras").touch()
    assert {r.truth.name for r in find_pictures(str(folder))} == {"ant", "bee"}


def test_a_name_that_is_no_utf8_can_be_written(tmp_path: Path, picture_folder: Maker) -> None:
    folder = picture_folder(tmp_path, {"ant": 1, "bee": 1})
    (folder / "bee" / "0.png").rename(os.fsdecode(os.fsencode(folder) + b"/bee/f\xfc.png"))
    record = find_pictures(str(folder))[1]
    assert record.where == "bee/f?.png"
    assert record.content.is_file()


def test_val_and_test_without_train(tmp_path: Path, picture_folder: Maker) -> None:
    for split in ("trian", "val", "test"):
        picture_folder(tmp_path / split, {"ant": 1, "bee": 1})
    with pytest.raises(DataError, match="only test, trian, val"):
        find_pictures(str(tmp_path))


def test_a_folder_beside_train_that_is_no_split(tmp_path: Path, picture_folder: Maker) -> None:
    picture_folder(tmp_path / "train", {"ant": 1, "bee": 1})
    picture_folder(tmp_path / "more", {"ant": 1, "bee": 1})
    with pytest.raises(DataError, match=r"also .*more"):
        find_pictures(str(tmp_path))


def test_demo_data_of_another_task() -> None:
    with pytest.raises(ConfigError, match="Type `--data demo`"):
        find_pictures("demo:boxes")
