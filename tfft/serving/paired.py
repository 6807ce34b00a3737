"""Several runs side by side: their scores on the same examples, and whether they differ."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tfft import evaluation
from tfft.errors import ConfigError, DataError, counted
from tfft.runs.replay import read_run
from tfft.serving.evaluating import Find, held_out
from tfft.serving.predictor import Predictor, open_run
from tfft.serving.scoring import as_arrays, outputs_of, truths_of
from tfft.serving.splits import read_splits
from tfft.settings import HARMLESS, flattened

logger = logging.getLogger(__name__)

OF_POSITIVE = ("precision", "recall")
"""Scores that are about the positive of two classes."""


@dataclass(frozen=True)
class Contest:
    """Runs that were scored on the same examples."""

    names: Sequence[str]
    """Of the runs."""
    examples: int
    scores: Sequence[Mapping[str, Any]]
    """Of each run, by name."""
    intervals: Sequence[Mapping[str, evaluation.Interval]]
    differences: Sequence[Mapping[str, evaluation.Difference]]
    """Of each run but the first: how much better it is than the first."""
    settings: Sequence[Mapping[str, Any]]
    """Of each run, the settings in which they differ."""

    def json(self) -> dict[str, Any]:
        """As JSON values."""
        rows = zip(self.names, self.scores, self.intervals, self.settings, strict=True)
        runs = [{"run": n, "scores": s, "intervals": i, "settings": c} for n, s, i, c in rows]
        for run, found in zip(runs[1:], self.differences, strict=True):
            run["difference_to_first"] = {name: asdict(one) for name, one in found.items()}
        return {"examples": self.examples, "runs": runs}


def compare_runs(folders: Sequence[Path], find_data: Find, config: Any, *, own: bool) -> Contest:
    """Scores several runs on the same examples: those that none of them was trained or validated on.

    Args:
        folders: The run folders; the others are compared with the first.
        find_data: Finds the data.
        config: The configuration of the first run, with the place of the data.
        own: Whether these are the data of the first run, whose test split is used; of other data all examples are.

    Raises:
        ConfigError: If the runs have different tasks or labels, or a folder has no finished run.
        DataError: If no example is new to all runs.
    """
    models = [open_run(folder) for folder in folders]
    _check_alike(models)
    records = held_out(folders[0], find_data, config, own=own)
    known = [read_splits(folder) for folder in folders[1:]]
    new = [record for record in records if not any(one.was_in(record, "train", "val") for one in known)]
    if not new:
        raise DataError(
            "Every example was trained or validated on by one of the runs", fix="Name new data with `--data`"
        )
    if left := len(records) - len(new):
        logger.warning("%s left out, because another run was trained or validated on them", counted(left, "example"))
    parts = []
    for predict in models:
        truths = truths_of(predict.contract, new, config.store)
        outputs, _ = outputs_of(predict, truths)
        # what one run cannot read, another may
        parts.append((predict, truths, {truths.records[position].where: position for position in outputs}, outputs))
    common = [where for where in parts[0][2] if all(where in places for _, _, places, _ in parts)]
    if not common:
        raise DataError("No example can be read by all runs", fix="Check the data")
    given = [
        _in_fractions(predict, *as_arrays(predict, truths, {places[where]: outputs[places[where]] for where in common}))
        for predict, truths, places, outputs in parts
    ]
    short = [folder.name for folder in folders]
    return Contest(
        names=short if len(set(short)) == len(short) else [str(folder) for folder in folders],
        examples=len(common),
        scores=[evaluation.scores_of(*one) for one in given],
        intervals=[evaluation.intervals(*one) for one in given],
        differences=[_differences(given[0], one) for one in given[1:]],
        settings=_differing([read_run(folder)["config"] for folder in folders]),
    )


def _differences(first: tuple[Any, ...], other: tuple[Any, ...]) -> dict[str, evaluation.Difference]:
    """How much better another run is than the first, from the arguments of `scores_of` for both."""
    task, truth, answers, labels, cuts = first
    found = evaluation.differences(task, truth, answers, other[2], labels, (cuts, other[4]))
    same = _positive(cuts) == _positive(other[4])
    return {name: one for name, one in found.items() if same or name not in OF_POSITIVE}


def _in_fractions(
    predict: Predictor, task: str, truth: Any, outputs: Any, labels: Sequence[str], cuts: Any
) -> tuple[Any, ...]:
    """The arguments of `scores_of`, boxes as fractions of their picture: models may take pictures of other sizes."""
    if task == "detection":
        height, width = predict.contract.input.image_size
        scale = np.array([width, height, width, height], np.float32)
        truth = np.concatenate([truth[..., :4] / scale, truth[..., 4:]], axis=-1)
        outputs = {**outputs, "boxes": outputs["boxes"] / scale}
    return task, truth, outputs, labels, cuts


def _positive(cuts: np.ndarray | None) -> int | None:
    return None if cuts is None else int(np.argmax(cuts))


def _check_alike(models: Sequence[Predictor]) -> None:
    first = models[0]
    for other in models[1:]:
        if (other.task, tuple(other.labels)) != (first.task, tuple(first.labels)):
            raise ConfigError(
                f"The runs in {first.folder} and {other.folder} have different tasks or labels",
                fix="Compare runs on the same classes",
            )


def _differing(configs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Of each configuration the settings, by name, that are not the same in all."""
    flat = [flattened(config) for config in configs]
    # an earlier tfft had fewer settings
    names = sorted(set.intersection(*map(set, flat)) - {*HARMLESS, "kept"})
    return [
        {name: one.get(name) for name in names if any(other.get(name) != flat[0].get(name) for other in flat)}
        for one in flat
    ]
