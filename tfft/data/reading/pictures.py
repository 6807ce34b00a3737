"""The pictures of a run as numbers; everything that is wrong with them is found before training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from tfft.data.augmentation.changes import Augmentation
from tfft.data.examples import Pictures, Splits
from tfft.data.reading import images
from tfft.data.reading.assembling import Inputs, assemble
from tfft.data.reading.decoding import Decoder, decoded_array
from tfft.data.records import Record
from tfft.data.targets import Form
from tfft.store import Storage


def read_pictures(
    records: Sequence[Record],
    *,
    image_size: tuple[int, int],
    bad_files: Literal["stop", "skip"] = "stop",
    storage: Storage = Storage(),
    augmentation: Augmentation = Augmentation(),
    balanced: bool = False,
    labels: Sequence[str] | None = None,
) -> Splits:
    """Decodes the pictures of all splits, in parallel, to uint8 pixels of one size, into the store.

    Pictures that the store has are not decoded again.

    Args:
        records: Records that have their split, with truths of one kind.
        image_size: Height and width in pixels.
        bad_files: What to do with files that do not decode, and with truths that do not fit their picture:
            `"stop"`, or `"skip"` and list them in `Splits.skipped`.
        storage: Where the pixels are kept; in a temporary folder if they do not fit.
        augmentation: How the views of training pictures will differ from them.
        balanced: Whether rare classes come more often, see `Splits`.
        labels: The order of the classes; None for that of the alphabet.

    Raises:
        DataError: Naming every file that cannot be used, or a class that has no picture left.
        MachineError: If the pixels fit no disk.
    """
    rows = [record for name in ("train", "val", "test") for record in records if record.split == name]
    targets = type(rows[0].truth).targets(rows, Form(image_size, storage, labels=labels))
    pixels, undecoded = decoded_array(
        Decoder("pixels", (*image_size, 3), lambda content: images.decode(content, image_size), images.VERSION),
        [record.digest for record in rows],
        lambda position: rows[position].read(),
        storage,
    )
    why = {index: undecoded[record.digest] for index, record in enumerate(rows) if record.digest in undecoded}
    conversions = Counter(
        note
        for index, record in enumerate(rows)
        if index not in why and index not in targets.failed
        for note in pixels.notes(record.digest)
    )
    inputs = Inputs(
        Pictures,
        lambda positions: {"inputs": pixels.rows([rows[position].digest for position in positions])},
        why,
        bad_files,
        notes=[f"{count} pictures: {what}" for what, count in sorted(conversions.items())],
    )
    splits = assemble(rows, targets, inputs, balanced=balanced)
    return replace(splits, augmentation=replace(augmentation, motion=targets.motion))
