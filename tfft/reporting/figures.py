"""Figures of a report: plots, and pictures or texts with their predictions."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

MOST_CLASSES = 40
"""Most rows of a readable confusion matrix; of more classes, those with the most mistakes are shown."""
MOST_CHARACTERS = 600
"""Characters of a text that are shown."""
QUALITY = 85
"""Of JPEG: a tenth of the size of PNG, without differences that can be seen."""


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


def shortened(text: str) -> str:
    """The beginning of a long text."""
    return text if len(text) <= MOST_CHARACTERS else text[:MOST_CHARACTERS] + " [...]"


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
