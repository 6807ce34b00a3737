"""Marks pictures that are nearly the same, so that they stay in one split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tfft.data.reading.looks import looks_of
from tfft.data.records import Record
from tfft.data.splitting.alike import near_duplicates
from tfft.store import Storage


def mark_near_duplicates(records: Sequence[Record], storage: Storage) -> list[Record]:
    """The records, with `alike` set where another picture is nearly the same.

    Args:
        records: Records of pictures, with digests.
        storage: Where the thumbnails are stored.
    """
    looks = looks_of(records, storage)
    fits = looks.rows.nbytes <= looks.rows.owner.memory
    alike = {
        looks.digests[index]: looks.digests[group[0]]
        for group in near_duplicates(looks.thumbnails[:] if fits else looks.thumbnails)
        for index in group
    }
    return [replace(record, alike=alike.get(record.digest, "")) for record in records]
