"""A trained model with everything around it: from files, arrays or texts to answers."""

from __future__ import annotations

import itertools
import os
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import tree
from PIL import Image

from tfft import extras
from tfft.errors import ConfigError, check_range, counted
from tfft.evaluation.metrics import classes_of
from tfft.serving.answers import Answer, Box, Boxes, Label, Mask, Numbers, Tags, Text, Unreadable
from tfft.serving.asked import Asked, Read
from tfft.serving.bundle import open_model
from tfft.serving.contract import Contract, PictureInput, read_contract
from tfft.serving.job import BATCH, MOST_TOGETHER
from tfft.serving.outputs import Outputs, mirrored_too, outputs_of
from tfft.serving.picture_reader import PictureReader
from tfft.serving.text_reader import TextReader
from tfft.threads import in_threads

AHEAD = 3
"""Batches that are read ahead of the model."""


@dataclass(frozen=True, eq=False, repr=False)
class Predictor:
    """A trained model that answers for files, arrays or texts; `tfft.open` makes one.

    Example:

        predict = tfft.open("runs/mine")
        predict("ant.jpg")                  # one answer
        predict(["a.jpg", "b.png"])         # a list of answers
        predict("pictures/")                # one for each picture in the folder
    """

    folder: Path
    """The run folder."""
    contract: Contract
    model: keras.Model = field(repr=False)
    """The saved model."""
    outputs: Outputs = field(repr=False)
    """From a batch, pixels or texts, to outputs as numbers."""
    reader: PictureReader | TextReader = field(repr=False)

    def __repr__(self) -> str:
        labels = f", {counted(len(self.labels), 'label')}" if self.labels else ""
        return f"<{self.task} of {self.noun}{labels}, {self.folder}>"

    @property
    def task(self) -> str:
        """What the model does: `classification`, `detection`, ..."""
        return self.contract.task

    @property
    def labels(self) -> list[str]:
        """Names of the classes or quantities."""
        return list(self.contract.labels)

    @property
    def noun(self) -> str:
        """What the model takes: `pictures` or `texts`."""
        return f"{self.contract.input.described['kind']}s"

    def __call__(self, inputs: Any, *, tta: bool = False, batch_size: int = BATCH) -> Answer | list[Answer]:
        """Answers for one input, or for each of several.

        Args:
            inputs: For pictures a path, the bytes of a file, a picture of Pillow, or an array, (height, width, 3), of
                any size, in [0, 255]; for texts a string. Or several: a list of these, an array with one more axis, a
                folder, or a table, whose column `path` or that of the run is used.
            tta: Whether to take the mean over each picture and its mirror image.
            batch_size: Inputs in a batch.

        Returns:
            One answer, or a list. An input that cannot be read gives an `Unreadable` with the reason.

        Raises:
            DataError: If a folder is empty, or a table cannot be read.
            ConfigError: If the inputs are of no kind that a model can take.
        """
        answers = list(self.answers(self.reader.items(inputs), tta=tta, batch_size=batch_size))
        return answers[0] if self.reader.is_one(inputs) else answers

    def answers(self, items: Iterable[Asked], *, tta: bool = False, batch_size: int = BATCH) -> Iterator[Answer]:
        """Answers one after another, in the order of the items; only a few batches are in memory."""
        for read, output in self.raw(items, tta=tta, batch_size=batch_size):
            yield read if isinstance(read, Unreadable) else answer_of(self.contract, read, output)

    def raw(
        self, items: Iterable[Asked], *, tta: bool = False, batch_size: int = BATCH
    ) -> Iterator[tuple[Read | Unreadable, Any]]:
        """Each input as it was read, and the outputs of the model for it, at the model's size; None if unreadable."""
        check_range("batch_size", batch_size, least=1, most=MOST_TOGETHER)
        outputs = mirrored_too(self.outputs, self.contract) if tta else self.outputs
        # Pillow releases the interpreter lock while it decodes
        reads = in_threads(self.reader.read, items, ahead=AHEAD * batch_size)
        while True:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of Pillow, about odd metadata and sizes
                group = list(itertools.islice(reads, batch_size))
                good = [read for read in group if isinstance(read, Read)]
                found = iter(_rows(self._asked(outputs, good), len(good)) if good else [])
            if not group:
                return
            yield from ((read, next(found) if isinstance(read, Read) else None) for read in group)

    def _asked(self, outputs: Outputs, reads: Sequence[Read]) -> Any:
        """The outputs for a batch; raises `ConfigError` if the model, which may be from a stranger, cannot answer."""
        try:
            return outputs(self.reader.batch(reads))
        except tf.errors.ResourceExhaustedError:
            raise
        except (tf.errors.OpError, ValueError, TypeError, KeyError, IndexError) as error:
            first = str(error).strip().partition("\n")[0][:200]
            raise ConfigError(
                f"The model in {self.folder} cannot answer: {first}", fix="Copy the folder again"
            ) from error


def open_run(folder: str | os.PathLike[str], *, column: str | None = None, lines: bool = False) -> Predictor:
    """Opens the model of a finished run.

    Args:
        folder: The run folder; `model.keras` and `serving.json` suffice.
        column: Column of tables that has the paths or texts; None for that of the run.
        lines: Whether each line of a .txt file is a text of its own.

    Raises:
        ConfigError: If there is no finished run, or its files are damaged.
        MachineError: If the model is for texts, and the extra `text` is not installed.
    """
    folder = Path(folder)
    contract = read_contract(folder)
    takes = contract.input
    if isinstance(takes, PictureInput):
        reader: PictureReader | TextReader = PictureReader(takes.image_size, column or takes.column)
    else:
        extras.require("text")
        reader = TextReader(column or takes.column, lines)
    model = open_model(folder)
    try:
        outputs = outputs_of(model, contract, folder)
    except (KeyError, AttributeError, StopIteration, IndexError, TypeError) as error:
        raise ConfigError(
            f"model.keras and serving.json in {folder} do not belong together", fix="Copy the folder again"
        ) from error
    return Predictor(folder, contract, model, outputs, reader)


def _rows(outputs: Any, count: int) -> Sequence[Any]:
    """The outputs for each example of a batch."""
    if isinstance(outputs, list):  # generated texts
        return outputs
    return [tree.map_structure(lambda rows, place=place: rows[place], outputs) for place in range(count)]


def answer_of(contract: Contract, read: Read, output: Any) -> Answer:
    """The answer for one input.

    Args:
        contract: Of the model.
        read: The input.
        output: The outputs of the model for it.
    """
    labels, where = contract.labels, read.where
    match contract.task:
        case "classification":
            cuts = None if contract.thresholds is None else np.array(contract.thresholds)
            order, index = np.argsort(-output, kind="stable"), int(classes_of(output[None], cuts)[0])
            probabilities = {labels[index]: float(output[index]) for index in order}
            return Label(where, labels[index], float(output[index]), probabilities)
        case "multilabel":
            probabilities = dict(zip(labels, map(float, output), strict=True))
            thresholds = dict(zip(labels, contract.thresholds, strict=True))
            tags = [label for label in labels if probabilities[label] >= thresholds[label]]
            return Tags(where, tuple(sorted(tags, key=lambda tag: -probabilities[tag])), probabilities, thresholds)
        case "regression":
            return Numbers(where, dict(zip(labels, map(float, output), strict=True)))
        case "detection":
            return Boxes(where, tuple(_boxes(contract, read.size, output)), read.size)
        case "segmentation":
            return Mask(where, enlarged_mask(output, read.size), labels)
    return Text(where, output, read.row)


def _boxes(contract: Contract, size: tuple[int, int], output: Any) -> Iterator[Box]:
    """The boxes above the thresholds of their classes, in pixels of the picture."""
    (height, width), (rows, columns) = size, contract.input.image_size
    scale = np.array([width / columns, height / rows] * 2)
    for box, score, index in zip(output["boxes"], output["scores"], output["labels"], strict=True):
        if index >= len(contract.labels):
            raise ConfigError(
                f"The model predicts class {index}, but serving.json names only {len(contract.labels)} classes",
                fix="Copy the folder again",
            )
        if index >= 0 and score >= contract.thresholds[index]:
            yield Box(contract.labels[index], float(score), *(box * scale).tolist())


def enlarged_mask(probabilities: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The most probable class of each pixel of a picture, (height, width), uint8.

    Args:
        probabilities: At the size of the model, (rows, columns, classes); they are resized bilinearly.
        size: Height and width of the picture.
    """
    if probabilities.shape[:2] == size:
        return probabilities.argmax(axis=-1).astype(np.uint8)
    best, mask = np.full(size, -1, np.float32), np.zeros(size, np.uint8)
    for index in range(probabilities.shape[-1]):  # class by class: all at once may not fit into the memory
        plane = Image.fromarray(np.ascontiguousarray(probabilities[..., index], np.float32))
        plane = np.asarray(plane.resize(size[::-1], Image.Resampling.BILINEAR))
        better = plane > best
        mask[better], best[better] = index, plane[better]
    return mask
