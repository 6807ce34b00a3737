from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from recipes.image_classification import DEMO, Config
from tfft import cli, files
from tfft.errors import ConfigError
from tfft.pages import find_page
from tfft.training import Phase


def test_flags_become_a_config() -> None:
    config = cli.parse(
        Config,
        DEMO,
        shlex.split(
            "--data pictures --backbone-options '{\"alpha\": 0.35}' --image-size 96 128 "
            "--tune.unfreeze all --hidden 64 32"
        ),
    )
    assert (config.data, config.backbone_options, config.image_size) == ("pictures", {"alpha": 0.35}, (96, 128))
    assert (config.tune.unfreeze, config.hidden) == ("all", (64, 32))
    assert config.backbone == Config().backbone


def test_without_data_the_demo_brings_its_settings() -> None:
    assert cli.parse(Config, DEMO, []) == DEMO
    assert cli.parse(Config, DEMO, ["--dropout", "0.5"]).weights == DEMO.weights == "demo"


def test_a_replay_takes_the_old_configuration_and_new_flags(tmp_path: Path) -> None:
    from tfft import runs

    old = Config(data="old", head=Phase(epochs=7), out=str(tmp_path / "run"))
    with runs.open_run(find_page("image_classification"), old) as run:
        (run.folder / "result").touch()
    config = cli.parse(Config, DEMO, ["--replay", str(tmp_path / "run"), "--seed", "5"])
    assert config == Config(data="old", head=Phase(epochs=7), seed=5)


def test_an_error_becomes_a_sentence_and_its_code(capsys: pytest.CaptureFixture[str]) -> None:
    def run(config: Config) -> None:
        raise ConfigError(f"Something else: {config.data}")

    with pytest.raises(SystemExit) as stopped:
        cli.main(run, Config, DEMO, ["--data", "x"])
    assert stopped.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("tfft: ")
    assert "Something else" in line
    assert "x" in line


def test_ctrl_c_is_130_and_a_full_disk_4(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "model.keras").write_text("before")

    def stop(config: Config) -> None:
        raise KeyboardInterrupt

    def fail(config: Config) -> None:
        with files.replacing(tmp_path / "model.keras", size=2**60):
            raise AssertionError("not before anything is written")

    def fill(config: Config) -> None:
        raise MemoryError

    codes = []
    for run in (stop, fail, fill):
        with pytest.raises(SystemExit) as stopped:
            cli.main(run, Config, DEMO, [])
        codes.append(stopped.value.code)
    assert codes == [130, 4, 4]
    _, disk, memory = capsys.readouterr().err.splitlines()
    assert re.search(r"model\.keras \(1,152,921,504,606\.8 MB are needed, [\d,.]+ MB are free\)", disk)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("model.keras", "before")]
    assert "--batch-size" in memory
