"""Scores of a split in which some examples count several times and others not at all, for many such splits at once.

A bootstrap asks for a thousand of them. Each function takes what `scores_of` takes and returns a `Resampled`; with
weights of one it gives the scores of `scores_of`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from scipy import sparse

from tfft.evaluation.boxes import AT_50, AT_75, evaluated_boxes
from tfft.evaluation.metrics import classes_of
from tfft.evaluation.texts import rouge_of_each

Resampled = Callable[[np.ndarray], dict[str, np.ndarray]]
"""From weights, (samples, examples), whole numbers as float32, to scores by name, (samples,) each."""


LEAST_VARIANCE = 1e-9
"""Share of the variance of a split that a sample of it must have."""
PREDICTIONS = 2_000_000
"""Weights of predicted boxes in memory at once."""


def resampled(
    task: str, truth: Any, predictions: Any, labels: Sequence[str], thresholds: np.ndarray | None = None
) -> Resampled:
    """The scores of one split as a function of the weights of its examples; the arguments are those of `scores_of`."""
    match task:
        case "classification":
            return _of_classes(truth, predictions, thresholds)
        case "multilabel":
            return _of_labels(truth.astype(bool), predictions, thresholds)
        case "regression":
            return _of_numbers(truth, predictions)
        case "detection":
            return _of_boxes(truth, predictions, len(labels))
        case "segmentation":
            return _of_masks(predictions)
        case "translation":
            return _of_translations(predictions, truth)
        case "summarization":
            return _of_means({name: 100 * values for name, values in rouge_of_each(predictions, truth).items()})
    raise ValueError(task)


def _of_means(values: Mapping[str, np.ndarray]) -> Resampled:
    """Of scores that are means of a value of each example, (examples,)."""
    return lambda weights: {name: weights @ each / weights.sum(axis=1) for name, each in values.items()}


def _of_classes(truth: np.ndarray, probabilities: np.ndarray, thresholds: np.ndarray | None) -> Resampled:
    predicted, count = classes_of(probabilities, thresholds), probabilities.shape[1]
    right = predicted == truth
    kinds = (truth, None), (predicted, None), (truth, right)
    true, guessed, hit = (_one_hot(classes, rows, count).T for classes, rows in kinds)
    positive = None if thresholds is None else int(np.argmax(thresholds))

    def scores(weights: np.ndarray) -> dict[str, np.ndarray]:
        truths, guesses, hits = (matrix @ weights.T for matrix in (true, guessed, hit))  # (classes, samples)
        sizes = truths + guesses
        present = np.maximum((sizes > 0).sum(axis=0), 1)
        f1 = (2 * hits / np.maximum(sizes, 1)).sum(axis=0) / present
        found = {"accuracy": weights @ right / weights.sum(axis=1), "macro_f1": f1}
        if positive is not None:
            found["precision"] = hits[positive] / np.maximum(guesses[positive], 1)
            found["recall"] = hits[positive] / np.maximum(truths[positive], 1)
        return found

    return scores


def _one_hot(classes: np.ndarray, rows: np.ndarray | None, count: int) -> sparse.csr_matrix:
    """(examples, classes), 1 at the class of each example, of some rows alone."""
    ones = np.ones(len(classes), np.float32) if rows is None else rows.astype(np.float32)
    return sparse.csr_matrix((ones, (np.arange(len(classes)), classes)), (len(classes), count))


def _of_labels(truth: np.ndarray, probabilities: np.ndarray, thresholds: np.ndarray) -> Resampled:
    predicted = probabilities >= thresholds
    hit, sizes = (truth & predicted).astype(np.float32), truth.astype(np.float32) + predicted
    right = (truth == predicted).all(axis=1)
    areas = [_area(truth[:, label], probabilities[:, label]) for label in range(truth.shape[1])]

    def scores(weights: np.ndarray) -> dict[str, np.ndarray]:
        hits, total = weights @ hit, weights @ sizes  # (samples, labels)
        present = weights @ truth > 0
        count = np.maximum(present.sum(axis=1), 1)
        precisions = np.stack([area(weights) for area in areas], axis=1)
        return {
            "macro_average_precision": np.where(present, precisions, 0).sum(axis=1) / count,
            "macro_f1": np.where(present, 2 * hits / np.maximum(total, 1), 0).sum(axis=1) / count,
            "micro_f1": 2 * hits.sum(axis=1) / np.maximum(total.sum(axis=1), 1),
            "exact_match": weights @ right / weights.sum(axis=1),
        }

    return scores


def _area(truth: np.ndarray, probabilities: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """The average precision of one label: as scikit-learn's, which takes one sample at a time."""
    order = np.argsort(-probabilities, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(probabilities[order])), len(order) - 1)  # of equal probabilities

    def area(weights: np.ndarray) -> np.ndarray:
        sorted_weights = weights[:, order]
        hits = np.cumsum(sorted_weights * truth[order], axis=1)[:, ends]
        precision = hits / np.maximum(np.cumsum(sorted_weights, axis=1)[:, ends], 1)
        return (np.diff(hits, axis=1, prepend=0) * precision).sum(axis=1) / np.maximum(hits[:, -1], 1)

    return area


def _of_numbers(truth: np.ndarray, answers: np.ndarray) -> Resampled:
    truth = truth.astype(np.float64)
    error = answers - truth
    centred = truth - truth.mean(axis=0)

    def scores(weights: np.ndarray) -> dict[str, np.ndarray]:
        total = weights.sum(axis=1, keepdims=True)
        squared, absolute = weights @ error**2 / total, weights @ np.abs(error) / total  # (samples, quantities)
        variance = weights @ centred**2 / total - (weights @ centred / total) ** 2
        # a sample of equal numbers has no variance to explain, and no score
        r2 = 1 - squared / np.where(variance > LEAST_VARIANCE * (centred**2).mean(axis=0), variance, np.nan)
        each = {"r2": r2, "mae": absolute, "rmse": np.sqrt(squared)}
        return {name: values.mean(axis=1) for name, values in each.items()}

    return scores


def _of_masks(confusions: np.ndarray) -> Resampled:
    right = np.einsum("pcc->pc", confusions).astype(np.float64)  # (pictures, classes), pixels
    true, predicted = confusions.sum(axis=2, dtype=np.float64), confusions.sum(axis=1, dtype=np.float64)

    def scores(weights: np.ndarray) -> dict[str, np.ndarray]:
        hits, union = weights @ right, weights @ (true + predicted - right)
        iou = hits / np.maximum(union, 1)
        return {
            "mean_iou": iou.sum(axis=1) / np.maximum((union > 0).sum(axis=1), 1),
            "pixel_accuracy": hits.sum(axis=1) / np.maximum((weights @ true).sum(axis=1), 1),
        }

    return scores


def _of_boxes(targets: np.ndarray, answers: Mapping[str, np.ndarray], classes: int) -> Resampled:
    """As pycocotools defines it: a picture's boxes are matched without regard to other pictures, so its weight only
    says how often they count."""
    evaluation = evaluated_boxes(targets, answers, classes)
    boxes = np.stack([(targets[..., 4] == index).sum(axis=1) for index in range(classes)], axis=1).astype(np.float32)
    judged = [_judged_pictures(evaluation, index) for index in range(classes)]
    recalls = evaluation.params.recThrs

    most = max((len(pictures) for pictures, _ in judged), default=0)

    def scores(weights: np.ndarray) -> dict[str, np.ndarray]:
        step = max(1, PREDICTIONS // max(1, most))
        parts = [some_scores(weights[start : start + step]) for start in range(0, len(weights), step)]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def some_scores(weights: np.ndarray) -> dict[str, np.ndarray]:
        counts = weights @ boxes  # (samples, classes)
        precisions = np.zeros((len(weights), classes, len(evaluation.params.iouThrs)))
        for index, (pictures, right) in enumerate(judged):
            if not len(pictures):
                continue
            each = weights[:, pictures]
            everything = np.maximum(np.cumsum(each, axis=1), 1)
            for overlap, hit in enumerate(right):
                hits = np.cumsum(each * hit, axis=1)
                highest = np.maximum.accumulate((hits / everything)[:, ::-1], axis=1)[:, ::-1]
                for sample in range(len(weights)):
                    place = np.searchsorted(hits[sample] / max(counts[sample, index], 1), recalls)
                    reached = place < len(pictures)
                    precisions[sample, index, overlap] = highest[sample, place[reached]].sum() / len(recalls)
        present = np.where(counts > 0, 1, 0)[..., None]
        means = (precisions * present).sum(axis=1) / np.maximum(present.sum(axis=1), 1)  # (samples, overlaps)
        return {"map50": means[:, AT_50], "map75": means[:, AT_75], "map": means.mean(axis=1)}

    return scores


def _judged_pictures(evaluation: Any, index: int) -> tuple[np.ndarray, np.ndarray]:
    """Of the predictions of one class, the highest score first, their pictures, (predictions,), and whether each is
    right at each overlap, (overlaps, predictions)."""
    count = len(evaluation.params.imgIds)
    found = [
        (number, picture)
        for number, picture in enumerate(evaluation.evalImgs[index * count : (index + 1) * count])
        if picture is not None and picture["dtScores"]
    ]
    if not found:
        return np.empty(0, int), np.empty((len(evaluation.params.iouThrs), 0), bool)
    scores = np.concatenate([picture["dtScores"] for _, picture in found])
    pictures = np.concatenate([np.full(len(picture["dtScores"]), number) for number, picture in found])
    order = np.argsort(-scores, kind="mergesort")  # as pycocotools sorts
    return pictures[order], np.concatenate([picture["dtMatches"] for _, picture in found], axis=1)[:, order] > 0


def _of_translations(generated: Sequence[str], references: Sequence[Sequence[str]]) -> Resampled:
    """BLEU from the counts of each text (Papineni et al. 2002), which sacrebleu returns."""
    from sacrebleu.metrics import BLEU

    bleu = BLEU(effective_order=True)
    each = [bleu.sentence_score(text, list(known)) for text, known in zip(generated, references, strict=True)]
    counts = np.array([[*one.counts, *one.totals, one.sys_len, one.ref_len] for one in each], np.float64)

    def scores(weights: np.ndarray) -> dict[str, np.ndarray]:
        sums = np.rint(weights @ counts).astype(int)
        order = (sums.shape[1] - 2) // 2
        values = [
            BLEU.compute_bleu(row[:order].tolist(), row[order:-2].tolist(), int(row[-2]), int(row[-1])).score
            for row in sums
        ]
        return {"bleu": np.array(values)}

    return scores
