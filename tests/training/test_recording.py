from __future__ import annotations

import csv
import logging
from pathlib import Path

import keras
import numpy as np
import pytest

from tfft.errors import DivergedError
from tfft.models import Task
from tfft.training import Phase
from tfft.training.recording import Recorder

TASK = Task(
    loss="mse",
    metrics=(),
    monitor="val_accuracy",
    mode="max",
    outputs=(1,),
    chance_loss=1.0,
)


@pytest.fixture
def model() -> keras.Model:
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model.compile(keras.optimizers.SGD(0.5), "mse")
    return model


def epochs(recorder: Recorder, model: keras.Model, scores: list[tuple[float, float]]) -> None:
    """Epochs that end with given (val_accuracy, val_loss); the weight is the number of the epoch."""
    recorder.set_model(model)
    for accuracy, val_loss in scores:
        model.set_weights([np.full((1, 1), len(recorder.history.rows))])
        recorder.on_epoch_begin(0)
        recorder.on_epoch_end(0, {"loss": 0.5, "val_loss": val_loss, "val_accuracy": accuracy})


def test_the_best_of_all_phases_comes_back(model: keras.Model) -> None:
    recorder = Recorder(model, TASK, None)
    recorder.begin("head", Phase())
    epochs(recorder, model, [(0.5, 1.0), (0.9, 0.4)])
    recorder.begin("tune", Phase(unfreeze=1))
    epochs(recorder, model, [(0.8, 0.1), (0.85, 0.1)])
    recorder.restore_best()
    assert model.get_weights()[0].item() == 1
    assert recorder.history.best_row["phase"] == "head"
    assert recorder.history.best_row["epoch"] == 2


def test_among_equals_the_lower_loss_wins(model: keras.Model) -> None:
    recorder = Recorder(model, TASK, None)
    epochs(recorder, model, [(0.9, 0.5), (0.9, 0.3), (0.9, 0.4)])
    assert recorder.history.best == 1


def test_of_few_examples_the_loss_decides(model: keras.Model) -> None:
    recorder = Recorder(model, TASK, None)
    recorder.choose_by_loss(9)
    epochs(recorder, model, [(0.9, 0.5), (0.8, 0.3), (0.9, 0.3), (1.0, 0.4)])
    assert recorder.history.best == 2
    assert "only 9 examples" in recorder.history.notes[0]


def test_less_can_be_better(model: keras.Model) -> None:
    task = Task("mse", (), monitor="val_loss", mode="min", outputs=(1,), chance_loss=1.0)
    recorder = Recorder(model, task, None)
    epochs(recorder, model, [(0, 0.5), (0, 0.3), (0, 0.4)])
    assert recorder.history.best == 1


def test_each_epoch_is_on_disk_when_it_ends(model: keras.Model, tmp_path: Path) -> None:
    recorder = Recorder(model, TASK, tmp_path / "history.csv")
    recorder.begin("head", Phase())
    for count in (1, 2):
        epochs(recorder, model, [(0.5, 1.0)])
        with (tmp_path / "history.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert [row["epoch"] for row in rows] == [str(n + 1) for n in range(count)]
    assert float(rows[0]["learning_rate"]) == 0.5
    assert rows[0]["phase"] == "head"


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_stops(model: keras.Model, loss: float) -> None:
    recorder = Recorder(model, TASK, None)
    recorder.begin("tune", Phase(unfreeze=1))
    with pytest.raises(DivergedError, match=r"batch 8 of epoch 1.*tune"):
        recorder.on_train_batch_end(7, {"loss": loss})


def test_a_validation_loss_that_is_no_number_is_not_the_best(model: keras.Model) -> None:
    recorder = Recorder(model, TASK, None)
    start = model.get_weights()[0].item()
    with pytest.raises(DivergedError, match=r"val_loss=nan.*epoch 1"):
        epochs(recorder, model, [(0.9, float("nan"))])
    recorder.restore_best()
    assert model.get_weights()[0].item() == start


def test_a_head_worse_than_guessing_is_warned_of_once(model: keras.Model, caplog: pytest.LogCaptureFixture) -> None:
    # the training loss of the first epoch is a mean over steps before anything was learned: it does not count
    for frozen, loss, warnings in ((True, 1.5, 1), (True, 1.01, 0), (True, 0.5, 0), (False, 1.5, 0)):
        caplog.clear()
        recorder = Recorder(model, TASK, None)
        recorder.begin("head", Phase(unfreeze=0 if frozen else 1))
        recorder.set_model(model)
        for _ in range(2):
            recorder.on_epoch_begin(0)
            recorder.on_epoch_end(0, {"loss": 9.0, "val_loss": loss, "val_accuracy": 0.1})
        assert len([r for r in caplog.records if r.levelno == logging.WARNING]) == warnings


@pytest.mark.parametrize(("losses", "ends"), [([0.5, 0.6, 0.7, 0.8], 3), ([0.9, 0.8, 0.7, 0.6], 4)])
def test_patience_auto_waits_while_the_score_or_the_loss_improves(
    model: keras.Model, losses: list[float], ends: int
) -> None:
    recorder = Recorder(model, TASK, None)
    recorder.begin("tune", Phase(epochs=6, patience="auto", unfreeze=1))  # a third of the phase is 2 epochs
    for number, loss in enumerate(losses, start=1):
        epochs(recorder, model, [(0.9 - 0.1 * number, loss)])
        if recorder.patience_ended:
            break
    assert number == ends
