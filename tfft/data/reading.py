"""The pictures and truths of a run as numbers; everything that is wrong with them is found before training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal

from tfft.data import audit, images
from tfft.data.decoding import decoded_array
from tfft.data.examples import Examples, Splits
from tfft.data.records import Record
from tfft.data.truths import Targets
from tfft.errors import DataError, listed
from tfft.store import Storage, StoredArray


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
    bad = [(rows[index].where, why[index]) for index in sorted(why)]
    if bad and bad_files == "stop":
        raise DataError(
            "Every picture decodes, and what is known of it fits it",
            received=f"{len(bad)} that do not: " + listed((f"{w} ({reason})" for w, reason in bad), most=len(bad)),
            fix="Repair or remove them, or leave them out with `--bad-files skip`",
        )
    splits = {}
    for name in ("train", "val", "test"):
        before = [index for index, record in enumerate(rows) if record.split == name]
        after = [index for index in before if index not in why]
        splits[name] = _examples(rows, after, pixels, targets)
        _check_kept(name, targets, before, after)
    _check_trained(splits, targets.labels)
    good = [record for index, record in enumerate(rows) if index not in why]
    return Splits(
        train=splits["train"],
        val=splits["val"],
        test=splits["test"] if len(splits["test"]) else None,
        labels=targets.labels,
        notes=_notes(good, pixels, bad)
        + _contradictions(rows)
        + list(targets.notes)
        + _missing(splits, targets.labels),
        skipped=bad,
        motion=targets.motion,
    )


def _examples(rows: Sequence[Record], positions: Sequence[int], pixels: StoredArray, targets: Targets) -> Examples:
    digests = [rows[position].digest for position in positions]
    return Examples(
        inputs=pixels.rows(digests),
        targets=targets.of(positions),
        ids=digests,
        where=[rows[position].where for position in positions],
        counts=targets.counts(positions),
        rarity=targets.rarity(positions),
    )


def _check_kept(name: str, targets: Targets, before: Sequence[int], after: Sequence[int]) -> None:
    """A split that loses all pictures of a class cannot tell how well it is known."""
    pairs = zip(targets.labels, targets.counts(before), targets.counts(after), strict=True)
    if lost := [label for label, had, has in pairs if had and not has]:
        raise DataError(
            f"Every class keeps a picture in {name}",
            received=f"none that can be used for {listed(lost)}",
            fix="Add pictures, or remove the class",
        )
    if before and not after:
        raise DataError(
            f"Some pictures of {name} can be used", received=f"none of {len(before)}", fix="Repair them, or add others"
        )


def _check_trained(splits: dict[str, Examples], labels: list[str]) -> None:
    """What is seen by decoding alone (masks) is not known before."""
    for name in ("val", "test"):
        pairs = zip(labels, splits["train"].counts, splits[name].counts, strict=True)
        if unknown := [label for label, trained, there in pairs if there and not trained]:
            raise DataError(
                "Every class has training pictures",
                received=f"{listed(unknown)} only in {name}",
                fix="Try another `--seed`, or decide yourself which pictures are trained on",
            )


def _missing(splits: dict[str, Examples], labels: list[str]) -> list[str]:
    """Classes that a split does not have, so that its scores say nothing of them."""
    return [
        f"{name} has no picture of {listed(lost, most=5)}"
        for name, examples in splits.items()
        if any(examples.counts)
        and (lost := [label for label, count in zip(labels, examples.counts, strict=True) if not count])
    ]


def _notes(good: Sequence[Record], pixels: StoredArray, bad: list[tuple[str, str]]) -> list[str]:
    conversions = Counter(note for record in good for note in pixels.notes(record.digest))
    notes = [f"{count} pictures: {what}" for what, count in sorted(conversions.items())]
    return notes + ([f"{len(bad)} pictures left out, see skipped.csv"] if bad else [])


def _contradictions(rows: Sequence[Record]) -> list[str]:
    same = audit.contradictions(rows)
    return [f"{len(same)} pictures are described in two ways: {listed(same, most=3)}"] if same else []
