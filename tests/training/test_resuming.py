from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import keras
import numpy as np
import pytest

from tfft.data import Augmentation, Splits
from tfft.data.examples import Pictures
from tfft.errors import ConfigError, DataError, Interrupted
from tfft.models import single_label
from tfft.training import History, Phase, fine_tune, plan_phases
from tfft.training.state import PREVIOUS, STATE, read_state, write_state

TASK = single_label(["ant", "bee"])
PHASES = {
    "head": Phase(epochs=3, learning_rate=0.05, optimizer="adamw", schedule="cosine"),
    "tune": Phase(epochs=3, learning_rate=0.01, unfreeze=1, batch_norm="train", patience=2, average=1.0),
}


def slow(value: object) -> object:
    return pytest.param(value, marks=pytest.mark.slow)


@dataclass
class Alarm:
    """Targets that send a signal to this process when they are read, at the given counts."""

    targets: np.ndarray
    at: Collection[int] = ()
    number: int = signal.SIGTERM
    read: int = field(default=0)

    def __getitem__(self, positions: np.ndarray) -> np.ndarray:
        if len(positions) > 1:  # not to see their shape, or for their digest
            self.read += 1
            if self.read in self.at:
                os.kill(os.getpid(), self.number)
        return self.targets[positions]


def trained(
    network: keras.Model,
    splits: Splits,
    folder: Path,
    alarm: Alarm | None = None,
    changed_data: Literal["stop", "accept"] = "stop",
    watch: Callable[[History], None] | None = None,
    **changes: object,
) -> tuple[list[dict], list[bytes]]:
    """Trains a fresh copy, going on from what is in the folder; the history without times, and the weights."""
    keras.utils.set_random_seed(0)
    fresh = keras.models.clone_model(network)
    fresh.set_weights(network.get_weights())
    if alarm is not None:
        splits = replace(splits, train=replace(splits.train, targets=alarm))
    options = {"phases": PHASES, "batch_size": 3, "seed": 0, **changes}
    plan = plan_phases(fresh, TASK, splits, **options)
    rows = fine_tune(plan, folder=folder, changed_data=changed_data, watch=watch).rows
    rows = [{name: value for name, value in row.items() if name != "seconds"} for row in rows]
    return rows, [weight.tobytes() for weight in fresh.get_weights()]


@pytest.mark.parametrize("augmentation", [Augmentation(), slow(Augmentation("light", views="fresh"))])
def test_a_run_stopped_again_and_again_ends_with_the_same_bits(
    network: keras.Model, splits: Splits, augmentation: Augmentation, tmp_path: Path
) -> None:
    """With dropout, a trained BatchNorm, a schedule, momenta, averaged weights, mixed examples and early stopping."""
    splits = replace(splits, augmentation=augmentation)
    (tmp_path / "whole").mkdir()
    phases = {name: replace(phase, mixup=0.2, cutmix=float(name == "tune")) for name, phase in PHASES.items()}
    whole = trained(network, splits, tmp_path / "whole", phases=phases)
    assert any(row["phase"] == "tune" for row in whole[0])
    places, codes = [], []
    for count, (at, number) in enumerate(
        [(4, signal.SIGTERM), (11, signal.SIGINT), (8, signal.SIGTERM), (20, signal.SIGTERM)] * 9
    ):
        alarm = Alarm(splits.train.targets, {at + 1}, number)  # the first read is for the digest
        try:
            again = trained(network, splits, tmp_path, alarm, phases=phases)
        except Interrupted as stopped:
            codes.append(stopped.exit_code - number)
            state = read_state(tmp_path)
            places.append((state.phase, state.epoch, state.step))
            if count % 4 == 2:  # the newest is lost: the one before gives the same
                (tmp_path / STATE).write_bytes(b"PK" + (tmp_path / STATE).read_bytes()[:-99])
        else:
            break
    assert again == whole
    assert set(codes) == {128}
    assert {phase for phase, _, _ in places} >= {0, 1}
    assert any(step for _, _, step in places)
    # a state of the end has nothing left to train
    alarm = Alarm(splits.train.targets, set(range(2, 99)))
    assert trained(network, splits, tmp_path, alarm, phases=phases) == whole


def test_a_rate_is_found_once_and_changes_nothing_else(
    network: keras.Model,
    splits: Splits,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A run that is killed after an epoch and resumed ends as one that was given the rate: no variable of the model has
    moved in the range test."""
    monkeypatch.setattr("tfft.training.rising.HIGHEST", 1e-4)  # a few rates
    caplog.set_level(logging.INFO, "tfft")
    tune = Phase(epochs=1, learning_rate="find", unfreeze=1, batch_norm="train")
    with pytest.raises(ZeroDivisionError):
        trained(network, splits, tmp_path, phases={"tune": tune}, watch=lambda history: 1 / 0)
    history = read_state(tmp_path).history  # of the first step
    assert history.rates == {"tune": pytest.approx(1e-4)}  # no harm yet
    assert history.notes[0] in caplog.messages
    caplog.clear()
    resumed = trained(network, splits, tmp_path, phases={"tune": tune})
    assert "range test" not in caplog.text
    (tmp_path / "given").mkdir()
    given = replace(tune, learning_rate=history.rates["tune"])
    assert trained(network, splits, tmp_path / "given", phases={"tune": given}) == resumed


def test_other_data_and_other_models_are_refused(network: keras.Model, splits: Splits, tmp_path: Path) -> None:
    phases = {"head": Phase(epochs=1), "tune": Phase(epochs=1, unfreeze=1)}
    with pytest.raises(Interrupted):
        trained(network, splits, tmp_path, Alarm(splits.train.targets, {3}), phases=phases)
    train, val = splits.train, splits.val
    shuffled = replace(splits, train=part(train, [1, 0, *range(2, 20)]))
    other = (
        (replace(splits, train=part(train, range(1, 20))), "train: 0 added, 1 removed"),
        (shuffled, "train: another order, or other labels"),
        (replace(splits, val=replace(val, targets=1 - val.targets)), "val: other labels"),
        (replace(splits, labels=["bee", "ant"]), "list of labels"),
    )
    for changed, words in other:
        with pytest.raises(DataError, match=words):
            trained(network, changed, tmp_path, phases=phases)
    for name, moved in (("test", val), ("val", train)):  # it would be scored on what it has learned from
        with pytest.raises(DataError, match=f"examples of {name} were in .* too good"):
            trained(network, replace(splits, **{name: moved}), tmp_path, phases=phases, changed_data="accept")
    wider = Phase(epochs=1, learning_rate=0.02)
    for changes, words in (
        ({"phases": {**phases, "head": wider}}, "--head changed"),
        ({"phases": phases, "batch_size": 4}, "--batch-size changed"),
    ):
        with pytest.raises(ConfigError, match=words):
            trained(network, splits, tmp_path, **changes)

    def brighter(layer: keras.Layer) -> keras.Layer:
        changed = {"scale": 0.01} if isinstance(layer, keras.layers.Rescaling) else {}
        return type(layer).from_config({**layer.get_config(), **changed})

    rescaled = keras.models.clone_model(network, clone_function=brighter)  # which has no weights
    rescaled.set_weights(network.get_weights())
    with pytest.raises(ConfigError, match="layers of the model have changed"):
        trained(rescaled, splits, tmp_path, phases=phases)
    state = read_state(tmp_path)
    older = {name: value for name, value in state.made_with.items() if name != "layers"}
    history = replace(state.history, parts={"tune": 2})
    write_state(replace(state, made_with=older, history=history), tmp_path)
    assert read_state(tmp_path).history == history
    body = network.get_layer("head_dropout").output
    other = keras.Model(network.inputs, keras.layers.Dense(2, "softmax")(keras.layers.Dense(3)(body)))
    with pytest.raises(ConfigError, match="another model"):
        trained(other, splits, tmp_path, phases=phases)
    network.get_layer("conv_1").kernel.assign(2 * network.get_layer("conv_1").kernel)
    with pytest.raises(ConfigError, match="backbone"):
        trained(network, splits, tmp_path, phases=phases)


def test_changed_data_can_be_accepted(
    network: keras.Model, splits: Splits, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The epoch that had begun starts again; an epoch before it is no longer the best where validation has changed."""
    with pytest.raises(Interrupted):
        trained(network, splits, tmp_path, Alarm(splits.train.targets, {11}))
    before = read_state(tmp_path)
    assert (before.phase, before.epoch, before.step > 0) == (0, 1, True)
    # with a score that no epoch can have, and a phase whose batches did not fit
    before = replace(before, best_score=(9.0, 0.0), history=replace(before.history, parts={"tune": 2}))
    fewer = replace(splits, train=part(splits.train, range(3, 20)), val=part(splits.val, range(1, 7)))
    results = []
    for name, state in (("within", before), ("between", replace(before, step=0))):
        (tmp_path / name).mkdir()
        write_state(state, tmp_path / name)
        results.append(trained(network, fewer, tmp_path / name, changed_data="accept"))
    assert results[0] == results[1]
    assert [row["phase"] for row in results[0][0]][:4] == ["head"] * 3 + ["tune"]
    after = read_state(tmp_path / "within")
    assert after.history.rows[0] == before.history.rows[0]
    assert after.history.best > 0
    assert (after.history.parts, after.history.since) == ({"tune": 2}, 1)
    again = replace(fewer, test=part(splits.train, range(3)))  # which were left out, but learned from before that
    with pytest.raises(DataError, match="3 examples of test were in train before"):
        trained(network, again, tmp_path / "within", changed_data="accept")
    assert "accepted: train: 0 added, 3 removed; val: 0 added, 1 removed" in after.history.notes[1]
    assert "0 added, 3 removed" in caplog.text


def part(examples: Pictures, positions: Iterable[int]) -> Pictures:
    """Some of the examples."""
    kept = list(positions)
    ids = [examples.ids[position] for position in kept]
    return replace(examples, inputs=examples.inputs[kept], targets=examples.targets[kept], ids=ids)


def test_damaged_states_are_said_and_a_run_begins_anew(
    network: keras.Model, splits: Splits, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    phases = {"head": Phase(epochs=1, learning_rate=0.05)}
    whole = trained(network, splits, tmp_path, phases=phases)
    content = (tmp_path / STATE).read_bytes()
    place = len(content) // 2
    with np.load(tmp_path / STATE, allow_pickle=False) as named:  # with the checksums of zip in order
        np.savez(tmp_path / "other.npz", **{**named, "best/0": named["best/0"] + 1})
    other = (tmp_path / "other.npz").read_bytes()
    np.savez(tmp_path / "pickled.npz", about=np.array([Path("/")], object))
    pickled = (tmp_path / "pickled.npz").read_bytes()
    flipped = content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
    for damaged in (
        b"",
        content[:100],
        content[:-100],
        flipped,
        b"PK\x03\x04" + bytes(99),
        b"\x93NUMPY",
        other,
        pickled,
    ):
        for name in (STATE, PREVIOUS):
            (tmp_path / name).write_bytes(damaged)
        caplog.clear()
        assert read_state(tmp_path) is None
        assert {name for name in (STATE, PREVIOUS) if f"{name} is damaged" in caplog.text} == {STATE, PREVIOUS}
        assert not (tmp_path / STATE).exists()  # it must not become the state before the next one
    assert trained(network, splits, tmp_path, phases=phases) == whole
    with np.load(tmp_path / STATE, allow_pickle=False) as named:  # a bomb is refused before it is read
        np.savez_compressed(tmp_path / STATE, **named)
    (tmp_path / PREVIOUS).unlink(missing_ok=True)
    assert read_state(tmp_path) is None


def test_a_state_of_an_earlier_tfft_is_gone_on_with(network: keras.Model, splits: Splits, tmp_path: Path) -> None:
    """It was written on another machine, whose last bits may differ; fingerprints depend on the version of Keras."""
    (tmp_path / "whole").mkdir()
    phases = {name: replace(phase, decay_vectors=True, average=0.0) for name, phase in PHASES.items()}  # as they did
    rows, weights = trained(network, splits, tmp_path / "whole", phases=phases)
    earlier = Path(__file__).with_name("state_of_format_1.npz")
    (tmp_path / STATE).write_bytes(earlier.read_bytes())
    state = read_state(tmp_path)
    assert (state.phase, state.epoch, state.step) == (1, 1, 3)
    frozen = read_state(tmp_path / "whole").made_with["frozen"]
    write_state(replace(state, made_with={**state.made_with, "frozen": frozen}), tmp_path)
    again, others = trained(network, splits, tmp_path, phases=phases)
    assert [list(row) for row in again] == [list(row) for row in rows]
    done = len(state.history.rows)  # by that machine: these are kept as they are
    assert [row["val_loss"] for row in again[:done]] == [row["val_loss"] for row in state.history.rows]
    # a bias below a trained BatchNorm follows rounding errors alone; only validation, with running means, notices it
    for name, near in (("loss", 1e-3), ("val_loss", 3e-3)):
        assert [row[name] for row in again[done:]] == pytest.approx([row[name] for row in rows[done:]], rel=near)
    for weight, one, other in zip(network.weights, weights, others, strict=True):
        # below a trained BatchNorm, which subtracts it, a bias follows nothing but rounding errors
        if weight.path not in ("conv_3/bias", "norm_3/moving_mean"):
            assert np.frombuffer(one, np.float32) == pytest.approx(np.frombuffer(other, np.float32), abs=1e-3)
