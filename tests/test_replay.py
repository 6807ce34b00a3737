from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from tfft import files, replay, runs
from tfft.errors import ConfigError
from tfft.training import Phase


@dataclass(frozen=True)
class Choices:
    sizes: tuple[int, int] = (1, 2)
    backbone: str = "a"
    head: Phase = Phase(epochs=3)
    seed: int = 0
    out: str | None = None


def test_config_comes_back_from_the_folder(tmp_path: Path) -> None:
    config = Choices(sizes=(5, 6), head=Phase(epochs=7, unfreeze="all"), out=str(tmp_path / "run"))
    with runs.open_run("demo", config) as run:
        (run.folder / "result").touch()
    assert replay.read_config(Choices, tmp_path / "run") == Choices(sizes=(5, 6), head=Phase(epochs=7, unfreeze="all"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "no .*config.json"),
        ({"config": {"colour": 1}}, "colour"),
        ({"config": []}, "config.json is as a run wrote it"),
        ({"config": {"head": 3}}, "3 for a group of fields"),
        ({"config": {"seed": "k"}}, "seed='k'"),
        ({}, "config.json is as a run wrote it"),
        ({"config": {"backbone": {"python_object": "Functional mine"}}}, "`backbone` was a Python object"),
    ],
)
def test_a_replay_of_something_else(tmp_path: Path, content: dict | None, said: str) -> None:
    if content is not None:
        files.write_json(tmp_path / "config.json", content)
    with pytest.raises(ConfigError, match=said):
        replay.read_config(Choices, tmp_path)


def test_a_model_in_the_configuration_is_named(tmp_path: Path) -> None:
    class Model:
        name = "mine"

    with runs.open_run("demo", Choices(backbone=Model(), out=str(tmp_path / "run"))) as run:
        stored = files.read_json(run.folder / "config.json")
    assert stored["config"]["backbone"] == {"python_object": "Model mine"}
