from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tfft.data import Splits
from tfft.reporting.doubts import suspect_figure
from tfft.training.suspect_boxes import suspect_boxes


def test_a_missing_box_is_listed_with_its_place_in_the_picture(splits: Splits) -> None:
    height, width = 20, 30
    train, test = (
        replace(part, inputs=np.zeros((len(part), height, width, 3), np.uint8)) for part in (splits.train, splits.test)
    )
    none = np.full((len(test), 1, 5), -1, np.float32)
    none[0, 0] = [0, 0, width / 2, height, 0]
    places = (len(test), 1)
    answers = {
        "boxes": np.tile(np.float32([width / 2, 0, width + 3, height / 2]), (*places, 1)),
        "scores": np.full(places, 0.6, np.float32),
        "labels": np.full(places, 1, np.int32),
    }
    answers["scores"][2], answers["scores"][3:] = 0.9, 0.2
    boxes = replace(splits, train=replace(train, targets=none), test=replace(test, targets=none))
    found = suspect_boxes(boxes, {"test": answers})  # a page may predict some splits only
    assert [(one.split, one.position, one.given, one.likely) for one in found] == [
        ("test", position, "no box", splits.labels[1]) for position in (2, 0, 1)
    ]
    assert found[0].box == pytest.approx((0.5, 0, 1, 0.5))
    assert found[0].row["box"] == "0.500 0.000 1.000 0.500"
    figure = suspect_figure(boxes, found)
    assert figure.pictures[0].caption == f"no box, probably {splits.labels[1]}"
    assert "2 labels" not in figure.text
    assert "3 labels that the detector contradicts" in figure.text
