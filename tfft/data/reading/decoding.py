"""One pass over files: every one decoded once, in parallel, into the store."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import numpy as np
from PIL import features
from tqdm import tqdm

from tfft.data.reading.images import BadPictureError
from tfft.data.records import content_digest
from tfft.store import Storage, StoredArray, open_store, temporary_store


@dataclass(frozen=True)
class Decoder:
    """How files become rows."""

    kind: str
    """What the rows are; names the array in the store."""
    shape: Sequence[int]
    """Of a row, uint8."""
    decode: Callable[[bytes], tuple[np.ndarray, list[str]]]
    """From the bytes of a file to its row and what is noted of it; raises `BadPictureError`."""
    version: int
    """Of what `decode` makes: stored rows of another version are not used."""


def decoded_array(
    decoder: Decoder, digests: Sequence[str], read: Callable[[int], bytes], storage: Storage
) -> tuple[StoredArray, dict[str, str]]:
    """Decodes what the store does not have yet.

    Args:
        decoder: Makes the rows.
        digests: Of the content of each file.
        read: Gives the bytes of the file at a position.
        storage: Where the rows are kept; in a temporary folder if they do not fit.

    Returns:
        The array, and by digest why a file did not decode.

    Raises:
        MachineError: If the rows fit no disk.
    """
    array = _open(decoder, digests, storage)
    failed: dict[str, str] = {}
    missing = array.missing(digests)

    def attempt(position: int) -> tuple[np.ndarray | None, list[str]]:
        try:
            content = read(position)
            if content_digest(content) != digests[position]:
                return None, ["changed while it was being read"]
            return decoder.decode(content)
        except (BadPictureError, OSError) as error:
            return None, [str(error)]

    with (
        ThreadPoolExecutor(os.cpu_count()) as pool,  # Pillow lets go of the interpreter while it decodes
        warnings.catch_warnings(),
        tqdm(total=len(missing), desc="Reading", unit=f" {decoder.kind}", disable=None, leave=False) as bar,
    ):
        warnings.simplefilter("ignore")  # of odd metadata and sizes; what matters `decode` tells itself
        for part in array.parts_of(missing):
            block = np.empty((len(part), *decoder.shape), np.uint8)
            good: list[str] = []
            notes: dict[str, list[str]] = {}
            for position, (row, said) in zip(part, pool.map(attempt, part), strict=True):
                bar.update()
                digest = digests[position]
                if row is None:
                    failed[digest] = said[0]
                    continue
                block[len(good)] = row
                good.append(digest)
                if said:
                    notes[digest] = said
            array.append(good, block[: len(good)], notes)
    return array, failed


def _open(decoder: Decoder, digests: Sequence[str], storage: Storage) -> StoredArray:
    """The array, with room for what is missing."""
    codecs = {name: features.version(name) for name in ("jpg", "libjpeg_turbo", "webp", "avif", "jpg_2000", "libtiff")}
    parts: Mapping[str, Any] = {
        "kind": decoder.kind, "decoder": decoder.version, "Pillow": metadata.version("Pillow"), "codecs": codecs,
    }  # fmt: skip
    store = open_store(storage)
    array = store.array(parts, decoder.shape, "uint8")
    if not store.has_room(array.row_bytes * len(array.missing(digests))):
        # what does not fit the limit is there for this run alone
        store = temporary_store(storage)
        array = store.array(parts, decoder.shape, "uint8")
    store.make_room(array.row_bytes * len(array.missing(digests)))
    return array
