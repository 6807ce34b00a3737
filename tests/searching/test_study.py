from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from recipes.image_classification import RECIPE, Config
from tfft.errors import ConfigError, ConflictError, DataError
from tfft.searching.study import About, claimed, end, ended, importances, next_trial, open_study

pytest.importorskip("optuna", reason='needs `pip install "tfft[search]"`')
SPACE = {"dropout": [0.0, 0.5], "tune.learning_rate": [1e-5, 1e-3], "tune.schedule": ["constant", "cosine"]}
ABOUT = About(RECIPE.page, Config(), SPACE, "val_accuracy", "max", ["ant", "bee"], {"train": "1", "val": "2"}, {})


def finished(score: float) -> dict[str, Any]:
    return {"state": "finished", "score": score}


def test_the_same_search_goes_on_and_another_is_refused(tmp_path: Path) -> None:
    ABOUT.begin(tmp_path)
    ABOUT.begin(tmp_path)
    replace(ABOUT, config=Config(out="elsewhere")).begin(tmp_path)
    for other, kind, *named in (
        (replace(ABOUT, space={**SPACE, "dropout": [0.0, 0.3]}), ConfigError, "dropout [0.0, 0.3] (was [0.0, 0.5])"),
        (replace(ABOUT, space={"dropout": [0.0, 0.5]}), ConfigError, "another space", "tune.schedule is held"),
        (replace(ABOUT, config=Config(seed=3)), ConfigError, "--seed 3 (was 0)"),
        (replace(ABOUT, examples={"train": "1", "val": "3"}), DataError, "data have changed", str(tmp_path)),
        (replace(ABOUT, labels=["bee", "ant"]), DataError, "data have changed"),
    ):
        with pytest.raises(kind) as caught:
            other.begin(tmp_path)
        assert [name for name in named if name not in str(caught.value)] == [], str(caught.value)
        assert "--out" in str(caught.value)
    (tmp_path / "search.json").write_text("[]")
    with pytest.raises(ConfigError, match="damaged"):
        ABOUT.begin(tmp_path)


def test_a_folder_is_for_one_search_and_nothing_else(tmp_path: Path) -> None:
    with claimed(tmp_path / "a" / "search"), pytest.raises(ConflictError), claimed(tmp_path / "a" / "search"):
        pass
    assert not (tmp_path / "a" / "search").exists()  # nothing was written
    (tmp_path / "mine").write_text("precious")
    for folder, named in ((tmp_path, "mine"), (tmp_path / "mine", "is a file")):
        with pytest.raises(ConfigError, match=named), claimed(folder):
            pass


def _drawn(folder: Path, until: int, first: dict[str, Any]) -> list[dict[str, Any]]:
    """The trials that one process adds to a study, before it is killed in the next one."""
    folder.mkdir(exist_ok=True)
    with open_study(folder, "max") as study:
        before = len(ended(study))
        while len(ended(study)) < until:
            trial = next_trial(study, SPACE, 7, first)
            end(study, trial, finished(trial.params["dropout"]))
        next_trial(study, SPACE, 7, first)
        return ended(study)[before:]


def test_trials_do_not_depend_on_where_a_search_was_stopped(tmp_path: Path) -> None:
    """Not even on a trial that was killed before or after it had its values."""
    first = {"dropout": 0.2, "tune.learning_rate": 3e-4}
    drawn = {
        name: [row["values"] for stop in stops for row in _drawn(tmp_path / name, stop, first)]
        for name, stops in {"straight": [12], "stopped": [0, 11, 12]}.items()
    }
    assert drawn["straight"] == drawn["stopped"]
    assert {**drawn["straight"][0], **first} == drawn["straight"][0]
    assert len({row["dropout"] for row in drawn["straight"]}) == 12
    with open_study(tmp_path / "stopped", "max") as study:
        assert next(iter(importances(study))) == "dropout"


def test_a_trial_that_has_ended_is_kept_however_its_process_ended(tmp_path: Path) -> None:
    with open_study(tmp_path, "max") as study:
        trial = next_trial(study, SPACE, 0, {})
        trial.set_user_attr("row", finished(0.5))  # killed here
    with open_study(tmp_path, "max") as study:
        assert ended(study) == [{**finished(0.5), "values": trial.params}]
        assert study.best_value == 0.5
    (tmp_path / "study.db").write_bytes(b"no database" * 1000)
    with pytest.raises(ConfigError, match=r"study\.db is damaged"), open_study(tmp_path, "max"):
        pass
