"""Scores of a model that answers with boxes, by pycocotools."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

AT_50, AT_75 = 0, 5
"""Places of the overlaps 0.5 and 0.75 among those of COCO, 0.5 to 0.95 in steps of 0.05."""


def detection_scores(targets: np.ndarray, answers: Mapping[str, np.ndarray], labels: Sequence[str]) -> dict[str, Any]:
    """Scores of one split, as COCO defines them, over 100 answers to a picture.

    Args:
        targets: (examples, most, 5): left, top, right, bottom and the index of the class, -1 for none.
        answers: `boxes`, (examples, answers, 4), `scores` and `labels`, (examples, answers), -1 for none.
        labels: Names of the classes.

    Returns:
        `map50`, `map75` and `map` in [0, 1]: the mean over the classes that the split has of the average precision,
        where an answer is right if it overlaps a box of its class by 0.5, by 0.75, or by 0.5 to 0.95 in ten steps
        (a mean over them); `per_class`, for each label its `map`, `map50` (None without boxes), the `threshold` of the
        score at which F1 is highest for an overlap of 0.5, `precision` and `recall` there, and `support`.
    """
    evaluation = _evaluated(targets, answers, labels)
    # (overlaps, recalls, classes, area ranges, most answers)
    precision = evaluation.eval["precision"][..., 0, -1]
    cuts = evaluation.eval["scores"][..., 0, -1]
    recalls = evaluation.params.recThrs
    there = [index for index in range(len(labels)) if (precision[:, :, index] > -1).any()]
    per_class = {}
    for index, label in enumerate(labels):
        f1 = 2 * precision[AT_50, :, index] * recalls / np.maximum(precision[AT_50, :, index] + recalls, 1e-9)
        best = int(np.argmax(f1))
        known = index in there
        per_class[label] = {
            "map": float(precision[:, :, index].mean()) if known else None,
            "map50": float(precision[AT_50, :, index].mean()) if known else None,
            "threshold": float(cuts[AT_50, best, index]) if known and f1[best] > 0 else 0.5,
            "precision": float(precision[AT_50, best, index]) if known else 0.0,
            "recall": float(recalls[best]) if known else 0.0,
            "support": int((targets[..., 4] == index).sum()),
        }

    def mean(overlaps: Any) -> float:
        return float(precision[overlaps][..., there].mean()) if there else 0.0

    return {
        "map50": mean(AT_50),
        "map75": mean(AT_75),
        "map": mean(slice(None)),
        "per_class": per_class,
    }


def _evaluated(targets: np.ndarray, answers: Mapping[str, np.ndarray], labels: Sequence[str]) -> Any:
    """The evaluation of pycocotools, which says what it does on the screen."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    truth = [
        {"id": number + 1, "image_id": int(image), "category_id": int(row[4]), "bbox": box, "area": box[2] * box[3],
         "iscrowd": 0}
        for number, (image, row) in enumerate(
            (image, targets[image, place]) for image, place in np.argwhere(targets[..., 4] >= 0)
        )
        for box in [_sized(row[:4])]
    ]  # fmt: skip
    found = [
        {"image_id": int(image), "category_id": int(answers["labels"][image, place]),
         "bbox": _sized(answers["boxes"][image, place]), "score": float(answers["scores"][image, place])}
        for image, place in np.argwhere(answers["labels"] >= 0)
    ]  # fmt: skip
    with contextlib.redirect_stdout(io.StringIO()):
        known = COCO()
        known.dataset = {
            "images": [{"id": index} for index in range(len(targets))],
            "categories": [{"id": index} for index in range(len(labels))],
            "annotations": truth,
        }
        known.createIndex()
        evaluation = COCOeval(known, known.loadRes(found) if found else COCO(), "bbox")
        evaluation.params.imgIds = list(range(len(targets)))
        evaluation.params.areaRng, evaluation.params.areaRngLbl = [[0, 1e10]], ["all"]
        evaluation.evaluate()
        evaluation.accumulate()
    return evaluation


def _sized(box: np.ndarray) -> list[float]:
    left, top, right, bottom = map(float, box)
    return [left, top, right - left, bottom - top]
