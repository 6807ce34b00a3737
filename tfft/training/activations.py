"""The outputs of a plan's trunks: computed once and stored, or computed again whenever they are read.

Either way every picture and text goes through the same compiled function, in batches of one size, each text at its own
width, so the numbers are the same to the last bit.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from tfft import stopping
from tfft.data.augmentation.views import pixels_digest, view, view_of_targets
from tfft.data.examples import Examples, Part, Splits
from tfft.data.indexing import Indexable
from tfft.data.records import content_digest
from tfft.errors import ConfigError, MachineError
from tfft.extras import installed
from tfft.models.fingerprint import weights_fingerprint
from tfft.store import Rows, Store, StoredArray
from tfft.store.code import source_digest
from tfft.training.levels import TRUNK_BATCH, Level
from tfft.training.machine import machine
from tfft.training.planned import SplitView
from tfft.training.streaming import Streamed

logger = logging.getLogger(__name__)

TFFT = Path(__file__).parent.parent
CODE = (
    *(TFFT / "models" / name for name in ("trunk.py", "freezing.py", "folding.py", "grouped.py")),
    *(TFFT / "training" / name for name in ("levels.py", "streaming.py")),
)
"""Files that decide the outputs of a trunk; outputs of other code are not reused."""


@dataclass(frozen=True, eq=False)
class Activations:
    """The activations of a plan: where they are stored and how they are computed."""

    splits: Splits
    keys: Mapping[str, Sequence[str]]
    """By split, the key of each example in the store: a digest of its content."""
    levels: tuple[Level, ...]
    """Lowest first."""
    store: Store
    network: str
    """Name of the network, shown by `tfft store ls`."""
    seed: int
    stored: tuple[frozenset[SplitView], ...] = ()
    """For each level, the splits and views whose activations are stored; the others are streamed."""
    _arrays: dict[tuple[int, int, int | None], StoredArray] = field(default_factory=dict, repr=False)
    _failed: set[tuple[int, SplitView, int | None]] = field(default_factory=set, repr=False)
    """Levels, splits and views, and widths that could not be stored."""

    def array(self, depth: int, number: int, part: Part) -> StoredArray:
        """The stored activations of one level, for one view of the pictures or for the texts of one width."""
        if (depth, number, part.width) not in self._arrays:
            level, train = self.levels[depth], self.splits.train
            parts = {
                "kind": "activations",
                "trunk": level.fingerprint,
                **train.store_key(part),
                "view": self._view(number),
                "batch": TRUNK_BATCH,
                "code": source_digest(*CODE),
                **machine(*installed(*train.packages)),
            }
            about = f"{self.network} after {', '.join(level.layers)}"
            shape = (level.makes.at(part.width).numbers,)
            self._arrays[depth, number, part.width] = self.store.array(parts, shape, level.makes.dtype, about)
        return self._arrays[depth, number, part.width]

    def room(self, depth: int, shown: SplitView) -> tuple[int, int, int]:
        """The size of one split in one view: bytes in total, bytes missing in the store, and rows in the batches that
        compute these; the last batch of each width of texts is filled up."""
        stored, lacking, places = 0, 0, 0
        for part in self.examples(shown).parts:
            array, keys = self.array(depth, shown.view, part), part.of(self.keys[shown.split])
            missing = len(array.missing(keys))
            stored += len(set(keys)) * array.row_bytes
            lacking += missing * array.row_bytes
            places += math.ceil(missing / TRUNK_BATCH) * TRUNK_BATCH
        return stored, lacking, places

    def examples(self, shown: SplitView) -> Examples:
        """The examples of a split."""
        return getattr(self.splits, shown.split)

    def fill(self, wanted: Sequence[Collection[SplitView]] | None = None) -> None:
        """Computes what should be stored and is missing, the lowest trunk first.

        What no longer fits, because another run has filled the store, is streamed later, with a warning.

        Args:
            wanted: For each level, the splits and views to compute; None for everything that should be stored.

        Raises:
            ConfigError: If frozen weights of these levels have changed since the plan was made.
        """
        for depth, stored in enumerate(self.stored if wanted is None else wanted):
            self._check_weights(self.levels[depth])
            for shown in sorted(stored):
                for part in self.examples(shown).parts:
                    self._store(depth, shown, part)

    def rows(self, depth: int | None, shown: SplitView) -> Indexable:
        """The activations of one level for one split in one view; pictures or tokens where `depth` is None."""
        examples = self.examples(shown)
        if depth is None:
            return examples.seen(self._show(shown))
        rows = {part.width: self._rows(depth, shown, part) for part in examples.parts}
        return examples.joined(rows, self.levels[depth].makes)

    def _rows(self, depth: int | None, shown: SplitView, part: Part) -> Indexable:
        """The rows of the pictures, or of the texts of one width; computes what should be stored and is missing."""
        if depth is None:
            return self.examples(shown).part_seen(part, self._show(shown))
        if self._store(depth, shown, part):
            return self.array(depth, shown.view, part).rows(part.of(self.keys[shown.split]))
        return self._streamed(depth, shown, part)

    def _show(self, shown: SplitView) -> Callable[[Indexable], Indexable]:
        """A function from pictures to one view of them."""
        options = {"augmentation": self.splits.augmentation, "seed": self.seed}
        return lambda inputs: view(inputs, self.keys[shown.split], shown.view, **options)

    def _streamed(self, depth: int, shown: SplitView, part: Part) -> Streamed:
        below = self._rows(depth - 1 if depth else None, shown, part)
        return Streamed(below, self.levels[depth], part.width)

    def _store(self, depth: int, shown: SplitView, part: Part) -> bool:
        """Stores the missing rows of a part; False if the part is not stored, or could not be."""
        if shown not in self.stored[depth] or (depth, shown, part.width) in self._failed:
            return False
        array, keys = self.array(depth, shown.view, part), part.of(self.keys[shown.split])
        if not array.missing(keys):
            return True
        title = f"Storing {shown.split}, "
        title += f"view {shown.view}" if part.width is None else f"{part.width} tokens"
        title += f", trunk {depth + 1}" if len(self.levels) > 1 else ""
        source = self._streamed(depth, shown, part)
        try:
            with array.filling(keys):
                missing = array.missing(keys)
                self.store.make_room(len(missing) * array.row_bytes)
                _fill(array, keys, missing, source, title)
        except (OSError, MachineError) as error:
            logger.warning("Not stored, but computed again in every epoch: %s", error)
            self._failed.add((depth, shown, part.width))
            return False
        return True

    def is_stored(self, depth: int, shown: SplitView) -> bool:
        """Whether the activations of a split in a view are stored, or will be: nothing has failed so far."""
        return shown in self.stored[depth] and not any((depth, shown, w) in self._failed for w in self._widths(shown))

    def _widths(self, shown: SplitView) -> list[int | None]:
        return [part.width for part in self.examples(shown).parts]

    def targets(self, shown: SplitView) -> Indexable:
        """The targets of one split in one view."""
        examples = self.examples(shown)
        return view_of_targets(
            examples.targets,
            self.keys[shown.split],
            shown.view,
            augmentation=self.splits.augmentation,
            seed=self.seed,
            image_size=tuple(examples.inputs.shape[1:3]),
        )

    def _check_weights(self, level: Level) -> None:
        if weights_fingerprint(level.cut.trunk) != level.weights:
            raise ConfigError(
                f"The frozen weights below {', '.join(level.layers)} have changed since the plan was made",
                fix="Load weights first, then call `plan_phases`",
            )

    def _view(self, number: int) -> Mapping[str, Any] | None:
        augmentation = self.splits.augmentation
        if number == 0 or not augmentation.active:
            return None
        packages = {name: metadata.version(name) for name in ("numpy", "Pillow")}
        return {"number": number, **augmentation.key, "seed": self.seed, "code": pixels_digest(), **packages}


def content_keys(splits: Splits) -> dict[str, list[str]]:
    """By split, the key of each example in the store.

    Examples decoded by tfft have digests of their files as ids. The ids of other arrays can be anything, so their
    pixels or tokens are digested.
    """
    return {
        name: examples.ids
        if isinstance(examples.inputs, Rows)
        else [content_digest(np.ascontiguousarray(row)) for row in examples.contents()]
        for name, examples in splits.items()
    }


def _fill(array: StoredArray, keys: Sequence[str], missing: Sequence[int], source: Streamed, title: str) -> None:
    """Computes and stores the missing rows chunk by chunk; one chunk is written while the next is computed."""
    with (
        tqdm(total=len(missing), desc=title, unit=" examples", disable=None, leave=False) as bar,
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
            stopping.obey()  # what was submitted is still written
        if writing is not None:
            writing.result()
