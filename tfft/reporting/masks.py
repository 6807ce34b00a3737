"""Figures of a report on masks: pictures with true and predicted masks over them."""

from __future__ import annotations

import keras
import numpy as np

from tfft.data.examples import Splits
from tfft.evaluation.evaluation import Evaluation
from tfft.reporting import plots
from tfft.reporting.figures import Figure, Shown, picture_uri
from tfft.reporting.words import SPLITS

OPACITY = 0.55
"""Of the colours over a picture."""


def mask_figures(splits: Splits, evaluation: Evaluation, model: keras.Model, *, most: int = 9) -> list[Figure]:
    """The worst, some typical and the best predictions of the last split (test, or val).

    Args:
        splits: The data.
        evaluation: With a confusion matrix for each picture, (examples, classes, classes), by split.
        model: Predicts the masks of the pictures that are shown.
        most: Number of pictures of each kind.
    """
    name, examples = list(splits.items())[-1]
    confusions = evaluation.predictions[name]
    pixels = confusions.sum(axis=(1, 2))
    right = np.where(pixels, np.trace(confusions, axis1=1, axis2=2) / np.maximum(pixels, 1), 1)
    order = np.argsort(right, kind="stable")
    middle = max(0, len(order) // 2 - most // 2)
    colours = plots.colours(len(splits.labels))

    def show(index: int) -> Shown:
        place = np.array([index])
        (picture,), (truth,) = examples.inputs[place], examples.targets[place]
        predicted = model.predict_on_batch(picture[None].astype("float32"))[0].argmax(axis=-1)
        return Shown(
            image=picture_uri(panels(picture, truth, predicted, colours), most=480),
            caption=f"{right[index]:.1%} of the pixels right",
            detail=examples.where[index],
        )

    legend = Figure("Classes by colour", legend=plots.legend(splits.labels, colours))
    kinds = {"Worst": order[:most], "Typical": order[middle : middle + most], "Best": order[::-1][:most]}
    text = "Picture, ground truth, prediction. Dark pixels of the ground truth are ignored."
    return [
        legend,
        *(
            Figure(f"{kind} predictions ({SPLITS[name]})", [show(index) for index in chosen], text, width=480)
            for kind, chosen in kinds.items()
        ),
    ]


def panels(picture: np.ndarray, truth: np.ndarray, predicted: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """A picture, (height, width, 3), and beside it the same in the colours of the true and of the predicted classes,
    (height, 3 * width, 3), uint8."""
    return np.concatenate([picture, laid_over(picture, truth, colours), laid_over(picture, predicted, colours)], axis=1)


def laid_over(picture: np.ndarray, mask: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """A picture in the colours of its classes, (height, width, 3), uint8; ignored pixels are dark."""
    table = np.zeros((256, 3))
    table[: len(colours)] = colours
    return np.rint((1 - OPACITY) * picture + OPACITY * table[mask]).astype(np.uint8)
