"""How pictures look: a thumbnail and a few measures of each, in one pass over the files, stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from tfft.data.reading import images
from tfft.data.reading.decoding import Decoder, decoded_array
from tfft.data.records import Record
from tfft.data.splitting.alike import SIDE
from tfft.store import Rows, Storage

VERSION = 2
"""Version of the measures: what another version has stored is not used."""
MEASURED = 2 * SIDE
"""Height and width at which pictures are measured, in pixels."""
MEASURES = ("height", "width", "low", "high", "entropy", "edges", "contrast", "colour", "turned")
BLOCK = 4096
"""Rows that are read at once."""


@dataclass(frozen=True, eq=False)
class Looks:
    """The thumbnails and measures of pictures."""

    digests: Sequence[str]
    """Of the pictures that can be read, sorted."""
    rows: Rows
    """Their thumbnails and measures, as stored."""
    failed: Mapping[str, str]
    """By digest, why a picture cannot be read."""

    @property
    def thumbnails(self) -> Thumbnails:
        """Grey pictures, (pictures, 32, 32), uint8, read on access."""
        return Thumbnails(self.rows)

    def measures(self) -> dict[str, np.ndarray]:
        """By name of `MEASURES`, (pictures,) each.

        Height and width are in pixels, as the picture is shown. `low` and `high` are the 5th and 99th percentile of the
        grey values, in [0, 1], `entropy` is in bits; `edges` and `contrast` are the
        standard deviations of the edges and of the grey values; `colour` the mean difference of the channels, in
        [0, 255]; `turned` 1 for a picture with an EXIF rotation.
        """
        starts = range(0, len(self.rows), BLOCK)
        parts = [self.rows[start : start + BLOCK][:, SIDE * SIDE :].copy().view(np.float32) for start in starts]
        table = np.concatenate(parts) if parts else np.empty((0, len(MEASURES)), np.float32)
        return dict(zip(MEASURES, table.T, strict=True))


@dataclass(frozen=True, eq=False)
class Thumbnails:
    """The thumbnails among stored rows, indexed like an array."""

    rows: Rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: np.ndarray | slice) -> np.ndarray:
        return self.rows[index][:, : SIDE * SIDE].reshape(-1, SIDE, SIDE)


def looks_of(records: Sequence[Record], storage: Storage) -> Looks:
    """The looks of pictures, each file of which is read once.

    Args:
        records: Records of pictures, with digests.
        storage: Where the looks are stored.
    """
    first = {record.digest: record for record in reversed(records)}
    digests = list(first)
    array, failed = decoded_array(
        Decoder("looks", (SIDE * SIDE + 4 * len(MEASURES),), look, 100 * images.VERSION + VERSION),
        digests,
        lambda position: first[digests[position]].read(),
        storage,
    )
    readable = sorted(digest for digest in digests if digest not in failed)
    return Looks(readable, array.rows(readable), failed)


def look(content: bytes) -> tuple[np.ndarray, list[str]]:
    """The thumbnail and the measures of a picture, in bytes, (1060,), uint8; see `Looks`."""
    with images.opened(content) as image:
        fitted = images.fit(image, (MEASURED, MEASURED))
    grey = Image.fromarray(fitted.pixels).convert("L")  # in C, as all that follows: files are read by several threads
    thumbnail = np.asarray(grey.resize((SIDE, SIDE), Image.Resampling.BILINEAR))
    shares = np.array(grey.histogram()) / (MEASURED * MEASURED)
    low, high = np.searchsorted(np.cumsum(shares), (0.05, 0.99)) / 255
    entropy = -(shares * np.log2(np.maximum(shares, 1e-9))).sum()
    # Pillow leaves the pixels at the border as they are
    edges = np.asarray(grey.filter(ImageFilter.FIND_EDGES))[1:-1, 1:-1].std()
    contrast = np.asarray(grey).std()
    red, green, blue = np.moveaxis(fitted.pixels, -1, 0)
    most, least = np.maximum(np.maximum(red, green), blue), np.minimum(np.minimum(red, green), blue)
    colour = float((most - least).mean())
    turned = any("EXIF" in note for note in fitted.notes)
    measures = (*fitted.size, low, high, entropy, edges, contrast, colour, turned)
    return np.concatenate([thumbnail.ravel(), np.array(measures, np.float32).view(np.uint8)]), []
