from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import pytest
from PIL import Image

from tfft.data import Record, Splits, read_pictures
from tfft.data.reading.images import decode
from tfft.data.records import digested
from tfft.data.targets import Form, Targets
from tfft.errors import DataError, MachineError
from tfft.store import Storage, open_store

Maker = Callable[[dict[str, int]], list[Record]]
Check = Callable[..., None]
Noted = Callable[..., bool]


@pytest.fixture
def dealt(records: Maker) -> list[Record]:
    found = records({"bee": 4, "ant": 4})
    return [replace(r, split=("train", "train", "val", "test")[i % 4]) for i, r in enumerate(found)]


def read(records: Sequence[Record], bad_files: Literal["stop", "skip"] = "stop") -> Splits:
    return read_pictures(records, image_size=(8, 8), bad_files=bad_files)


def test_pictures_targets_and_ids_belong_together(dealt: list[Record]) -> None:
    splits = read_pictures(dealt, image_size=(10, 12))
    assert splits.labels == ["ant", "bee"]
    by_digest = {record.digest: record for record in dealt}
    for name, examples in splits.items():
        assert examples.inputs.shape == (len(examples), 10, 12, 3)
        for index, digest in enumerate(examples.ids):
            record = by_digest[digest]
            assert record.split == name
            assert splits.labels[examples.targets[index]] == record.truth.name
            assert np.array_equal(examples.inputs[index], decode(record.read(), (10, 12))[0])
    assert splits.counts() == {"train": [2, 2], "val": [1, 1], "test": [1, 1]}


def test_no_test_split_is_none(dealt: list[Record]) -> None:
    splits = read_pictures([r for r in dealt if r.split != "test"], image_size=(8, 8))
    assert splits.test is None
    assert [name for name, _ in splits.items()] == ["train", "val"]


def test_every_bad_file_is_named(dealt: list[Record], refused: Check) -> None:
    bad = digested([replace(r, content=b"" + b" " * i) if i in (0, 5) else r for i, r in enumerate(dealt)])
    refused(DataError, ("2", "bee/0", "empty", "ant/1", "text", "--bad-files"), read, bad)


def test_odd_shapes_and_wrong_suffixes_are_noted(dealt: list[Record], noted: Noted, tmp_path: Path) -> None:
    def file(name: str, size: tuple[int, int], form: str) -> Path:
        Image.new("RGB", size, (len(name), *size) if max(size) < 256 else "red").save(tmp_path / name, form)
        return tmp_path / name

    odd = [
        file("dot.png", (1, 1), "PNG"),
        file("line.png", (50, 5), "PNG"),
        file("disguised.jpg", (9, 9), "PNG"),
        file("right.jpeg", (11, 9), "JPEG"),
    ]
    records = digested([replace(r, content=path) for r, path in zip(dealt, odd, strict=False)] + dealt[4:])
    splits = read(records)
    assert noted(splits, "1 of 8", "less than 4 pixels")
    assert noted(splits, "1 of 8", "one side at least 10 times the other")
    assert noted(splits, "1 of 8", "another format than the suffix")
    assert len(splits.notes) == 3


def test_bad_files_can_be_left_out(dealt: list[Record], noted: Noted) -> None:
    bad = digested([replace(r, content=b"") if i == 0 else r for i, r in enumerate(dealt)])
    splits = read(bad, "skip")
    whole = read(dealt)
    assert [where for where, _ in splits.skipped] == ["bee/0"]
    assert splits.train.counts == [2, 1]
    assert np.array_equal(splits.train.inputs, whole.train.inputs[1:])
    assert np.array_equal(splits.val.inputs, whole.val.inputs)
    assert noted(splits, "1", "skipped.csv")


def test_a_class_that_loses_all_its_pictures(dealt: list[Record], refused: Check) -> None:
    bad = digested([replace(r, content=b"") if r.split == "val" and r.truth.name == "ant" else r for r in dealt])
    refused(DataError, ("val", "ant"), read, bad, "skip")


def test_a_file_that_cannot_be_read_is_named(dealt: list[Record], tmp_path: Path, refused: Check) -> None:
    gone = digested([replace(r, content=tmp_path / "gone.png") if i == 0 else r for i, r in enumerate(dealt)])
    refused(DataError, ("bee/0", "No such file"), read, gone)


def test_a_disk_too_small_is_told_before_decoding(dealt: list[Record], refused: Check) -> None:
    refused(MachineError, "2,400,000,000.0 MB", lambda: read_pictures(dealt, image_size=(10**7, 10**7)))


def test_a_picture_under_two_labels_is_noted(dealt: list[Record], noted: Noted) -> None:
    twin = replace(dealt[4], content=dealt[0].content)
    splits = read_pictures([*dealt, replace(twin, where="ant/twin", digest=dealt[0].digest)], image_size=(8, 8))
    assert noted(splits, "1", "bee/0", "ant/twin")


def test_a_class_that_a_split_does_not_have_is_noted(dealt: list[Record], noted: Noted) -> None:
    splits = read_pictures([r for r in dealt if (r.split, r.truth.name) != ("val", "ant")], image_size=(8, 8))
    assert noted(splits, "val", "ant")


def test_a_picture_is_decoded_once(dealt: list[Record], monkeypatch: pytest.MonkeyPatch, refused: Check) -> None:
    first = read(dealt)
    edited = digested([*dealt[:-1], replace(dealt[-1], content=dealt[0].content[:-20] + b"x" * 20)])
    decoded = []
    monkeypatch.setattr(
        "tfft.data.reading.images.decode", lambda content, size: decoded.append(content) or decode(content, size)
    )
    again = read(dealt)
    assert not decoded
    assert np.array_equal(again.train.inputs, first.train.inputs)
    refused(DataError, edited[-1].where, read, edited)
    assert decoded == [edited[-1].content]
    decoded.clear()
    read_pictures(dealt, image_size=(8, 9))
    assert len(decoded) == len(dealt)


def test_notes_are_stored_with_the_pixels(dealt: list[Record], noted: Noted) -> None:
    file = io.BytesIO()
    Image.new("L", (9, 9)).save(file, "PNG")
    grey = digested([*dealt, replace(dealt[0], content=file.getvalue(), where="grey")])
    for _ in range(2):
        assert noted(read(grey), "1 ", "L ", "RGB")


@dataclass(frozen=True)
class Sides:
    """A truth of two numbers, of which some cannot be used."""

    values: tuple[int, int]
    wrong: str | None = None
    labels: ClassVar[tuple[str, ...]] = ()
    one_class: ClassVar[bool] = False

    @classmethod
    def targets(cls, records: Sequence[Record], form: Form) -> Targets:
        truths = [record.truth for record in records]
        rows = np.array([truth.values for truth in truths])
        failed = {index: truth.wrong for index, truth in enumerate(truths) if truth.wrong}
        present = [("big",) * (truth.values[0] > 4) for truth in truths]
        return Targets(["big", "never"], rows.__getitem__, present, failed=failed, notes=["noted"])


@pytest.fixture
def sided(dealt: list[Record]) -> list[Record]:
    return [replace(record, truth=Sides((index, -index))) for index, record in enumerate(dealt)]


def test_targets_of_every_kind_stay_with_their_pictures(sided: list[Record], noted: Noted) -> None:
    splits = read(sided)
    assert splits.train.targets.tolist() == [[0, 0], [1, -1], [4, -4], [5, -5]]
    assert splits.test.targets.tolist() == [[3, -3], [7, -7]]
    assert splits.train.where == [sided[index].where for index in (0, 1, 4, 5)]
    assert splits.labels == ["big", "never"]
    assert noted(splits, "noted")


def test_counts_and_rarity_are_those_of_the_split(sided: list[Record], noted: Noted) -> None:
    splits = read(sided)
    assert splits.counts() == {"train": [1, 0], "val": [1, 0], "test": [1, 0]}
    assert splits.train.rarity.tolist() == [1 / 3, 1 / 3, 1 / 3, 1]
    assert splits.val.rarity.tolist() == [1, 1]
    assert noted(splits, "val", "never")


def test_a_class_that_no_training_picture_shows(sided: list[Record], refused: Check) -> None:
    small = [replace(r, truth=Sides((0, 0))) if r.split == "train" else r for r in sided]
    refused(DataError, ("big", "val"), read, small)


def test_a_truth_that_cannot_be_used_is_named_or_left_out(sided: list[Record], refused: Check, noted: Noted) -> None:
    bad = [replace(sided[0], truth=Sides((0, 0), wrong="too small")), *sided[1:]]
    bad[3] = digested([replace(bad[3], content=b"")])[0]
    refused(DataError, ("2", "bee/0", "too small", "bee/3", "empty", "--bad-files"), read, bad)
    splits = read(bad, "skip")
    assert [where for where, _ in splits.skipped] == ["bee/0", "bee/3"]
    assert splits.skipped[0][1] == "too small"
    assert splits.train.targets.tolist() == [[1, -1], [4, -4], [5, -5]]
    assert noted(splits, "2", "skipped.csv")


def test_what_is_wrong_with_a_truth_is_said_before_what_is_wrong_with_its_picture(
    sided: list[Record], refused: Check
) -> None:
    bad = digested([replace(sided[0], content=b"", truth=Sides((0, 0), wrong="no picture of this name")), *sided[1:]])
    refused(DataError, ("bee/0", "no picture of this name"), read, bad)


def test_a_split_that_loses_all_its_pictures(sided: list[Record], refused: Check) -> None:
    for split in ("val", "train"):
        bad = [replace(r, truth=replace(r.truth, wrong="too small")) if r.split == split else r for r in sided]
        refused(DataError, (split, "big"), read, bad, "skip")


def test_a_file_that_changes_while_it_is_read_is_not_stored_under_its_old_name(
    dealt: list[Record], refused: Check
) -> None:
    changed = [replace(dealt[0], content=dealt[1].content), *dealt[1:]]
    refused(DataError, (dealt[0].where, "changed"), read, changed)
    assert read(dealt).skipped == []


def test_what_does_not_fit_the_store_is_there_for_this_run(dealt: list[Record]) -> None:
    whole = read(dealt)
    store = open_store(Storage())
    store.clear()
    once = read_pictures(dealt, image_size=(8, 8), storage=Storage(limit=1e-9))
    assert np.array_equal(once.train.inputs, whole.train.inputs)
    assert store.contents() == []
    folder = once.train.inputs.owner.folder
    assert list(folder.rglob("*.chunk"))
    del once
    assert not folder.exists()
