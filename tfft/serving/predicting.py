"""Answers for many inputs, written to a file as they come."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from tfft.errors import ConfigError, DataError, counted
from tfft.serving.answers import Answer, Unreadable
from tfft.serving.asked import Asked
from tfft.serving.drawing import Drawings
from tfft.serving.outputs import mirrored_too
from tfft.serving.predictor import BATCH, Predictor
from tfft.serving.tables import check_out, table

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Shard:
    """One of several equal parts of the inputs, for jobs that run side by side."""

    number: int
    """From 1 to `count`."""
    count: int

    @classmethod
    def of(cls, words: str) -> Shard:
        """From `"3/16"`.

        Raises:
            ConfigError: If this is no part of a whole.
        """
        number, _, count = (part if part.isdecimal() and len(part) < 7 else "0" for part in words.partition("/"))
        if not 1 <= int(number) <= int(count):
            raise ConfigError(f"`--shard` must be like 3/16, from 1/16 to 16/16 (got {words})", fix="Correct it")
        return cls(int(number), int(count))

    def applied(self, items: Iterable[Any]) -> Iterator[Any]:
        """Every `count`-th item."""
        return itertools.islice(items, self.number - 1, None, self.count)

    def named(self, path: Path) -> Path:
        """The file of this shard beside those of the others: `answers-03-of-16.csv`."""
        width = len(str(self.count))
        return path.with_name(f"{path.stem}-{self.number:0{width}}-of-{self.count}{path.suffix}")


@dataclass(frozen=True)
class Job:
    """What to do with the answers."""

    out: Path | None = None
    """A .csv, .jsonl or .parquet file; None shows them on the screen."""
    draw: Path | None = None
    """A new folder for pictures with their boxes or masks."""
    tta: bool = False
    """Whether to take the mean over each picture and its mirror image."""
    shard: Shard = Shard(1, 1)
    top: int = 3
    """Classes of a row."""
    batch_size: int = BATCH


def predict_all(predict: Predictor, inputs: Any, job: Job) -> None:
    """Answers for all inputs, one after another; memory does not grow with their number.

    Args:
        predict: The model.
        inputs: As for a `Predictor`.
        job: What to do with the answers.

    Raises:
        ConfigError: If a file exists already, or the task has nothing to draw or no mean.
        DataError: If no input can be read.
    """
    out = job.out
    if out is not None:
        out = job.shard.named(out) if job.shard.count > 1 else out
        check_out(out)
    if job.tta:
        mirrored_too(predict.outputs, predict.contract)  # raises if it has none
    count = sum(1 for _ in job.shard.applied(predict.reader.items(inputs)))
    items = job.shard.applied(predict.reader.items(inputs))
    drawings = Drawings(job.draw, predict.task, predict.labels) if job.draw is not None else None
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
        raise DataError(f"None of {counted(count, 'input')} can be read: {unreadable[0]}", fix="Check the inputs")
    if out is not None:
        missed = f"; {len(unreadable):,} of them could not be read, see column `error`" if unreadable else ""
        logger.info("%s written to %s%s", counted(count, "answer"), out, missed)


def _show(answer: Answer) -> None:
    tqdm.write(str(answer))  # above the progress bar
