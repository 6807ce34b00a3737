from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest

from tfft.errors import MachineError
from tfft.store import Storage, Store, StoredArray, open_store, temporary_store

ROW = np.zeros((1, 1000), np.float32)
LONG_AGO = time.time() - 10_000


def stored(store: Store, name: str, *, days_ago: int = 0) -> StoredArray:
    """An array of one row of 4 kB, last used some days ago and not open."""
    array = store.array({"kind": name}, (1000,), "float32")
    array.append(["key"], ROW)
    for path in array.folder.glob("*.chunk"):
        os.utime(path, (LONG_AGO - 86400 * days_ago,) * 2)
    return store.array({"kind": name}, (1000,), "float32")


def small(tmp_path: Path, rows: float) -> Store:
    return open_store(Storage(folder=str(tmp_path), limit=rows * 4500 / 1e9))


def test_the_folder_is_the_given_one_or_that_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert open_store(Storage(folder=str(tmp_path / "mine"))).folder == tmp_path / "mine"
    monkeypatch.setenv("TFFT_STORE", str(tmp_path / "environment"))
    assert open_store(Storage()).folder == tmp_path / "environment"
    monkeypatch.delenv("TFFT_STORE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert open_store(Storage()).folder.is_relative_to(tmp_path)


def test_other_parts_are_another_array_and_words_are_not(tmp_path: Path) -> None:
    store = open_store(Storage(folder=str(tmp_path)))
    folders = {store.array({"a": a}, shape, dtype).folder for a, shape, dtype in
               ((1, (2,), "float32"), (2, (2,), "float32"), (1, (3,), "float32"), (1, (2,), "float16"))}  # fmt: skip
    assert len(folders) == 4
    assert store.array({"a": 1}, (2,), "float32", "words").folder in folders


def test_the_least_recently_used_goes_first_and_no_more_than_must(tmp_path: Path) -> None:
    store = small(tmp_path, 3)
    old, older, oldest = (stored(store, f"{days}", days_ago=days) for days in (1, 2, 3))
    assert store.has_room(4100)
    store.make_room(4100)
    assert [bool(list(array.folder.glob("*.chunk"))) for array in (old, older, oldest)] == [True, True, False]
    store.make_room(4100)  # there is room now
    assert list(older.folder.glob("*.chunk"))


def test_a_smaller_limit_alone_removes_nothing(tmp_path: Path) -> None:
    array = stored(small(tmp_path, 3), "kept", days_ago=1)
    smaller = small(tmp_path, 0.5)
    smaller.make_room(0)
    assert list(array.folder.glob("*.chunk"))
    with pytest.raises(MachineError):
        smaller.make_room(4100)


def test_what_was_used_since_is_not_the_least_recently_used(tmp_path: Path) -> None:
    store = small(tmp_path, 2)
    used, unused = stored(store, "used", days_ago=9), stored(store, "unused", days_ago=1)
    used.missing(["key"])
    used.rows(["key"])
    folder = used.folder
    del used  # a later run finds only when it was used
    small(tmp_path, 2).make_room(4100)
    assert list(folder.glob("*.chunk"))
    assert not list(unused.folder.glob("*.chunk"))


def test_what_this_process_uses_does_not_make_room(tmp_path: Path) -> None:
    """Also what an earlier run has stored long ago, once it is counted on."""
    store = small(tmp_path, 2)
    mine, other = stored(store, "mine", days_ago=9), stored(store, "other", days_ago=1)
    assert mine.missing(["key"]) == []
    assert store.has_room(4100)
    assert not store.has_room(8300)
    with pytest.raises(MachineError, match=r"--store\.limit"):
        store.make_room(8300)
    assert list(other.folder.glob("*.chunk"))  # nothing was removed in vain
    store.make_room(4100)
    assert list(mine.folder.glob("*.chunk"))
    assert not list(other.folder.glob("*.chunk"))
    del mine
    assert store.has_room(8300)
    assert small(tmp_path, 0.1).has_room(0)


def test_more_than_the_disk_has_does_not_fit(tmp_path: Path) -> None:
    store = open_store(Storage(folder=str(tmp_path), limit=1e6))
    assert not store.has_room(10**15)


def test_leftovers_of_a_killed_run_are_removed_and_do_not_count(tmp_path: Path) -> None:
    store = open_store(Storage(folder=str(tmp_path)))
    folder = stored(store, "x").folder
    for name, when in ((".writing-old.chunk", LONG_AGO), (".writing-new.chunk", time.time())):
        (folder / name).touch()
        os.utime(folder / name, (when, when))
    assert store.contents()[0]["chunks"] == 1
    assert [path.name for path in folder.glob(".*")] == [".writing-new.chunk"]


def test_contents_and_clear(tmp_path: Path) -> None:
    store = open_store(Storage(folder=str(tmp_path)))
    assert store.contents() == []
    stored(store, "first", days_ago=1)
    stored(store, "second")
    (tmp_path / "mine.txt").write_text("not of the store")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "mine.chunk").write_text("neither")
    found = store.contents()
    assert [entry["parts"]["kind"] for entry in found] == ["second", "first"]
    assert all(entry["bytes"] > 4000 and entry["chunks"] == 1 for entry in found)
    assert store.clear() == sum(entry["bytes"] for entry in found)
    assert store.contents() == []
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["folder", "mine.chunk", "mine.txt"]


def test_a_temporary_store_is_there_as_long_as_its_rows() -> None:
    store = open_store(Storage(limit=0))
    folder = store.folder
    assert store.has_room(10**6)
    assert folder != temporary_store(Storage()).folder
    array = stored(store, "x")
    array.missing(["key"])
    rows = array.rows(["key"])
    del store, array
    assert folder.exists()
    assert np.array_equal(rows[:], ROW)
    del rows
    assert not folder.exists()


def test_a_folder_that_cannot_be_one(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(MachineError, match=r"--store\.folder.*--store\.limit 0"):
        open_store(Storage(folder=str(tmp_path / "file")))
