from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from recipes.image_classification import DEMO, Config
from tfft import cli
from tfft.errors import ConfigError
from tfft.training import Phase

NO_TENSORFLOW = """
import runpy, sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("tensorflow", "keras", "sklearn", "matplotlib", "tensorflow_datasets"):
            raise AssertionError(f"{name} was imported")
sys.meta_path.insert(0, Refuse())
sys.argv = sys.argv[1:]
"""


def tfft(*words: str, code: str = "", cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    program = f"{NO_TENSORFLOW}\n{code or 'from tfft.cli import app; app()'}"
    environment = {**os.environ, "COLUMNS": "200"}
    return subprocess.run(
        [sys.executable, "-c", program, "tfft", *words], capture_output=True, text=True, cwd=cwd, env=environment
    )


def test_ls_lists_each_recipe_with_its_first_line() -> None:
    done = tfft("ls")
    assert done.returncode == 0
    assert "image_classification" in done.stdout
    assert "Fine-tune a pretrained network to tell classes of pictures apart." in done.stdout


def test_help_does_not_import_tensorflow() -> None:
    done = tfft("run", "image_classification", "--help")
    assert done.returncode == 0, done.stderr
    assert "--head.learning-rate" in done.stdout
    assert "--replay" in done.stdout


def test_a_mistyped_flag_names_the_nearest() -> None:
    done = tfft("run", "image_classification", "--bakbone", "ResNet50")
    assert done.returncode == 2
    assert "--backbone" in done.stderr


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--head.learning-rate", "3"], "`learning_rate` is above 0 and at most 1. Received: learning_rate=3."),
        (["--head.epochs", "-1"], "`epochs` is at least 0 and at most 1000000. Received: epochs=-1."),
        (["--image-size", "0", "32"], "`image_size` is at least 1. Received: image_size=0."),
        (["--batch-size", "0"], "`batch_size` is at least 1 and at most 1000000. Received: batch_size=0."),
        (["--dropout", "1"], "`dropout` is at least 0 and below 1. Received: dropout=1."),
        (["--backbone-options", '{"alpha": NaN}'], "JSON has no NaN"),
        (["--hidden", "0"], "`hidden` is at least 1. Received: hidden=0."),
        (["--replay", "nowhere"], "`--replay` names the folder of a run. Received: no nowhere/config.json."),
    ],
)
def test_a_bad_value_is_one_sentence(flags: list[str], said: str) -> None:
    done = tfft("run", "image_classification", *flags)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_recipe() -> None:
    done = tfft("run", "image_clasification")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Nearest: 'image_classification'" in done.stderr


def test_cp_gives_a_file_that_runs_and_never_overwrites(tmp_path: Path) -> None:
    assert tfft("cp", "image_classification", "mine.py", cwd=tmp_path).returncode == 0
    done = tfft("--help", code="runpy.run_path('mine.py', run_name='__main__')", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "--head.learning-rate" in done.stdout
    (tmp_path / "mine.py").write_text("precious")
    assert tfft("cp", "image_classification", "mine.py", cwd=tmp_path).returncode == 2
    assert (tmp_path / "mine.py").read_text() == "precious"


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
    assert cli.parse(Config, DEMO, ["--dropout", "0.5"]).backbone == DEMO.backbone


def test_a_replay_takes_the_old_configuration_and_new_flags(tmp_path: Path) -> None:
    from tfft import runs

    old = Config(data="old", head=Phase(epochs=7), out=str(tmp_path / "run"))
    with runs.open_run("image_classification", old) as run:
        (run.folder / "result").touch()
    config = cli.parse(Config, DEMO, ["--replay", str(tmp_path / "run"), "--seed", "5"])
    assert config == Config(data="old", head=Phase(epochs=7), seed=5)


def test_an_error_becomes_a_sentence_and_its_code(capsys: pytest.CaptureFixture[str]) -> None:
    def run(config: Config) -> None:
        raise ConfigError("Something else", received=config.data)

    with pytest.raises(SystemExit) as stopped:
        cli.main(run, Config, DEMO, ["--data", "x"])
    assert stopped.value.code == 2
    assert capsys.readouterr().err == "tfft: Something else. Received: x.\n"


def test_ctrl_c_is_130_and_a_failing_disk_4(capsys: pytest.CaptureFixture[str]) -> None:
    def stop(config: Config) -> None:
        raise KeyboardInterrupt

    def fail(config: Config) -> None:
        raise OSError(28, "No space left on device", "runs/x/model.keras")

    def fill(config: Config) -> None:
        raise MemoryError

    codes = []
    for run in (stop, fail, fill):
        with pytest.raises(SystemExit) as stopped:
            cli.main(run, Config, DEMO, [])
        codes.append(stopped.value.code)
    assert codes == [130, 4, 4]
    said = capsys.readouterr().err
    assert "No space left on device: 'runs/x/model.keras'" in said
    assert "no memory left. Lower `--batch-size`" in said
