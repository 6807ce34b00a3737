"""A class for each pixel of a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from PIL import Image

from tfft.conventions import IGNORED
from tfft.data.decoding import decoded_array
from tfft.data.examples import Motion
from tfft.data.mask_files import VERSION, decode_mask
from tfft.data.moves import moved
from tfft.data.truths import Targets
from tfft.errors import ConfigError, DataError, listed

if TYPE_CHECKING:
    from tfft.data.records import Record
    from tfft.store import Rows, Storage

MOST_CLASSES = IGNORED - 1
"""Each has an index below that of pixels that do not count."""
USUAL_CLASSES = 64
"""More values than this in masks whose classes are not named are no classes, but soft edges or a JPEG."""


@dataclass(frozen=True)
class Ids:
    """What the values of masks mean."""

    names: tuple[tuple[int, str], ...] = ()
    """Value and name of each class; empty: the values that are found, named by themselves."""
    ignored: tuple[int, ...] | None = None
    """Values of pixels that count for nothing; None: 255, where it has no name and there are two other values."""

    @classmethod
    def of(cls, classes: Mapping[str, str], ignore: tuple[int, ...] | None) -> Ids:
        """What a person says of them.

        Raises:
            ConfigError: If these are no values of a mask, or one is two things.
        """
        try:
            names = tuple(sorted((int(value), str(name)) for value, name in classes.items()))
        except ValueError:
            names = ((-1, ""),)
        if any(not 0 <= value <= 255 for value in (*(value for value, _ in names), *(ignore or ()))):
            raise ConfigError(
                "Values of masks are whole numbers from 0 to 255",
                received=f"classes {dict(classes)}, ignore {ignore}",
                fix='`--classes \'{"1": "road", "2": "car"}\' --ignore 255`',
            )
        if len(dict(names)) < len(names):  # "1" and "01"
            raise ConfigError(
                "Each value of masks is named once", received=f"classes {dict(classes)}", fix="Leave one of them out"
            )
        if len(set(dict(names).values())) > MOST_CLASSES:
            raise ConfigError(
                f"Masks have at most {MOST_CLASSES} classes",
                received=f"{len(names)} names in classes",
                fix="Give several values one name",
            )
        if both := [value for value, _ in names if value in (ignore or ())]:
            raise ConfigError(
                "A value of masks is either a class or ignored",
                received=f"{listed(both)} in classes and ignore",
                fix="Leave it out of one of them",
            )
        return cls(names, ignore)


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
        if not truths[0].ids.names:
            for index in [index for index, found in values.items() if len(found) > USUAL_CLASSES]:
                failed[index] = f"its mask has {len(values.pop(index))} different values, as soft edges make them; "
                failed[index] += "save it without, or name the classes with `--classes`"
        table, labels = _meaning(truths[0].ids, {records[index].where: found for index, found in values.items()})
        for index, found in values.items():
            if unknown := sorted(value for value in found if table[value] is None):
                failed[index] = f"its mask has the values {listed(unknown)}, which `--classes` does not name"
        held = sum(IGNORED in found for found in values.values())
        unasked = truths[0].ids.ignored is None and table[IGNORED] == IGNORED
        present = [
            sorted({labels[table[value]] for value in values.get(index, ()) if table[value] not in (None, IGNORED)})
            for index in range(len(truths))
        ]
        trained = [index for index in values if records[index].split == "train" and index not in failed]
        if trained and not any(present[index] for index in trained):
            raise DataError(
                "Some pixels of the training masks count",
                received=f"{len(trained)} of ignored pixels alone, first that of {records[trained[0]].where}",
                fix="Check `--ignore` and `--classes`",
            )
        indices = np.array([IGNORED if place is None else place for place in table], np.uint8)
        return Targets(
            labels,
            of=lambda positions: MaskRows(array.rows([truths[p].digest for p in positions]), indices),
            present=present,
            motion=Motion(_moved_mask, outside="mirror", turns=True),
            failed=failed,
            notes=[f"pixels of {IGNORED}, in {held} masks, count for nothing"] if held and unasked else [],
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


def _meaning(ids: Ids, values: Mapping[str, set[int]]) -> tuple[list[int | None], list[str]]:
    """By value the index of its class, `IGNORED`, or None for one that nobody has named; and the names.

    Args:
        ids: What a person says of them.
        values: Those of each mask, by the place of its picture.
    """
    found = set().union(*values.values())
    ignored = ids.ignored
    if ignored is None:
        ignored = (IGNORED,) if len(found - {IGNORED}) >= 2 and IGNORED not in dict(ids.names) else ()
    names = dict(ids.names) or {value: str(value) for value in sorted(found - set(ignored))}
    if not ids.names and len(names) > USUAL_CLASSES:
        most = max(values, key=lambda where: len(values[where]))
        raise DataError(
            "The values of masks are numbers of classes",
            received=f"{len(names)} different values, most of them ({len(values[most])}) in the mask of {most}",
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
