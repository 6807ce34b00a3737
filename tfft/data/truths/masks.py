"""A class for each pixel of a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from PIL import Image

from tfft.conventions import IGNORED
from tfft.data.augmentation.motion import Motion
from tfft.data.augmentation.moves import moved
from tfft.data.reading.decoding import Decoder, decoded_array, fits
from tfft.data.reading.mask_files import VERSION, decode_mask
from tfft.data.targets import Form, Targets
from tfft.errors import DataError

if TYPE_CHECKING:
    from tfft.data.records import Record
    from tfft.store import Rows, Storage, StoredArray
from tfft.data.truths.mask_values import Ids, class_table


@dataclass(frozen=True)
class Mask:
    """A class for each pixel. As targets: (pictures, height, width), uint8: class index, or 255 for ignored pixels."""

    picture: Path | bytes = field(repr=False, compare=False)
    """A file, or its bytes: the mask as an encoded picture."""
    ids: Ids
    digest: str = ""
    """Hash of the content, 32 hexadecimal digits."""
    wrong: str | None = None
    """Why the mask cannot be used, or None."""
    one_class: ClassVar[bool] = False

    @property
    def labels(self) -> tuple[str, ...]:
        """Empty: the classes are known only after decoding."""
        return ()

    def read(self) -> bytes:
        """The bytes of the file."""
        return self.picture if isinstance(self.picture, bytes) else self.picture.read_bytes()

    @classmethod
    def targets(cls, records: Sequence[Record], form: Form) -> Targets:
        """Masks of one size in the store, resized by nearest neighbour."""
        truths = [record.truth for record in records]
        array, values, failed = decoded_masks(truths, form.image_size, form.storage)
        table, labels = class_table(truths[0].ids, values, failed, [record.where for record in records])
        ignoring = sum(IGNORED in mask_values for mask_values in values.values())
        by_default = truths[0].ids.ignored is None and table[IGNORED] == IGNORED
        present = [
            sorted({labels[table[value]] for value in values.get(index, ()) if table[value] not in (None, IGNORED)})
            for index in range(len(truths))
        ]
        trained = [index for index in values if records[index].split == "train" and index not in failed]
        if trained and not any(present[index] for index in trained):
            raise DataError(
                f"All pixels of the {len(trained)} training masks are ignored, "
                f"first in the mask of {records[trained[0]].where}",
                fix="Check `--ignore` and `--classes`",
            )
        indices = np.array([IGNORED if place is None else place for place in table], np.uint8)
        return Targets(
            labels,
            of=lambda positions: MaskRows(array.rows([truths[p].digest for p in positions]), indices),
            present=present,
            motion=Motion(_moved_mask, outside="mirror", turns=True),
            failed=failed,
            notes=[f"pixels of value {IGNORED} are ignored, in {ignoring} masks"] if ignoring and by_default else [],
        )


def _decoder(image_size: tuple[int, int]) -> Decoder:
    return Decoder("masks", image_size, lambda content: decode_mask(content, image_size), VERSION)


def masks_fit(masks: Sequence[Mask], image_size: tuple[int, int], storage: Storage) -> bool:
    """Whether masks of one size are in the store, or have room there."""
    return fits(_decoder(image_size), [mask.digest for mask in masks if mask.wrong is None], storage)


def decoded_masks(
    masks: Sequence[Mask], image_size: tuple[int, int], storage: Storage
) -> tuple[StoredArray, dict[int, set[int]], dict[int, str]]:
    """Masks of one size in the store; by position, the values in each, and why others cannot be used.

    Raises:
        MachineError: If they fit on no disk.
    """
    failed = {index: mask.wrong for index, mask in enumerate(masks) if mask.wrong is not None}
    readable = [index for index in range(len(masks)) if index not in failed]
    array, undecoded = decoded_array(
        _decoder(image_size),
        [masks[index].digest for index in readable],
        lambda position: masks[readable[position]].read(),
        storage,
    )
    failed |= {i: f"mask: {undecoded[masks[i].digest]}" for i in readable if masks[i].digest in undecoded}
    notes = array.notes()
    values = {i: set(map(int, notes[masks[i].digest][0].split())) for i in readable if i not in failed}
    return array, values, failed


@dataclass(frozen=True, eq=False)
class MaskRows:
    """Masks in the store, indexable by positions: (positions, height, width), uint8, class index or 255."""

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
