from __future__ import annotations

import logging
from dataclasses import replace

import keras
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from tfft import training
from tfft.data import Augmentation, Splits
from tfft.errors import ConfigError
from tfft.models import Task, features, multi_label, regression, single_label
from tfft.store import Storage
from tfft.training import Phase, Plan, fine_tune, plan_phases
from tfft.training.costs import phase_costs
from tfft.training.problem import Problem

TASK = single_label(["ant", "bee"])
SOLVED = {"head": Phase(epochs=2, optimizer="auto")}


def with_head(network: keras.Model, layer: keras.layers.Layer, depths: int | str = "all") -> keras.Model:
    """The backbone of the network under another last layer, on features of all blocks."""
    backbone = keras.Model(network.inputs[0], network.get_layer("relu_3").output)
    x = keras.layers.Dropout(0.3, seed=1)(features(backbone, depths))
    return keras.Model(network.inputs[0], layer(x))


def plan_of(model: keras.Model, splits: Splits, task: Task = TASK, phases: dict[str, Phase] = SOLVED) -> Plan:
    return plan_phases(model, task, splits, phases, batch_size=8)


def test_a_solved_head_is_scored_as_the_whole_model_is(network: keras.Model, splits: Splits) -> None:
    """So the scaling is folded into the layer, and no dropout is active; the phase after it starts there."""
    model = with_head(network, keras.layers.Dense(2, activation="softmax"))
    tune = Phase(epochs=1, optimizer="sgd", learning_rate=1e-9, unfreeze=1)
    augmented = replace(splits, augmentation=Augmentation("light", views=2))
    plan = plan_of(model, augmented, phases={**SOLVED, "tune": tune})
    rows = fine_tune(plan).rows
    assert [row["phase"] for row in rows] == ["head", "tune"]
    assert rows[0]["accuracy"] == rows[0]["val_accuracy"] == 1
    assert rows[1]["val_loss"] == pytest.approx(rows[0]["val_loss"], rel=1e-4, abs=1e-6)
    model.compile(loss=TASK.loss)
    loss = model.evaluate(splits.val.inputs.astype("float32"), splits.val.targets, verbose=0)
    assert loss == pytest.approx(rows[0]["val_loss"], rel=1e-4, abs=1e-6)


def test_it_is_the_solution_of_scikit_learn(network: keras.Model, splits: Splits) -> None:
    model = with_head(network, keras.layers.Dense(2, activation="softmax"))
    plan = plan_of(model, splits)
    training.store_activations(plan)
    problem = Problem.of(plan, plan.phases[0])
    x, y = problem.train.x, problem.train.y
    assert x.mean(axis=0) == pytest.approx(0, abs=1e-5)
    assert set(x.std(axis=0).round(3)) <= {0, 1}
    kernel, bias = next(problem.solved([0.1]))
    # its penalty is on the sum of the losses, and in the two-class case on one column of weights
    expected = LogisticRegression(C=2 / (0.1 * len(y)), tol=1e-8).fit(x, y).predict_proba(x)
    assert problem.predict(x, kernel, bias) == pytest.approx(expected, abs=2e-3)


def test_the_number_of_blocks_is_chosen_by_validation(network: keras.Model, splits: Splits) -> None:
    """Features of the lower blocks are noise in `val`: the weights of those blocks are 0."""
    model = with_head(network, keras.layers.Dense(2, activation="softmax"))
    plan = plan_of(model, splits)
    training.store_activations(plan)
    problem = Problem.of(plan, plan.phases[0])
    widths = [4, 8, 8]
    assert problem.train.x.shape[1] == sum(widths)
    last = slice(sum(widths) - widths[-1], None)
    rng = np.random.default_rng(0)
    train, val = (rng.normal(size=part.x.shape).astype(np.float32) for part in (problem.train, problem.val))
    # the last block tells the classes a little; the first ones tell them in `train` alone
    for part, x in ((problem.train, train), (problem.val, val)):
        x[:, last] += (2.0 * part.y - 1)[:, None]
    train[:, : widths[0]] += 9 * (2.0 * problem.train.y - 1)[:, None]
    problem = replace(problem, train=replace(problem.train, x=train), val=replace(problem.val, x=val))
    best = min(problem.solutions(), key=lambda solution: solution.logs["val_loss"])
    assert best.blocks == 1
    problem.adopt(best)
    kernel = problem.dense.kernel.numpy()
    assert not kernel[: sum(widths[:-1])].any()
    assert kernel[last].any()


def test_training_examples_help_to_choose_where_validation_examples_are_few(
    network: keras.Model, splits: Splits, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is predicted by a head that was solved without it: labels of noise cannot be predicted."""
    plan = plan_of(with_head(network, keras.layers.Dense(2, activation="softmax")), splits)
    history = fine_tune(plan)
    assert "chosen on validation and by cross-validation on train" in history.notes[1]
    problem = Problem.of(plan, plan.phases[0])
    noise = np.random.default_rng(0).normal(size=(len(splits.train), 40)).astype(np.float32)
    blind = replace(problem, train=replace(problem.train, x=noise))
    seen = blind.predict(noise, *next(blind.solved([1e-3])))
    (left_out,) = blind.left_out([1e-3], folds=5)
    accuracies = [(outputs.argmax(axis=1) == problem.train.y).mean() for outputs in (seen, left_out)]
    assert accuracies[0] == 1
    assert accuracies[1] < 0.8
    both = next(problem.path(1))
    assert both.chosen_by["val_loss"] != both.logs["val_loss"]
    monkeypatch.setattr("tfft.training.problem.FEW", 7)
    enough = next(problem.path(1))
    assert enough.chosen_by == enough.logs == both.logs


def test_tags_and_numbers_are_solved_too(network: keras.Model, splits: Splits) -> None:
    def of(targets: np.ndarray, name: str) -> np.ndarray:
        brightness = getattr(splits, name).inputs.mean(axis=(1, 2, 3))
        return {"tags": np.stack([targets, 1 - targets], 1), "numbers": 1000 + 3 * brightness[:, None]}

    parts = {name: of(examples.targets, name) for name, examples in splits.items()}

    def given(kind: str) -> Splits:
        changed = {name: replace(e, targets=parts[name][kind].astype(np.float32)) for name, e in splits.items()}
        return replace(splits, **changed)

    tags = with_head(network, keras.layers.Dense(2, activation="sigmoid"))
    row = fine_tune(plan_of(tags, given("tags"), multi_label(["dark", "bright"]))).best_row
    assert row["val_loss"] < 0.05
    numbers = parts["train"]["numbers"]

    def scaled(x: keras.KerasTensor) -> keras.KerasTensor:
        return keras.layers.Rescaling(numbers.std(), offset=numbers.mean())(keras.layers.Dense(1)(x))

    model = with_head(network, scaled)
    row = fine_tune(plan_of(model, given("numbers"), regression(["brightness"], deviation=[numbers.std()]))).best_row
    assert row["val_loss"] < 0.05  # squared deviations
    predicted = model.predict(splits.val.inputs.astype("float32"), verbose=0)
    assert predicted == pytest.approx(parts["val"]["numbers"], abs=0.3 * numbers.std())


def test_what_cannot_be_solved_is_trained_or_refused(
    network: keras.Model, splits: Splits, caplog: pytest.LogCaptureFixture
) -> None:
    def hidden(x: keras.KerasTensor) -> keras.KerasTensor:
        return keras.layers.Dense(2, activation="softmax")(keras.layers.Dense(4, activation="relu")(x))

    model = with_head(network, hidden)
    assert plan_of(model, splits).phases[0].phase.optimizer == "adam"
    with pytest.raises(ConfigError, match=r"head.*--head\.optimizer adam"):
        plan_of(model, splits, phases={"head": Phase(optimizer="lbfgs")})
    small = {"storage": Storage(memory=1e-6)}  # 1 kB, in gigabytes
    solvable = with_head(network, keras.layers.Dense(2, activation="softmax"))
    with caplog.at_level(logging.WARNING):
        plan = plan_phases(solvable, TASK, splits, SOLVED, batch_size=8, **small)
    assert plan.phases[0].phase.optimizer == "adam"
    assert "--store.memory" in caplog.text
    unfrozen = {"tune": Phase(optimizer="lbfgs", unfreeze=1)}
    with pytest.raises(ConfigError, match=r"--tune\.optimizer adam"):
        plan_of(with_head(network, keras.layers.Dense(2, activation="softmax")), splits, phases=unfrozen)


def test_rare_classes_weigh_more_in_a_solved_head_where_they_are_shown_more_often(
    network: keras.Model, splits: Splits
) -> None:
    model = with_head(network, keras.layers.Dense(2, activation="softmax"))
    rarity = np.where(splits.train.targets == 1, 1.0, 0.1)
    chosen = replace(splits, train=replace(splits.train, rarity=rarity), sampling="oversample")
    plan = plan_of(model, chosen)
    training.store_activations(plan)
    weights = Problem.of(plan, plan.phases[0]).train.weights
    assert weights.mean() == pytest.approx(1)
    without = plan_of(model, replace(splits, sampling="oversample"))  # no classes are known
    assert set(Problem.of(without, without.phases[0]).train.weights) == {1.0}
    assert weights[splits.train.targets == 1] == pytest.approx(10 * weights[splits.train.targets == 0][0])


def test_frozen_layers_may_lie_between_the_stored_outputs_and_the_head(network: keras.Model, splits: Splits) -> None:
    """Where a network ends with small maps of many channels, the maps before them are stored."""
    x = keras.layers.AveragePooling2D(4)(network.get_layer("relu_3").output)
    x = keras.layers.Conv2D(64, 1, use_bias=False, trainable=False)(x)
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.BatchNormalization(trainable=False)(x))
    model = keras.Model(network.inputs[0], keras.layers.Dense(2, activation="softmax")(x))
    plan = plan_of(model, splits)
    assert plan.activations.levels[0].makes.numbers == 8
    assert plan.phases[0].phase.optimizer == "lbfgs"
    assert len(phase_costs(plan)) == 1
    assert fine_tune(plan).rows[0]["val_accuracy"] == 1
