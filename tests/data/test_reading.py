from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tfft.data import Record, read_pictures
from tfft.data.images import decode
from tfft.errors import DataError, MachineError

Maker = Callable[[dict[str, int]], list[Record]]


@pytest.fixture
def dealt(records: Maker) -> list[Record]:
    found = records({"bee": 4, "ant": 4})
    return [replace(r, split=("train", "train", "val", "test")[i % 4]) for i, r in enumerate(found)]


def test_pictures_targets_and_ids_belong_together(dealt: list[Record]) -> None:
    splits = read_pictures(dealt, image_size=(10, 12))
    assert splits.labels == ["ant", "bee"]
    by_digest = {record.digest: record for record in dealt}
    for name, examples in splits.items():
        assert examples.inputs.shape == (len(examples), 10, 12, 3)
        for index, digest in enumerate(examples.ids):
            record = by_digest[digest]
            assert record.split == name
            assert splits.labels[examples.targets[index]] == record.label
            assert np.array_equal(examples.inputs[index], decode(record.read(), (10, 12))[0])
    assert splits.counts() == {"train": [2, 2], "val": [1, 1], "test": [1, 1]}


def test_no_test_split_is_none(dealt: list[Record]) -> None:
    splits = read_pictures([r for r in dealt if r.split != "test"], image_size=(8, 8))
    assert splits.test is None
    assert [name for name, _ in splits.items()] == ["train", "val"]


def test_every_bad_file_is_named(dealt: list[Record]) -> None:
    bad = [replace(r, picture=b"") if i in (0, 5) else r for i, r in enumerate(dealt)]
    with pytest.raises(DataError, match=r"2 that do not: bee/0 \(an empty file\), ant/1 \(an empty file\)"):
        read_pictures(bad, image_size=(8, 8))


def test_bad_files_can_be_left_out(dealt: list[Record]) -> None:
    bad = [replace(r, picture=b"") if i == 0 else r for i, r in enumerate(dealt)]
    splits = read_pictures(bad, image_size=(8, 8), bad_files="skip")
    whole = read_pictures(dealt, image_size=(8, 8))
    assert splits.skipped == [("bee/0", "an empty file")]
    assert splits.counts()["train"] == [2, 1]
    assert np.array_equal(splits.train.inputs, whole.train.inputs[1:])
    assert np.array_equal(splits.val.inputs, whole.val.inputs)
    assert "1 files left out, they do not decode" in splits.notes


def test_a_class_that_loses_all_its_pictures(dealt: list[Record]) -> None:
    bad = [replace(r, picture=b"") if r.split == "val" and r.label == "ant" else r for r in dealt]
    with pytest.raises(DataError, match=r"keeps a picture in val.*ant"):
        read_pictures(bad, image_size=(8, 8), bad_files="skip")


def test_a_file_that_cannot_be_read_is_named(dealt: list[Record], tmp_path: Path) -> None:
    gone = [replace(r, picture=tmp_path / "gone.png") if i == 0 else r for i, r in enumerate(dealt)]
    with pytest.raises(DataError, match=r"1 that do not: bee/0 \(.*No such file"):
        read_pictures(gone, image_size=(8, 8))


def test_a_disk_too_small_is_told_before_decoding(dealt: list[Record], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sysconf", lambda name: 1)
    with pytest.raises(MachineError, match=r"3,000,000,000,000 bytes to store, .* free"):
        read_pictures(dealt[:1] * 10, image_size=(10**6, 10**5))


def test_a_picture_under_two_labels_is_noted(dealt: list[Record]) -> None:
    twin = replace(dealt[4], picture=dealt[0].picture)
    splits = read_pictures([*dealt, replace(twin, where="ant/twin", digest=dealt[0].digest)], image_size=(8, 8))
    assert "1 pictures stand under two labels: bee/0 = ant/twin" in splits.notes


def test_a_class_that_a_split_does_not_have_is_noted(dealt: list[Record]) -> None:
    splits = read_pictures([r for r in dealt if (r.split, r.label) != ("val", "ant")], image_size=(8, 8))
    assert "val has no picture of ant" in splits.notes


def test_what_does_not_fit_the_memory_lies_in_a_file(dealt: list[Record], monkeypatch: pytest.MonkeyPatch) -> None:
    whole = read_pictures(dealt, image_size=(8, 8))
    monkeypatch.setattr("os.sysconf", lambda name: 1)
    bad = [replace(r, picture=b"") if i in (0, 5) else r for i, r in enumerate(dealt)]
    closed_up = read_pictures(bad, image_size=(8, 8), bad_files="skip").train.inputs
    assert isinstance(closed_up, np.memmap)
    assert np.array_equal(closed_up, whole.train.inputs[[1, 2]])
    filed = read_pictures(dealt, image_size=(8, 8))
    assert isinstance(filed.train.inputs, np.memmap)
    assert np.array_equal(filed.train.inputs, whole.train.inputs)
