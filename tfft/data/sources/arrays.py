"""Examples in memory: arrays, lists, a `tf.data.Dataset`."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image

from tfft.conventions import IGNORED
from tfft.data.records import Record, content_digest, split_name
from tfft.data.truths.boxes import Boxes
from tfft.data.truths.labels import Label
from tfft.data.truths.mask_values import Ids
from tfft.data.truths.masks import Mask
from tfft.data.truths.numbers import Numbers
from tfft.data.truths.references import References
from tfft.data.truths.tags import Tags
from tfft.errors import DataError, listed, nearest


@dataclass(frozen=True, eq=False)
class Arrays:
    """Inputs and truths by split; the key None holds examples that have no split yet."""

    splits: Mapping[str | None, tuple[Sequence[Any], Sequence[Any]]] = field(repr=False)
    labels: tuple[str, ...] | None = None
    """Names of the classes, or of the quantities; None if the truths contain names."""

    def __str__(self) -> str:
        return "the arrays"

    @property
    def order(self) -> tuple[str, ...] | None:
        """The order of the classes: that of `labels`, or, without them, of their indices; None for names."""
        if self.labels is not None:
            return self.labels
        truths = [y for _, many in self.splits.values() for y in many if np.size(y) == 1]
        indices = {int(np.ravel(y)[0]) for y in truths if np.issubdtype(np.asarray(y).dtype, np.integer)}
        return tuple(map(str, sorted(indices))) or None


def as_arrays(data: Any, labels: Sequence[str] | None) -> Arrays:
    """Converts the data that a person passes in Python.

    Args:
        data: A pair `(x, y)`, a finite `tf.data.Dataset` of pairs, batched or not, or a dictionary of these by split.
        labels: Names of the classes, if `y` contains their indices, or names of the quantities.

    Raises:
        DataError: If `data` is none of these, x and y differ in length, or a split or label is named twice.
    """
    if labels is not None and (twice := [str(name) for name, count in Counter(labels).items() if count > 1]):
        raise DataError(f"`labels` contains {listed(map(repr, twice))} more than once", fix="Name each class once")
    named = list(data.items()) if isinstance(data, Mapping) and data else [(None, data)]
    splits: dict[str | None, tuple[Sequence[Any], Sequence[Any]]] = {}
    for name, examples in named:
        split = None if name is None else split_name(str(name), "`data`")
        if split in splits:
            raise DataError(f"`data` has a second {split} split, {name!r}", fix="Join the two, or remove one")
        pair = _from_dataset(examples) if hasattr(examples, "as_numpy_iterator") else examples
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise DataError(
                f"`data` is a {type(examples).__name__}, which tfft cannot read",
                fix='Pass a path, `(x, y)`, `{"train": (x, y), "test": (x, y)}`, or a `tf.data.Dataset`',
            )
        if not all(hasattr(part, "__len__") for part in pair):
            raise DataError(f"{split or '`data`'} is a pair without lengths", fix="Pass two arrays or two lists")
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
    if not isinstance(spec, tuple) or len(spec) != 2 or not hasattr(spec[0], "shape"):
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
                record = Record(content(x), truth(y, x, arrays.labels), where=where, split=split)
                if isinstance(record.truth, Numbers) and records:
                    _check_as_many(record.truth, records[0].truth)
            except KeyError as error:
                raise DataError(f"Example {number} of {split or 'the data'} has no key {error}") from None
            except (ValueError, TypeError, IndexError, OverflowError) as error:
                raise DataError(f"Example {number} of {split or 'the data'} cannot be used: {error}") from None
            records.append(record)
    return records


def _check_as_many(truth: Numbers, first: Numbers) -> None:
    if len(truth.values) != len(first.values):
        raise ValueError(f"it has {len(truth.values)} numbers, the first example {len(first.values)}")


def picture(pixels: Any) -> bytes:
    """Encodes pixels as PNG: (height, width), or (height, width, channels) with 1, 3 or 4 channels, uint8."""
    pixels = np.asarray(pixels)
    if pixels.ndim == 3 and pixels.shape[-1] == 1:
        pixels = pixels[..., 0]
    if pixels.ndim not in (2, 3) or not pixels.size or (pixels.ndim == 3 and pixels.shape[-1] not in (3, 4)):
        raise ValueError(f"its shape is {pixels.shape}, not (height, width, 3)")
    pixels = _uint8(pixels)
    if pixels.dtype != np.uint8:
        raise ValueError(
            f"its pixels are {pixels.dtype}, not uint8 in [0, 255]; try `(255 * x).round().astype('uint8')`"
        )
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="PNG", compress_level=1)
    return file.getvalue()


def _uint8(values: np.ndarray) -> np.ndarray:
    """Converts whole numbers from 0 to 255; other values are returned unchanged."""
    fits = np.issubdtype(values.dtype, np.integer) and 0 <= values.min() <= values.max() <= 255
    return values.astype(np.uint8) if fits else values


def text(value: Any) -> bytes:
    """Encodes a text as UTF-8."""
    if not isinstance(value, (str, bytes)):
        raise TypeError(f"it needs a text (got {type(value).__name__})")
    return value.encode() if isinstance(value, str) else bytes(value)


def label(value: Any, x: Any, labels: tuple[str, ...] | None) -> Label:
    """Converts an index, a one-hot vector or a name."""
    if isinstance(value, (str, bytes)):
        return Label(_known(value, labels))
    value = np.asarray(value)
    if value.size == 1:  # also (1,), as in columns of `keras.datasets`
        value = value.reshape(())[()]
        return Label(_known(value, labels) if isinstance(value, (str, bytes)) else _named(value, labels))
    if value.ndim != 1 or not np.isin(value, (0, 1)).all() or value.sum() != 1:
        raise ValueError(f"its class is {value}, neither an index nor a one-hot vector")
    if labels is not None and len(value) != len(labels):
        raise ValueError(f"its class is a one-hot vector of {len(value)}, but there are {len(labels)} labels")
    return Label(_named(value.argmax(), labels))


def tags(value: Any, x: Any, labels: tuple[str, ...] | None) -> Tags:
    """Converts a vector of 1 and 0, or a list of names."""
    if isinstance(value, (str, bytes)):
        raise TypeError(f"its tags are the text {value!r}, not a list of names")
    if all(isinstance(name, (str, bytes)) for name in value):
        return Tags(tuple(sorted({_known(name, labels) for name in value})))
    value = np.asarray(value)
    if value.ndim != 1 or not np.isin(value, (0, 1)).all() or (labels and len(labels) != len(value)):
        raise ValueError(f"its tags are {value}, not 1 or 0 for each of the labels {listed(labels or ())}")
    return Tags(tuple(sorted(_named(index, labels) for index in np.flatnonzero(value))))


def numbers(value: Any, x: Any, labels: tuple[str, ...] | None) -> Numbers:
    """Converts a number, or a vector of numbers."""
    values = tuple(map(float, np.ravel(value)))
    if not values or not (np.abs(values) <= np.finfo(np.float32).max).all():
        raise ValueError(f"its numbers {values} are not all finite in float32")
    names = labels or (("value",) if len(values) == 1 else tuple(f"value {index}" for index in range(len(values))))
    if len(names) != len(values):
        raise ValueError(f"it has {len(values)} numbers for {len(names)} labels")
    return Numbers(values, names)


def boxes(value: Any, x: Any, labels: tuple[str, ...] | None) -> Boxes:
    """Converts rows of left, top, right, bottom in pixels and class index, or a dictionary of `boxes` and `labels`."""
    if isinstance(value, Mapping):
        corners, indices = np.atleast_2d(value["boxes"]), np.ravel(value["labels"])
        value = np.column_stack([corners if corners.size else np.zeros((0, 4)), indices])
    rows = np.atleast_2d(np.asarray(value, np.float64))
    if not rows.size:
        return Boxes((), ())
    if rows.ndim != 2 or rows.shape[1] != 5:
        raise ValueError(f"its boxes have the shape {rows.shape}, not (boxes, 5)")
    rows = rows[~(rows[:, 4] < 0)]  # padding has a negative class
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
    value = _uint8(value)
    if value.dtype != np.uint8:
        raise ValueError(f"its mask is {value.dtype}, not class indices in uint8")
    if labels is not None and (beyond := sorted({*np.unique(value).tolist()} - {*range(len(labels)), IGNORED})):
        raise ValueError(f"its mask has the values {listed(beyond)}, but there are {len(labels)} labels")
    content = picture(value)
    ids = Ids.of({str(index): name for index, name in enumerate(labels or ())}, None)
    return Mask(content, ids, content_digest(content))


def references(value: Any, x: Any, labels: tuple[str, ...] | None) -> References:
    """Converts a text, or a list of texts."""
    texts = [value] if isinstance(value, (str, bytes)) else list(value)
    return References(tuple(reference for reference in map(_string, texts) if reference.strip()))


def _known(name: str | bytes, labels: tuple[str, ...] | None) -> str:
    name = _string(name)
    if labels is not None and name not in labels:
        raise ValueError(f"its class {name!r} is not in the labels; nearest: {nearest(name, labels)}")
    return name


def _string(value: Any) -> str:
    return text(value).decode()


def _named(index: Any, labels: tuple[str, ...] | None) -> str:
    number = int(index)
    if number != index or number < 0 or (labels is not None and number >= len(labels)):
        raise ValueError(f"its class index is {index}, but there are {len(labels) if labels else 'no'} labels")
    return str(number) if labels is None else labels[number]
