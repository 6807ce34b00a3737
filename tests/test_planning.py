from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import tfft
from recipes.image_classification import RECIPE, Config
from tfft import cli, files, planning, runs, workflow
from tfft.runs.folders import CONFIG
from tfft.settings import setting
from tfft.training import Advice, Facts

FEW = {"image_size": 64, "augment": "none", "tune": {"epochs": 2}, "batch_size": 16}


def pictures(count: int) -> Any:
    """Two classes that differ in brightness, two of three in one."""
    rng = np.random.default_rng(0)
    kinds = (np.arange(count) % 3 > 0).astype(int)
    return (rng.integers(0, 60, (count, 64, 64, 3)) + 150 * kinds[:, None, None, None]).astype(np.uint8), kinds


DATA = {"train": pictures(30), "val": pictures(12)}


def chosen(plan: Any) -> dict[str, Any]:
    return {one.setting: one.value for one in plan.taken}


def test_a_plan_takes_advice_but_leaves_what_was_set(pyramid: keras.Model, capsys: pytest.CaptureFixture[str]) -> None:
    options = {**FEW, "data": DATA, "labels": ["night", "day"], "backbone": pyramid}
    plan = tfft.plan("image_classification", recipe="auto", time_budget="0.01s", **options)
    said = capsys.readouterr().out
    # the epochs are those that were set, although the time is too short
    assert chosen(plan).keys() - {"tune.learning_rate"} == {"balance", "tune.unfreeze"}
    assert (plan.lowest.phase.epochs, plan.lowest.phase.unfreeze) == (2, 1)
    assert plan.facts.probe.neighbours == 1.0
    for part in ("probe: val_accuracy", "applied: `--balance auto`", "applied: `--tune.unfreeze 1`", "`tune.epochs`"):
        assert part in said


@pytest.mark.slow
def test_a_run_is_repeated_with_the_settings_that_it_has_taken(tmp_path: Path, picture_folder: Any) -> None:
    folder = picture_folder(tmp_path / "pictures", {"ant": 40, "bee": 20})
    words = f"--data {folder} --backbone MobileNet --weights none --image-size 32 --tune.epochs 3 --recipe auto"

    def trained(*words: str) -> list[dict[str, Any]]:
        keras.utils.clear_session()
        result = workflow.run(RECIPE, cli.parse(Config, None, words, RECIPE.page))
        return [{name: value for name, value in row.items() if name != "seconds"} for row in result.history.rows]

    first = trained(*words.split(), "--time-budget", "0.01s", "--out", str(tmp_path / "first"))
    stored = files.read_json(tmp_path / "first" / CONFIG)
    taken = {one["setting"]: one["value"] for one in stored["chosen"]["advice"]}
    assert taken.items() >= {"balance": "auto", "tune.unfreeze": 1, "tune.views": 1}.items()
    assert len(first) == 4
    report = files.read_json(tmp_path / "first" / "report.json")
    assert {one["setting"] for one in report["advice"] if one["taken"]} == taken.keys()
    assert report["probe"]["scores"][0][0] == 1
    assert trained("--replay", str(tmp_path / "first"), "--out", str(tmp_path / "again")) == first
    (tmp_path / "first" / "report.html").unlink()  # as if it had been killed
    other = ("--out", str(tmp_path / "first"), "--changed-data", "accept", "--time-budget", "0.01s")
    assert trained(*other, *words.split()) == first
    assert files.read_json(tmp_path / "first" / CONFIG) == stored


def test_a_run_keeps_what_it_has_taken(tmp_path: Path, pyramid: keras.Model) -> None:
    config = Config(data="pictures/", recipe="auto", out=str(tmp_path / "run"))
    advice = (
        Advice("balance", "auto", "why", "where", True),
        Advice("tune.epochs", 1, "why", "where", True),
    )
    with runs.open_run(RECIPE.page, config) as run:
        assert run.taken is None
        run.record({"head": 2}, advice)
        (run.folder / "history.csv").touch()
    assert files.read_json(tmp_path / "run" / CONFIG)["config"]["balance"] == "none"
    with runs.open_run(RECIPE.page, config) as again:
        assert again.taken == advice
    replayed = cli.parse(Config, None, ["--replay", str(tmp_path / "run"), "--tune.unfreeze", "1"], RECIPE.page)
    assert (replayed.recipe, replayed.balance, replayed.tune.epochs, replayed.tune.unfreeze) == ("plain", "auto", 1, 1)
    anew = cli.parse(Config, None, ["--replay", str(tmp_path / "run"), "--recipe", "auto"], RECIPE.page)
    assert planning.kept_settings(anew) >= {"balance", "tune.epochs", "recipe"}


def test_advice_on_what_was_set_is_not_taken() -> None:
    facts = Facts(
        "pictures", 50, (30, 20), labels=("b", "d"), settings={"balance": "none", "flip": True, "augment": "light"}
    )
    assert [(one.setting, one.taken) for one in planning.advised(facts, set())] == [("balance", True)]
    assert planning.advised(facts, {"balance"}) == []


def test_settings_of_python_that_differ_are_kept() -> None:
    config = Config(recipe="auto", tune=replace(Config().tune, epochs=3))
    assert planning.kept_settings(config) == {"recipe", "tune.epochs"}
    assert setting(config, "tune.epochs") == 3
