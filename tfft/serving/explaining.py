"""Why a model answers as it does: the parts of a picture, or the words of a text, that speak for its answer."""

from __future__ import annotations

import itertools
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from rich.console import Console

from tfft import files, reporting
from tfft.errors import ConfigError
from tfft.evaluation.metrics import classes_of
from tfft.models.explaining import heat_maps
from tfft.reporting.tables import shown
from tfft.serving.answers import Answer, Unreadable
from tfft.serving.asked import Read
from tfft.serving.job import BATCH
from tfft.serving.predictor import Predictor, answer_of

logger = logging.getLogger(__name__)

EXPLAINED = ("classification", "multilabel", "regression")
"""Tasks whose answers can be explained: those with one vector for each input."""
LONGEST_NAME = 80
"""Characters of a file's name, without its number."""
WORDS = re.compile(r"[^\s!-/:-@\[-`{-~\u2000-\u206f\u3000-\u303f]+")
"""Words: all but spaces and punctuation; vowel signs, as of Thai or Hindi, belong to their letters."""
MOST_WORDS = 200
"""Words of a text that are left out one after the other."""


@dataclass(frozen=True, eq=False)
class Explained:
    """An answer with what speaks for it."""

    answer: Answer
    label: str
    """The class or quantity that is explained."""
    picture: np.ndarray | None = None
    """The picture with a heat map over it, (height, width, 3), uint8, at the size of the model; None for texts."""
    words: tuple[tuple[str, float], ...] = ()
    """Each word of a text, and how much less probable the class is without it; empty for pictures."""

    def __str__(self) -> str:
        words = sorted(self.words, key=lambda pair: -abs(pair[1]))[:8]
        said = ", ".join(f"{word} {weight:+.3f}" for word, weight in words)
        return f"{self.answer}" + (f"; {said}" if said else "")


def explain(predict: Predictor, inputs: Any) -> Iterator[Explained | Unreadable]:
    """Yields an explanation for each input.

    Pictures are explained by Grad-CAM, see `heat_maps`; texts by leaving out one word after the other (occlusion,
    Zeiler and Fergus 2014, arXiv:1311.2901), which needs no gradient and holds for any tokenizer.

    Args:
        predict: The model.
        inputs: As `predict` takes them.

    Raises:
        ConfigError: If answers of the task cannot be explained, or the model has no feature maps.
    """
    if predict.task not in EXPLAINED:
        raise ConfigError(
            f"Answers of {predict.task} cannot be explained", fix=f"Explain a run of {', '.join(EXPLAINED)}"
        )
    pairs = predict.raw(predict.reader.items(inputs))
    while batch := list(itertools.islice(pairs, BATCH)):
        readable = [(read, output) for read, output in batch if not isinstance(read, Unreadable)]
        explained = iter(_pictures(predict, readable) if predict.noun == "pictures" else _texts(predict, readable))
        for read, _ in batch:
            yield read if isinstance(read, Unreadable) else next(explained)


def _index(predict: Predictor, output: np.ndarray) -> int:
    """The output to explain: of classes the answer, else the largest."""
    cuts = predict.contract.thresholds
    if predict.task == "classification" and cuts is not None:
        return int(classes_of(output[None], np.array(cuts))[0])
    return int(np.argmax(output))


def _pictures(predict: Predictor, pairs: list[tuple[Read, Any]]) -> Iterator[Explained]:
    if not pairs:
        return
    pixels = np.stack([read.row for read, _ in pairs])
    indices = np.array([_index(predict, output) for _, output in pairs])
    heats = heat_maps(predict.model, pixels, indices)
    if heats is None:
        raise ConfigError(f"The model in {predict.folder} has no feature maps", fix="Explain a convolutional network")
    for (read, output), index, heat in zip(pairs, indices, heats, strict=True):
        answer = answer_of(predict.contract, read, output)
        yield Explained(answer, predict.labels[index], reporting.heated(read.row, heat))


def _texts(predict: Predictor, pairs: list[tuple[Read, Any]]) -> Iterator[Explained]:
    for read, output in pairs:
        index = _index(predict, output)
        spans = [match.span() for match in WORDS.finditer(read.row)][:MOST_WORDS]
        spans = spans if len(spans) > 1 else []  # without its only word a text is empty
        without = [read.row[:start] + read.row[end:] for start, end in spans]
        chances = [float(other[index]) for _, other in predict.raw(predict.reader.items(without))] if without else []
        words = tuple(
            (read.row[start:end], float(output[index]) - chance)
            for (start, end), chance in zip(spans, chances, strict=True)
        )
        yield Explained(answer_of(predict.contract, read, output), predict.labels[index], words=words)


def show(explained: Explained | Unreadable) -> None:
    """Prints an answer, and of a text the words that speak most for or against it."""
    Console().print(shown(explained), soft_wrap=True, highlight=False)


def write_picture(explained: Explained, number: int, folder: Path) -> None:
    """Writes an explained picture as a PNG, named by its number and its name; the folder is made if necessary."""
    folder.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[^\w.-]+", "_", Path(str(explained.answer.input)).stem)[:LONGEST_NAME]
    with files.replacing(folder / f"{number:05d}_{name}.png") as temporary:
        Image.fromarray(explained.picture).save(temporary, format="PNG")
