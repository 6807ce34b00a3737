"""Marks pictures that are nearly the same, so that they stay in one split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tfft.data.reading import images
from tfft.data.reading.decoding import Decoder, decoded_array
from tfft.data.records import Record
from tfft.data.splitting.alike import SIDE, near_duplicates
from tfft.store import Storage

GREY = np.array([0.299, 0.587, 0.114], np.float32)
"""Weights of red, green and blue (ITU-R BT.601)."""


def mark_near_duplicates(records: Sequence[Record], storage: Storage) -> list[Record]:
    """The records, with `alike` set where another picture is nearly the same.

    Args:
        records: Records of pictures, with digests.
        storage: Where the thumbnails are stored.
    """
    first = {record.digest: record for record in reversed(records)}
    digests = list(first)
    thumbnails, failed = decoded_array(
        Decoder("thumbnails", (SIDE, SIDE), _thumbnail, images.VERSION),
        digests,
        lambda position: first[digests[position]].read(),
        storage,
    )
    readable = sorted(digest for digest in digests if digest not in failed)
    rows = thumbnails.rows(readable)
    alike = {
        readable[index]: readable[group[0]]
        for group in near_duplicates(rows[:] if rows.nbytes <= thumbnails.owner.memory else rows)
        for index in group
    }
    return [replace(record, alike=alike.get(record.digest, "")) for record in records]


def _thumbnail(content: bytes) -> tuple[np.ndarray, list[str]]:
    pixels, _ = images.decode(content, (SIDE, SIDE))
    return np.round(pixels @ GREY).astype(np.uint8), []
