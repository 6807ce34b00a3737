from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tfft.data import Label, Record
from tfft.data.records import digested, split_name
from tfft.errors import DataError


def test_a_digest_is_of_the_content_alone(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"same")
    file, same, other = digested(
        [
            Record(content=tmp_path / "a.png", truth=Label("a"), where="a.png"),
            Record(content=b"same", truth=Label("b"), where="elsewhere"),
            Record(content=b"other", truth=Label("a"), where="a.png"),
        ]
    )
    assert file.digest == same.digest
    assert file.digest != other.digest
    assert len(file.digest) == 32


def test_what_cannot_be_read_equals_nothing_else(tmp_path: Path) -> None:
    missing = [Record(content=tmp_path / name, truth=Label("a"), where=name) for name in ("a.png", "b.png")]
    first, second = digested(missing)
    assert first.digest != second.digest


def test_split_names(refused: Callable[..., None]) -> None:
    for name, split in (("Train", "train"), ("validation", "val"), (" dev ", "val"), ("TEST", "test")):
        assert split_name(name, "row 2") == split
    refused(DataError, ("'tset'", "row 2", "'test'"), split_name, "tset", "row 2")
