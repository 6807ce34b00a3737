from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tfft.data import Columns, find_pictures
from tfft.errors import ConfigError, DataError

Maker = Callable[[Path, dict[str, int]], Path]
Check = Callable[..., None]


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


def test_links_to_folders_and_folders_named_like_pictures_multiply_nothing_and_are_named(
    tmp_path: Path, picture_folder: Maker, caplog: pytest.LogCaptureFixture
) -> None:
    folder = picture_folder(tmp_path, {"ant": 1, "bee": 1})
    picture_folder(folder / "bee" / "0.jpg", {"inner": 1})
    (folder / "ant" / "loop").symlink_to(folder, target_is_directory=True)
    (folder / "loop").symlink_to(folder, target_is_directory=True)
    (folder / "again").symlink_to(folder / "ant", target_is_directory=True)
    assert len(find_pictures(str(folder))) == 2
    for name in ("ant/loop", "bee/0.jpg", "loop", "again"):
        assert f"{folder}/{name}" in caplog.text


def test_a_pipe_is_no_picture_and_a_broken_link_is_kept_to_be_named(tmp_path: Path, picture_folder: Maker) -> None:
    folder = picture_folder(tmp_path, {"ant": 1, "bee": 1})
    os.mkfifo(folder / "ant" / "pipe")
    (folder / "bee" / "broken.png").symlink_to(tmp_path / "nowhere.png")
    assert [r.where for r in find_pictures(str(folder))] == ["ant/0.png", "bee/0.png", "bee/broken.png"]


def test_odd_names_work(tmp_path: Path, picture_folder: Maker) -> None:
    folder = picture_folder(tmp_path / "käfer & co", {"grün\nblau": 1, "a b": 1, "A B": 1, "l" * 200: 1})
    assert {r.truth.name for r in find_pictures(str(folder))} == {"grün\nblau", "a b", "A B", "l" * 200}


def test_what_is_no_folder_of_class_folders(
    tmp_path: Path, png: Callable[[int], bytes], picture_folder: Maker, refused: Check
) -> None:
    (tmp_path / "a.zip").touch()
    for source in (tmp_path / "nowhere", tmp_path / "a.zip", tmp_path):  # the last one has no sub-folder
        refused(DataError, str(source), find_pictures, str(source))
    (tmp_path / "flat").mkdir()
    (tmp_path / "flat/0.png").write_bytes(png(0))
    (tmp_path / "empty/ant").mkdir(parents=True)
    (tmp_path / "empty/bee").mkdir()
    for name in ("flat", "empty"):
        refused(DataError, str(tmp_path / name), find_pictures, str(tmp_path / name))
    picture_folder(tmp_path / "some", {"ant": 2, "bee": 0, "wasp": 0})
    named = [str(tmp_path / "some" / name) for name in ("bee", "wasp")]
    refused(DataError, named, find_pictures, str(tmp_path / "some"))


def test_one_class_and_a_class_that_is_never_trained(tmp_path: Path, picture_folder: Maker, refused: Check) -> None:
    refused(DataError, "'ant'", find_pictures, str(picture_folder(tmp_path / "one", {"ant": 2})))
    picture_folder(tmp_path / "some/train", {"ant": 1, "bee": 1})
    picture_folder(tmp_path / "some/val", {"ant": 1, "wasp": 1})
    refused(DataError, ("wasp", "val"), find_pictures, str(tmp_path / "some"))


def test_columns_of_what_is_no_table(tmp_path: Path, picture_folder: Maker, refused: Check) -> None:
    folder = picture_folder(tmp_path, {"ant": 1, "bee": 1})
    refused(ConfigError, ("group='patient'", str(folder)), find_pictures, str(folder), Columns(group="patient"))


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


def test_folders_of_splits_that_are_not_clear(tmp_path: Path, picture_folder: Maker, refused: Check) -> None:
    for split in ("trian", "val", "test"):
        picture_folder(tmp_path / "one" / split, {"ant": 1, "bee": 1})
    refused(DataError, ("train", "test, trian, val"), find_pictures, str(tmp_path / "one"))
    for split in ("train", "more"):
        picture_folder(tmp_path / "two" / split, {"ant": 1, "bee": 1})
    refused(DataError, "more", find_pictures, str(tmp_path / "two"))


def test_demo_data_of_another_task(refused: Check) -> None:
    refused(ConfigError, ("'demo:boxes'", "`--data demo`"), find_pictures, "demo:boxes")
