"""Examples in memory: arrays, lists, a `tf.data.Dataset`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tfft.data.records import Record, split_name
from tfft.data.truths.numbers import Numbers
from tfft.errors import DataError, listed


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
