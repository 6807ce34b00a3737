"""Scores of an earlier run: on its own test split again, or on new data."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tfft import evaluation, reporting
from tfft.data.records import Record
from tfft.errors import ConfigError, DataError, counted, listed
from tfft.serving.predictor import Predictor, open_run
from tfft.serving.scoring import score_run, truths_of
from tfft.serving.splits import Known, read_splits

logger = logging.getLogger(__name__)

Find = Callable[[Any], Sequence[Record]] | None
"""From a configuration to the records of its data: `find_data` of a page; None if the page has none."""
TEST = "test"
TRAINED = ("train", "val")
"""Splits that a model has been fitted to: scores on them would be too optimistic."""


def evaluate_run(
    folder: Path, find_data: Find, config: Any, *, own: bool, tta: bool = False
) -> tuple[dict[str, Any], list[evaluation.Verdict]]:
    """Scores a model on data with ground truth, and shows the scores.

    Args:
        folder: The run folder.
        find_data: Finds the data.
        config: The configuration of the run, with the place of the data.
        own: Whether these are the data of the run, whose test split (or val split) is then scored. Of other data all
            examples are scored but those that the run was trained or validated on.
        tta: Whether to take the mean over each picture and its mirror image.

    Returns:
        The scores by name, and for each condition of `accept` whether the model meets it.

    Raises:
        ConfigError: If the page has no `find_data`, or the folder no finished run; or if `accept` has no condition.
        DataError: If there is nothing to score.
    """
    evaluation.conditions_of(getattr(config, "accept", ()))
    predict = open_run(folder)
    records = held_out(folder, find_data, config, own=own)
    truths = truths_of(predict.contract, records, config.store)
    found = score_run(predict, truths, tta=tta)
    if truths.failed:
        logger.warning("%s left out: %s", counted(len(truths.failed), "example"), listed(truths.failed, most=3))
    if left := found.unreadable:
        logger.warning("%s left out: %s", counted(len(left), "example"), listed(left, most=3))
    split = _scored_split(read_splits(folder)) if own else "new data"
    reporting.show_table({split: found.scores})
    reporting.show_intervals(split, found.scores, found.intervals)
    logger.info("%s scored; %s", counted(len(truths) - len(left), "example"), _before(predict))
    verdicts = evaluation.verdicts(getattr(config, "accept", ()), split, found.scores, found.intervals)
    reporting.show_verdicts(verdicts)
    return found.scores, verdicts


def held_out(folder: Path, find_data: Find, config: Any, *, own: bool) -> list[Record]:
    """The examples that a run was neither trained nor validated on; of a run without test split, those of val.

    Raises:
        ConfigError: If the page has no `find_data`, or `splits.csv` is missing.
        DataError: If there are none.
    """
    if find_data is None:
        raise ConfigError("The page has no `find_data`", fix="Add one as in the recipes, and pass it to `Recipe`")
    known = read_splits(folder)
    records = find_data(config)
    if own:
        split = _scored_split(known)
        if split != TEST:
            logger.warning("The run has no test split: its val split is used, which chose the best epoch")
        chosen = known.of(records, split)
        missing = known.count(split) - len(chosen)
        if not chosen:
            raise DataError(
                f"None of the {split} examples of the run is in {config.data} now", fix="Name the data with `--data`"
            )
        if missing > 0:
            logger.warning("%s of the %s split are missing in %s", counted(missing, "example"), split, config.data)
        return chosen
    chosen = [record for record in records if not known.was_in(record, *TRAINED)]
    if not chosen:
        raise DataError(f"The run was trained or validated on all examples of {config.data}", fix="Name other data")
    if left := len(records) - len(chosen):
        logger.warning("%s left out, because the run was trained or validated on them", counted(left, "example"))
    return chosen


def _scored_split(known: Known) -> str:
    """The split of a run's own data that is scored."""
    return TEST if TEST in known.names else "val"


def _before(predict: Predictor) -> str:
    score = predict.contract.about.get("score")
    try:
        return f"the run had {score['name']} {score['value']:.4f} on {score['split']}"
    except (TypeError, KeyError, ValueError):
        return "the score of the run is unknown"
