"""Figures of a report on classes: confusions, mistakes with heat maps, and calibration."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import keras
import numpy as np

from tfft.data.examples import Pictures, Splits, Texts
from tfft.evaluation.calibration import confidence as confidence_of
from tfft.evaluation.evaluation import Evaluation
from tfft.evaluation.metrics import classes_of
from tfft.models.explaining import heat_maps
from tfft.reporting import plots
from tfft.reporting.figures import MOST_CLASSES, Figure, Matrix, Shown, picture_uri, shortened, svg_uri
from tfft.reporting.heat import heated
from tfft.reporting.words import SPLITS

MOST_MISTAKES = 120
"""Mistakes in a report, which the cells of the confusion matrix show."""
MOST_OF_PAIR = 8
"""Of them with the same true and predicted class."""


def class_figures(
    splits: Splits, evaluation: Evaluation, model: keras.Model | None = None, *, most: int = 12
) -> list[Figure]:
    """Confusion matrix, most confident mistakes, least sure and typical predictions, and calibration of the last split
    (test, or val).

    Args:
        splits: The data.
        evaluation: With probabilities by split, (examples, classes).
        model: Of pictures; with it the first mistakes are shown with a heat map, too.
        most: Number of pictures or texts of each kind; more mistakes are shown by the cells of the matrix.
    """
    name, examples = list(splits.items())[-1]
    probabilities = evaluation.predictions[name]
    targets, predicted = np.asarray(examples.targets), classes_of(probabilities, evaluation.thresholds)
    confidence = probabilities[np.arange(len(predicted)), predicted]
    wrong, right = np.flatnonzero(predicted != targets), np.flatnonzero(predicted == targets)
    # spread over the split, so that every class can appear
    spread = right[np.linspace(0, len(right) - 1, min(most, len(right))).round().astype(int)] if len(right) else right

    def show(index: int) -> Shown:
        true, guess = splits.labels[targets[index]], splits.labels[predicted[index]]
        content = {"text": shortened(examples.texts[index])} if isinstance(examples, Texts) else {}
        return Shown(
            image="" if content else picture_uri(examples.inputs[index]),
            **content,
            caption=f"{guess} ({confidence[index]:.0%})" + ("" if guess == true else f", true: {true}"),
            detail=examples.where[index],
            right=guess == true,
        )

    chosen = _classes_shown(targets, predicted, len(splits.labels))
    place = {int(index): number for number, index in enumerate(chosen)}

    def of_pair(index: int) -> Shown:
        pair = place.get(int(targets[index])), place.get(int(predicted[index]))
        return replace(show(index), pair="" if None in pair else "{},{}".format(*pair))

    width = {"width": 340} if isinstance(examples, Texts) else {}
    unsure = np.argsort(np.sort(probabilities, axis=1)[:, -1], kind="stable")[:most]
    mistakes = _mistakes(wrong[np.argsort(-confidence[wrong], kind="stable")], targets, predicted, most)
    of_wrong, of_right = (f"{len(group)} of {len(examples)}" for group in (wrong, right))
    return [
        _confusion_figure(name, targets, predicted, splits.labels, chosen),
        Figure(
            f"Most confident mistakes ({SPLITS[name]})",
            [of_pair(i) for i in mistakes],
            f"{of_wrong} wrong",
            **width,
            most=most,
            mistakes=True,
        ),
        *_heat_figure(name, examples, mistakes[:most], predicted, splits.labels, model),
        Figure(f"Least sure predictions ({SPLITS[name]})", [show(i) for i in unsure], **width),
        Figure(f"Correct predictions ({SPLITS[name]})", [show(i) for i in spread], f"{of_right} right", **width),
        reliability_figure(name, targets, probabilities),
    ]


def _heat_figure(
    name: str,
    examples: Pictures | Texts,
    mistakes: Sequence[int],
    predicted: np.ndarray,
    labels: Sequence[str],
    model: keras.Model | None,
) -> list[Figure]:
    """What in the first mistakes speaks for the wrong answer; nothing for texts."""
    if model is None or isinstance(examples, Texts) or not mistakes:
        return []
    pixels = examples.inputs[np.array(mistakes)]
    heats = heat_maps(model, pixels, predicted[mistakes])
    if heats is None:
        return []
    shown = [
        Shown(picture_uri(heated(picture, heat)), f"for {labels[predicted[index]]}", examples.where[index], right=False)
        for picture, heat, index in zip(pixels, heats, mistakes, strict=True)
    ]
    words = "Bright parts speak for the wrong answer (Grad-CAM): is it the object, or something beside it?"
    return [Figure(f"Where the mistakes come from ({SPLITS[name]})", shown, words)]


def _mistakes(wrong: np.ndarray, targets: np.ndarray, predicted: np.ndarray, most: int) -> list[int]:
    """The first mistakes, and after them a few of each pair of classes."""
    counts: Counter[tuple[int, int]] = Counter()
    chosen = wrong[:most].tolist()
    counts.update((int(targets[index]), int(predicted[index])) for index in chosen)
    for index in wrong[most:].tolist():
        pair = int(targets[index]), int(predicted[index])
        if counts[pair] < MOST_OF_PAIR and len(chosen) < MOST_MISTAKES:
            counts[pair] += 1
            chosen.append(index)
    return chosen


def reliability_figure(name: str, targets: np.ndarray, probabilities: np.ndarray) -> Figure:
    """How often predictions of each probability are right.

    Args:
        name: Of the split.
        targets: Class indices, (examples,), or labels, (examples, labels), 1 or 0.
        probabilities: (examples, classes).
    """
    plot = plots.reliability(*confidence_of(targets, probabilities))
    words = "Where the line is below the diagonal, probabilities are too high. `--calibrate` corrects them."
    return Figure(
        f"Calibration ({SPLITS[name]})",
        [Shown(svg_uri(plot), "Share of right predictions by probability")],
        words,
        small=False,
    )


def _classes_shown(targets: np.ndarray, predicted: np.ndarray, count: int) -> np.ndarray:
    """Indices of the classes in the confusion matrix: those with the most mistakes, in their order."""
    wrong = predicted != targets
    mistakes = np.bincount(np.concatenate([targets[wrong], predicted[wrong]]), minlength=count)
    return np.sort(np.argsort(-mistakes, kind="stable")[:MOST_CLASSES])


def _confusion_figure(
    name: str, targets: np.ndarray, predicted: np.ndarray, labels: Sequence[str], chosen: np.ndarray
) -> Figure:
    place = np.full(len(labels), -1)
    place[chosen] = np.arange(len(chosen))
    inside = (place[targets] >= 0) & (place[predicted] >= 0)
    counts = np.zeros((len(chosen), len(chosen)), int)
    np.add.at(counts, (place[targets[inside]], place[predicted[inside]]), 1)
    cut = f"The {len(chosen)} of {len(labels)} classes with the most mistakes. " if len(chosen) < len(labels) else ""
    return Figure(
        f"Confusion matrix ({SPLITS[name]})",
        text=f"{cut}Rows are true classes, columns predicted ones. Click a number to see the mistakes behind it.",
        matrix=Matrix(counts.tolist(), [labels[index] for index in chosen]),
    )
