"""Figures of a report: plots, and pictures or texts with their predictions."""

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
    """One picture or text of a figure, with its caption."""

    image: str
    """A data URI; empty for a text."""
    caption: str
    detail: str = ""
    right: bool | None = None
    """Whether the prediction is right; None where it can be more or less right."""
    text: str = ""
    """A text instead of a picture."""


@dataclass(frozen=True)
class Figure:
    """A titled figure of a report: one plot, or several pictures."""

    title: str
    pictures: Sequence[Shown]
    text: str = ""
    width: int = 160
    """Width of each picture on the page, in pixels."""


MOST_CLASSES = 40
"""Most rows of a readable confusion matrix; of more classes, those with the most mistakes are shown."""


MOST_CHARACTERS = 600
"""Characters of a text that are shown."""


def class_figures(splits: Splits, evaluation: Evaluation, *, most: int = 12) -> list[Figure]:
    """Confusion matrix, most confident mistakes and some correct predictions of the last split (test, or val).

    Args:
        splits: The data.
        evaluation: With probabilities by split, (examples, classes).
        most: Number of pictures or texts of each kind.
    """
    name, examples = list(splits.items())[-1]
    probabilities = evaluation.predictions[name]
    predicted, confidence = probabilities.argmax(-1), probabilities.max(-1)
    wrong = np.flatnonzero(predicted != examples.targets)
    right = np.flatnonzero(predicted == examples.targets)
    mistakes = wrong[np.argsort(-confidence[wrong], kind="stable")][:most]
    # spread over the split, so that every class can appear
    spread = right[np.linspace(0, len(right) - 1, min(most, len(right))).round().astype(int)] if len(right) else right

    def show(index: int) -> Shown:
        true, guess = splits.labels[examples.targets[index]], splits.labels[predicted[index]]
        content = {"text": shortened(examples.texts[index])} if isinstance(examples, Texts) else {}
        return Shown(
            image="" if content else png_uri(examples.inputs[index]),
            **content,
            caption=f"{guess} ({confidence[index]:.0%})" + ("" if guess == true else f", true: {true}"),
            detail=examples.where[index],
            right=guess == true,
        )

    width = {"width": 340} if isinstance(examples, Texts) else {}
    counts = (f"{len(group)} of {len(examples)}" for group in (wrong, right))
    return [
        _confusion_figure(name, examples.targets, predicted, splits.labels),
        Figure(f"Most confident mistakes ({name})", [show(i) for i in mistakes], next(counts), **width),
        Figure(f"Correct predictions ({name})", [show(i) for i in spread], next(counts), **width),
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
    """Pixels, (height, width, 3), uint8, as a PNG data URI of at most `most` pixels per side."""
    from PIL import Image

    image = Image.fromarray(pixels)
    image.thumbnail((most, most))
    file = io.BytesIO()
    image.save(file, format="PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def svg_uri(svg: str) -> str:
    """SVG text as a data URI."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
