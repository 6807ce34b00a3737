from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from tfft import files


def test_a_failure_leaves_the_previous_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    files.write_text(path, "before")

    def fail_half_way() -> None:
        with files.replacing(path) as temporary:
            temporary.write_text("hal")
            raise RuntimeError("full disk")

    with pytest.raises(RuntimeError, match="full disk"):
        fail_half_way()
    assert path.read_text() == "before"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_the_old_file_stands_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    files.write_text(path, "before")
    with files.replacing(path) as temporary:
        temporary.write_text("after")
        assert path.read_text() == "before"
    assert path.read_text() == "after"


def test_a_full_disk_leaves_the_old_file_whatever_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(file: int) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "a.txt"
    files.write_text(path, "before")
    monkeypatch.setattr(files.os, "fsync", fail)
    for write, value in ((files.write_text, "after"), (files.write_json, [1]), (files.write_csv, [{"a": 1}])):
        with pytest.raises(OSError, match="No space left"):
            write(path, value)
        assert path.read_text() == "before"
        assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_file_has_the_permissions_of_any_other(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    files.write_text(tmp_path / "ours", "x")
    assert stat.S_IMODE((tmp_path / "ours").stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)


def test_csv_cells_are_no_formulas(tmp_path: Path) -> None:
    files.write_csv(tmp_path / "a.csv", [{"name": "=1+1", "score": -0.5}])
    assert (tmp_path / "a.csv").read_text() == "name,score\n'=1+1,-0.5\n"


def test_json_has_no_nan(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        files.write_json(tmp_path / "a.json", {"loss": float("nan")})
    assert not any(tmp_path.iterdir())


def test_json_round_trip(tmp_path: Path) -> None:
    files.write_json(tmp_path / "a.json", {"label": "Käfer"})
    assert files.read_json(tmp_path / "a.json") == {"label": "Käfer"}


def test_a_folder_is_there_when_it_is_whole_and_what_was_left_long_ago_is_not(tmp_path: Path) -> None:
    old, young = (tmp_path / f"{files.WRITING}{digit * 32}" for digit in "ab")
    for left in (old, young):
        left.mkdir()
    os.utime(old, (0, 0))
    with pytest.raises(ZeroDivisionError), files.new_folder(tmp_path / "made") as folder:
        (folder / "file").write_text(str(1 / 0))
    assert list(tmp_path.iterdir()) == [young]
    with files.new_folder(tmp_path / "made") as folder:
        (folder / "file").touch()
        assert not (tmp_path / "made").exists()
    assert [path.name for path in (tmp_path / "made").iterdir()] == ["file"]
