"""What a model answers for one picture or text: small values that print well and turn into JSON and into rows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tfft.errors import counted, listed, printable

Cells = dict[str, Any]
"""Cells of a table by column."""


@dataclass(frozen=True)
class Label:
    """The class of a picture or text."""

    input: str
    """Where the input is from: a path, or its number."""
    label: str
    """The most probable class, or of two classes that which the threshold of the positive one decides for."""
    probability: float
    """In [0, 1]."""
    probabilities: Mapping[str, float] = field(repr=False)
    """Of all classes, the most probable first."""

    def top(self, count: int) -> dict[str, float]:
        """The most probable classes with their probabilities."""
        return dict(list(self.probabilities.items())[:count])

    def json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "input": self.input,
            "label": self.label,
            "probability": self.probability,
            "probabilities": dict(self.probabilities),
        }

    def rows(self, top: int = 3) -> list[Cells]:
        """One row; of the classes after the first, `top` - 1."""
        row: Cells = {"input": self.input, "label": self.label, "probability": self.probability}
        for place, (label, probability) in enumerate(list(self.top(top).items())[1:], start=2):
            row |= {f"label_{place}": label, f"probability_{place}": probability}
        return [row]

    def __str__(self) -> str:
        first, *others = (f"{name} {value:.1%}" for name, value in self.top(3).items())
        return printable(f"{self.input}: {first}" + (f" ({', '.join(others)})" if others else ""))


@dataclass(frozen=True)
class Tags:
    """The labels of a picture, any number."""

    input: str
    tags: tuple[str, ...]
    """Labels whose probability is at least their threshold, the most probable first."""
    probabilities: Mapping[str, float] = field(repr=False)
    """Of all labels, in their order."""
    thresholds: Mapping[str, float] = field(repr=False)
    """Of all labels, chosen on validation."""

    def json(self) -> dict[str, Any]:
        """As JSON values."""
        return {"input": self.input, "tags": list(self.tags), "probabilities": dict(self.probabilities)}

    def rows(self, top: int = 3) -> list[Cells]:
        """One row; labels and their probabilities are joined with `|`, and each label has a column."""
        return [
            {
                "input": self.input,
                "label": "|".join(self.tags),
                "probability": "|".join(f"{self.probabilities[tag]:.6g}" for tag in self.tags),
                **{f"p({label})": value for label, value in self.probabilities.items()},
            }
        ]

    def __str__(self) -> str:
        named = listed(f"{tag} {self.probabilities[tag]:.1%}" for tag in self.tags) or "no label"
        return printable(f"{self.input}: {named}")


@dataclass(frozen=True)
class Numbers:
    """The numbers of a picture, in the units of the training data."""

    input: str
    values: Mapping[str, float]
    """By the name of the quantity."""

    @property
    def units(self) -> dict[str, str]:
        """The units of quantities that name one: `"width (cm)"`, `"weight [kg]"`."""
        found = {name: re.search(r"[(\[]([^()\[\]]+)[)\]]\s*$", name) for name in self.values}
        return {name: match[1] for name, match in found.items() if match}

    def json(self) -> dict[str, Any]:
        """As JSON values."""
        units = self.units
        return {"input": self.input, "values": dict(self.values), **({"units": units} if units else {})}

    def rows(self, top: int = 3) -> list[Cells]:
        """One row, with a column for each quantity."""
        taken = ("input", "error")  # of all answers
        named = {f"value({name})" if name in taken else name: value for name, value in self.values.items()}
        return [{"input": self.input, **named}]

    def __str__(self) -> str:
        return printable(f"{self.input}: " + ", ".join(f"{name} {value:.6g}" for name, value in self.values.items()))


@dataclass(frozen=True)
class Box:
    """An object in a picture; corners are in pixels of the picture as it stands upright."""

    label: str
    probability: float
    """In [0, 1]: the score of the detector."""
    left: float
    top: float
    right: float
    bottom: float

    @property
    def corners(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom."""
        return self.left, self.top, self.right, self.bottom

    def json(self) -> dict[str, Any]:
        """As JSON values."""
        return dict(vars(self))

    def __str__(self) -> str:
        left, top, right, bottom = map(round, self.corners)
        return f"{self.label} {self.probability:.0%} from ({left}, {top}) to ({right}, {bottom})"


@dataclass(frozen=True)
class Boxes:
    """The objects of a picture whose scores are at least the thresholds of their classes, the best first."""

    input: str
    boxes: tuple[Box, ...]
    size: tuple[int, int]
    """Height and width of the picture as it stands upright, in pixels."""

    def json(self) -> dict[str, Any]:
        """As JSON values."""
        return {"input": self.input, "boxes": [box.json() for box in self.boxes], "size": list(self.size)}

    def rows(self, top: int = 3) -> list[Cells]:
        """A row for each box, or one without a label."""
        if not self.boxes:
            return [{"input": self.input}]
        return [
            {"input": self.input, "label": box.label, "probability": box.probability,
             **{side: round(getattr(box, side), 2) for side in ("left", "top", "right", "bottom")}}
            for box in self.boxes
        ]  # fmt: skip

    def __str__(self) -> str:
        named = "; ".join(map(str, self.boxes))
        return printable(f"{self.input}: {counted(len(self.boxes), 'box', 'boxes')}{f': {named}' if named else ''}")


@dataclass(frozen=True, eq=False)
class Mask:
    """The class of each pixel of a picture."""

    input: str
    mask: np.ndarray = field(repr=False)
    """Index of the class in `legend`, (height, width), uint8, at the size of the upright picture."""
    legend: tuple[str, ...]
    """Names of the classes."""

    @property
    def shares(self) -> dict[str, float]:
        """The share of the pixels of each class that occurs, the largest first."""
        counts = np.bincount(self.mask.ravel(), minlength=len(self.legend)) / self.mask.size
        order = np.argsort(-counts, kind="stable")
        return {self.legend[index]: float(counts[index]) for index in order if counts[index]}

    def json(self) -> dict[str, Any]:
        """As JSON values; the mask as runs of equal pixels, row by row: `[[class index, pixels], ...]`."""
        flat = self.mask.ravel()
        starts = np.flatnonzero(np.diff(flat, prepend=-1))
        lengths = np.diff(np.append(starts, flat.size))
        runs = np.stack([flat[starts], lengths], axis=1).tolist()
        size = list(self.mask.shape)
        return {"input": self.input, "shares": self.shares, "legend": list(self.legend), "size": size, "runs": runs}

    def rows(self, top: int = 3) -> list[Cells]:
        """One row: the largest class, its share, and the share of each class."""
        shares = self.shares
        label, share = next(iter(shares.items()))
        each = {f"share({name})": shares.get(name, 0.0) for name in self.legend}
        return [{"input": self.input, "label": label, "share": share, **each}]

    def __str__(self) -> str:
        named = ", ".join(f"{name} {share:.1%}" for name, share in self.shares.items())
        return printable(f"{self.input}: {named}")


@dataclass(frozen=True)
class Text:
    """A generated text."""

    input: str
    text: str
    source: str = field(repr=False)
    """The text that it was generated from."""

    def json(self) -> dict[str, Any]:
        """As JSON values."""
        return dict(vars(self))

    def rows(self, top: int = 3) -> list[Cells]:
        """One row."""
        return [{"input": self.input, "text": self.text, "source": self.source}]

    def __str__(self) -> str:
        return printable(f"{self.input}: {self.text}")


@dataclass(frozen=True)
class Unreadable:
    """An input that cannot be read."""

    input: str
    error: str
    """The reason."""

    def __getattr__(self, name: str) -> Any:
        """Says why there is no answer, where a part of one is asked for."""
        if name.startswith("__"):  # of `copy` and `pickle`
            raise AttributeError(name)
        raise AttributeError(f"{self.input} cannot be read ({self.error}), so it has no `{name}`")

    def json(self) -> dict[str, Any]:
        """As JSON values."""
        return {"input": self.input, "error": self.error}

    def rows(self, top: int = 3) -> list[Cells]:
        """One row."""
        return [{"input": self.input, "error": self.error}]

    def __str__(self) -> str:
        return printable(f"{self.input}: cannot be read ({self.error})")


Answer = Label | Tags | Numbers | Boxes | Mask | Text | Unreadable


def columns_of(task: str, labels: tuple[str, ...], top: int = 3) -> dict[str, type]:
    """The columns of a table of answers and their types: `input`, what the rows of the answers have, and `error`."""
    every = dict.fromkeys(labels, 0.0)
    match task:
        case "classification":
            example: Any = Label("", labels[0], 0.0, every)
        case "multilabel":
            example = Tags("", (), every, every)
        case "regression":
            example = Numbers("", every)
        case "detection":
            example = Boxes("", (Box("", 0.0, 0.0, 0.0, 0.0, 0.0),), (1, 1))
        case "segmentation":
            example = Mask("", np.zeros((1, 1), np.uint8), labels)
        case _:
            example = Text("", "", "")
    return {**{name: type(value) for name, value in example.rows(top)[0].items()}, "error": str}
