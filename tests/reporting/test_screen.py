from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import keras
import pytest

from tfft.data import Augmentation, Splits
from tfft.models import single_label
from tfft.reporting import show_plan, show_scores
from tfft.store import Storage, open_store
from tfft.training import Advice, Facts, Phase, plan_phases, store_activations

TASK = single_label(["ant", "bee"])


@dataclass(frozen=True)
class Choices:
    backbone: str = "Small \x1b[31m"
    weights: str = "none"


def row(said: str, phase: str) -> set[str]:
    """The words about one phase in the last two tables: what it trains on, and what is stored."""
    return set(" ".join([line for line in said.splitlines() if line.startswith(f"{phase} ")][-2:]).split())


def test_a_plan_shows_data_backbone_and_phases(
    network: keras.Model, splits: Splits, capsys: pytest.CaptureFixture[str]
) -> None:
    noted = replace(splits, labels=["ant\x1b[31m", "[bold]bee"], notes=["2 pictures: L converted to RGB"])
    phases = {"head": Phase(epochs=3), "tune": Phase(epochs=2, unfreeze=1)}
    plan = plan_phases(network, TASK, noted, phases, batch_size=8)
    facts = Facts("pictures", 20, (15, 5), settings={"balance": "none", "flip": True, "augment": "light"})
    taken = Advice("flip", False, "signs", "measured", taken=True)
    show_plan(replace(plan, facts=facts, taken=(taken,)), Choices())
    said = capsys.readouterr().out
    assert "applied: `--no-flip`: signs (measured)" in said
    assert "advice: `--balance auto`" in said
    assert said.count("flip") == 1  # what was taken is not advised again
    for part in ("[bold]bee", "10", "Small \ufffd[31m, weights", "3 stages", "head", "tune", "18", "602", *noted.notes):
        assert part in said
    assert "\x1b[31m" not in said  # a class name does not colour the terminal
    assert "ant\ufffd[31m" in said


def test_many_classes_are_cut(network: keras.Model, splits: Splits, capsys: pytest.CaptureFixture[str]) -> None:
    counted = {name: replace(some, counts=[1] * 50) for name, some in splits.items()}
    many = replace(splits, labels=[f"class {n}" for n in range(50)], **counted)
    network = keras.Model(network.inputs, keras.layers.Dense(50, activation="softmax")(network.layers[-2].output))
    plan = plan_phases(network, single_label(many.labels), many, {"head": Phase()}, batch_size=8)
    show_plan(plan)
    lines = capsys.readouterr().out.splitlines()
    (last,) = [number for number, line in enumerate(lines) if line.startswith("class 29 ")]
    assert "class 30" not in lines[last + 1]
    assert "20" in lines[last + 1]


def test_scores_show_single_numbers_and_files(capsys: pytest.CaptureFixture[str]) -> None:
    evil = "\x1b[31m[bold]evil"
    scores = {"val": {"accuracy": 0.91234, "per_class": {}}, evil: {evil: 0.5}}
    report = {"scores": scores, "intervals": {evil: {evil: [0.4, 0.61]}}, "baseline": {"in_words": evil, "scores": {}}}
    show_scores(report, [], Path("runs/mine"))
    said = capsys.readouterr().out
    assert "0.9123" in said
    assert "per_class" not in said
    assert "runs/mine/report.html" in said
    assert "0.4000 to 0.6100" in said
    assert said.count("\ufffd[31m[bold]evil") == 5  # from the report of a stranger
    assert "\x1b" not in said


def test_a_plan_shows_what_is_stored_and_what_is_there_already(
    network: keras.Model, splits: Splits, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    phases = {"head": Phase(epochs=3), "tune": Phase(epochs=12, unfreeze=1), "all": Phase(epochs=1, unfreeze="all")}
    light = replace(splits, augmentation=Augmentation("light"))

    def said(**options: object) -> str:
        plan = plan_phases(network, TASK, light, phases, batch_size=8, **options)
        show_plan(plan)
        if "storage" not in options:
            store_activations(plan)
        return capsys.readouterr().out

    first = said()
    assert row(first, "head") >= {"8", "pool", "2.1", "kB", "0%"}
    assert row(first, "tune") >= {"inner_dropout_2", "6", "0.3", "MB", "0%"}
    assert row(first, "all").isdisjoint({"MB", "0%"})
    assert str(open_store(Storage()).folder) in first
    assert row(said(), "tune") >= {"inner_dropout_2", "6", "0.3", "MB", "100%"}
    streamed = row(said(storage=Storage(limit=1e-9), seed=1), "tune")  # other views
    assert {"inner_dropout_2,", "streamed"} <= streamed
    assert streamed.isdisjoint({"6", "0.3"})


def test_all_but_one_is_not_a_hundred_percent(
    network: keras.Model, splits: Splits, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    phases = {"tune": Phase(epochs=12, unfreeze=1)}
    viewed = replace(splits, augmentation=Augmentation("light", views=12))
    store_activations(plan_phases(network, TASK, viewed, phases, batch_size=8))
    edited = splits.val.inputs.copy()
    edited[0, 0, 0, 0] ^= 1
    changed = replace(viewed, val=replace(splits.val, inputs=edited))
    show_plan(plan_phases(network, TASK, changed, phases, batch_size=8))
    assert row(capsys.readouterr().out, "tune") >= {"inner_dropout_2", "12", "0.5", "99%"}
