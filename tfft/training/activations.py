"""What the trunks of a plan make of the examples: computed once and stored, or computed whenever it is asked for.

Either way every picture and text goes through the same compiled function, in batches of one size, each text at its own
width, so the numbers are the same to the last bit.
"""

from __future__ import annotations

import dataclasses
import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from importlib import metadata
from typing import Any

import numpy as np
from tqdm import tqdm

from tfft.data.augmentation.changes import Augmentation
from tfft.data.augmentation.views import VERSION as AUGMENT_VERSION
from tfft.data.augmentation.views import view, view_of_targets
from tfft.data.batching.widths import ByWidth, Tokens, positions_by_width
from tfft.data.examples import Examples, Splits
from tfft.data.indexing import Indexable
from tfft.data.records import content_digest
from tfft.errors import ConfigError, MachineError
from tfft.extras import installed
from tfft.models.fingerprint import weights_fingerprint
from tfft.store import Rows, Store, StoredArray
from tfft.training.levels import TRUNK_BATCH, Level
from tfft.training.machine import machine
from tfft.training.streaming import Streamed

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Activations:
    """The activations of a plan: where they are, and how they are computed."""

    splits: Splits
    keys: Mapping[str, Sequence[str]]
    """By split, what names each example in the store: its content."""
    levels: tuple[Level, ...]
    """Lowest first."""
    store: Store
    network: str
    """Its name, for those who look into the store."""
    augmentation: Augmentation
    seed: int
    stored: tuple[frozenset[tuple[str, int]], ...] = ()
    """For each level the splits and views whose activations are stored; others are streamed."""
    _arrays: dict[tuple[int, int, int | None], StoredArray] = field(default_factory=dict, repr=False)
    _failed: set[tuple[int, str, int, int | None]] = field(default_factory=set, repr=False)
    """Levels, splits, views and widths that could not be stored."""

    def array(self, depth: int, number: int, width: int | None = None) -> StoredArray:
        """The stored activations of one level and one view of the pictures, or of the texts of one width."""
        if (depth, number, width) not in self._arrays:
            level = self.levels[depth]
            parts = {
                "kind": "activations",
                "trunk": level.fingerprint,
                **({"pictures": self._pictures} if width is None else {"width": width}),
                "view": self._view(number),
                "batch": TRUNK_BATCH,
                **(machine() if width is None else machine(*installed("keras-hub"))),
            }
            about = f"{self.network} after {', '.join(level.layers)}"
            shape = (level.makes.at(width).numbers,)
            self._arrays[depth, number, width] = self.store.array(parts, shape, level.makes.dtype, about)
        return self._arrays[depth, number, width]

    def room(self, depth: int, split: str, number: int) -> tuple[int, int, int]:
        """What one split takes in one view: bytes in all, bytes that the store does not have yet, and places in the
        batches that compute them; each width of texts has a batch of its own that is not full."""
        stored, lacking, places = 0, 0, 0
        for width, positions in self._parts(split):
            array, keys = self.array(depth, number, width), self._keys(split, positions)
            missing = len(array.missing(keys))
            stored += len(set(keys)) * array.row_bytes
            lacking += missing * array.row_bytes
            places += math.ceil(missing / TRUNK_BATCH) * TRUNK_BATCH
        return stored, lacking, places

    def rows(self, depth: int | None, split: str, number: int) -> Indexable:
        """What crosses a level, or pictures or tokens for None, of one split in one view.

        What is to be stored and is not there yet is computed first.
        """
        examples: Examples = getattr(self.splits, split)
        if examples.widths is None:
            return self._rows(depth, split, number, None, None)
        if depth is None:
            return Tokens(examples.inputs, examples.widths)
        parts = {width: self._rows(depth, split, number, width, places) for width, places in self._parts(split)}
        return ByWidth(examples.widths, parts, self.levels[depth].makes)

    def _parts(self, split: str) -> list[tuple[int | None, np.ndarray | None]]:
        """Widths of the texts of a split, with the positions that have them; None and all for pictures."""
        widths = getattr(self.splits, split).widths
        return [(None, None)] if widths is None else list(positions_by_width(widths))

    def _keys(self, split: str, positions: np.ndarray | None) -> Sequence[str]:
        keys = self.keys[split]
        return keys if positions is None else [keys[position] for position in positions]

    def _rows(
        self, depth: int | None, split: str, number: int, width: int | None, positions: np.ndarray | None
    ) -> Indexable:
        """Those of the pictures, or of the texts of one width."""
        if depth is None:
            inputs = getattr(self.splits, split).inputs
            if positions is not None:
                return inputs[positions, :width]
            return view(inputs, self.keys[split], number, augmentation=self.augmentation, seed=self.seed)
        streamed = (split, number) not in self.stored[depth] or (depth, split, number, width) in self._failed
        array, keys = self.array(depth, number, width), self._keys(split, positions)
        missing = [] if streamed else array.missing(keys)
        if streamed or missing:
            below = self._rows(depth - 1 if depth else None, split, number, width, positions)
            source = Streamed(below, self.levels[depth], width)
        if streamed:
            return source
        if missing:
            what = f"Trunk {depth + 1}, {split}, " + (f"view {number}" if width is None else f"{width} tokens")
            try:
                self.store.make_room(len(missing) * array.row_bytes)
                _fill(array, keys, missing, source, what)
            except (OSError, MachineError) as error:
                logger.warning("Not stored, computed whenever it is needed: %s", error)
                self._failed.add((depth, split, number, width))
                return source
        return array.rows(keys)

    def targets(self, split: str, number: int) -> Indexable:
        """The targets of one split in one view."""
        examples = getattr(self.splits, split)
        return view_of_targets(
            examples.targets,
            self.keys[split],
            number,
            augmentation=self.augmentation,
            seed=self.seed,
            motion=self.splits.motion,
            image_size=tuple(examples.inputs.shape[1:3]),
        )

    def check_weights(self) -> None:
        """Raises `ConfigError` if frozen weights have changed since the plan was made."""
        for level in self.levels:
            if weights_fingerprint(level.cut.trunk) != level.weights:
                raise ConfigError(
                    "The frozen weights are those that the plan was made with",
                    received=f"other weights below {', '.join(level.layers)}",
                    fix="Load weights first, then call `plan_phases`",
                )

    @cached_property
    def _pictures(self) -> str:
        inputs = self.splits.train.inputs
        return inputs.name if isinstance(inputs, Rows) else f"arrays {inputs.shape[1:]}"

    def _view(self, number: int) -> Mapping[str, Any] | None:
        if number == 0 or self.augmentation.level == "none":
            return None
        packages = {name: metadata.version(name) for name in ("numpy", "Pillow")}
        how = dataclasses.asdict(self.augmentation)
        return {"number": number, **how, "seed": self.seed, "version": AUGMENT_VERSION, **packages}


def content_keys(splits: Splits) -> dict[str, list[str]]:
    """By split, what names each example in the store.

    What the store decoded has ids that are digests of the files; the ids of arrays that somebody made are that
    person's, so their pixels, or tokens, are digested.
    """
    return {
        name: examples.ids
        if isinstance(examples.inputs, Rows)
        else [content_digest(np.ascontiguousarray(row)) for row in _rows_of(examples)]
        for name, examples in splits.items()
    }


def _rows_of(examples: Examples) -> Iterator[np.ndarray]:
    """Pictures, or tokens without what is padded beyond their width."""
    if examples.widths is None:
        return iter(examples.inputs)
    return (row[:width] for row, width in zip(examples.inputs, examples.widths, strict=True))


def _fill(array: StoredArray, keys: Sequence[str], missing: Sequence[int], source: Streamed, what: str) -> None:
    """Computes the missing rows and stores them, chunk by chunk; one is written while the next is computed."""
    with (
        tqdm(total=len(missing), desc=what, unit=" examples", disable=None, leave=False) as bar,
        ThreadPoolExecutor(1) as pool,
    ):
        writing: Future[None] | None = None
        for part in array.parts_of(missing):
            block = np.empty((len(part), *array.row_shape), array.dtype)
            for start, rows in source.batches(np.array(part)):
                block[start : start + len(rows)] = rows
                bar.update(len(rows))
            if writing is not None:
                writing.result()
            writing = pool.submit(array.append, [keys[position] for position in part], block)
        if writing is not None:
            writing.result()
