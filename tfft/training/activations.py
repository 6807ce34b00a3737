"""What the trunks of a plan make of the pictures: computed once and stored, or computed whenever it is asked for.

Either way every picture goes through the same compiled function, in batches of one size, so the numbers are
the same to the last bit.
"""

from __future__ import annotations

import hashlib
import logging
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from tfft.data.augment import VERSION as AUGMENT_VERSION
from tfft.data.augment import Augmentation, view
from tfft.data.examples import Examples, Indexable, Splits
from tfft.data.pipeline import GROUP, Layout
from tfft.data.records import content_digest
from tfft.models.fingerprint import fingerprint
from tfft.models.trunk import Cut, between
from tfft.store import Rows, Store, StoredArray

logger = logging.getLogger(__name__)

TRUNK_BATCH = GROUP
"""Pictures that go through a trunk at a time, always; a smaller last batch is filled up. The last bits of a result
depend on this number for some networks (ConvNeXt), never on which pictures are in the batch."""


@dataclass(frozen=True, eq=False)
class Level:
    """One trunk of a plan, as a step from the trunk below it."""

    cut: Cut
    step: keras.Model
    """From what crosses the trunk below (from the pictures, for the lowest) to what crosses this one."""
    takes: Layout
    makes: Layout
    multiply_adds: int
    """Of the step, for one example."""
    fingerprint: str
    """Of the whole trunk, from the pictures up."""

    @cached_property
    def run(self) -> Callable[..., tf.Tensor]:
        """The step in inference mode on exactly `TRUNK_BATCH` examples; gives (TRUNK_BATCH, numbers)."""
        signature = [tf.TensorSpec((TRUNK_BATCH, *shape), self.takes.read_as) for shape in self.takes.shapes]

        @tf.function(input_signature=signature, autograph=False)
        def run(*tensors: tf.Tensor) -> tf.Tensor:
            given = [tf.cast(t, wanted.dtype) for t, wanted in zip(tensors, self.step.inputs, strict=True)]
            crossing = self.step(given[0] if len(given) == 1 else given, training=False)
            flat = [tf.reshape(tensor, (TRUNK_BATCH, -1)) for tensor in tf.nest.flatten(crossing)]
            return tf.cast(flat[0] if len(flat) == 1 else tf.concat(flat, 1), self.makes.dtype)

        return run


def levels(cuts: Sequence[Cut], *, dtype: str) -> tuple[Level, ...]:
    """The levels of some cuts of one model, lowest first.

    Args:
        cuts: Lowest first, all with a trunk, each trunk a part of the next.
        dtype: Of the activations, `"float32"` or `"float16"`.
    """
    found: list[Level] = []
    for number, cut in enumerate(cuts):
        lower = cuts[number - 1] if number else None
        found.append(
            Level(
                cut=cut,
                step=between(lower, cut) if lower else cut.trunk,
                takes=found[-1].makes if found else Layout((tuple(cut.trunk.inputs[0].shape[1:]),), "uint8"),
                makes=Layout(tuple(cut.shapes), dtype),
                multiply_adds=cut.multiply_adds - (lower.multiply_adds if lower else 0),
                fingerprint=fingerprint(cut.trunk),
            )
        )
    return tuple(found)


@dataclass(frozen=True, eq=False)
class Streamed:
    """Activations that are computed whenever they are asked for, indexable by an array of positions."""

    below: Indexable
    level: Level

    def __getitem__(self, positions: np.ndarray) -> np.ndarray:
        made = np.empty((len(positions), self.level.makes.numbers), self.level.makes.dtype)
        for start in range(0, len(positions), TRUNK_BATCH):
            some = self.below[positions[start : start + TRUNK_BATCH]]
            filled = (
                some
                if len(some) == TRUNK_BATCH
                else np.concatenate([some, some[-1:].repeat(TRUNK_BATCH - len(some), 0)])
            )
            made[start : start + TRUNK_BATCH] = self.level.run(*self.level.takes.unpack(filled)).numpy()[: len(some)]
        return made


@dataclass(frozen=True, eq=False)
class Activations:
    """The activations of a plan: where they are, and how they are computed."""

    splits: Splits
    keys: Mapping[str, Sequence[str]]
    """By split, what names each picture in the store: its content."""
    levels: tuple[Level, ...]
    """Lowest first."""
    store: Store
    augment: Augmentation
    seed: int
    stored: tuple[frozenset[str], ...] = ()
    """For each level the splits whose activations are stored; others are streamed."""
    _arrays: dict[tuple[int, int], StoredArray] = field(default_factory=dict, repr=False)

    def array(self, depth: int, number: int) -> StoredArray:
        """The stored activations of one level and one view of the pictures."""
        if (depth, number) not in self._arrays:
            level = self.levels[depth]
            parts = {
                "kind": "activations",
                "trunk": level.fingerprint,
                "layers": [tensor._keras_history[0].name for tensor in level.cut.crossing],
                "pictures": self._pictures,
                "view": self._view(number),
                "batch": TRUNK_BATCH,
                **_machine(),
            }
            self._arrays[depth, number] = self.store.array(parts, (level.makes.numbers,), level.makes.dtype)
        return self._arrays[depth, number]

    def missing(self, depth: int, split: str, number: int) -> list[int]:
        """Positions of the pictures whose activations the store does not have."""
        return self.array(depth, number).missing(self.keys[split])

    def rows(self, depth: int | None, split: str, number: int) -> Indexable:
        """What crosses a level, or the pictures for None, of one split in one view; computed and stored if it is to be."""
        examples: Examples = getattr(self.splits, split)
        if depth is None:
            return view(examples, number, augment=self.augment, seed=self.seed)
        below = depth - 1 if depth else None
        if split not in self.stored[depth]:
            return Streamed(self.rows(below, split, number), self.levels[depth])
        array, keys = self.array(depth, number), self.keys[split]
        if missing := array.missing(keys):
            streamed = Streamed(self.rows(below, split, number), self.levels[depth])
            try:
                _fill(array, keys, missing, streamed, f"Trunk {depth + 1}, {split}, view {number}")
            except OSError as error:
                logger.warning("Not stored, computed whenever it is needed: %s", error)
                return streamed
        return array.rows(keys)

    @cached_property
    def _pictures(self) -> str:
        inputs = self.splits.train.inputs
        return inputs.name if isinstance(inputs, Rows) else f"arrays {inputs.shape[1:]}"

    def _view(self, number: int) -> Mapping[str, Any] | None:
        if number == 0 or self.augment == "none":
            return None
        packages = {name: metadata.version(name) for name in ("numpy", "Pillow")}
        return {"number": number, "augment": self.augment, "seed": self.seed, "version": AUGMENT_VERSION, **packages}


def content_keys(splits: Splits) -> dict[str, list[str]]:
    """By split, what names each picture in the store.

    What the store decoded has ids that are digests of the files; the ids of arrays that somebody made are that
    person's, so their pixels are digested.
    """
    return {
        name: examples.ids
        if isinstance(examples.inputs, Rows)
        else [content_digest(np.ascontiguousarray(row)) for row in examples.inputs]
        for name, examples in splits.items()
    }


def _fill(array: StoredArray, keys: Sequence[str], missing: Sequence[int], source: Indexable, what: str) -> None:
    """Computes the missing rows and stores them, chunk by chunk."""
    with tqdm(total=len(missing), desc=what, unit=" pictures", disable=None, leave=False) as bar:
        for part in array.parts_of(missing):
            block = np.empty((len(part), *array.row_shape), array.dtype)
            for start in range(0, len(part), TRUNK_BATCH):
                some = np.array(part[start : start + TRUNK_BATCH])
                block[start : start + TRUNK_BATCH] = source[some]
                bar.update(len(some))
            array.append([keys[position] for position in part], block)


def _machine() -> dict[str, Any]:
    """What of machine and packages may decide the last bits."""
    return {
        "packages": {name: metadata.version(name) for name in ("tensorflow", "keras", "numpy")},
        "processor": _processor(),
        "cores": os.cpu_count(),
        "devices": [device.name for device in tf.config.list_physical_devices()],
        "oneDNN": os.environ.get("TF_ENABLE_ONEDNN_OPTS", ""),
        "precision": keras.config.dtype_policy().name,
        "float": keras.config.floatx(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        return platform.processor()
    # the flags say which instructions the kernels are chosen by
    return hashlib.blake2b(
        "\n".join(line for line in lines if line.startswith(("model name", "flags", "Features"))).encode(),
        digest_size=8,
    ).hexdigest()
