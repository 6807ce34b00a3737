"""What is odd about pictures, and about their boxes and masks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from tfft.conventions import IGNORED
from tfft.data.auditing.labels import label_findings
from tfft.data.findings import Finding, ordered
from tfft.data.reading.looks import Looks, looks_of
from tfft.data.records import Record
from tfft.data.truths.boxes import Boxes
from tfft.data.truths.mask_values import class_table
from tfft.data.truths.masks import Mask, decoded_masks, masks_fit
from tfft.errors import DataError
from tfft.store import Storage

DARK, BRIGHT = 0.32, 0.95
"""Below the first the brightest hundredth of a picture, above the second all but its darkest twentieth."""
FLAT = 3.0
"""Entropy of the grey values, in bits, below which a picture shows almost nothing."""
BLURRED, BLURRIER = 0.22, 0.3
"""Edges over contrast at 64 x 64 pixels: a picture is blurred below the first, and below this share of the median of
the data. Of 480 photographs of four data sets, blurred by 3 % of their side, nearly all are below."""
SHAPE = 0.35
"""Shorter side over longer side below which a shape is odd."""
RANGES, FACTOR = 3.0, 2.0
"""How many interquartile ranges beyond the quartiles a size is odd, and the least factor from the median: where nearly
all pictures are of one size, a pixel is not odd."""
FEW_GREY = 0.2
"""Share of grey pictures up to which these are odd."""
COLOUR = 1.0
"""Mean difference of the channels up to which a picture is grey; JPEG adds a little."""
USUAL = 0.5
"""Share of the pictures beyond which nothing that they have in common is odd, as in CleanVision."""
TINY, HUGE, DOUBLED = 0.0002, 0.98, 0.9
"""Share of its picture below which a box is tiny and above which it is huge, and overlap (IoU) of a doubled box."""


def audit_pictures(
    records: Sequence[Record], storage: Storage, image_size: tuple[int, int] | None = None
) -> list[Finding]:
    """What is odd about pictures, the most serious first.

    The measures of a picture are those of CleanVision, at 64 x 64 pixels, and so are most thresholds. They are stored,
    so that a second audit reads no file.

    Args:
        records: Records of pictures with digests, and marked by `mark_near_duplicates`.
        storage: Where the measures are stored.
        image_size: Height and width to which masks are resized, as training will: they are stored, too. None leaves
            out masks, and so does a store without room for them.
    """
    looks = looks_of(records, storage)
    found = [
        Finding("unreadable", record.where, looks.failed[record.digest])
        for record in records
        if record.digest in looks.failed
    ]
    odd = _odd_looks(looks)
    for record in records:
        found += [Finding(check, record.where, detail) for check, detail in odd.get(record.digest, ())]
        if isinstance(record.truth, Boxes):
            found += _odd_boxes(record)
    if records and isinstance(records[0].truth, Mask) and image_size is not None:
        found += _odd_masks(records, storage, image_size)
    readable = [record for record in records if record.digest not in looks.failed]
    return ordered([*found, *label_findings(readable)])


def _odd_looks(looks: Looks) -> dict[str, list[tuple[str, str]]]:
    """By digest, the checks that a picture fails, each with the value."""
    of = looks.measures()
    if not len(of["height"]):
        return {}
    sides = np.sqrt(of["height"] * of["width"])
    low, high = np.percentile(sides, (25, 75))
    reach = RANGES * (high - low)
    ratio = sides / np.median(sides)
    odd_size = ((sides < low - reach) | (sides > high + reach)) & (np.maximum(ratio, 1 / ratio) >= FACTOR)
    shape = np.minimum(of["height"], of["width"]) / np.maximum(of["height"], of["width"])
    grey = of["colour"] <= COLOUR
    sharp = of["edges"] / np.maximum(of["contrast"], 1)
    limit = max(BLURRED, BLURRIER * float(np.median(sharp)))
    fails = {
        "dark": (of["high"] < DARK, of["high"], "brightest hundredth {:.2f}"),
        "bright": (of["low"] > BRIGHT, of["low"], "darkest twentieth {:.2f}"),
        "flat": (of["entropy"] < FLAT, of["entropy"], "{:.1f} bits a pixel"),
        "blurred": ((sharp < limit) & (of["entropy"] >= FLAT), sharp, "edges {:.2f} of the contrast"),
        "odd shape": (shape < SHAPE, shape, "sides as {:.2f} to 1"),
        "odd size": (odd_size, sides, "{:.0f} pixels, square root of the area"),
        "grey": (grey & (grey.mean() <= FEW_GREY), of["colour"], "channels differ by {:.1f}"),
        "rotated": (of["turned"] > 0, of["turned"], ""),
    }
    odd: dict[str, list[tuple[str, str]]] = {}
    for check, (failed, values, words) in fails.items():
        if failed.mean() > USUAL:
            continue
        for index in np.flatnonzero(failed).tolist():
            odd.setdefault(looks.digests[index], []).append((check, words.format(values[index])))
    return odd


def _odd_boxes(record: Record) -> Iterator[Finding]:
    boxes = record.truth
    if boxes.clipped:
        yield Finding("box outside", record.where, f"{boxes.clipped} clipped")
    corners = np.reshape(boxes.corners, (-1, 4))
    areas = np.prod(corners[:, 2:] - corners[:, :2], axis=1)
    for name, area in zip(boxes.names, areas, strict=True):
        if area < TINY or area > HUGE:
            yield Finding("tiny box" if area < TINY else "huge box", record.where, f"{name}, {area:.2%} of the picture")
    names = np.array(boxes.names)
    same = (_overlaps(corners, areas) > DOUBLED) & (names[:, None] == names)
    for one in np.flatnonzero(np.tril(same, -1).any(axis=1)).tolist():
        yield Finding("doubled box", record.where, boxes.names[one])


def _odd_masks(records: Sequence[Record], storage: Storage, image_size: tuple[int, int]) -> Iterator[Finding]:
    masks, where = [record.truth for record in records], [record.where for record in records]
    if not masks_fit(masks, image_size, storage):
        return  # decoded for the run only, which then says what it leaves out
    _, values, failed = decoded_masks(masks, image_size, storage)
    try:
        table, labels = class_table(masks[0].ids, values, failed, where)
    except DataError:  # not classes at all, which a run says
        table, labels, values = [], [], {}
    for index, reason in sorted(failed.items()):
        yield Finding("bad mask", where[index], reason)
    classes = {
        index: {labels[table[value]] for value in of_mask if table[value] not in (None, IGNORED)}
        for index, of_mask in values.items()
        if index not in failed
    }
    usual = np.median([len(of_mask) for of_mask in classes.values()]) if classes else 0
    for index, of_mask in classes.items():
        if len(of_mask) < 2 <= usual:
            yield Finding("empty mask", where[index], f"only {min(of_mask)}" if of_mask else "only ignored pixels")


def _overlaps(corners: np.ndarray, areas: np.ndarray) -> np.ndarray:
    """The overlap (IoU) of each box with each, (boxes, boxes)."""
    low = np.maximum(corners[:, None, :2], corners[None, :, :2])
    high = np.minimum(corners[:, None, 2:], corners[None, :, 2:])
    shared = np.prod(np.maximum(high - low, 0), axis=-1)
    return shared / np.maximum(areas[:, None] + areas - shared, 1e-12)
