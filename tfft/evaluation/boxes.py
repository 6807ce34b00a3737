"""Scores of predicted boxes, by pycocotools."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

UNSEEN = 0.5
"""Threshold of a class without boxes."""
LEAST_SCORE = 0.005
"""Least score of a prediction that is scored; those below are nearly all, and come after all that matter."""
AT_50, AT_75 = 0, 5
"""Indices of the overlaps (IoU) 0.5 and 0.75 among the ten of COCO, 0.5 to 0.95 in steps of 0.05."""


def best_box_thresholds(targets: np.ndarray, answers: Mapping[str, np.ndarray], labels: Sequence[str]) -> np.ndarray:
    """For each class the score threshold with the highest F1, half-way to the next lower score.

    Choose it on validation and apply it unchanged to test. A prediction is right if its overlap with a box of its class
    is at least 0.5. The threshold of a class without boxes is 0.5.

    Args:
        targets: Boxes of the validation split, as for `detection_scores`.
        answers: Predictions for the validation split, as for `detection_scores`.
        labels: Names of the classes.

    Returns:
        (labels,), float.
    """
    evaluation = evaluated_boxes(targets, answers, len(labels))
    thresholds = []
    for index in range(len(labels)):
        scores, right = _judged(evaluation, index)
        boxes = int((targets[..., 4] == index).sum())
        if not boxes or not right.any():
            thresholds.append(UNSEEN)
            continue
        f1 = 2 * np.cumsum(right) / (np.arange(1, len(right) + 1) + boxes)
        f1[:-1][scores[:-1] == scores[1:]] = 0  # equal scores are all above a threshold, or none is
        best = int(np.argmax(f1))
        thresholds.append(float(scores[best] + (scores[best + 1] if best + 1 < len(scores) else 0.0)) / 2)
    return np.array(thresholds)


def mean_average_precisions(targets: np.ndarray, answers: Mapping[str, np.ndarray]) -> dict[str, float]:
    """`map` and `map50` of one split, as in `detection_scores`; quick enough for each epoch."""
    classes = 1 + int(max(targets[..., 4].max(), answers["labels"].max(), 0))
    means = _means(_precisions(evaluated_boxes(targets, answers, classes)))
    return {"map": means["map"], "map50": means["map50"]}


def detection_scores(
    targets: np.ndarray,
    answers: Mapping[str, np.ndarray],
    labels: Sequence[str],
    thresholds: np.ndarray | None = None,
) -> dict[str, Any]:
    """Scores of one split, as COCO defines them, for up to 100 predictions per picture.

    Args:
        targets: (examples, most, 5): left, top, right, bottom and the class index, -1 for no box.
        answers: `boxes`, (examples, predictions, 4), `scores` and `labels`, (examples, predictions), -1 for no box.
        labels: Names of the classes.
        thresholds: Score threshold of each class for `precision` and `recall`, (labels,); None for 0.5. The average
            precision does not depend on it.

    Returns:
        `map50`, `map75` and `map` in [0, 1]: the mean average precision over the classes in the split, where a
        prediction is right if its overlap (IoU) with a box of its class is at least 0.5, 0.75, or 0.5 to 0.95 in ten
        steps (the mean over them); `per_class`, for each label its `map` and `map50` (None without boxes), `precision`
        and `recall` at an overlap of 0.5 (0 where the denominator is 0), `threshold` and `support`.
    """
    thresholds = np.full(len(labels), UNSEEN) if thresholds is None else thresholds
    evaluation = evaluated_boxes(targets, answers, len(labels))
    precisions = _precisions(evaluation)
    per_class = {}
    for index, label in enumerate(labels):
        scores, right = _judged(evaluation, index)
        above = scores >= thresholds[index]
        boxes = int((targets[..., 4] == index).sum())
        per_class[label] = {
            "map": float(precisions[:, :, index].mean()) if boxes else None,
            "map50": float(precisions[AT_50, :, index].mean()) if boxes else None,
            "precision": float(right[above].sum() / max(1, above.sum())),
            "recall": float(right[above].sum() / max(1, boxes)),
            "threshold": float(thresholds[index]),
            "support": boxes,
        }
    return {**_means(precisions), "per_class": per_class}


def recall_curves(targets: np.ndarray, answers: Mapping[str, np.ndarray], classes: int) -> list[np.ndarray | None]:
    """For each class recall, precision and score of its predictions at an overlap of 0.5, (3, predictions), the highest
    score first; None for a class without boxes or predictions. The arguments are those of `evaluated_boxes`."""
    evaluation, curves = evaluated_boxes(targets, answers, classes), []
    for index in range(classes):
        scores, right = _judged(evaluation, index)
        boxes, hits = int((targets[..., 4] == index).sum()), np.cumsum(right)
        known = boxes and len(scores)
        curves.append(np.stack([hits / boxes, hits / np.arange(1, len(hits) + 1), scores]) if known else None)
    return curves


def box_confusion(
    targets: np.ndarray, answers: Mapping[str, np.ndarray], thresholds: np.ndarray, overlap: float = 0.5
) -> np.ndarray:
    """How often boxes of one class are predicted as another, (classes + 1, classes + 1): rows true, columns predicted.
    The last row is predictions where there is no box, the last column boxes that are missed.

    Each prediction above the threshold of its class, the highest score first, takes the box that it overlaps most and
    that is not taken, whatever its class.

    Args:
        targets: As for `detection_scores`.
        answers: As for `detection_scores`.
        thresholds: Score threshold of each class, (classes,).
        overlap: Least overlap (IoU).
    """
    count = len(thresholds)
    matrix = np.zeros((count + 1, count + 1), int)
    for rows, boxes, scores, labels in zip(
        targets, answers["boxes"], answers["scores"], answers["labels"], strict=True
    ):
        truth = rows[rows[:, 4] >= 0]
        kept = np.flatnonzero((labels >= 0) & (scores >= thresholds[labels]))
        kept = kept[np.argsort(-scores[kept], kind="stable")]
        overlaps = overlaps_of(boxes[kept], truth[:, :4])
        missed = np.ones(len(truth), bool)
        for place, index in enumerate(kept):
            free = np.where(missed, overlaps[place], -1)
            best = int(free.argmax()) if len(free) else -1
            taken = best >= 0 and free[best] >= overlap
            matrix[int(truth[best, 4]) if taken else count, labels[index]] += 1
            if taken:
                missed[best] = False
        np.add.at(matrix, (truth[missed, 4].astype(int), count), 1)
    return matrix


def overlaps_of(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The overlap (IoU) of each box with each other one, (boxes, others), from left, top, right and bottom of both."""
    from pycocotools.mask import iou

    if not (len(boxes) and len(others)):
        return np.zeros((len(boxes), len(others)))
    sized = [np.array([_sized(box) for box in some], float) for some in (boxes, others)]
    return np.asarray(iou(*sized, [0] * len(others)))


def _precisions(evaluation: Any) -> np.ndarray:
    """Precisions, (overlaps, recalls, classes), -1 for a class without boxes."""
    return evaluation.eval["precision"][..., 0, -1]  # all areas, most predictions per picture


def _means(precisions: np.ndarray) -> dict[str, float]:
    """Means over the classes that have boxes; 0 if none has."""
    values = {"map50": precisions[AT_50], "map75": precisions[AT_75], "map": precisions}
    known = {name: array[array > -1] for name, array in values.items()}
    return {name: float(array.mean()) if array.size else 0.0 for name, array in known.items()}


def _judged(evaluation: Any, index: int) -> tuple[np.ndarray, np.ndarray]:
    """The scores of all predictions of one class, highest first, and whether each is right at an overlap of 0.5."""
    count = len(evaluation.params.imgIds)
    pictures = [picture for picture in evaluation.evalImgs[index * count : (index + 1) * count] if picture is not None]
    scores = np.array([score for picture in pictures for score in picture["dtScores"]], float)
    right = np.array([match > 0 for picture in pictures for match in np.asarray(picture["dtMatches"])[AT_50]], bool)
    order = np.argsort(-scores, kind="stable")
    return scores[order], right[order]


def evaluated_boxes(targets: np.ndarray, answers: Mapping[str, np.ndarray], classes: int) -> Any:
    """The evaluation by pycocotools, without the text that it prints; the arguments are those of `detection_scores`."""
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
    predictions = [
        {"image_id": int(image), "category_id": int(answers["labels"][image, place]),
         "bbox": _sized(answers["boxes"][image, place]), "score": float(answers["scores"][image, place])}
        for image, place in np.argwhere((answers["labels"] >= 0) & (answers["scores"] >= LEAST_SCORE))
    ]  # fmt: skip
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {
            "images": [{"id": index} for index in range(len(targets))],
            "categories": [{"id": index} for index in range(classes)],
            "annotations": truth,
        }
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes(predictions) if predictions else COCO(), "bbox")
        evaluation.params.imgIds = list(range(len(targets)))
        evaluation.params.areaRng, evaluation.params.areaRngLbl = [[0, 1e10]], ["all"]
        evaluation.evaluate()
        evaluation.accumulate()
    return evaluation


def _sized(box: np.ndarray) -> list[float]:
    left, top, right, bottom = map(float, box)
    return [left, top, right - left, bottom - top]
