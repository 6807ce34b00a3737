"""Decodes files into the store in one pass: each file once, in parallel."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import numpy as np
from PIL import features
from tqdm import tqdm

from tfft.data.reading.images import BadPictureError
from tfft.data.records import content_digest
from tfft.store import Storage, StoredArray, open_store, temporary_store
from tfft.threads import in_threads

logger = logging.getLogger(__name__)

NOUNS = {"pixels": "pictures", "masks": "masks"}
"""What the progress bar counts, by kind of rows."""


@dataclass(frozen=True)
class Decoder:
    """Turns files into rows of an array."""

    kind: str
    """Kind of the rows; part of the array's key in the store."""
    shape: Sequence[int]
    """Shape of a row; its type is uint8."""
    decode: Callable[[bytes], tuple[np.ndarray, list[str]]]
    """From the bytes of a file to its row and notes about it; raises `BadPictureError`."""
    version: int
    """Version of what `decode` returns: rows stored by another version are not used."""


def decoded_array(
    decoder: Decoder, digests: Sequence[str], read: Callable[[int], bytes], storage: Storage
) -> tuple[StoredArray, dict[str, str]]:
    """Decodes the files that are not in the store yet.

    Args:
        decoder: Turns files into rows.
        digests: The content digest of each file.
        read: From a position in `digests` to the bytes of the file.
        storage: Where the rows are stored; a temporary folder is used if they do not fit.

    Returns:
        The array, and by digest the reason why a file cannot be decoded.

    Raises:
        MachineError: If the rows fit on no disk.
    """
    array = _open(decoder, digests, storage)
    if not array.missing(digests):
        return array, {}
    with array.filling(digests):
        array.owner.make_room(array.row_bytes * len(array.missing(digests)))
        return array, _fill(array, decoder, digests, read)


def _fill(array: StoredArray, decoder: Decoder, digests: Sequence[str], read: Callable[[int], bytes]) -> dict[str, str]:
    """Decodes the files that are missing; returns by digest the reason why a file cannot be decoded."""
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

    unit = f" {_noun(decoder)}"
    with (
        warnings.catch_warnings(),
        tqdm(total=len(missing), desc="Decoding", unit=unit, disable=None, leave=False) as bar,
    ):
        warnings.simplefilter("ignore")  # about odd metadata and sizes; `decode` reports what matters
        for part in array.parts_of(missing):
            block = np.empty((len(part), *decoder.shape), np.uint8)
            good: list[str] = []
            notes: dict[str, list[str]] = {}
            # Pillow releases the interpreter lock while it decodes
            for position, (row, remarks) in zip(part, in_threads(attempt, part), strict=True):
                bar.update()
                digest = digests[position]
                if row is None:
                    failed[digest] = remarks[0]
                    continue
                block[len(good)] = row
                good.append(digest)
                if remarks:
                    notes[digest] = remarks
            array.append(good, block[: len(good)], notes)
    return failed


def _noun(decoder: Decoder) -> str:
    return NOUNS.get(decoder.kind, decoder.kind)


def fits(decoder: Decoder, digests: Sequence[str], storage: Storage) -> bool:
    """Whether decoded files are in the store, or have room there; if not, they are stored for one run only."""
    array = open_store(storage).array(_key(decoder), decoder.shape, "uint8")
    return array.owner.has_room(array.row_bytes * len(array.missing(digests)))


def _key(decoder: Decoder) -> Mapping[str, Any]:
    codecs = {name: features.version(name) for name in ("jpg", "libjpeg_turbo", "webp", "avif", "jpg_2000", "libtiff")}
    return {
        "kind": decoder.kind, "decoder": decoder.version, "Pillow": metadata.version("Pillow"), "codecs": codecs,
    }  # fmt: skip


def _open(decoder: Decoder, digests: Sequence[str], storage: Storage) -> StoredArray:
    """Opens the array in a store that has room for its missing rows."""
    parts, store = _key(decoder), open_store(storage)
    array = store.array(parts, decoder.shape, "uint8")
    if not store.has_room(array.row_bytes * len(array.missing(digests))):
        # rows beyond the limit of the store are stored for this run only
        logger.info("The %s do not fit into the store: they are stored for this run only", _noun(decoder))
        store = temporary_store(storage)
        array = store.array(parts, decoder.shape, "uint8")
    return array
