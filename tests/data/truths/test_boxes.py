from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tfft.data import Augmentation, find_boxes, read_pictures
from tfft.data.augmentation.moves import Flip, Warp
from tfft.data.augmentation.views import view, view_of_targets
from tfft.data.records import Record
from tfft.data.targets import Form
from tfft.data.truths.boxes import Boxes, moved_boxes

Painted = Callable[..., bytes]
SIZE = (20, 30)
"""Height and width."""
NONE = [0, 0, 0, 0, -1]


def boxes(*rows: list[float]) -> np.ndarray:
    return np.array(rows, np.float32)


def targets(*truths: Boxes, size: tuple[int, int] = SIZE) -> np.ndarray:
    found = Boxes.targets([Record(b"", truth, "") for truth in truths], Form(size))
    return found.of(range(len(truths)))


def test_targets_are_pixels_of_the_models_picture() -> None:
    two = Boxes(("bee", "ant"), ((0.1, 0.2, 0.5, 1.0), (0.0, 0.0, 1.0, 0.5)))
    found = targets(two, Boxes((), ()), Boxes(("bee",), ((0.5, 0.5, 1.0, 1.0),)), size=(40, 100))
    assert found[0].tolist() == [[10, 8, 50, 40, 1], [0, 0, 100, 20, 0]]
    assert found[1].tolist() == [NONE, NONE]
    assert found[2].tolist() == [[50, 20, 100, 40, 1], NONE]
    assert found.dtype == np.float32


def test_pictures_without_a_box_have_a_row_to_fill_and_are_counted() -> None:
    records = [Record(b"", Boxes((), ()), ""), Record(b"", Boxes((), (), wrong="why"), "")]
    found = Boxes.targets(records, Form(SIZE))
    assert found.of([0, 1]).tolist() == [[NONE], [NONE]]
    (note,) = found.notes
    assert "1" in note
    assert found.failed == {1: "why"}


def test_each_object_is_counted() -> None:
    truth = Boxes(("bee", "ant", "bee"), ((0.0, 0.0, 1.0, 1.0),) * 3)
    found = Boxes.targets([Record(b"", truth, ""), Record(b"", Boxes((), ()), "")], Form(SIZE))
    assert (found.labels, found.counts([0, 1])) == (["ant", "bee"], [1, 2])


def test_views_are_neither_turned_nor_mirrored_beyond_the_frame() -> None:
    motion = Boxes.targets([Record(b"", Boxes((), ()), "")], Form(SIZE)).motion
    assert (motion.turns, motion.outside) == (False, "grey")


def test_a_box_is_where_the_matrix_says() -> None:
    for change, moved in (
        (Warp(), [3, 2, 13, 12, 1]),
        (Flip(), [17, 2, 27, 12, 1]),
        (Warp(shift=(0.1, 0.1)), [0, 0, 10, 10, 1]),  # shows 2 pixels further down and 3 further right
        (Warp(zoom=2.0), [9, 6, 14, 11, 1]),
        (Warp(zoom=0.5), [0, 0, 11, 14, 1]),
        (Warp(angle=math.pi), [17, 8, 27, 18, 1]),
        (Warp(angle=math.pi / 2), [7, 12, 17, 20, 1]),
        (Warp(shift=(0, -0.5)), [18, 2, 28, 12, 1]),
        (Warp(shift=(0, -0.7)), [24, 2, 30, 12, 1]),  # 6 of 10 pixels are left
        (Warp(shift=(0, -0.85)), NONE),  # 1.5 of 10 are left
        (Warp(shift=(0, 0.9)), NONE),
    ):
        found = moved_boxes(boxes([3, 2, 13, 12, 1], NONE), [change.matrix(*SIZE)], SIZE)
        assert found == pytest.approx(boxes(moved, NONE), abs=1e-4), change
        assert found.dtype == np.float32


def test_an_upright_box_is_around_the_turned_one() -> None:
    """A square of 10, turned by an eighth about its middle, is 10 * sqrt 2 wide."""
    half = 5 * math.sqrt(2)
    found = moved_boxes(boxes([10, 5, 20, 15, 0]), [Warp(angle=math.pi / 4).matrix(*SIZE)], SIZE)
    assert found[0] == pytest.approx([15 - half, 10 - half, 15 + half, 10 + half, 0], abs=1e-4)


def test_what_is_left_is_measured_against_the_whole_box() -> None:
    """Half of it is cut twice, and half of the half is not enough."""
    moves = [Warp(shift=(0, -0.5)).matrix(*SIZE), Warp(shift=(0, 0.25)).matrix(*SIZE)]
    box = boxes([10, 2, 20, 12, 1])
    assert moved_boxes(box, moves[:1], SIZE).tolist() == [[25, 2, 30, 12, 1]]
    assert moved_boxes(box, moves, SIZE) == pytest.approx(boxes([17.5, 2, 22.5, 12, 1]), abs=1e-4)
    again = [*moves, Warp(shift=(0, -1 / 3)).matrix(*SIZE)]
    assert moved_boxes(box, again, SIZE).tolist() == [NONE]  # 2.5 of 10, though half of what was there before


def red(pixels: np.ndarray) -> list[int] | None:
    """The edges of the red rectangle in a view; None if it is not there."""
    redder = pixels[..., 0].astype(int) - pixels[..., 2]
    # grey beyond the frame may be coloured a little by the changes of a view
    there = redder > 0.6 * max(60, redder.max())
    if not there.any():
        return None
    across, down = np.flatnonzero(there.any(0)), np.flatnonzero(there.any(1))
    return [across[0], down[0], across[-1] + 1, down[-1] + 1]


@pytest.mark.parametrize(("level", "pixels"), [("light", 1.0), ("strong", 2.5)])  # equalizing thins soft edges
def test_boxes_follow_their_pictures(tmp_path: Path, painted: Painted, level: str, pixels: float) -> None:
    """The edges of a red rectangle in a view, and the box that is said to be there."""
    corners = [(4, 6, 28, 26), (30, 2, 58, 20), (2, 20, 20, 38), (18, 10, 48, 34)]
    (tmp_path / "classes.txt").write_text("ant\n")
    for split in ("train", "val"):
        for kind in ("images", "labels"):
            (tmp_path / kind / split).mkdir(parents=True)
        for number, (left, top, right, bottom) in enumerate(corners):
            edges = (left, top + (split == "val"), right, bottom)  # no picture is in two splits
            (tmp_path / "images" / split / f"{number}.png").write_bytes(painted(edges, height=40, width=60))
            line = (
                f"0 {(left + right) / 120} {(edges[1] + bottom) / 80} {(right - left) / 60} {(bottom - edges[1]) / 40}"
            )
            (tmp_path / "labels" / split / f"{number}.txt").write_text(line)
    splits = read_pictures(find_boxes(str(tmp_path)), image_size=(40, 60), augmentation=Augmentation(level))
    train, keys, positions, seen = splits.train, ["0", "1", "2", "3"], np.arange(4), 0
    assert train.targets[:, 0, :4] == pytest.approx(np.array(corners), abs=1e-3)
    for number in range(1, 41):
        options = {"augmentation": splits.augmentation, "seed": 0}
        pictures = view(train.inputs, keys, number, **options)[positions]
        moved = view_of_targets(train.targets, keys, number, **options, image_size=(40, 60))[positions]
        for picture, (box,) in zip(pictures, moved, strict=True):
            if box[4] >= 0:
                assert red(picture) == pytest.approx(box[:4], abs=pixels), number
                seen += 1
    assert seen > 100
