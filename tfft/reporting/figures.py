"""The parts of a report that a person looks at: plots, and pictures or texts with what was said of them."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tfft.data.examples import Splits, Texts
from tfft.evaluation.evaluation import Evaluation
from tfft.reporting import plots


@dataclass(frozen=True)
class Shown:
    """One picture or text of a figure, with its words."""

    image: str
    """A data URI; empty for a text."""
    caption: str
    detail: str = ""
    right: bool | None = None
    """Whether what was predicted is true; None where there is more or less of it."""
    text: str = ""
    """A text in place of a picture."""


@dataclass(frozen=True)
class Figure:
    """A titled figure of a report: one plot, or some pictures."""

    title: str
    pictures: Sequence[Shown]
    text: str = ""
    width: int = 160
    """Of each picture on the page, in pixels."""


MOST_CLASSES = 40
"""Rows of a confusion matrix that a person can read; of more classes, those with the most mistakes are shown."""


MOST_CHARACTERS = 600
"""Of a text that is shown."""


def class_figures(splits: Splits, evaluation: Evaluation, *, most: int = 12) -> list[Figure]:
    """Confusion matrix, the most confident mistakes and some right answers of the last split (test, or val).

    Args:
        splits: The data.
        evaluation: With probabilities by split, (examples, classes).
        most: How many pictures or texts to show of each kind.
    """
    name, examples = list(splits.items())[-1]
    probabilities = evaluation.predictions[name]
    predicted, confidence = probabilities.argmax(-1), probabilities.max(-1)
    wrong = np.flatnonzero(predicted != examples.targets)
    right = np.flatnonzero(predicted == examples.targets)
    mistakes = wrong[np.argsort(-confidence[wrong], kind="stable")][:most]
    # spread over the split, so that every class has a chance to be seen
    spread = right[np.linspace(0, len(right) - 1, min(most, len(right))).round().astype(int)] if len(right) else right

    def show(index: int) -> Shown:
        true, said = splits.labels[examples.targets[index]], splits.labels[predicted[index]]
        content = {"text": shortened(examples.texts[index])} if isinstance(examples, Texts) else {}
        return Shown(
            image="" if content else png_uri(examples.inputs[index]),
            **content,
            caption=f"{said} {confidence[index]:.0%}" + ("" if said == true else f", is {true}"),
            detail=examples.where[index],
            right=said == true,
        )

    width = {"width": 340} if isinstance(examples, Texts) else {}
    counts = (f"{len(some)} of {len(examples)}" for some in (wrong, right))
    return [
        _confusion_figure(name, examples.targets, predicted, splits.labels),
        Figure(f"Most confident mistakes ({name})", [show(i) for i in mistakes], next(counts), **width),
        Figure(f"Right answers ({name})", [show(i) for i in spread], next(counts), **width),
    ]


def shortened(text: str) -> str:
    """The beginning of a long text."""
    return text if len(text) <= MOST_CHARACTERS else text[:MOST_CHARACTERS] + " [...]"


def _confusion_figure(name: str, targets: np.ndarray, predicted: np.ndarray, labels: Sequence[str]) -> Figure:
    wrong = predicted != targets
    mistakes = np.bincount(np.concatenate([targets[wrong], predicted[wrong]]), minlength=len(labels))
    chosen = np.sort(np.argsort(-mistakes, kind="stable")[:MOST_CLASSES])
    place = np.full(len(labels), -1)
    place[chosen] = np.arange(len(chosen))
    inside = (place[targets] >= 0) & (place[predicted] >= 0)
    matrix = np.zeros((len(chosen), len(chosen)), int)
    np.add.at(matrix, (place[targets[inside]], place[predicted[inside]]), 1)
    plot = plots.confusion(matrix, [labels[index] for index in chosen])
    cut = f"the {len(chosen)} of {len(labels)} classes with the most mistakes; " if len(chosen) < len(labels) else ""
    return Figure(f"Confusion matrix ({name})", [Shown(svg_uri(plot), f"{cut}rows true, columns predicted")])


def png_uri(pixels: np.ndarray, *, most: int = 160) -> str:
    """Pixels, (height, width, 3), uint8, as a PNG data URI of at most `most` pixels a side."""
    from PIL import Image

    image = Image.fromarray(pixels)
    image.thumbnail((most, most))
    file = io.BytesIO()
    image.save(file, format="PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def svg_uri(svg: str) -> str:
    """SVG text as a data URI."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
