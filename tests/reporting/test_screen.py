from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import keras
import pytest

from tfft.data import Splits
from tfft.reporting import show_plan, show_scores
from tfft.training import Phase, plan_phases


def test_a_plan_shows_data_backbone_and_phases(
    network: keras.Model, splits: Splits, capsys: pytest.CaptureFixture[str]
) -> None:
    noted = replace(splits, labels=["ant\x1b[31m", "[bold]bee"], notes=["2 pictures: L converted to RGB"])
    plan = plan_phases(network, noted, {"head": Phase(epochs=3), "tune": Phase(epochs=2, unfreeze=1)}, batch_size=8)
    show_plan(plan, noted, backbone="Small, weights none")
    said = capsys.readouterr().out
    for part in (
        "[bold]bee",
        "10",
        "Small",
        "weights none",
        "3 stages",
        "head",
        "tune",
        "18",
        "602",
        "note: 2 pictures",
    ):
        assert part in said
    assert "\x1b[31m" not in said  # a class name does not colour the terminal
    assert "ant\ufffd[31m" in said


def test_many_classes_are_cut(network: keras.Model, splits: Splits, capsys: pytest.CaptureFixture[str]) -> None:
    many = replace(splits, labels=[f"class {n}" for n in range(50)])
    show_plan(plan_phases(network, many, {"head": Phase()}, batch_size=8), many, backbone="Small")
    said = capsys.readouterr().out
    assert "class 29" in said
    assert "class 30" not in said
    assert "20 more" in said


def test_scores_show_single_numbers_and_files(capsys: pytest.CaptureFixture[str]) -> None:
    scores = {"val": {"accuracy": 0.91234, "per_class": {}}, "test": {"accuracy": 0.5, "per_class": {}}}
    show_scores(scores, Path("runs/mine"))
    said = capsys.readouterr().out
    assert "0.9123" in said
    assert "per_class" not in said
    assert "runs/mine/report.html" in said
