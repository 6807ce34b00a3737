from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from recipes.image_classification import Config, prepare
from tfft import commands, runs
from tfft.commands import described
from tfft.store import Storage, open_store
from tfft.training import Phase, store_activations

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
    program = f"{NO_TENSORFLOW}\n{code or 'from tfft.commands import app; app()'}"
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


SMALL = [
    "--head.epochs",
    "1",
    "--tune.epochs",
    "1",
    "--image-size",
    "32",
    "32",
    "--augment",
    "light",
    "--tune.unfreeze",
    "1",
]


def test_plan_shows_and_trains_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")  # in a narrow terminal cells are wrapped
    monkeypatch.setattr(sys, "argv", ["tfft", "plan", "image_classification", *SMALL])
    commands.app()
    said = capsys.readouterr().out
    assert "trains on" in said
    assert "1 x 1 x 56 after block_15_add" in said  # narrower than the pooled features, and next to them
    assert "Epoch" not in said
    assert list(tmp_path.iterdir()) == []
    kinds = [entry["parts"]["kind"] for entry in open_store(Storage()).contents()]
    assert kinds == ["pixels"]  # decoded to be counted, and kept for the run


def test_plan_of_an_unknown_recipe_and_of_a_bad_flag() -> None:
    assert tfft("plan", "image_clasification").returncode == 2
    assert tfft("plan", "image_classification", "--batch-size", "0").returncode == 2
    done = tfft("plan", "image_classification", "--help")
    assert done.returncode == 0
    assert "--store.limit" in done.stdout


def test_the_store_can_be_looked_at_and_emptied(capsys: pytest.CaptureFixture[str]) -> None:
    config = Config(
        backbone="MobileNet",
        backbone_options={"alpha": 0.25},
        weights="none",
        image_size=(32, 32),
        head=Phase(epochs=2),
    )
    with runs.rehearse("image_classification", config) as current:
        store_activations(prepare(config, current)[2])
    folder = open_store(Storage()).folder
    done = tfft("store", "ls")
    assert done.returncode == 0, done.stderr
    for part in (
        "pixels 32 x 32 x 3",
        "MobileNet after",
        "pictures as they are",
        "view 1 (light, seed 0)",
        "20,000 MB in",
    ):
        assert part in done.stdout
    assert tfft("store", "ls", "--folder", str(folder)).stdout == done.stdout
    older = open_store(Storage()).array({"kind": "activations", "view": {"number": 1}}, (1,), "float32", "older")
    older.append(["0"], np.zeros((1, 1), np.float32))
    assert "older: a view made by another version of tfft" in tfft("store", "ls").stdout
    cleared = tfft("store", "clear")
    assert f"MB removed from {folder}" in cleared.stdout
    assert "0.0 MB of" in tfft("store", "ls").stdout
    assert not list(folder.iterdir())


def test_what_is_stored_of_texts_is_named() -> None:
    parts = {"kind": "activations", "width": 16, "view": None, "about": "bert after transformer_layer_3"}
    assert described(parts) == "bert after transformer_layer_3: texts of up to 16 tokens"
