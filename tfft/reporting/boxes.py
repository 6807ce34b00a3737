"""Figures of a report on boxes: precision and recall, confusions, and pictures with true and predicted boxes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw

from tfft.data.examples import Splits
from tfft.evaluation.boxes import box_confusion, recall_curves
from tfft.evaluation.evaluation import Evaluation
from tfft.reporting import plots
from tfft.reporting.figures import MOST_CLASSES, Figure, Matrix, Shown, picture_uri, svg_uri
from tfft.reporting.words import SPLITS

SIDE = 320
"""Longer side of a picture in the report, in pixels."""
OVERLAP = 0.5
"""Least IoU of a right prediction."""
LETTERS = 12
"""Height of letters, in pixels."""
LUMA, MIDDLE = np.array([0.299, 0.587, 0.114]), 140
"""Brightness of a colour, and from where on letters on it are black."""


def box_figures(splits: Splits, evaluation: Evaluation, *, most: int = 9) -> list[Figure]:
    """Precision and recall, confusions, and the worst, some typical and the best predictions of the last split (test,
    or val).

    Args:
        splits: The data.
        evaluation: With `boxes`, `scores` and `labels` by split, as a detector predicts them, and the score threshold
            of each class; boxes below it are not drawn.
        most: Number of pictures of each kind.
    """
    name, examples = list(splits.items())[-1]
    predictions = evaluation.predictions[name]
    drawn = (predictions["labels"] >= 0) & (predictions["scores"] >= evaluation.thresholds[predictions["labels"]])
    truth = np.asarray(examples.targets)
    counts = [
        _right(truth[i], predictions["boxes"][i][drawn[i]], predictions["labels"][i][drawn[i]])
        for i in range(len(truth))
    ]
    wrong = np.array([missed + false for _, missed, false in counts])
    order = np.argsort(-wrong, kind="stable")
    middle = max(0, len(order) // 2 - most // 2)
    colours, labels = plots.colours(len(splits.labels)), splits.labels
    aspect = None if splits.original_size is None else splits.original_size[0] / splits.original_size[1]

    def show(index: int) -> Shown:
        right, missed, false = counts[index]
        boxes, classes, scores = (predictions[key][index][drawn[index]] for key in ("boxes", "labels", "scores"))
        words = [f"{labels[place]} {score:.2f}" for place, score in zip(classes, scores, strict=True)]
        pixels = examples.inputs[int(index)]
        picture = draw_boxes(pixels, truth[index], boxes, classes, colours, words=words, aspect=aspect)
        caption = f"{right} right" + (f", {missed} missed" if missed else "") + (f", {false} wrong" if false else "")
        return Shown(picture_uri(picture, most=SIDE), caption, examples.where[index], right=not (missed or false))

    legend = Figure("Classes by colour", legend=plots.legend(labels, colours))
    kinds = {"Worst": order[:most], "Typical": order[middle : middle + most], "Best": order[::-1][:most]}
    text = (
        "Thick boxes are predictions, thin white boxes the ground truth. A prediction is right if it overlaps a box of "
        f"its class by at least {OVERLAP:.0%} (IoU)."
    )
    return [
        _curves_figure(name, truth, predictions, labels, evaluation.thresholds),
        _confusion_figure(name, box_confusion(truth, predictions, evaluation.thresholds), labels),
        legend,
        *(
            Figure(f"{kind} predictions ({SPLITS[name]})", [show(index) for index in chosen], text, width=SIDE)
            for kind, chosen in kinds.items()
        ),
    ]


def _curves_figure(
    name: str, truth: np.ndarray, answers: Mapping[str, np.ndarray], labels: Sequence[str], thresholds: np.ndarray
) -> Figure:
    plot, legend = plots.box_curves(recall_curves(truth, answers, len(labels)), labels, thresholds)
    said = f"Precision over recall of each class at an overlap of {OVERLAP:g}, with a dot at its threshold"
    return Figure(f"Precision and recall ({SPLITS[name]})", [Shown(svg_uri(plot), said)], legend=legend, small=False)


def _confusion_figure(name: str, matrix: np.ndarray, labels: Sequence[str]) -> Figure:
    """Of more than `MOST_CLASSES` classes those with the most mistakes."""
    mistakes = matrix.sum(axis=0) + matrix.sum(axis=1) - 2 * matrix.diagonal()
    chosen = np.append(np.sort(np.argsort(-mistakes[:-1], kind="stable")[:MOST_CLASSES]), len(labels))
    shown = len(chosen) - 1
    cut = f"The {shown} of {len(labels)} classes with the most mistakes. " if shown < len(labels) else ""
    return Figure(
        f"Confusion matrix ({SPLITS[name]})",
        text=f"{cut}Rows are true boxes, columns predicted ones; the last row are predictions without a box, the last "
        "column missed boxes.",
        matrix=Matrix(matrix[np.ix_(chosen, chosen)].tolist(), [*(labels[i] for i in chosen[:-1]), "(no box)"], False),
    )


def draw_boxes(
    pixels: np.ndarray,
    truth: np.ndarray,
    boxes: np.ndarray,
    labels: np.ndarray,
    colours: np.ndarray,
    *,
    words: Sequence[str] = (),
    aspect: float | None = None,
) -> np.ndarray:
    """A picture with true and predicted boxes, enlarged to 320 pixels if it is smaller.

    Args:
        pixels: (height, width, 3), uint8.
        truth: True boxes, drawn thin and white: (boxes, 5), left, top, right, bottom in pixels and the class index;
            -1 for no box.
        boxes: Predicted boxes, drawn thick and in the colour of their class, (predictions, 4).
        labels: Class index of each predicted box, (predictions,).
        colours: Colours of the classes, (classes, 3), in [0, 255].
        words: What to write beside each predicted box, (predictions,).
        aspect: Height over width of the result; None for that of `pixels`, which may have been stretched to a square.
    """
    height, width = pixels.shape[:2]
    longest = max(SIDE, height, width)
    aspect = aspect or height / width
    size = (longest, max(1, round(longest * aspect))) if aspect <= 1 else (max(1, round(longest / aspect)), longest)
    scale = np.array([size[0] / width, size[1] / height] * 2)
    image = Image.fromarray(pixels).resize(size)
    draw = ImageDraw.Draw(image)
    for row in truth[truth[:, 4] >= 0]:
        draw.rectangle(_ordered(row[:4] * scale), outline="white", width=1)
    for box, label in zip(boxes, labels, strict=True):
        draw.rectangle(_ordered(box * scale), outline=_colour(colours[label]), width=3)
    for box, label, word in zip(boxes, labels, words, strict=False):
        left, top, *_ = _ordered(box * scale)
        place = draw.textbbox((max(0, left), max(0, top - LETTERS)), word, font_size=LETTERS)
        draw.rectangle(place, fill=_colour(colours[label]))
        dark = colours[label] @ LUMA > MIDDLE
        draw.text(place[:2], word, fill="black" if dark else "white", font_size=LETTERS, anchor="lt")
    return np.asarray(image)


def _colour(shade: np.ndarray) -> tuple[int, ...]:
    return tuple(shade.round().astype(int).tolist())


def _ordered(box: np.ndarray) -> tuple[float, float, float, float]:
    """The corners in the order that Pillow requires: right is at least left, bottom at least top."""
    left, top, right, bottom = map(float, box)
    return left, top, max(left, right), max(top, bottom)


def _right(truth: np.ndarray, boxes: np.ndarray, labels: np.ndarray) -> tuple[int, int, int]:
    """The numbers of right predictions, missed boxes and wrong predictions; boxes come with the best score first."""
    unmatched = [row for row in truth if row[4] >= 0]
    right = 0
    for box, label in zip(boxes, labels, strict=True):
        overlaps = [_overlap(row[:4], box) if row[4] == label else 0.0 for row in unmatched]
        if overlaps and max(overlaps) >= OVERLAP:
            unmatched.pop(int(np.argmax(overlaps)))
            right += 1
    return right, len(unmatched), len(boxes) - right


def _overlap(one: np.ndarray, other: np.ndarray) -> float:
    low, high = np.maximum(one[:2], other[:2]), np.minimum(one[2:], other[2:])
    shared = float(np.prod(np.maximum(high - low, 0)))
    union = float(np.prod(one[2:] - one[:2]) + np.prod(other[2:] - other[:2])) - shared
    return shared / max(union, 1e-9)
