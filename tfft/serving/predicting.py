"""Answers for many inputs, written to a file as they come."""

from __future__ import annotations

import itertools
import logging
from contextlib import ExitStack
from typing import Any

from tqdm import tqdm

from tfft.errors import DataError, counted
from tfft.serving.answers import Answer, Unreadable
from tfft.serving.asked import Asked
from tfft.serving.drawing import Drawings
from tfft.serving.job import Job
from tfft.serving.outputs import mirrored_too
from tfft.serving.predictor import Predictor
from tfft.serving.tables import table

logger = logging.getLogger(__name__)


def predict_all(predict: Predictor, inputs: Any, job: Job) -> None:
    """Answers for all inputs, one after another; only a few batches are in memory.

    Args:
        predict: The model.
        inputs: As for a `Predictor`.
        job: What to do with the answers.

    Raises:
        ConfigError: If a file exists already, or the task has nothing to draw or no mean.
        DataError: If no input can be read.
    """
    out = None if job.out is None else job.file
    if job.tta:
        mirrored_too(predict.outputs, predict.contract)  # raises if it has none
    count = sum(1 for _ in job.shard.applied(predict.reader.items(inputs)))
    items = job.shard.applied(predict.reader.items(inputs))
    drawings = Drawings(job.drawn, predict.task, predict.labels) if job.drawn is not None else None
    asked, items = itertools.tee(items) if drawings else ((), items)
    answers = predict.answers(items, tta=job.tta, batch_size=job.batch_size)
    unreadable: list[Unreadable] = []
    with ExitStack() as stack:
        write = _show if out is None else stack.enter_context(table(out, predict.contract, job.top))
        bar = tqdm(answers, "Predicting", count, unit=f" {predict.noun}", disable=None, leave=False)
        for answer in bar:
            write(answer)
            if isinstance(answer, Unreadable):
                unreadable.append(answer)
            if drawings is not None:
                one: Asked = next(asked)
                if not isinstance(answer, Unreadable):
                    drawings.add(answer, one.content)
    if count and len(unreadable) == count:
        raise DataError(
            f"None of {counted(count, 'input')} can be read; the first: {unreadable[0].error}", fix="Check them"
        )
    if out is not None:
        missed = f"; {len(unreadable):,} of them could not be read, see column `error`" if unreadable else ""
        logger.info("%s written to %s%s", counted(count, "answer"), out, missed)


def _show(answer: Answer) -> None:
    tqdm.write(str(answer))  # above the progress bar
