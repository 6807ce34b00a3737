"""A class for each pixel of a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from PIL import Image

from tfft.conventions import IGNORED
from tfft.data.decoding import decoded_array
from tfft.data.examples import Motion
from tfft.data.images import BadPictureError, opened
from tfft.data.moves import moved
from tfft.data.truths import Targets
from tfft.errors import DataError, listed

if TYPE_CHECKING:
    from tfft.data.records import Record
    from tfft.store import Rows, Storage

VERSION = 1
"""Of the numbers that `decode_mask` makes: stored ones of another version are not used."""
USUAL_CLASSES = 64
"""More values than this in masks whose classes are not named are no classes, but soft edges or a JPEG."""


@dataclass(frozen=True)
class Ids:
    """What the values of masks mean."""

    names: tuple[tuple[int, str], ...] = ()
    """Value and name of each class; empty: the values that are found, named by themselves."""
    ignored: tuple[int, ...] | None = None
    """Values of pixels that count for nothing; None: 255, where it has no name and there are two other values."""


@dataclass(frozen=True)
class Mask:
    """A class for each pixel. As targets: (pictures, height, width), uint8, index of the class, or 255."""

    picture: Path | bytes = field(repr=False, compare=False)
    """A file, or the bytes of one."""
    ids: Ids
    digest: str = ""
    """Hash of the content."""
    wrong: str | None = None
    """Why it cannot be used, or None."""
    one_class: ClassVar[bool] = False

    @property
    def labels(self) -> tuple[str, ...]:
        """None: which classes are there is known when it is decoded."""
        return ()

    def read(self) -> bytes:
        """The bytes of the file."""
        return self.picture if isinstance(self.picture, bytes) else self.picture.read_bytes()

    @classmethod
    def targets(cls, records: Sequence[Record], image_size: tuple[int, int], storage: Storage) -> Targets:
        """Masks of one size in the store, each pixel that of the nearest one."""
        truths = [record.truth for record in records]
        failed = {index: truth.wrong for index, truth in enumerate(truths) if truth.wrong is not None}
        there = [index for index in range(len(truths)) if index not in failed]
        array, undecoded = decoded_array(
            "masks",
            image_size,
            [truths[index].digest for index in there],
            lambda position: truths[there[position]].read(),
            lambda content: decode_mask(content, image_size),
            storage,
            version=VERSION,
        )
        failed |= {i: f"mask: {undecoded[truths[i].digest]}" for i in there if truths[i].digest in undecoded}
        values = {i: set(map(int, array.notes(truths[i].digest)[0].split())) for i in there if i not in failed}
        table, labels = _meaning(truths[0].ids, set().union(*values.values()))
        for index, found in values.items():
            if unknown := sorted(value for value in found if table[value] is None):
                failed[index] = f"its mask has the values {listed(unknown)}, which `--classes` does not name"
        notes = []
        if truths[0].ids.ignored is None and IGNORED not in dict(truths[0].ids.names):
            held = sum(IGNORED in found for found in values.values())
            notes = (
                [f"pixels of {IGNORED}, in {held} masks, count for nothing"]
                if held and table[IGNORED] == IGNORED
                else []
            )
        indices = np.array([IGNORED if place is None else place for place in table], np.uint8)
        return Targets(
            labels,
            of=lambda positions: MaskRows(array.rows([truths[p].digest for p in positions]), indices),
            present=[
                sorted({labels[table[value]] for value in values.get(index, ()) if table[value] not in (None, IGNORED)})
                for index in range(len(truths))
            ],
            motion=Motion(_moved_mask, outside="mirror", turns=True),
            failed=failed,
            notes=notes,
        )


@dataclass(frozen=True, eq=False)
class MaskRows:
    """Masks of the store, indexable by positions; (positions, height, width), uint8, index of the class or 255."""

    rows: Rows
    indices: np.ndarray = field(repr=False)

    def __getitem__(self, positions: Any) -> np.ndarray:
        return self.indices[self.rows[positions]]

    def __len__(self) -> int:
        return len(self.rows)


def _moved_mask(mask: np.ndarray, matrices: Sequence[np.ndarray], size: tuple[int, int]) -> np.ndarray:
    for matrix in matrices:
        mask = moved(mask, matrix, Image.Resampling.NEAREST)
    return mask


def _meaning(ids: Ids, found: set[int]) -> tuple[list[int | None], list[str]]:
    """By value the index of its class, `IGNORED`, or None for one that nobody has named; and the names."""
    ignored = ids.ignored
    if ignored is None:
        ignored = (IGNORED,) if len(found - {IGNORED}) >= 2 and IGNORED not in dict(ids.names) else ()
    names = dict(ids.names) or {value: str(value) for value in sorted(found - set(ignored))}
    if not ids.names and len(names) > USUAL_CLASSES:
        raise DataError(
            "The values of masks are numbers of classes",
            received=f"{len(names)} different values",
            fix='Save masks as PNG without soft edges, or name the classes: `--classes \'{"1": "road", "2": "car"}\'`',
        )
    if len(set(names.values())) < 2 and found:  # nothing is found if no mask decodes, which is said of each
        raise DataError(
            "Masks have at least two classes",
            received=f"{listed(names.values()) or 'none'} (ignored: {listed(ignored) or 'none'})",
            fix="Check `--masks`, `--classes` and `--ignore`",
        )
    labels = list(dict.fromkeys(names.values()))
    table: list[int | None] = [None] * 256
    for value, name in names.items():
        table[value] = labels.index(name)
    for value in ignored:
        table[value] = IGNORED
    return table, labels


def decode_mask(content: bytes, image_size: tuple[int, int]) -> tuple[np.ndarray, list[str]]:
    """Decodes a mask: (height, width), uint8, the nearest pixel for each, and one note that holds its values.

    Palettes are read as their indices. Colours are no classes.

    Raises:
        BadPictureError: If the bytes are no picture, or no mask.
    """
    height, width = image_size
    with opened(content) as image:
        if image.mode not in ("1", "L", "P", "I;16", "I", "RGB", "RGBA", "LA"):
            raise BadPictureError(f"{image.mode} pixels are no numbers of classes")
        pixels = np.asarray(image)
        if pixels.ndim == 3:
            colours = pixels[..., :3] if image.mode != "LA" else pixels[..., :1]
            if (colours != colours[..., :1]).any():
                raise BadPictureError("its colours are no numbers of classes; save it as grey or palette PNG")
            pixels = colours[..., 0]
        if image.format == "JPEG":
            raise BadPictureError("a JPEG changes the numbers of classes; save it as PNG")
    values = np.unique(pixels)
    for value in (values[0], values[-1]):
        if not 0 <= value <= 255:
            raise BadPictureError(f"a value of {value}, not from 0 to 255")
    small = Image.fromarray(pixels.astype(np.uint8)).resize((width, height), Image.Resampling.NEAREST)
    return np.asarray(small), [" ".join(map(str, values.astype(int)))]
