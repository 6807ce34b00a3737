"""One pass over all pictures: every file decoded once, every bad one found, before anything is trained."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from typing import Literal

import numpy as np
from PIL import features
from tqdm import tqdm

from tfft.data import audit, images
from tfft.data.examples import Examples, Splits
from tfft.data.records import Record, content_digest
from tfft.errors import DataError, listed
from tfft.store import Storage, StoredArray, open_store, temporary_store


def read_pictures(
    records: Sequence[Record],
    *,
    image_size: tuple[int, int],
    bad_files: Literal["stop", "skip"] = "stop",
    storage: Storage = Storage(),
) -> Splits:
    """Decodes the pictures of all splits, in parallel, to uint8 pixels of one size, into the store.

    Pictures that the store has are not decoded again.

    Args:
        records: Records that have their split.
        image_size: Height and width in pixels.
        bad_files: What to do with files that do not decode: `"stop"`, or `"skip"` and list them in
            `Splits.skipped`.
        storage: Where the pixels are kept; in a temporary folder if they do not fit.

    Raises:
        DataError: Naming every file that does not decode, or a class that has no picture left.
        MachineError: If the pixels fit no disk.
    """
    labels = sorted({record.label for record in records})
    rows = [record for name in ("train", "val", "test") for record in records if record.split == name]
    pixels = _open_pixels(rows, image_size, storage)
    failed = _decode_missing(rows, pixels, image_size)
    bad = [(record.where, failed[record.digest]) for record in rows if record.digest in failed]
    if bad and bad_files == "stop":
        raise DataError(
            "Every picture decodes",
            received=f"{len(bad)} that do not: " + listed((f"{w} ({why})" for w, why in bad), most=len(bad)),
            fix="Repair or remove them, or leave them out with `--bad-files skip`",
        )
    good = [record for record in rows if record.digest not in failed]
    splits = {}
    for name in ("train", "val", "test"):
        splits[name] = _examples([record for record in good if record.split == name], pixels, labels)
        listed_there = {record.label for record in rows if record.split == name}
        if lost := sorted(listed_there - {labels[target] for target in splits[name].targets}):
            raise DataError(
                f"Every class keeps a picture in {name}",
                received=f"none that decodes for {listed(lost)}",
                fix="Add pictures, or remove the class",
            )
    conversions = [note for record in good for note in pixels.notes(record.digest)]
    return Splits(
        train=splits["train"],
        val=splits["val"],
        test=splits["test"] if len(splits["test"]) else None,
        labels=labels,
        notes=_notes(rows, conversions, bad) + _missing(splits, labels),
        skipped=bad,
    )


def _open_pixels(rows: Sequence[Record], image_size: tuple[int, int], storage: Storage) -> StoredArray:
    """The array of the pixels, with room for those that are missing."""
    codecs = {name: features.version(name) for name in ("jpg", "libjpeg_turbo", "webp", "avif", "jpg_2000", "libtiff")}
    parts = {"kind": "pixels", "decoder": images.VERSION, "Pillow": metadata.version("Pillow"), "codecs": codecs}
    shape, digests = (*image_size, 3), [record.digest for record in rows]
    store = open_store(storage)
    pixels = store.array(parts, shape, "uint8")
    if not store.has_room(pixels.row_bytes * len(pixels.missing(digests))):
        # pictures that do not fit the limit are there for this run alone
        store = temporary_store(storage)
        pixels = store.array(parts, shape, "uint8")
    store.make_room(pixels.row_bytes * len(pixels.missing(digests)))
    return pixels


def _decode_missing(rows: Sequence[Record], pixels: StoredArray, image_size: tuple[int, int]) -> dict[str, str]:
    """Decodes and stores the pictures that are missing; gives the reasons of those that failed, by digest."""
    failed: dict[str, str] = {}
    missing = pixels.missing([record.digest for record in rows])
    with (
        ThreadPoolExecutor(os.cpu_count()) as pool,  # Pillow lets go of the interpreter while it decodes
        warnings.catch_warnings(),
        tqdm(total=len(missing), desc="Reading", unit=" pictures", disable=None, leave=False) as bar,
    ):
        warnings.simplefilter("ignore")  # of odd metadata and sizes; what matters `decode` tells itself
        for part in pixels.parts_of(missing):
            block = np.empty((len(part), *image_size, 3), np.uint8)
            good, notes = [], {}
            outcomes = pool.map(lambda index: _decoded(rows[index], image_size), part)
            for index, (picture, said) in zip(part, outcomes, strict=True):
                bar.update()
                digest = rows[index].digest
                if picture is None:
                    failed[digest] = said[0]
                    continue
                block[len(good)] = picture
                good.append(digest)
                if said:
                    notes[digest] = said
            pixels.append(good, block[: len(good)], notes)
    return failed


def _decoded(record: Record, image_size: tuple[int, int]) -> tuple[np.ndarray | None, list[str]]:
    """Pixels and notes, or None and the reason."""
    try:
        content = record.read()
        if content_digest(content) != record.digest:
            return None, ["changed while it was being read"]
        return images.decode(content, image_size)
    except (images.BadPictureError, OSError) as error:
        return None, [str(error)]


def _examples(records: Sequence[Record], pixels: StoredArray, labels: list[str]) -> Examples:
    index_of = {label: index for index, label in enumerate(labels)}
    digests = [record.digest for record in records]
    return Examples(
        inputs=pixels.rows(digests),
        targets=np.array([index_of[record.label] for record in records], np.int32),
        ids=digests,
        where=[record.where for record in records],
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
