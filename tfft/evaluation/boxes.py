"""Scores of a model that answers with boxes, by pycocotools."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

UNSEEN = 0.5
"""Threshold of a class that is not known."""
LEAST_SCORE = 0.005
"""Of an answer that is looked at: those below come after all that matters, and are nearly all there are."""
AT_50, AT_75 = 0, 5
"""Places of the overlaps 0.5 and 0.75 among those of COCO, 0.5 to 0.95 in steps of 0.05."""


def best_box_thresholds(targets: np.ndarray, answers: Mapping[str, np.ndarray], labels: Sequence[str]) -> np.ndarray:
    """For each class the score from which on answers have the highest F1, half-way to the next lower score.

    To be chosen on validation, and applied as it is to test. An answer is right if it overlaps a box of its class by
    half; a class without boxes has 0.5.

    Args:
        targets: As for `detection_scores`, and so are `answers` and `labels`.
        answers: Of the validation split.
        labels: Names of the classes.

    Returns:
        (labels,), float.
    """
    evaluation = _evaluated(targets, answers, len(labels))
    found = []
    for index in range(len(labels)):
        scores, right = _judged(evaluation, index)
        boxes = int((targets[..., 4] == index).sum())
        if not boxes or not right.any():
            found.append(UNSEEN)
            continue
        f1 = 2 * np.cumsum(right) / (np.arange(1, len(right) + 1) + boxes)
        f1[:-1][scores[:-1] == scores[1:]] = 0  # a threshold takes all that are equal
        best = int(np.argmax(f1))
        found.append(float(scores[best] + (scores[best + 1] if best + 1 < len(scores) else 0.0)) / 2)
    return np.array(found)


def mean_average_precisions(targets: np.ndarray, answers: Mapping[str, np.ndarray]) -> dict[str, float]:
    """`map` and `map50` of one split, as `detection_scores` has them; quick enough for each epoch."""
    classes = 1 + int(max(targets[..., 4].max(), answers["labels"].max(), 0))
    means = _means(_precisions(_evaluated(targets, answers, classes)))
    return {"map": means["map"], "map50": means["map50"]}


def detection_scores(
    targets: np.ndarray,
    answers: Mapping[str, np.ndarray],
    labels: Sequence[str],
    thresholds: np.ndarray | None = None,
) -> dict[str, Any]:
    """Scores of one split, as COCO defines them, over 100 answers to a picture.

    Args:
        targets: (examples, most, 5): left, top, right, bottom and the index of the class, -1 for none.
        answers: `boxes`, (examples, answers, 4), `scores` and `labels`, (examples, answers), -1 for none.
        labels: Names of the classes.
        thresholds: From which score on an answer of a class counts for `precision` and `recall`, (labels,); None for
            0.5. The average precision needs none.

    Returns:
        `map50`, `map75` and `map` in [0, 1]: the mean over the classes that the split has of the average precision,
        where an answer is right if it overlaps a box of its class by 0.5, by 0.75, or by 0.5 to 0.95 in ten steps
        (a mean over them); `per_class`, for each label its `map` and `map50` (None without boxes), `precision` and
        `recall` for an overlap of 0.5 (0 where the denominator is 0), `threshold` and `support`.
    """
    thresholds = np.full(len(labels), UNSEEN) if thresholds is None else thresholds
    evaluation = _evaluated(targets, answers, len(labels))
    precisions = _precisions(evaluation)
    per_class = {}
    for index, label in enumerate(labels):
        scores, right = _judged(evaluation, index)
        taken = scores >= thresholds[index]
        boxes = int((targets[..., 4] == index).sum())
        per_class[label] = {
            "map": float(precisions[:, :, index].mean()) if boxes else None,
            "map50": float(precisions[AT_50, :, index].mean()) if boxes else None,
            "precision": float(right[taken].sum() / max(1, taken.sum())),
            "recall": float(right[taken].sum() / max(1, boxes)),
            "threshold": float(thresholds[index]),
            "support": boxes,
        }
    return {**_means(precisions), "per_class": per_class}


def _precisions(evaluation: Any) -> np.ndarray:
    """(overlaps, recalls, classes), -1 for a class without boxes."""
    return evaluation.eval["precision"][..., 0, -1]  # of all areas, with as many answers as there may be


def _means(precisions: np.ndarray) -> dict[str, float]:
    """Over the classes that have boxes; 0 if none has."""
    found = {"map50": precisions[AT_50], "map75": precisions[AT_75], "map": precisions}
    known = {name: some[some > -1] for name, some in found.items()}
    return {name: float(some.mean()) if some.size else 0.0 for name, some in known.items()}


def _judged(evaluation: Any, index: int) -> tuple[np.ndarray, np.ndarray]:
    """The scores of all answers of one class, falling, and whether each is right at an overlap of 0.5."""
    pictures = len(evaluation.params.imgIds)
    some = [one for one in evaluation.evalImgs[index * pictures : (index + 1) * pictures] if one is not None]
    scores = np.array([score for one in some for score in one["dtScores"]], float)
    right = np.array([match > 0 for one in some for match in np.asarray(one["dtMatches"])[AT_50]], bool)
    order = np.argsort(-scores, kind="stable")
    return scores[order], right[order]


def _evaluated(targets: np.ndarray, answers: Mapping[str, np.ndarray], classes: int) -> Any:
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
        for image, place in np.argwhere((answers["labels"] >= 0) & (answers["scores"] >= LEAST_SCORE))
    ]  # fmt: skip
    with contextlib.redirect_stdout(io.StringIO()):
        known = COCO()
        known.dataset = {
            "images": [{"id": index} for index in range(len(targets))],
            "categories": [{"id": index} for index in range(classes)],
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
