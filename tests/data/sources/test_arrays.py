"""Data in memory: every form of inputs and truths, and which example is named if one cannot be used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tfft.data import (
    Splits,
    as_arrays,
    find_boxes,
    find_masks,
    find_numbers,
    find_pairs,
    find_pictures,
    find_tagged,
    find_texts,
    read_pictures,
)
from tfft.errors import DataError

Check = Callable[..., None]
HEIGHT, WIDTH = 8, 10
X = np.random.default_rng(0).integers(0, 256, (4, HEIGHT, WIDTH, 3)).astype(np.uint8)
Y = np.array([0, 2, 1, 0])
LABELS = ["wasp", "ant", "bee"]
"""Not in alphabetical order."""
NONE = [0, 0, 0, 0, -1]
MASKS = np.zeros((4, HEIGHT, WIDTH), np.uint8)
MASKS[:, 2:4], MASKS[:, 6:] = 1, 255


def read(find: Callable[..., Any], y: Any, labels: Sequence[str] | None = None) -> Splits:
    """Three pictures to train on and one for validation."""
    arrays = as_arrays({"train": (X[:3], y[:3]), "validation": (X[3:], y[3:])}, labels)
    return read_pictures(find(arrays), image_size=(HEIGHT, WIDTH), labels=arrays.labels)


def targets(splits: Splits) -> list[Any]:
    """Of training, then of validation."""
    return [row for _, examples in splits.items() for row in examples.targets[np.arange(len(examples))].tolist()]


@pytest.mark.parametrize("form", ["lists", "batched", "unbatched"])
def test_every_form_holds_the_same_examples(form: str) -> None:
    dataset = tf.data.Dataset.from_tensor_slices((X, Y))
    forms = {"lists": (list(X), Y.tolist()), "batched": dataset.batch(3), "unbatched": dataset}
    records = find_pictures(as_arrays((X, Y), LABELS))
    assert [record.where for record in records] == ["example 0", "example 1", "example 2", "example 3"]
    assert {record.split for record in records} == {None}
    assert find_pictures(as_arrays(forms[form], LABELS)) == records


@pytest.mark.parametrize("size", [None, 2])
def test_texts_of_a_dataset(size: int | None) -> None:
    dataset = tf.data.Dataset.from_tensor_slices((["good", "schön"], ["yes", "no"]))
    records = find_texts(as_arrays(dataset.batch(size) if size else dataset, None))
    assert [(record.read().decode(), record.truth.name) for record in records] == [("good", "yes"), ("schön", "no")]


def test_splits_by_name_and_pixels_as_they_were() -> None:
    splits = read(find_pictures, Y, LABELS)
    assert np.array_equal(splits.train.inputs[np.arange(3)], X[:3])
    assert (splits.train.where, splits.val.where) == (["train 0", "train 1", "train 2"], ["val 0"])
    assert splits.test is None


def dataset() -> tf.data.Dataset:
    return tf.data.Dataset.from_tensor_slices((X, Y))


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (lambda: dataset().repeat(), "never ends"),
        (lambda: dataset().map(lambda x, y: (x, y, 1.0)), "pairs"),
        (lambda: dataset().map(lambda x, y: ({"x": x}, y)), "pairs"),
        (lambda: X, "ndarray"),
        (dict, "dict"),
        (lambda: (X, Y[:3]), ("4", "3")),
        (lambda: {"train": (X, Y), "test": (X[:1], Y)}, ("test", "1", "4")),
        (lambda: (iter(X), Y), "lengths"),
        (lambda: {"trian": (X, Y)}, ("'trian'", "'train'")),
        (lambda: {"val": (X, Y), "dev": (X, Y)}, ("val", "'dev'")),
    ],
)
def test_data_that_cannot_be_read(data: Callable[[], Any], named: str | Sequence[str], refused: Check) -> None:
    refused(DataError, named, as_arrays, data(), LABELS)


def test_a_label_named_twice(refused: Check) -> None:
    refused(DataError, ("`labels`", "'ant'"), as_arrays, (X, Y), ["ant", "bee", "ant"])


@pytest.mark.parametrize(
    "y",
    [Y, Y[:, None], np.eye(3)[Y], np.array(LABELS)[Y], [LABELS[index].encode() for index in Y]],
    ids=["indices", "column", "one-hot", "names", "bytes"],
)
def test_labels_keep_their_order(y: Any) -> None:
    splits = read(find_pictures, y, LABELS)
    assert (splits.labels, targets(splits)) == (LABELS, Y.tolist())


def test_indices_without_names_name_themselves() -> None:
    splits = read(find_pictures, Y)
    assert (splits.labels, targets(splits)) == (["0", "1", "2"], Y.tolist())


@pytest.mark.parametrize(
    "y",
    [np.array([[1, 0, 1], [0, 1, 0], [0, 0, 0], [1, 0, 0]]), [["bee", "wasp"], ["ant"], [], [b"wasp"]]],
    ids=["multi-hot", "names"],
)
def test_tags(y: Any) -> None:
    splits = read(find_tagged, y, LABELS)
    assert (splits.labels, targets(splits)) == (LABELS, [[1, 0, 1], [0, 1, 0], [0, 0, 0], [1, 0, 0]])


@pytest.mark.parametrize(
    ("y", "labels", "names"),
    [
        ([1.5, 2, 3, -4], None, ["value"]),
        ([1.5, 2, 3, -4], ["age"], ["age"]),
        (np.arange(8).reshape(4, 2), None, ["value 0", "value 1"]),
        (np.arange(8).reshape(4, 2), ["width", "age"], ["width", "age"]),
    ],
)
def test_numbers(y: Any, labels: list[str] | None, names: list[str]) -> None:
    splits = read(find_numbers, y, labels)
    assert (splits.labels, targets(splits)) == (names, np.reshape(y, (4, -1)).tolist())


def test_boxes_as_rows_and_as_a_dictionary() -> None:
    rows = [[[1, 2, 5, 6, 2], [0, 0, WIDTH, HEIGHT, 0]], [[1, 1, 2, 2, 1], NONE], [], [[1, 2, 5, 6, 1]]]
    by_name = [{"boxes": [row[:4] for row in some], "labels": [row[4] for row in some]} for some in rows]
    for y in (rows, by_name):
        splits = read(find_boxes, y, LABELS)
        assert splits.labels == LABELS
        assert targets(splits) == [rows[0], rows[1], [NONE, NONE], [rows[3][0], NONE]]


@pytest.mark.parametrize("y", [MASKS, MASKS[..., None].astype(int)], ids=["uint8", "one channel"])
def test_masks_and_their_ignored_pixels(y: np.ndarray, noted: Callable[..., bool]) -> None:
    splits = read(find_masks, y, LABELS)
    assert (splits.labels, targets(splits)) == (LABELS, MASKS.tolist())
    assert noted(splits, "255", "4")


def test_references_one_or_several() -> None:
    records = find_pairs(as_arrays((["a", "b", b"c"], ["A", ["B", b"BB", " "], np.array(["C"])]), None))
    assert [record.truth.texts for record in records] == [("A",), ("B", "BB"), ("C",)]


def after_one(first: Any, second: Any) -> Any:
    """Data whose second example is the wrong one."""
    return {"train": ([X[0], X[1]], [first, second])}


@pytest.mark.parametrize(
    ("find", "data", "named"),
    [
        (find_pictures, {"train": ([X[0], X[1] / 255], [0, 1])}, ("float64", "uint8")),
        (find_pictures, {"train": ([X[0], X[1].astype(int) * 2], [0, 1])}, ("int64", "uint8")),
        (find_pictures, {"train": ([X[0], X[:2]], [0, 1])}, str(X[:2].shape)),
        (find_pictures, after_one(0, 3), ("3", "3 labels")),
        (find_pictures, after_one(0, -1), "-1"),
        (find_pictures, after_one(0, 0.5), "0.5"),
        (find_pictures, after_one(0, np.inf), "inf"),
        (find_pictures, after_one([0, 1, 0], [0, 1, 1]), "one-hot"),
        (find_pictures, after_one([0, 1, 0], [0, 1]), ("one-hot", "2", "3 labels")),
        (find_pictures, after_one("bee", "be"), ("'be'", "'bee'")),
        (find_texts, {"train": (["good", 3], ["bee", "ant"])}, "int"),
        (find_tagged, after_one([0, 1, 1], [0, 1]), ("[0 1]", "wasp, ant, bee")),
        (find_tagged, after_one([0, 1, 1], [0, 1, 2]), "[0 1 2]"),
        (find_tagged, after_one(["bee"], "bee"), "'bee'"),
        (find_tagged, after_one(["bee"], ["be"]), ("'be'", "'bee'")),
        (find_numbers, after_one([1, 2, 3], [1, 2]), ("2", "3 labels")),
        (find_numbers, after_one([1, 2, 3], [1, 2, np.nan]), "nan"),
        (find_numbers, after_one([1, 2, 3], [1, 2, 1e39]), "1e+39"),
        (find_boxes, after_one([[1, 2, 5, 6, 0]], [[1, 2, 11, 6, 0]]), ("11.0", "10 x 8")),
        (find_boxes, after_one([[1, 2, 5, 6, 0]], [[5, 2, 5, 6, 0]]), "empty"),
        (find_boxes, after_one([[1, 2, 5, 6, 0]], [[1, 2, 5, 6, 3]]), ("3.0", "3 labels")),
        (find_boxes, after_one([[1, 2, 5, 6, 0]], np.ones((5, 4))), "(5, 4)"),
        (find_boxes, after_one([[1, 2, 5, 6, 0]], {"boxes": [[1, 2, 5, 6]]}), "'labels'"),
        (find_boxes, after_one([[1, 2, 5, 6, 0]], {"boxes": [[1, 2, 5, 6]], "labels": [0, 1]}), ""),
        (find_masks, after_one(MASKS[0], MASKS[0, 1:]), ("(7, 10)", "(8, 10, 3)")),
        (find_masks, after_one(MASKS[0], MASKS[0] / 1), "float64"),
        (find_masks, after_one(MASKS[0], MASKS[0] * 3), ("3", "3 labels")),
        (find_pairs, {"train": (["a", "b"], ["A", ["B", 3]])}, "int"),
    ],
)
def test_the_example_that_cannot_be_used_is_named(
    find: Callable[..., Any], data: Any, named: str | Sequence[str], refused: Check
) -> None:
    named = [named] if isinstance(named, str) else named
    refused(DataError, ("xample 1 of train", *named), find, as_arrays(data, LABELS))


def test_examples_with_different_numbers_of_numbers(refused: Check) -> None:
    refused(DataError, ("xample 1 of the data", "3", "2"), find_numbers, as_arrays((X[:2], [[1, 2], [1, 2, 3]]), None))


def test_indices_without_labels_are_ordered_as_numbers() -> None:
    assert as_arrays((np.zeros((3, 4, 4, 3), np.uint8), np.array([10, 2, 0])), None).order == ("0", "2", "10")
    assert as_arrays((["a", "b"], ["yes", "no"]), None).order is None
    assert as_arrays((["a", "b"], [1, 0]), ["yes", "no"]).order == ("yes", "no")
