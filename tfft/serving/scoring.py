"""Scores of a trained model on data with ground truth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from keras import tree
from tqdm import tqdm

from tfft import evaluation
from tfft.conventions import IGNORED
from tfft.data.records import Record
from tfft.data.targets import Form, Targets
from tfft.data.truths.mask_values import Ids
from tfft.errors import DataError, counted, listed
from tfft.serving.answers import Unreadable
from tfft.serving.asked import Asked
from tfft.serving.contract import Contract, PictureInput
from tfft.serving.predictor import Predictor
from tfft.store import Storage


@dataclass(frozen=True, eq=False)
class Truths:
    """Examples with what is true of them, in the labels of a run."""

    records: Sequence[Record]
    values: Any
    """Targets, indexable by position; for generated texts the references."""
    failed: Sequence[str] = ()
    """Which records were left out, and why."""

    def __len__(self) -> int:
        return len(self.records)

    @property
    def items(self) -> Iterator[Asked]:
        """The inputs."""
        return (Asked(record.where, record.content) for record in self.records)

    def first(self) -> Truths:
        """The first example alone."""
        return Truths(self.records[:1], self.at([0]))

    def at(self, positions: Sequence[int]) -> Any:
        """The values at some positions."""
        if isinstance(self.values, list):
            return [self.values[position] for position in positions]
        return self.values[np.asarray(positions, int)]


def truths_of(contract: Contract, records: Sequence[Record], storage: Storage) -> Truths:
    """The truths of records, in the labels of a run; those that cannot be used are left out.

    Raises:
        DataError: If the records have a label that the run does not know, or none can be used.
    """
    if contract.generation is not None:
        kept = [record for record in records if record.truth.texts]
        if not kept:
            raise DataError("No example has a reference", fix="Add references")
        return Truths(kept, [record.truth.texts for record in kept])
    size = contract.input.image_size if isinstance(contract.input, PictureInput) else None
    if contract.task == "segmentation":
        records = [_with_classes(record, contract.labels) for record in records]
    targets = type(records[0].truth).targets(records, Form(size, storage))
    if contract.task == "regression" and set(targets.labels) != set(contract.labels):
        raise DataError(
            f"The run predicts {listed(map(repr, contract.labels))}, but the data have "
            f"{listed(map(repr, targets.labels))}",
            fix="Name the right columns with `--columns.values`",
        )
    if unknown := [label for label in targets.labels if label not in contract.labels]:
        raise DataError(
            f"The run knows no {listed(map(repr, unknown))}, only {listed(map(repr, contract.labels))}",
            fix="Rename or remove these labels",
        )
    usable = [index for index in range(len(records)) if index not in targets.failed]
    if not usable:
        raise DataError(f"No example can be used: {next(iter(targets.failed.values()))}", fix="Repair them")
    failed = [f"{records[index].where} ({why})" for index, why in sorted(targets.failed.items())]
    return Truths([records[index] for index in usable], _InLabels(contract, targets, usable), failed)


def _with_classes(record: Record, labels: Sequence[str]) -> Record:
    """The record of a mask whose values have no names, with those of the run: new data may lack some of the values."""
    ids = record.truth.ids
    if ids.names or not all(label.isdecimal() for label in labels):
        return record
    ignored = ids.ignored if ids.ignored is not None or str(IGNORED) in labels else (IGNORED,)
    names = tuple(sorted((int(label), label) for label in labels))
    return replace(record, truth=replace(record.truth, ids=Ids(names, ignored)))


@dataclass(frozen=True, eq=False)
class _InLabels:
    """Targets by position, converted from the labels of their data to those of a run."""

    contract: Contract
    targets: Targets
    usable: Sequence[int]

    def __getitem__(self, positions: np.ndarray) -> np.ndarray:
        labels = self.contract.labels
        place = np.array([labels.index(label) for label in self.targets.labels])
        values = np.asarray(self.targets.of([self.usable[p] for p in positions])[np.arange(len(positions))])
        match self.contract.task:
            case "classification":
                return place[values]
            case "detection":
                values = values.copy()
                index = values[..., 4].astype(int)
                values[..., 4] = np.where(index >= 0, place[index], index)
                return values
            case "segmentation":
                table = np.arange(256, dtype=np.uint8)
                table[: len(place)] = place
                return table[values]
        columns = np.zeros((len(values), len(labels)), values.dtype)
        columns[:, place] = values
        return columns


@dataclass(frozen=True)
class Scored:
    """How good a model is on some data."""

    scores: dict[str, Any]
    """By name, see `evaluation.scores_of`."""
    intervals: Mapping[str, evaluation.Interval]
    """The 95 % interval of each score that has one."""
    unreadable: Sequence[Unreadable]
    """Examples that were left out."""


def score_run(predict: Predictor, truths: Truths, *, tta: bool = False) -> Scored:
    """Scores a model.

    Args:
        predict: The model.
        truths: Examples and what is true of them.
        tta: Whether to take the mean over each picture and its mirror image.

    Raises:
        DataError: If no example can be read.
    """
    outputs, unreadable = outputs_of(predict, truths, tta=tta)
    if not outputs:
        raise DataError(f"None of {counted(len(truths), 'example')} can be read: {unreadable[0]}", fix="Check the data")
    given = as_arrays(predict, truths, outputs)
    return Scored(evaluation.scores_of(*given), evaluation.intervals(*given), unreadable)


def outputs_of(predict: Predictor, truths: Truths, *, tta: bool = False) -> tuple[dict[int, Any], list[Unreadable]]:
    """By position what is kept of the outputs for each example, see `scored_part`, and the examples that cannot be
    read."""
    unreadable: list[Unreadable] = []
    outputs: dict[int, Any] = {}
    pairs = predict.raw(truths.items, tta=tta)
    bar = tqdm(pairs, "Scoring", len(truths), unit=f" {predict.noun}", disable=None, leave=False)
    for position, (read, output) in enumerate(bar):
        if isinstance(read, Unreadable):
            unreadable.append(read)
        else:
            outputs[position] = scored_part(predict, truths, position, output)
    return outputs, unreadable


def scored_part(predict: Predictor, truths: Truths, position: int, output: Any) -> Any:
    """What is kept of the outputs for an example: all, or of masks, which may not fit into memory, the confusions."""
    if predict.task != "segmentation":
        return output
    return evaluation.confusions(output[None], truths.at([position]))[0]


def scores_of_parts(predict: Predictor, truths: Truths, parts: Mapping[int, Any]) -> dict[str, Any]:
    """The scores by name, from what was kept of the outputs for the examples at some positions."""
    return evaluation.scores_of(*as_arrays(predict, truths, parts))


def as_arrays(predict: Predictor, truths: Truths, parts: Mapping[int, Any]) -> tuple[Any, ...]:
    """The arguments of `evaluation.scores_of`."""
    thresholds = predict.contract.thresholds
    outputs = list(parts.values())
    if predict.contract.generation is None:
        outputs = tree.map_structure(lambda *rows: np.stack(rows), *outputs)
    values = truths.at(list(parts)) if predict.task != "segmentation" else None
    thresholds = None if thresholds is None else np.array(thresholds)
    return predict.task, values, outputs, predict.labels, thresholds
