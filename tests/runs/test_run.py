from __future__ import annotations

import os
import random
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import filelock
import keras
import numpy as np
import pytest

from tfft import runs
from tfft.errors import ConfigError, ConflictError, MachineError
from tfft.pages import find_page
from tfft.runs import replay
from tfft.store import Storage
from tfft.training import Phase

PAGE = find_page("image_classification")


@dataclass(frozen=True)
class Choices:
    seed: int = 0
    out: str | None = None


@dataclass(frozen=True)
class Stored(Choices):
    store: Storage = Storage()


@dataclass(frozen=True)
class Augmented(Choices):
    augment: str = "light"
    views: int | str = "auto"
    head: Phase = Phase()
    tune: Phase = Phase()


def test_a_stage_is_timed_and_returns(tmp_path: Path) -> None:
    with runs.open_run(PAGE, Choices(out=str(tmp_path / "run"))) as run:
        assert run.stage("sum", sum, [1, 2]) == 3
    assert run.seconds["sum"] >= 0


def test_what_auto_has_chosen_is_kept_where_it_chooses_again(tmp_path: Path) -> None:
    for augment in ("light", "none"):
        config = Augmented(out=str(tmp_path / augment), augment=augment)
        with runs.open_run(PAGE, config) as run:
            run.record({"head": 4, "tune": "fresh"} if augment == "light" else {})
            (run.folder / "history.csv").touch()
        assert replay.read_config(Augmented, tmp_path / augment, PAGE) == replace(config, out=None)
        chosen = {"head": Phase(views=4), "tune": Phase(views="fresh")} if augment == "light" else {}
        with runs.open_run(PAGE, config) as again:
            assert again.config == replace(config, **chosen)
        for views in (2, "fresh"):
            asked = replace(config, views=views)
            assert replay.with_choices(asked, tmp_path / augment) == asked


def test_a_failed_run_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), runs.open_run(PAGE, Choices(out=str(tmp_path / "run"))):
        raise RuntimeError
    assert not (tmp_path / "run").exists()


def test_a_failed_run_leaves_a_folder_that_was_there_and_what_it_wrote(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    with pytest.raises(RuntimeError), runs.open_run(PAGE, Choices(out=str(tmp_path / "mine"))):
        raise RuntimeError
    assert list((tmp_path / "mine").iterdir()) == []
    with pytest.raises(FileExistsError), runs.open_run(PAGE, Choices(out=str(tmp_path / "mine"))) as run:
        [(run.folder / "history.csv").touch(exist_ok=False) for _ in range(2)]
    assert sorted(p.name for p in (tmp_path / "mine").iterdir()) == ["config.json", "history.csv"]


def test_two_runs_never_share_a_folder(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    folder = tmp_path / "run"
    folder.mkdir()
    with (
        filelock.FileLock(folder / ".lock"),
        pytest.raises(ConflictError, match="/run"),
        runs.open_run(PAGE, Choices(out=str(folder))),
    ):
        pass
    assert ConflictError.exit_code == 6
    (folder / ".lock").touch()  # of a killed run
    with runs.open_run(PAGE, Choices(out=str(folder))):
        assert f"Taking over {folder}" in caplog.text
        assert {path.name for path in folder.iterdir()} == {".lock", "config.json"}
        with pytest.raises(ConflictError, match="/run"), runs.open_run(PAGE, Choices(out=str(folder))):
            pass
    assert [path.name for path in folder.iterdir()] == ["config.json"]


def test_the_same_command_goes_on_with_an_interrupted_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    caplog.set_level("INFO")

    def interrupted(config: Choices) -> Path:
        with suppress(KeyboardInterrupt), runs.open_run(PAGE, config) as run:
            (run.folder / "history.csv").write_text("1")
            (run.folder / f".writing-{'0' * 32}.npz").touch()
            (run.folder / ".writing-notes.md").touch()  # of the person
            raise KeyboardInterrupt
        return run.folder

    first = interrupted(Choices(seed=1))
    assert f"To resume this run, type: tfft resume {first}" in caplog.text
    other = interrupted(Stored(seed=2))
    assert other != first
    with runs.open_run(PAGE, Choices(seed=1)) as run:
        assert run.folder == first
        assert sorted(path.name for path in first.iterdir()) == [
            ".lock", ".writing-notes.md", "config.json", "history.csv",
        ]  # fmt: skip
        assert not run.finished
        assert f"half-written file of the run that was stopped: {first}/.writing-000" in caplog.text
        with runs.open_run(PAGE, Choices(seed=1)) as beside:
            assert beside.folder not in (first, other)
            (beside.folder / runs.FINISHED).touch()
        (first / runs.FINISHED).touch()
    with runs.open_run(PAGE, Choices(seed=1, out=str(first))) as run:  # finished, and asked for by name
        assert run.finished
    assert interrupted(Choices(seed=1)) not in (first, other)
    with runs.open_run(PAGE, Stored(2, str(other), Storage("elsewhere", 1.5))) as run:  # which change no number
        assert run.folder == other
    with pytest.raises(ConfigError, match=r"--seed 3 \(was 2\)"), runs.open_run(PAGE, Choices(3, str(other))):
        pass
    regression = find_page("image_regression")
    with pytest.raises(ConfigError, match="image_classification"), runs.open_run(regression, Choices(2, str(other))):
        pass


def test_foreign_files_are_not_touched(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with (
        pytest.raises(ConfigError, match=r"thesis\.txt"),
        runs.open_run(PAGE, Choices(out=str(tmp_path))),
    ):
        pass
    assert (tmp_path / "thesis.txt").read_text() == "years of work"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_file_at_out_and_a_path_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="/file"), runs.open_run(PAGE, Choices(out=f"{tmp_path}/file")):
        pass
    with (
        pytest.raises(MachineError, match="/file/run"),
        runs.open_run(PAGE, Choices(out=f"{tmp_path}/file/run")),
    ):
        pass


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(MachineError, match="Permission denied"), runs.open_run(PAGE, Choices(out=f"{tmp_path}/run")):
        pass


def test_a_run_sets_its_seed(tmp_path: Path) -> None:
    drawn = []
    for number, seed in enumerate((5, 5, 6)):
        with runs.open_run(PAGE, Choices(seed=seed, out=f"{tmp_path}/{number}")):
            drawn.append((random.random(), np.random.random(), float(keras.random.uniform(()))))
    assert drawn[0] == drawn[1]
    assert all(one != other for one, other in zip(drawn[0], drawn[2], strict=True))


def test_a_seed_outside_its_range(tmp_path: Path) -> None:
    for seed in (-1, 2**31):
        with pytest.raises(ConfigError, match=f"{seed:,}"), runs.open_run(PAGE, Choices(seed, f"{tmp_path}/run")):
            pass


def test_versions_name_what_decides_the_numbers() -> None:
    assert {"python", "tensorflow", "keras", "numpy", "tfft"} <= set(runs.versions())


def test_a_rehearsal_has_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with runs.rehearse(PAGE, Choices()) as run:
        assert run.stage("sum", sum, [1, 2]) == 3
    assert run.folder is None
    assert list(tmp_path.iterdir()) == []
