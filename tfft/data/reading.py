"""One pass over all pictures: every file decoded once, every bad one found, before anything is trained."""

from __future__ import annotations

import math
import os
import shutil
import tempfile
import warnings
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import numpy as np
from tqdm import tqdm

from tfft.data import audit
from tfft.data.examples import Examples, Splits
from tfft.data.images import BadPictureError, decode
from tfft.data.records import Record
from tfft.errors import DataError, MachineError, listed


def read_pictures(
    records: Sequence[Record], *, image_size: tuple[int, int], bad_files: Literal["stop", "skip"] = "stop"
) -> Splits:
    """Decodes the pictures of all splits, in parallel, to uint8 arrays of one size.

    Arrays that would fill more than half of the memory lie in a temporary file that vanishes with the process.

    Args:
        records: Records that have their split.
        image_size: Height and width in pixels.
        bad_files: What to do with files that do not decode: `"stop"`, or `"skip"` and list them in
            `Splits.skipped`.

    Raises:
        DataError: Naming every file that does not decode, or a class that has no picture left.
    """
    labels = sorted({record.label for record in records})
    order = {name: [r for r in records if r.split == name] for name in ("train", "val", "test")}
    rows = [record for split in order.values() for record in split]
    pixels = _empty((len(rows), *image_size, 3))
    outcomes = _decode_all(rows, pixels, image_size)
    bad = [(record.where, reason) for record, (reason, _) in zip(rows, outcomes, strict=True) if reason]
    if bad and bad_files == "stop":
        raise DataError(
            "Every picture decodes",
            received=f"{len(bad)} that do not: " + listed((f"{w} ({why})" for w, why in bad), most=len(bad)),
            fix="Repair or remove them, or leave them out with `--bad-files skip`",
        )
    splits, start = {}, 0
    for name, split in order.items():
        good = [index for index in range(start, start + len(split)) if not outcomes[index][0]]
        splits[name] = _examples(rows, pixels, good, slice(start, start + len(split)), labels)
        start += len(split)
        if split and (lost := sorted({r.label for r in split} - {rows[index].label for index in good})):
            raise DataError(
                f"Every class keeps a picture in {name}",
                received=f"none that decodes for {listed(lost)}",
                fix="Add pictures, or remove the class",
            )
    return Splits(
        train=splits["train"],
        val=splits["val"],
        test=splits["test"] if len(splits["test"]) else None,
        labels=labels,
        notes=_notes(rows, [note for _, notes in outcomes for note in notes], bad) + _missing(splits, labels),
        skipped=bad,
    )


def _decode_all(
    rows: Sequence[Record], pixels: np.ndarray, image_size: tuple[int, int]
) -> list[tuple[str | None, list[str]]]:
    """Fills `pixels`; for each row gives the reason it failed, or None, and notes on what was converted."""

    def fill(index: int) -> tuple[str | None, list[str]]:
        try:
            pixels[index], notes = decode(rows[index].read(), image_size)
        except (BadPictureError, OSError) as error:
            return str(error), []
        return None, notes

    # Pillow lets go of the interpreter while it decodes, so threads are enough
    with ThreadPoolExecutor(os.cpu_count()) as pool, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of odd metadata and sizes; what matters `decode` tells itself
        passes = pool.map(fill, range(len(rows)))
        return list(tqdm(passes, total=len(rows), desc="Reading", unit=" pictures", disable=None, leave=False))


def _empty(shape: tuple[int, ...]) -> np.ndarray:
    size = math.prod(shape)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 8 << 30
    if size <= memory // 2:
        return np.empty(shape, np.uint8)
    folder = tempfile.gettempdir()
    if (free := shutil.disk_usage(folder).free) < size:
        raise MachineError(
            "The decoded pictures fit the memory or the temporary folder",
            received=f"{size:,} bytes to store, {free:,} free in {folder}",
            fix="Choose a smaller `--image-size`, or set TMPDIR to a folder on a larger disk",
        )
    with tempfile.TemporaryFile() as file:  # the map keeps it open, and it has no name to clean up
        return np.memmap(file, np.uint8, "w+", shape=shape)


def _examples(rows: Sequence[Record], pixels: np.ndarray, good: list[int], whole: slice, labels: list[str]) -> Examples:
    index_of = {label: index for index, label in enumerate(labels)}
    # closed up in place, row by row, since a copy may not fit the memory
    for place, index in enumerate(good, start=whole.start):
        if place != index:
            pixels[place] = pixels[index]
    return Examples(
        inputs=pixels[whole.start : whole.start + len(good)],
        targets=np.array([index_of[rows[index].label] for index in good], np.int32),
        ids=[rows[index].digest for index in good],
        where=[rows[index].where for index in good],
    )


def _missing(splits: dict[str, Examples], labels: list[str]) -> list[str]:
    """Classes that a split of the source's own does not have, so that its scores say nothing of them."""
    return [
        f"{name} has no picture of {listed(lost, most=5)}"
        for name, examples in splits.items()
        if len(examples) and (lost := [label for index, label in enumerate(labels) if index not in examples.targets])
    ]


def _notes(rows: Sequence[Record], conversions: list[str], bad: list[tuple[str, str]]) -> list[str]:
    notes = [f"{count} pictures: {what}" for what, count in sorted(Counter(conversions).items())]
    if bad:
        notes.append(f"{len(bad)} files left out, they do not decode")
    if same := audit.contradictions(rows):
        notes.append(f"{len(same)} pictures stand under two labels: {listed(same, most=3)}")
    return notes
