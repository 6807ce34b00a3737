"""What a run leaves behind, in memory and in its folder."""

from __future__ import annotations

import csv
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tfft import evaluation, files, reporting, serving, training
from tfft.errors import ConfigError

if TYPE_CHECKING:
    import keras


logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Result:
    """What a run leaves behind."""

    model: keras.Model
    """With the best weights of all phases."""
    labels: list[str]
    scores: evaluation.Scores
    """By split, then by metric."""
    history: training.History
    folder: Path
    verdicts: Sequence[evaluation.Verdict] = ()
    """For each condition of `accept` whether the model meets it."""


def open_result(folder: Path, accept: Sequence[str] = ()) -> Result:
    """The result of a finished run, from its folder; shows its scores.

    `model` is then the saved model: of a text task it takes texts in place of tokens.

    Args:
        folder: The run folder.
        accept: Conditions for the model.

    Raises:
        ConfigError: If a file of the run is missing or damaged.
    """
    try:
        report = files.read_json(folder / "report.json")
        scores, labels, best = report["scores"], report["labels"], report["best_epoch"]["epoch"] - 1
        with (folder / "history.csv").open(newline="", encoding="utf-8") as file:
            rows = [{name: _number(name, value) for name, value in row.items()} for row in csv.DictReader(file)]
    except (FileNotFoundError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"The finished run in {folder} is damaged: {error}", fix="Start a new run with another `--out`"
        ) from error
    split = list(scores)[-1]
    # a run of an earlier tfft has no intervals
    given = evaluation.verdicts(accept, split, scores[split], report.get("intervals", {}).get(split, {}))
    reporting.show_scores(report, given, folder)
    if {one.condition for one in given} != {one.get("condition") for one in report.get("accept", ())}:
        logger.info("report.html has the conditions that the run was trained with, not these")
    return Result(serving.open_model(folder), labels, scores, training.History(rows, best), folder, given)


def _number(name: str, value: str) -> str | int | float:
    return value if name == "phase" else int(value) if name == "epoch" else float(value)
