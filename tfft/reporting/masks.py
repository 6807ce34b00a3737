"""What a report shows of masks: pictures with the truth and the answer laid over them."""

from __future__ import annotations

import keras
import numpy as np

from tfft.data.examples import Splits
from tfft.evaluation.evaluation import Evaluation
from tfft.reporting import plots
from tfft.reporting.figures import Figure, Shown, png_uri, svg_uri

OPACITY = 0.55


def mask_figures(splits: Splits, evaluation: Evaluation, model: keras.Model, *, most: int = 9) -> list[Figure]:
    """The worst, some typical and the best answers of the last split (test, or val), beside picture and truth.

    Args:
        splits: The data.
        evaluation: With a confusion matrix for each picture, (examples, classes, classes), by split.
        model: Answers for the pictures that are shown.
        most: How many pictures to show of each kind.
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
        answer = model.predict_on_batch(picture[None].astype("float32"))[0].argmax(axis=-1)
        panels = [picture, _laid_over(picture, truth, colours), _laid_over(picture, answer, colours)]
        return Shown(
            image=png_uri(np.concatenate(panels, axis=1), most=480),
            caption=f"{right[index]:.1%} of the pixels right",
            detail=examples.where[index],
        )

    legend = Figure("Classes by colour", [Shown(svg_uri(plots.legend(splits.labels, colours)), "")])
    kinds = {"Worst": order[:most], "Typical": order[middle : middle + most], "Best": order[::-1][:most]}
    text = "Picture, truth, answer; what is dark in the truth does not count."
    return [
        legend,
        *(
            Figure(f"{kind} answers ({name})", [show(index) for index in chosen], text, width=480)
            for kind, chosen in kinds.items()
        ),
    ]


def _laid_over(picture: np.ndarray, mask: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """A picture with the colours of its classes, (height, width, 3), uint8; dark where a pixel does not count."""
    table = np.zeros((256, 3))
    table[: len(colours)] = colours
    return np.rint((1 - OPACITY) * picture + OPACITY * table[mask]).astype(np.uint8)
