"""Values in memory to the bytes of a file, and to the ground truth of each task."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

from tfft.conventions import IGNORED
from tfft.data.records import content_digest
from tfft.data.truths.boxes import Boxes
from tfft.data.truths.labels import Label
from tfft.data.truths.mask_values import Ids
from tfft.data.truths.masks import Mask
from tfft.data.truths.numbers import Numbers
from tfft.data.truths.references import References
from tfft.data.truths.tags import Tags
from tfft.errors import listed, nearest


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
