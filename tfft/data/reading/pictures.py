"""The pictures of a run as numbers; everything that is wrong with them is found before training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal

from tfft.data.examples import Splits
from tfft.data.reading import images
from tfft.data.reading.assembling import put_together
from tfft.data.reading.decoding import decoded_array
from tfft.data.records import Record
from tfft.store import Storage


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
        records: Records that have their split, with truths of one kind.
        image_size: Height and width in pixels.
        bad_files: What to do with files that do not decode, and with truths that do not fit their picture:
            `"stop"`, or `"skip"` and list them in `Splits.skipped`.
        storage: Where the pixels are kept; in a temporary folder if they do not fit.

    Raises:
        DataError: Naming every file that cannot be used, or a class that has no picture left.
        MachineError: If the pixels fit no disk.
    """
    rows = [record for name in ("train", "val", "test") for record in records if record.split == name]
    targets = type(rows[0].truth).targets(rows, image_size, storage)
    pixels, undecoded = decoded_array(
        "pixels",
        (*image_size, 3),
        [record.digest for record in rows],
        lambda position: rows[position].read(),
        lambda content: images.decode(content, image_size),
        storage,
        version=images.VERSION,
    )
    why = {index: undecoded[record.digest] for index, record in enumerate(rows) if record.digest in undecoded}
    why |= targets.failed
    conversions = Counter(
        note for index, record in enumerate(rows) if index not in why for note in pixels.notes(record.digest)
    )
    return put_together(
        rows,
        targets,
        why,
        lambda positions: {"inputs": pixels.rows([rows[position].digest for position in positions])},
        bad=bad_files,
        noun="picture",
        notes=[f"{count} pictures: {what}" for what, count in sorted(conversions.items())],
    )
