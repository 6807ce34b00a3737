from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfft.data import Augmentation, Splits
from tfft.errors import DivergedError
from tfft.models import Task, single_label
from tfft.training import History, Phase, fine_tune, plan_phases

TASK = single_label(["ant", "bee"])
# the epoch of the highest loss is the best: so that a phase which learns makes it worse
CONTRARY = replace(TASK, monitor="val_loss", mode="max")
PHASES = {
    "head": Phase(epochs=2, learning_rate=0.05),
    "tune": Phase(epochs=2, learning_rate=0.01, optimizer="sgd", unfreeze=1),
}


def train(
    model: keras.Model,
    splits: Splits,
    phases: dict[str, Phase] = PHASES,
    task: Task = TASK,
    folder: Path | None = None,
    **options: object,
) -> list[dict]:
    keras.utils.set_random_seed(0)
    return fine_tune(plan_phases(model, task, splits, phases, batch_size=8, **options), folder=folder).rows


def test_it_learns_and_says_what_happened(network: keras.Model, splits: Splits, tmp_path: Path) -> None:
    rows = train(network, splits, {"head": Phase(epochs=12, learning_rate=0.1)}, folder=tmp_path)
    assert max(row["val_accuracy"] for row in rows) == 1
    assert list(rows[0])[:4] == ["phase", "epoch", "learning_rate", "seconds"]
    assert (tmp_path / "history.csv").is_file()


def test_only_what_a_phase_unfreezes_is_trained(network: keras.Model, splits: Splits) -> None:
    before = {weight.path: weight.numpy() for weight in network.weights}
    rows = train(network, splits, {"tune": replace(PHASES["tune"], learning_rate=0.1)})
    assert len(rows) == 2
    moved = {w.path for w in network.weights if not np.array_equal(w.numpy(), before[w.path])}
    assert moved == {"conv_3/kernel", "conv_3/bias", "predictions/kernel", "predictions/bias"}
    assert [layer.name for layer in network.layers if layer.weights and layer.trainable] == ["predictions"]


def test_optimizer_and_metrics_start_anew_in_each_phase_and_each_step_is_traced_once(
    network: keras.Model, splits: Splits
) -> None:
    """The loss runs in Python while the training step is traced; validation computes it without a graph."""
    traced = []

    def loss(targets: keras.KerasTensor, answers: keras.KerasTensor) -> keras.KerasTensor:
        traced.append(tf.is_symbolic_tensor(answers))
        return keras.ops.mean(keras.losses.sparse_categorical_crossentropy(targets, answers))

    # the last two train the same layers, and so the same model
    phases = {**PHASES, "again": replace(PHASES["tune"], epochs=1, learning_rate=0.002)}
    rows = train(network, splits, phases, task=replace(TASK, loss=loss))
    assert sum(traced) == len(phases)
    assert [round(row["learning_rate"], 4) for row in rows] == [0.05, 0.05, 0.01, 0.01, 0.002]
    assert [row["phase"] for row in rows] == ["head", "head", "tune", "tune", "again"]
    counts = [row["accuracy"] * len(splits.train) for row in rows]
    assert counts == pytest.approx([round(count) for count in counts], abs=1e-4)


def test_rare_examples_come_more_often_where_that_is_asked_for(network: keras.Model, splits: Splits) -> None:
    """All of the chance is with one example: no other is trained on."""
    chances = np.zeros(len(splits.train))
    chances[3] = 1.0
    splits = replace(splits, train=replace(splits.train, rarity=chances))
    target, seen = splits.train.targets[3], []

    def loss(targets: keras.KerasTensor, answers: keras.KerasTensor) -> keras.KerasTensor:
        wrong = keras.ops.cast(keras.ops.not_equal(keras.ops.cast(targets, "int32"), int(target)), "float32")
        return keras.ops.mean(wrong) + 0.0 * keras.ops.mean(answers)

    for sampling in ("oversample", "all"):
        chosen = replace(splits, sampling=sampling)
        rows = train(network, chosen, {"head": Phase(epochs=1)}, task=replace(TASK, loss=loss))
        seen.append(rows[0]["loss"])  # the share of other examples
    assert seen == [0.0, pytest.approx(0.5)]


def test_the_seed_decides_the_numbers_and_the_test_split_decides_nothing(network: keras.Model, splits: Splits) -> None:
    found = []
    wrong = replace(splits.test, targets=1 - splits.test.targets)
    for seed, test in ((5, splits.test), (5, wrong), (6, None)):
        fresh = keras.models.clone_model(network)  # its dropouts start anew
        fresh.set_weights(network.get_weights())
        seen = replace(splits, test=test, augmentation=Augmentation("light"))
        rows = train(fresh, seen, {"head": PHASES["head"]}, seed=seed)
        losses = [{name: value for name, value in row.items() if name != "seconds"} for row in rows]
        found.append((losses, [weight.tobytes() for weight in fresh.get_weights()]))
    assert found[0] == found[1]
    assert found[0][0] != found[2][0]


def test_validation_is_on_the_validation_split(network: keras.Model, splits: Splits) -> None:
    row = train(network, splits, {"head": Phase(epochs=1)})[0]
    network.compile(loss=TASK.loss, metrics=["accuracy"])
    again = network.evaluate(splits.val.inputs.astype("float32"), splits.val.targets, verbose=0, return_dict=True)
    assert again["loss"] == pytest.approx(row["val_loss"], rel=1e-5)
    assert again["accuracy"] == pytest.approx(row["val_accuracy"])


def test_a_phase_starts_from_the_best_before_it(network: keras.Model, splits: Splits) -> None:
    crawl = Phase(epochs=1, learning_rate=1e-9, optimizer="sgd", unfreeze=1)
    rows = train(network, splits, {"head": Phase(epochs=4, learning_rate=0.02), "tune": crawl}, task=CONTRARY)
    assert rows[0]["val_loss"] > 1.005 * rows[3]["val_loss"]
    assert rows[4]["val_loss"] == pytest.approx(rows[0]["val_loss"], rel=1e-4)


def test_averages_of_the_weights_are_validated_and_kept(network: keras.Model, splits: Splits) -> None:
    task = replace(TASK, monitor="val_loss", mode="min")
    start = [(variable, variable.numpy()) for variable in network.variables]  # with the seed of the dropout
    kernel = network.get_layer("predictions").kernel
    seen: list[np.ndarray] = []

    def trained(average: float) -> History:
        for variable, value in start:
            variable.assign(value)
        head = Phase(epochs=3, learning_rate=0.01, optimizer="sgd", average=average)
        plan = plan_phases(network, task, splits, {"head": head}, batch_size=20)
        seen.clear()
        return fine_tune(plan, watch=lambda history: seen.append(kernel.numpy()))

    trained(0)
    first, second, third = seen
    history = trained(2.0)  # of two steps, since an epoch is one: the newest weighs as much as all before
    assert np.allclose(seen[2], first / 4 + second / 4 + third / 2, rtol=1e-5)
    assert np.array_equal(kernel.numpy(), seen[history.best])
    network.compile(loss=task.loss)
    loss = network.evaluate(splits.val.inputs.astype("float32"), splits.val.targets, verbose=0)
    assert loss == pytest.approx(history.best_row["val_loss"], rel=1e-5)


def test_numbers_of_all_answers_can_be_monitored(network: keras.Model, splits: Splits) -> None:
    """With stored activations of either phase: the answers are those of the whole model at the end of an epoch."""
    seen = []

    def score(targets: np.ndarray, answers: np.ndarray) -> dict[str, float]:
        assert np.array_equal(targets, splits.val.targets)
        seen.append(answers)
        return {"sum": float(np.float64(answers).sum()), "number": -len(seen)}

    double = replace(TASK, answering=lambda model: keras.Model(model.inputs[0], 2 * model.output), score=score)
    rows = train(network, splits, task=replace(double, monitor="val_number"))
    assert [row["val_number"] for row in rows] == [-1, -2, -3, -4]
    # the weights that come back are those of the first epoch
    expected = 2 * network.predict(splits.val.inputs.astype("float32"), verbose=0)
    np.testing.assert_allclose(seen[0], expected, rtol=1e-5)
    assert rows[0]["val_sum"] == pytest.approx(2 * len(splits.val), rel=1e-5)


def test_early_stopping_looks_at_them_too(network: keras.Model, splits: Splits) -> None:
    count = itertools.count()
    falling = replace(TASK, monitor="val_number", score=lambda targets, answers: {"number": -next(count)})
    rows = train(network, splits, {"head": Phase(epochs=9, patience=2)}, task=falling)
    assert len(rows) == 3


def test_early_stopping_ends_a_phase_not_the_next(network: keras.Model, splits: Splits) -> None:
    frozen = replace(PHASES["head"], epochs=9, learning_rate=1e-9, patience=2)
    rows = train(network, splits, {"head": frozen, "tune": PHASES["tune"]})
    assert [row["phase"] for row in rows] == ["head"] * 3 + ["tune"] * 2


def test_a_phase_that_makes_it_worse_is_undone(network: keras.Model, splits: Splits) -> None:
    before = {weight.path: weight.numpy() for weight in network.weights}
    crawl = Phase(epochs=1, learning_rate=1e-9, optimizer="sgd")
    learn = Phase(epochs=3, learning_rate=0.02, unfreeze="all", batch_norm="train")
    rows = train(network, splits, {"head": crawl, "tune": learn}, task=CONTRARY)
    assert all(row["val_loss"] < rows[0]["val_loss"] for row in rows[1:])
    # weights and statistics alike
    assert all(np.allclose(weight.numpy(), before[weight.path], atol=1e-6) for weight in network.weights)


def test_divergence_stops_and_keeps_the_best_weights(
    network: keras.Model, splits: Splits, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    network.get_layer("inner_dropout_3").rate = 0.0
    huge = {
        "head": Phase(epochs=1, learning_rate=0.01),
        "tune": Phase(epochs=50, learning_rate=1.0, optimizer="sgd", unfreeze="all"),
    }
    network.get_layer("conv_1").kernel.assign(network.get_layer("conv_1").kernel * 1e18)
    splits = replace(splits, train=replace(splits.train, where=[f"picture {n}" for n in range(20)]))
    with pytest.raises(DivergedError, match=r"batch \d \(picture \d+, .*\).*tune"):
        train(network, splits, huge, folder=tmp_path)
    assert all(np.isfinite(weight).all() for weight in network.get_weights())
    kept = keras.models.clone_model(network)
    kept.load_weights(tmp_path / "model.weights.h5")
    for one, other in zip(kept.get_weights(), network.get_weights(), strict=True):
        assert np.array_equal(one, other)
    assert "model.weights.h5" in caplog.text


def test_a_phase_that_ruins_the_model_is_warned_of(
    network: keras.Model, splits: Splits, caplog: pytest.LogCaptureFixture
) -> None:
    phases = {"head": Phase(epochs=8, learning_rate=0.1), "tune": replace(PHASES["tune"], epochs=1)}
    for rate, warned in ((1e-6, False), (1.0, True)):
        fresh = keras.models.clone_model(network)
        fresh.set_weights(network.get_weights())
        caplog.clear()
        phases["tune"] = replace(phases["tune"], learning_rate=rate, optimizer="adam", unfreeze="all")
        rows = train(fresh, splits, phases)
        assert (rows[-1]["val_loss"] > 1.2 * min(row["val_loss"] for row in rows[:-1])) == warned
        assert any("--tune.learning-rate 0.1" in r.message for r in caplog.records) == warned
