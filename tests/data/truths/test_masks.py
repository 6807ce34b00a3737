from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tfft.data import Augmentation, Splits, assign_splits, find_masks, read_pictures
from tfft.data.augmentation.views import view, view_of_targets
from tfft.errors import DataError

Painted = Callable[..., bytes]
Check = Callable[..., None]
Write = Callable[[Path, bytes | str], Path]
PLAIN = np.zeros((20, 30), np.uint8)
PLAIN[2:12, 3:13] = 1
"""The rectangle (3, 2, 13, 12)."""


def encoded(pixels: np.ndarray | Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image = Image.fromarray(pixels) if isinstance(pixels, np.ndarray) else pixels
    image.save(file, format=kind, **options)
    return file.getvalue()


def read(
    source: Path, *, bad_files: str = "stop", size: tuple[int, int] = (20, 30), level: str = "none", **options: Any
) -> Splits:
    records = assign_splits(find_masks(str(source), **options), val_fraction=0.3, test_fraction=0, seed=0)
    return read_pictures(records, image_size=size, bad_files=bad_files, augmentation=Augmentation(level))


def test_targets_are_places_in_the_labels(mask_folder: Path) -> None:
    splits = read(mask_folder, classes={"0": "road", "1": "ant"})
    assert splits.labels == ["road", "ant"]
    targets = splits.train.targets[np.array([0, 1])]
    assert targets.dtype == np.uint8
    assert np.array_equal(targets, [PLAIN, PLAIN])
    assert len(splits.train.targets) == len(splits.train) == splits.train.counts[0]
    assert (splits.augmentation.motion.outside, splits.augmentation.motion.turns) == ("mirror", True)


def test_values_become_places_in_their_order(mask_folder: Path, write: Write) -> None:
    for path in (mask_folder / "masks").iterdir():
        write(path, encoded(np.where(PLAIN == 1, 40, 7).astype(np.uint8)))
    splits = read(mask_folder)
    assert splits.labels == ["7", "40"]
    assert np.array_equal(splits.val.targets[np.array([0])][0], PLAIN)


def test_two_values_may_share_a_name(mask_folder: Path, write: Write) -> None:
    write(mask_folder / "masks/0.png", encoded(PLAIN + PLAIN * 4))
    splits = read(mask_folder, classes={"0": "road", "1": "ant", "5": "ant"})
    assert splits.labels == ["road", "ant"]
    assert all(set(np.unique(splits.train.targets[np.array([i])])) == {0, 1} for i in range(len(splits.train)))


def test_masks_are_made_small_without_new_values(mask_folder: Path, write: Write) -> None:
    for path in (mask_folder / "masks").iterdir():
        write(path, encoded(PLAIN * 9))
    splits = read(mask_folder, size=(7, 11))
    targets = splits.train.targets[np.arange(len(splits.train))]
    assert targets.shape == (len(splits.train), 7, 11)
    assert set(np.unique(targets)) == {0, 1}
    assert targets[0].tolist() == [[int(1 <= y < 4 and 1 <= x < 5) for x in range(11)] for y in range(7)]


def test_pictures_are_counted_that_show_a_class(mask_folder: Path, write: Write) -> None:
    write(mask_folder / "masks/0.png", encoded(PLAIN * 0))
    write(mask_folder / "masks/1.png", encoded(PLAIN + (PLAIN == 0) * np.uint8(2)))
    splits = read(mask_folder)
    counts = np.add(splits.train.counts, splits.val.counts)
    assert (splits.labels, counts.tolist()) == (["0", "1", "2"], [4, 4, 1])


def test_what_values_mean(mask_folder: Path, write: Write) -> None:
    for values, options, labels, targets in (
        ((0, 255), {}, ["0", "255"], [0, 1]),
        ((0, 1, 255), {}, ["0", "1"], [0, 1, 255]),
        ((0, 1, 255), {"ignore": ()}, ["0", "1", "255"], [0, 1, 2]),
        ((0, 1, 255), {"ignore": (0,)}, ["1", "255"], [255, 0, 1]),
        ((3, 4, 9), {"ignore": (9,)}, ["3", "4"], [0, 1, 255]),
        ((0, 255), {"classes": {"0": "ground", "255": "ant"}}, ["ground", "ant"], [0, 1]),
        ((0, 1, 255), {"classes": {"0": "ground", "1": "ant"}}, ["ground", "ant"], [0, 1, 255]),
        ((0, 1, 255), {"classes": {"0": "ground", "1": "ant", "255": "bee"}}, ["ground", "ant", "bee"], [0, 1, 2]),
    ):
        mask = np.resize(np.array(values, np.uint8), (20, 30))
        for path in (mask_folder / "masks").iterdir():
            write(path, encoded(mask))
        splits = read(mask_folder, **options)
        assert splits.labels == labels, (values, options)
        expected = np.resize(targets, (20, 30))
        assert np.array_equal(splits.train.targets[np.array([0])][0], expected), (values, options)


def test_one_class(mask_folder: Path, write: Write, refused: Check) -> None:
    for path in (mask_folder / "masks").iterdir():
        write(path, encoded(PLAIN * 0))
    refused(DataError, ("two", "0", "--classes"), read, mask_folder)
    refused(DataError, ("two", "ant"), partial(read, mask_folder, classes={"0": "ant"}))


def test_soft_edges_are_no_classes(mask_folder: Path, write: Write, check_fault: Check) -> None:
    write(mask_folder / "masks/0.png", encoded(np.resize(np.arange(80, dtype=np.uint8), (20, 30))))
    check_fault(find_masks(str(mask_folder)), "images/0.png", "80")


def test_too_many_values_for_classes_without_names(mask_folder: Path, write: Write, refused: Check) -> None:
    for number in range(5):
        values = np.arange(number * 14, number * 14 + (30 if number == 2 else 14), dtype=np.uint8)
        write(mask_folder / f"masks/{number}.png", encoded(np.resize(values, (20, 30))))
    refused(DataError, ("70", "30", "images/2.png"), read, mask_folder)


def test_training_masks_of_which_no_pixel_counts(mask_folder: Path, write: Write, refused: Check) -> None:
    for path in (mask_folder / "masks").iterdir():
        write(path, encoded(PLAIN * 0 + 255))
    classes = {"0": "road", "1": "ant"}
    refused(DataError, (".png", "--ignore"), partial(read, mask_folder, classes=classes, ignore=(255,)))


def test_masks_that_cannot_be(mask_folder: Path, write: Write, check_fault: Check) -> None:
    for content, *named in (
        (encoded(PLAIN * 7), "7", "`--classes`"),
        (encoded(PLAIN, "JPEG"), "JPEG"),
        (encoded(np.stack([PLAIN * 255, PLAIN, PLAIN], -1)), "colours"),
        (encoded(np.stack([PLAIN, PLAIN, PLAIN + 1, PLAIN], -1)), "colours"),
        (encoded(PLAIN.astype(np.uint16) * 256), "256"),
        (encoded(PLAIN.astype(np.int32) * -1, "TIFF"), "-1"),
        (encoded(PLAIN.astype(np.float32), "TIFF"), "F"),
        (b"no mask", "text"),
        (b"", "empty"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 30 20\n%%EndComments\nshowpage\n", "text"),
        (encoded(PLAIN)[:-30],),
    ):
        write(mask_folder / "masks/0.png", content)
        records = find_masks(str(mask_folder), classes={"0": "ground", "1": "ant"})
        check_fault(records, "images/0.png", "mask", *named)


def test_every_mask_is_named_even_if_none_can_be_used(mask_folder: Path, write: Write, refused: Check) -> None:
    for path in (mask_folder / "masks").iterdir():
        write(path, encoded(np.stack([PLAIN * 255, PLAIN, PLAIN], -1)))
    refused(DataError, [f"images/{number}.png" for number in range(5)], read, mask_folder)
    refused(DataError, "train", partial(read, mask_folder, bad_files="skip"))


@pytest.mark.parametrize(("level", "soft"), [("light", 1), ("strong", 2)])
def test_masks_follow_their_pictures(tmp_path: Path, painted: Painted, write: Write, level: str, soft: int) -> None:
    """Where a view shows red its mask says 1, beyond the frame too, but for the pixels beside an edge."""
    corners = [(4, 6, 28, 26), (0, 0, 25, 20), (30, 2, 60, 20), (2, 20, 20, 40)]
    for split in ("train", "val"):
        for number, (left, top, right, bottom) in enumerate(corners):
            edges = (left, top, right, bottom - (split == "val"))  # no picture is in two splits
            mask = np.zeros((40, 60), np.uint8)
            mask[edges[1] : edges[3], edges[0] : edges[2]] = 1
            write(tmp_path / split / "images" / f"{number}.png", painted(edges, height=40, width=60))
            write(tmp_path / split / "masks" / f"{number}.png", encoded(mask))
    splits = read(tmp_path, size=(40, 60), level=level)
    train, keys, positions = splits.train, ["0", "1", "2", "3"], np.arange(4)
    options = {"augmentation": splits.augmentation, "seed": 0}
    for number in range(1, 41):
        pictures = view(train.inputs, keys, number, **options)[positions].astype(int)
        targets = view_of_targets(train.targets, keys, number, **options, image_size=(40, 60))[positions]
        around = np.lib.stride_tricks.sliding_window_view(targets, (2 * soft + 1,) * 2, axis=(1, 2))
        inner = around.min((-1, -2)) == around.max((-1, -2))
        red = (pictures[..., 0] > pictures[..., 2])[:, soft:-soft, soft:-soft]
        assert np.array_equal(red[inner], around[..., soft, soft][inner]), number
        assert inner.mean() > 0.7
