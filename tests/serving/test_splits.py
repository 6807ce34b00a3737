from __future__ import annotations

from pathlib import Path

import pytest

from tfft import files
from tfft.data import Label, Record
from tfft.errors import ConfigError
from tfft.serving.splits import SPLITS, read_splits


def test_a_copy_of_a_test_example_that_was_left_out_of_training_is_not_scored_twice(tmp_path: Path) -> None:
    rows = [("train/a.png", "train", "1"), ("test/b.png", "test", "2"), ("test/c.png", "test", "3")]
    files.write_csv(tmp_path / SPLITS, [dict(zip(("example", "split", "digest"), row, strict=True)) for row in rows])
    known = read_splits(tmp_path)
    places = {"train/a.png": "1", "train/b.png": "2", "test/b.png": "2", "moved.png": "3", "new.png": "4"}
    records = [Record(b"", Label("ant"), where, digest=digest) for where, digest in places.items()]
    assert [record.where for record in known.of(records, "test")] == ["test/b.png", "moved.png"]
    assert [known.was_in(record, "train") for record in records] == [True, False, False, False, False]
    (tmp_path / SPLITS).write_text("example,split,digest\n")
    with pytest.raises(ConfigError, match="it is empty"):
        read_splits(tmp_path)
