"""Figures of a report: plots, and pictures or texts with their predictions."""

from __future__ import annotations

import base64
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import keras
import numpy as np

from tfft.data.examples import Pictures, Splits, Texts
from tfft.data.findings import CHECKS, audit_summary
from tfft.errors import counted
from tfft.evaluation.calibration import confidence as confidence_of
from tfft.evaluation.evaluation import Evaluation
from tfft.evaluation.metrics import classes_of
from tfft.models.explaining import heat_maps
from tfft.reporting import plots
from tfft.reporting.heat import heated
from tfft.reporting.words import SPLITS
from tfft.training.suspects import Suspect


@dataclass(frozen=True)
class Shown:
    """One picture or text of a figure, with its caption."""

    image: str
    """A data URI; empty for a text."""
    caption: str
    """Also what a reader who does not see the picture is told."""
    detail: str = ""
    right: bool | None = None
    """Whether the prediction is right; None where it can be more or less right."""
    text: str = ""
    """A text instead of a picture."""
    pair: str = ""
    """The index of the true and of the predicted class, `"0,2"`, if a cell of a matrix shows this."""


@dataclass(frozen=True)
class Matrix:
    """A confusion matrix that can be sorted and clicked."""

    counts: list[list[int]]
    """Rows true, columns predicted."""
    labels: list[str]
    clickable: bool = True
    """Whether a cell shows the mistakes behind it."""

    @property
    def by_name(self) -> list[int]:
        """The classes in their order."""
        return list(range(len(self.labels)))

    @property
    def by_mistakes(self) -> list[int]:
        """The classes by the number of mistakes that involve them, the most first."""
        counts = np.array(self.counts)
        mistakes = counts.sum(axis=0) + counts.sum(axis=1) - 2 * counts.diagonal()
        return np.argsort(-mistakes, kind="stable").tolist()


@dataclass(frozen=True)
class Figure:
    """A titled figure of a report: plots, or several pictures."""

    title: str
    pictures: Sequence[Shown] = ()
    text: str = ""
    width: int = 160
    """Width of each picture on the page, in pixels."""
    small: bool = True
    """Whether they are pictures or texts of the data; False for plots, which are as large as they are."""
    legend: Sequence[tuple[str, str]] = ()
    """Colours, as in CSS, and what they mean."""
    matrix: Matrix | None = None
    most: int = 1000
    """How many pictures are shown at first; the others where a cell of a matrix asks for them."""
    mistakes: bool = False
    """Whether these are the pictures that the cells of the matrix ask for."""


MOST_CLASSES = 40
"""Most rows of a readable confusion matrix; of more classes, those with the most mistakes are shown."""
MOST_CHARACTERS = 600
"""Characters of a text that are shown."""
MOST_MISTAKES = 120
"""Mistakes in a report, which the cells of the confusion matrix show."""
MOST_OF_PAIR = 8
"""Of them with the same true and predicted class."""
QUALITY = 85
"""Of JPEG: a tenth of the size of PNG, without differences that can be seen."""


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


def shortened(text: str) -> str:
    """The beginning of a long text."""
    return text if len(text) <= MOST_CHARACTERS else text[:MOST_CHARACTERS] + " [...]"


def suspect_figure(splits: Splits, doubted: Sequence[Suspect], *, most: int = 24) -> Figure:
    """The examples whose labels are most probably wrong.

    Args:
        splits: The data.
        doubted: The likeliest first.
        most: Number of pictures or texts that are shown.
    """

    def show(suspect: Suspect) -> Shown:
        examples = getattr(splits, suspect.split)
        texts = examples.texts if isinstance(examples, Texts) else None
        return Shown(
            image=picture_uri(examples.inputs[suspect.position]) if texts is None else "",
            text="" if texts is None else shortened(texts[suspect.position]),
            caption=f"labelled {suspect.given}, probably {suspect.likely}",
            detail=f"{suspect.where} ({suspect.split}); {suspect.reason}",
        )

    shown = doubted[:most]
    return Figure(
        "Likely label errors",
        [show(suspect) for suspect in shown],
        f"{counted(len(doubted), 'label')} that other examples contradict, the likeliest first. All of them are in "
        "suspects.csv, with the reason.",
        width=340 if isinstance(splits.train, Texts) else 160,
    )


def audit_figure(splits: Splits, *, most: int = 24, of_each: int = 4) -> Figure:
    """What is odd about the data, and examples of it that are in a split.

    Args:
        splits: The data.
        most: Number of pictures or texts that are shown.
        of_each: Number of those of one check.
    """
    places = {where: (name, index) for name, examples in splits.items() for index, where in enumerate(examples.where)}
    counts: Counter[str] = Counter()
    shown: list[Shown] = []
    for finding in splits.findings:
        if finding.where not in places or counts[finding.check] >= of_each or len(shown) >= most:
            continue
        counts[finding.check] += 1
        split, index = places[finding.where]
        examples = getattr(splits, split)
        texts = examples.texts if isinstance(examples, Texts) else None
        shown.append(
            Shown(
                image=picture_uri(examples.inputs[index]) if texts is None else "",
                text="" if texts is None else shortened(texts[index]),
                caption=finding.check,
                detail=f"{finding.where} ({split}); {finding.detail}",
            )
        )
    said = (f"{count:,} {check} ({CHECKS[check]})" for check, count in audit_summary(splits.findings).items())
    return Figure(
        "Audit of the data",
        shown,
        f"Odd among the data: {'; '.join(said)}. All of them are in audit.json.",
        width=340 if isinstance(splits.train, Texts) else 160,
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


def picture_uri(pixels: np.ndarray, *, most: int = 160) -> str:
    """Pixels, (height, width, 3), uint8, as a JPEG data URI of at most `most` pixels per side."""
    from PIL import Image

    image = Image.fromarray(pixels)
    image.thumbnail((most, most))
    file = io.BytesIO()
    image.save(file, format="JPEG", quality=QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()


def svg_uri(svg: str) -> str:
    """SVG text as a data URI."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
