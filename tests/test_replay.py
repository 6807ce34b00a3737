from __future__ import annotations

from dataclasses import dataclass, replace
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
    config = Choices(sizes=(5, 6), head=Phase(epochs=7, unfreeze="all"), seed=3, out=str(tmp_path / "run"))
    with runs.open_run("demo", config) as run:
        (run.folder / "result").touch()
    assert replay.read_config(Choices, tmp_path / "run") == replace(config, out=None)


def test_a_replay_of_something_else(tmp_path: Path) -> None:
    for content, named in (
        (None, "config.json"),
        ({"config": {"colour": 1}}, "colour"),
        ({"config": []}, "config.json"),
        ({"config": {"head": 3}}, r"\b3\b"),
        ({"config": {"seed": "k"}}, "seed='k'"),
        ({}, "config.json"),
        ({"config": {"backbone": {"python_object": "Functional mine"}}}, "Functional mine"),
    ):
        if content is not None:
            files.write_json(tmp_path / "config.json", content)
        with pytest.raises(ConfigError, match=named):
            replay.read_config(Choices, tmp_path)


def test_a_model_in_the_configuration_is_named(tmp_path: Path) -> None:
    class Model:
        name = "mine"

    with runs.open_run("demo", Choices(backbone=Model(), out=str(tmp_path / "run"))) as run:
        stored = files.read_json(run.folder / "config.json")
    assert stored["config"]["backbone"] == {"python_object": "Model mine"}
