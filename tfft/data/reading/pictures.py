"""Reads the pictures of a run as arrays and reports all faults before training."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tfft.data.augmentation.changes import Augmentation
from tfft.data.choices import Sampling
from tfft.data.examples import Pictures, Splits
from tfft.data.reading import images
from tfft.data.reading.assembling import Bad, Inputs, assemble, by_split
from tfft.data.reading.decoding import Decoder, decoded_array
from tfft.data.records import Record
from tfft.data.targets import Form
from tfft.store import Storage

SAMPLE = 64
"""Pictures that are opened to know their usual size."""


def read_pictures(
    records: Sequence[Record],
    *,
    image_size: tuple[int, int],
    bad_files: Bad = "auto",
    storage: Storage = Storage(),
    augmentation: Augmentation = Augmentation(),
    sampling: Sampling = "all",
    labels: Sequence[str] | None = None,
) -> Splits:
    """Decodes the pictures of all splits into the store, in parallel, to uint8 pixels of one size.

    Pictures in the store are not decoded again.

    Args:
        records: Records with splits and with truths of one kind.
        image_size: Height and width in pixels.
        bad_files: What to do with files that cannot be decoded, and with truths that do not fit their picture:
            `"skip"` and list them in `Splits.skipped`, `"stop"`, or `"auto"`: skip at most 1 in 100, else stop.
        storage: Where the pixels are stored; a temporary folder is used if they do not fit.
        augmentation: How views differ from their training picture.
        sampling: What an epoch shows, see `Splits`.
        labels: The classes in order; None sorts them by name.

    Raises:
        DataError: If files cannot be used, naming each of them, or if a class has no picture left.
        MachineError: If the pixels fit on no disk.
    """
    rows, leaks = by_split(records)
    targets = type(rows[0].truth).targets(rows, Form(image_size, storage, labels=labels))
    pixels, undecoded = decoded_array(
        Decoder("pixels", (*image_size, 3), lambda content: images.decode(content, image_size), images.VERSION),
        [record.digest for record in rows],
        lambda position: rows[position].read(),
        storage,
    )
    why = {index: undecoded[record.digest] for index, record in enumerate(rows) if record.digest in undecoded}
    used = [record for index, record in enumerate(rows) if index not in why and index not in targets.failed]
    notes = pixels.notes()
    conversions = Counter(conversion for record in used for conversion in notes.get(record.digest, ()))
    conversions["in another format than the suffix says"] += sum(record.disguised for record in used)
    inputs = Inputs(
        Pictures,
        lambda positions: {"inputs": pixels.rows([rows[position].digest for position in positions])},
        why,
        bad_files,
        notes=[f"{count:,} of {len(rows):,} pictures: {how}" for how, count in sorted((+conversions).items())],
    )
    splits = assemble(rows, leaks, targets, inputs, sampling=sampling)
    motion = replace(augmentation, motion=targets.motion)
    return replace(splits, augmentation=motion, original_size=_usual_size(used))


def _usual_size(records: Sequence[Record]) -> tuple[int, int] | None:
    """Median height and width of pictures as they are, from the first bytes of some that are spread over all."""
    sizes = [images.picture_size(record.content) for record in records[:: math.ceil(len(records) / SAMPLE) or 1]]
    known = [size for size in sizes if size is not None]
    return tuple(int(np.median(sides)) for sides in zip(*known, strict=True)) if known else None
