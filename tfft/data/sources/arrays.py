"""Examples in memory: arrays, lists, a `tf.data.Dataset`."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image

from tfft.data.records import Record, content_digest, split_name
from tfft.data.truths.boxes import Boxes
from tfft.data.truths.labels import Label
from tfft.data.truths.mask_values import Ids
from tfft.data.truths.masks import Mask
from tfft.data.truths.numbers import Numbers
from tfft.data.truths.references import References
from tfft.data.truths.tags import Tags
from tfft.errors import DataError, listed


@dataclass(frozen=True, eq=False)
class Arrays:
    """Inputs and truths by split; the key None holds examples that have no split yet."""

    splits: Mapping[str | None, tuple[Sequence[Any], Sequence[Any]]] = field(repr=False)
    labels: tuple[str, ...] | None = None
    """Names of the classes, or of the quantities; None if the truths contain names."""

    def __str__(self) -> str:
        return "the arrays"


def as_arrays(data: Any, labels: Sequence[str] | None) -> Arrays:
    """Converts the data that a person passes in Python.

    Args:
        data: A pair `(x, y)`, a finite `tf.data.Dataset` of pairs, batched or not, or a dictionary of these by split.
        labels: Names of the classes, if `y` contains their indices, or names of the quantities.

    Raises:
        DataError: If `data` is none of these, or x and y differ in length.
    """
    by_split = (
        {split_name(str(name), "data"): examples for name, examples in data.items()}
        if isinstance(data, Mapping)
        else None
    )
    splits = {}
    for split, examples in (by_split or {None: data}).items():
        pair = _from_dataset(examples) if hasattr(examples, "as_numpy_iterator") else examples
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise DataError(
                f"`data` is a {type(examples).__name__}, which tfft cannot read",
                fix='Pass a path, `(x, y)`, `{"train": (x, y), "test": (x, y)}`, or a `tf.data.Dataset`',
            )
        if len(pair[0]) != len(pair[1]):
            raise DataError(f"{split or '`data`'} has {len(pair[0])} inputs but {len(pair[1])} truths")
        splits[split] = tuple(pair)
    return Arrays(splits, None if labels is None else tuple(map(str, labels)))


def _from_dataset(dataset: Any) -> tuple[list[Any], list[Any]]:
    """Returns the inputs and truths of a `tf.data.Dataset`, batched or not."""
    import tensorflow as tf

    if dataset.cardinality() == tf.data.INFINITE_CARDINALITY:
        raise DataError("The `tf.data.Dataset` never ends", fix="Leave out `.repeat()`, or add `.take(n)`")
    spec = dataset.element_spec
    if not isinstance(spec, tuple) or len(spec) != 2:
        raise DataError(
            f"The elements of the `tf.data.Dataset` are not pairs but {spec}",
            fix="Convert them to pairs of input and truth with `.map`",
        )
    # pictures have three axes, texts none
    batched = spec[0].shape.rank in (1, 4)
    inputs, truths = [], []
    for x, y in (dataset.unbatch() if batched else dataset).as_numpy_iterator():
        inputs.append(x)
        truths.append(y)
    return inputs, truths


def array_records(
    arrays: Arrays, content: Callable[[Any], bytes], truth: Callable[[Any, Any, tuple[str, ...] | None], Any]
) -> list[Record]:
    """Returns records of examples in memory.

    Args:
        arrays: The examples.
        content: From an input to the bytes of a file.
        truth: From a truth, its input and the labels to the truth of the record.

    Raises:
        DataError: If an example cannot be used, naming it.
    """
    records = []
    for split, (inputs, truths) in arrays.splits.items():
        for number, (x, y) in enumerate(zip(inputs, truths, strict=True)):
            where = f"{split or 'example'} {number}"
            try:
                records.append(Record(content(x), truth(y, x, arrays.labels), where=where, split=split))
            except (ValueError, TypeError, IndexError) as error:
                raise DataError(f"Example {number} of {split or 'the data'} cannot be used: {error}") from None
    return records


def picture(pixels: Any) -> bytes:
    """Encodes pixels as PNG: (height, width), or (height, width, channels) with 1, 3 or 4 channels, uint8."""
    pixels = np.asarray(pixels)
    if (
        pixels.dtype != np.uint8
        and np.issubdtype(pixels.dtype, np.integer)
        and 0 <= pixels.min() <= pixels.max() <= 255
    ):
        pixels = pixels.astype(np.uint8)
    if pixels.dtype != np.uint8:
        raise ValueError(
            f"its pixels are {pixels.dtype}, not uint8 in [0, 255]; try `(255 * x).round().astype('uint8')`"
        )
    if pixels.ndim == 3 and pixels.shape[-1] == 1:
        pixels = pixels[..., 0]
    if pixels.ndim not in (2, 3) or not pixels.size or (pixels.ndim == 3 and pixels.shape[-1] not in (3, 4)):
        raise ValueError(f"its shape is {pixels.shape}, not (height, width, 3)")
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="PNG", compress_level=1)
    return file.getvalue()


def text(value: Any) -> bytes:
    """Encodes a text as UTF-8."""
    if not isinstance(value, (str, bytes)):
        raise TypeError(f"its input is a {type(value).__name__}, not a text")
    return value.encode() if isinstance(value, str) else bytes(value)


def label(value: Any, x: Any, labels: tuple[str, ...] | None) -> Label:
    """Converts an index, a one-hot vector or a name."""
    if isinstance(value, (str, bytes)):
        return Label(_string(value))
    value = np.asarray(value)
    if value.ndim == 1 and len(value) > 1:
        if value.sum() != 1 or value.max() != 1:
            raise ValueError(f"its class is {value}, neither an index nor a one-hot vector")
        value = value.argmax()
    return Label(_named(value, labels))


def tags(value: Any, x: Any, labels: tuple[str, ...] | None) -> Tags:
    """Converts a vector of 1 and 0, or a list of names."""
    if all(isinstance(name, (str, bytes)) for name in value):
        return Tags(tuple(sorted({_string(name) for name in value})))
    value = np.asarray(value)
    if not np.isin(value, (0, 1)).all() or (labels and len(labels) != len(value)):
        raise ValueError(f"its tags are {value}, not 1 or 0 for each of the labels {listed(labels or ())}")
    return Tags(tuple(sorted(_named(index, labels) for index in np.flatnonzero(value))))


def numbers(value: Any, x: Any, labels: tuple[str, ...] | None) -> Numbers:
    """Converts a number, or a vector of numbers."""
    values = tuple(map(float, np.ravel(value)))
    if not np.isfinite(values).all():
        raise ValueError(f"its numbers {values} are not all finite")
    names = labels or (("value",) if len(values) == 1 else tuple(f"value {index}" for index in range(len(values))))
    if len(names) != len(values):
        raise ValueError(f"it has {len(values)} numbers for {len(names)} labels")
    return Numbers(values, names)


def boxes(value: Any, x: Any, labels: tuple[str, ...] | None) -> Boxes:
    """Converts rows of left, top, right, bottom in pixels and class index, or a dictionary of `boxes` and `labels`."""
    if isinstance(value, Mapping):
        value = np.column_stack([np.reshape(value["boxes"], (-1, 4)), np.ravel(value["labels"])])
    rows = np.reshape(np.asarray(value, np.float64), (-1, 5))
    rows = rows[rows[:, 4] >= 0]  # padding has a negative class
    height, width = np.shape(x)[:2]
    corners = rows[:, :4] / (width, height, width, height)
    if not ((corners[:, :2] < corners[:, 2:]).all() and (corners >= 0).all() and (corners <= 1).all()):
        raise ValueError(f"a box is empty, or outside of its {width} x {height} pixels: {rows.tolist()}")
    return Boxes(tuple(_named(index, labels) for index in rows[:, 4]), tuple(map(tuple, corners.tolist())))


def mask(value: Any, x: Any, labels: tuple[str, ...] | None) -> Mask:
    """Converts class indices, (height, width), uint8; pixels of 255 are ignored."""
    value = np.asarray(value)
    value = value[..., 0] if value.ndim == 3 and value.shape[-1] == 1 else value
    if value.shape != np.shape(x)[:2]:
        raise ValueError(f"its mask has the shape {value.shape}, its picture {np.shape(x)}")
    content = picture(value)
    ids = Ids.of({str(index): name for index, name in enumerate(labels or ())}, None)
    return Mask(content, ids, content_digest(content))


def references(value: Any, x: Any, labels: tuple[str, ...] | None) -> References:
    """Converts a text, or a list of texts."""
    texts = [value] if isinstance(value, (str, bytes)) else list(value)
    return References(tuple(reference for reference in map(_string, texts) if reference.strip()))


def _string(value: str | bytes) -> str:
    return value if isinstance(value, str) else bytes(value).decode()


def _named(index: Any, labels: tuple[str, ...] | None) -> str:
    number = int(index)
    if number != index or number < 0 or (labels is not None and number >= len(labels)):
        raise ValueError(f"its class index is {index}, but there are {len(labels) if labels else 'no'} labels")
    return str(number) if labels is None else labels[number]
