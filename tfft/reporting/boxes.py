"""Figures of a report on boxes: pictures with true and predicted boxes."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from tfft.data.examples import Splits
from tfft.evaluation.evaluation import Evaluation
from tfft.reporting import plots
from tfft.reporting.figures import Figure, Shown, png_uri, svg_uri

SIDE = 320
"""Longer side of a picture in the report, in pixels."""
OVERLAP = 0.5
"""Least IoU of a right prediction."""


def box_figures(splits: Splits, evaluation: Evaluation, *, most: int = 9) -> list[Figure]:
    """The worst, some typical and the best predictions of the last split (test, or val).

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
    colours = plots.colours(len(splits.labels))

    def show(index: int) -> Shown:
        right, missed, false = counts[index]
        boxes, labels = predictions["boxes"][index][drawn[index]], predictions["labels"][index][drawn[index]]
        picture = draw_boxes(examples.inputs[int(index)], truth[index], boxes, labels, colours)
        caption = f"{right} right" + (f", {missed} missed" if missed else "") + (f", {false} wrong" if false else "")
        return Shown(png_uri(picture, most=SIDE), caption, examples.where[index], right=not (missed or false))

    legend = Figure("Classes by colour", [Shown(svg_uri(plots.legend(splits.labels, colours)), "")])
    kinds = {"Worst": order[:most], "Typical": order[middle : middle + most], "Best": order[::-1][:most]}
    text = (
        "Thick boxes are predictions, thin white boxes the ground truth. A prediction is right if it overlaps a box of "
        f"its class by at least {OVERLAP:.0%} (IoU)."
    )
    return [
        legend,
        *(
            Figure(f"{kind} predictions ({name})", [show(index) for index in chosen], text, width=SIDE)
            for kind, chosen in kinds.items()
        ),
    ]


def draw_boxes(
    pixels: np.ndarray, truth: np.ndarray, boxes: np.ndarray, labels: np.ndarray, colours: np.ndarray
) -> np.ndarray:
    """A picture with true and predicted boxes, enlarged to 320 pixels if it is smaller.

    Args:
        pixels: (height, width, 3), uint8.
        truth: True boxes, drawn thin and white: (boxes, 5), left, top, right, bottom in pixels and the class index;
            -1 for no box.
        boxes: Predicted boxes, drawn thick and in the colour of their class, (predictions, 4).
        labels: Class index of each predicted box, (predictions,).
        colours: Colours of the classes, (classes, 3), in [0, 255].
    """
    scale = max(1.0, SIDE / max(pixels.shape[:2]))
    image = Image.fromarray(pixels).resize((round(pixels.shape[1] * scale), round(pixels.shape[0] * scale)))
    draw = ImageDraw.Draw(image)
    for box, label in zip(boxes, labels, strict=True):
        draw.rectangle(_ordered(box * scale), outline=tuple(colours[label].round().astype(int).tolist()), width=3)
    for row in truth[truth[:, 4] >= 0]:
        draw.rectangle(_ordered(row[:4] * scale), outline="white", width=1)
    return np.asarray(image)


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
