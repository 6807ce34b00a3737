"""TensorBoard: event files in the folder `tensorboard` of a run; `tensorboard --logdir runs` shows all runs."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfft.tracking.tracker import EVENTS, About, Outcome, numbers


@dataclass(frozen=True)
class TensorBoard:
    """A run in TensorBoard; its curves have the names that Keras's callback gives them."""

    known_as: str
    folder: Path
    summary: Any
    """The module `tf.summary`."""
    writers: Mapping[str, Any]
    """Of the run, of its training and of its validation."""

    @property
    def where(self) -> str:
        """The command that shows this run and those beside it."""
        return f"tensorboard --logdir {shlex.quote(str(self.folder.parent.parent))}"

    def settings(self, values: Mapping[str, Any]) -> None:
        """Logs the settings for the page of hyperparameters."""
        from tensorboard.plugins.hparams import api

        with self.writers["."].as_default():
            api.hparams({name: value for name, value in values.items() if value is not None})
        self._flush()

    def epoch(self, row: Mapping[str, Any]) -> None:
        """Logs an epoch to the curves of training and validation."""
        for name, value in numbers(row).items():
            part = "validation" if name.startswith("val_") else "train"
            with self.writers[part].as_default():
                self.summary.scalar(f"epoch_{name.removeprefix('val_')}", value, step=row["epoch"])
        self._flush()

    def results(self, scores: Mapping[str, float], folder: Path, contents: Sequence[Path]) -> None:
        """Logs the scores and the model card; TensorBoard keeps no files."""
        with self.writers["."].as_default():
            for name, score in scores.items():
                self.summary.scalar(name, score, step=0)
            card = folder / "model_card.md"
            if card.exists():
                self.summary.text("model card", card.read_text(encoding="utf-8"), step=0)

    def end(self, outcome: Outcome) -> None:
        """Closes the event files."""
        for writer in self.writers.values():
            writer.close()

    def discard(self) -> None:
        """Removes the event files."""
        self.end("failed")
        shutil.rmtree(self.folder)

    def _flush(self) -> None:
        for writer in self.writers.values():
            writer.flush()


def open_tracker(about: About) -> TensorBoard:
    """Begins to write event files."""
    import tensorflow as tf

    folder = about.folder / EVENTS
    writers = {part: tf.summary.create_file_writer(str(folder / part)) for part in (".", "train", "validation")}
    return TensorBoard(EVENTS, folder, tf.summary, writers)
