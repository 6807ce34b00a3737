from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from recipes.image_classification import RECIPE, Config
from tfft import commands, workflow
from tfft.commands import described
from tfft.pages import stock_pages
from tfft.store import Storage, open_store
from tfft.training import Phase, store_activations

LIGHT = """
import contextlib, io, json, runpy, sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("tensorflow", "keras", "sklearn", "matplotlib", "tensorflow_datasets"):
            raise AssertionError(f"{name} was imported")

sys.meta_path.insert(0, Refuse())
from tfft.commands import app

answers = []
for words in json.loads(sys.argv[1]):
    sys.argv = words
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        try:
            app() if words[0] == "tfft" else runpy.run_path(words[0], run_name="__main__")
            code = 0
        except SystemExit as stopped:
            code = stopped.code
    answers.append((code, out.getvalue(), err.getvalue()))
print(json.dumps(answers))
"""
Typed = Callable[..., tuple[int, str, str]]
SMALL = (
    *("--backbone", "MobileNet", "--backbone-options", '{"alpha": 0.25}', "--weights", "none"),
    *("--image-size", "32", "32", "--tune.unfreeze", "1"),
)


@pytest.fixture
def typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typed:
    """Types a command in an empty folder: its exit code, and what it prints, errors last."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("COLUMNS", "200")  # in a narrow terminal cells are wrapped

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["tfft", *words])
        capsys.readouterr()  # what was printed before
        try:
            commands.app()
            code = 0
        except SystemExit as stopped:
            code = stopped.code
        return code, *capsys.readouterr()

    return run


def test_what_is_light_does_not_import_tensorflow(tmp_path: Path) -> None:
    words = [
        ["tfft", "ls"],
        ["tfft", "run", "image_classification", "--help"],
        ["tfft", "plan", "image_classification", "--help"],
        ["tfft", "search", "image_classification", "--help"],
        ["tfft", "choose", "image_classification", "--help"],
        ["tfft", "lr", "image_classification", "--help"],
        ["tfft", "run", "image_classification", "--batch-size", "0"],
        ["tfft", "store", "ls"],
        ["tfft", "cp", "image_classification", "mine.py"],
        ["mine.py", "--help"],
    ]
    command = [sys.executable, "-c", LIGHT, json.dumps(words)]
    environment = {**os.environ, "COLUMNS": "200"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout)
    assert [code for code, _, _ in answers] == [0, 0, 0, 0, 0, 0, 2, 0, 0, 0], answers
    listed, run, plan, search, choose, lr, _, _, _, copied = (out for _, out, _ in answers)
    for name, page in stock_pages().items():
        assert name in listed
        assert page.summary in listed
    assert all(flag in search for flag in ("--trials", "--space", "--backbones"))
    assert all(flag in choose for flag in ("--budget", "--backbones"))
    assert "--phase" in lr
    for shown in (run, plan, search, choose, lr, copied):
        assert "--head.learning-rate" in shown
        assert "--store.limit" in shown
        assert "--replay" in shown


def test_a_mistyped_flag_and_a_bad_value_are_named(typed: Typed) -> None:
    for flags, *named in (
        (["--bakbone", "ResNet50"], "--backbone"),
        (["--head.learning-rate", "3"], "--head.learning-rate", "0", "1", "3"),
        (["--head.epochs", "-1"], "--head.epochs", "0", "1,000,000", "-1"),
        (["--image-size", "0", "32"], "--image-size", "1", "0"),
        (["--image-size", "1", "2", "3"], "--image-size", "1 2 3"),
        (["--batch-size", "x"], "--batch-size", "x"),
        (["--augment", "weird"], "--augment", "weird", "light"),
        (["--tune.epochs"], "--tune.epochs"),
        (["picture"], "picture"),
        (["--batch-size", "0"], "--batch-size", "1", "1,000,000", "0"),
        (["--dropout", "1"], "dropout", "0", "1"),
        (["--backbone-options", '{"alpha": NaN}'], "NaN"),
        (["--hidden", "0"], "hidden", "1", "0"),
        (["--replay", "nowhere"], "nowhere", "config.json"),
    ):
        code, out, error = typed("plan", "image_classification", *flags)
        assert (code, out) == (2, "")
        assert [name for name in named if name not in error] == [], error
        assert error.startswith("tfft: ")
        assert error.count("\n") == 1


def test_a_search_takes_its_own_flags_and_those_of_the_recipe(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr("tfft.searching.search", lambda page, config, **options: asked.append((page, config, options)))
    words = ("--trials", "5", "--dropout", "0.3", "--space", '{"tune.epochs": [2, 4]}', "--backbones", "A", "B")
    code, _, error = typed("search", "image_classification", *words, "--out", "here")
    assert (code, error) == (0, "")
    ((page, config, options),) = asked
    assert (page.RECIPE, config.dropout, config.out) == (RECIPE, 0.3, "here")
    assert options == {"trials": 5, "space": {"tune.epochs": [2, 4]}, "backbones": ["A", "B"]}
    for flags, *named in (
        (["--trials", "many"], "--trials", "many"),
        (["--space", "{"], "--space", "JSON"),
        (["--bakbone", "A"], "--bakbone"),
        (["--trials"], "--trials"),
    ):
        code, out, error = typed("search", "image_classification", *flags)
        assert (code, out) == (2, "")
        assert [name for name in named if name not in error] == [], error
        assert error.count("\n") == 1


def test_a_choice_takes_its_data_as_a_word_too(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr("tfft.choosing.choice.choose", lambda page, config, **own: asked.append((page, config, own)))
    Path("pictures").mkdir()
    flags = ("--backbones", "A", "b.keras", "--budget", "10m", "--image-size", "64")
    for words in (("pictures",), ("image_classification", "pictures"), ("image_classification", "--data", "pictures")):
        code, _, error = typed("choose", *words, *flags)
        assert (code, error) == (0, "")
    assert typed("choose", "text_classification", "--data", "pictures", *flags[:3])[0] == 0
    for page, config, own in asked[:3]:
        assert (page.RECIPE, config.data, config.image_size) == (RECIPE, "pictures", (64, 64))
        assert own == {"backbones": ["A", "b.keras"], "budget": "10m"}
    assert (asked[3][0].RECIPE.page.name, asked[3][2]["budget"]) == ("text_classification", None)
    for words, named in ((("nowhere/",), "nowhere/"), (("pictures", "--budget", "soon"), "--budget")):
        code, out, error = typed("choose", *words)
        assert (code, out, error.count("\n")) == (2, "", 1)
        assert named in error
    assert len(asked) == 4


def test_a_range_test_takes_a_phase(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr("tfft.choosing.rates.find_rate", lambda page, config, **own: asked.append((config, own)))
    flags = ("--data", "pictures", "--tune.optimizer", "sgd")
    assert typed("lr", "image_classification", *flags, "--phase", "head")[0] == 0
    assert typed("lr", "image_classification", *flags)[0] == 0
    assert typed("lr", "image_classification", "--phase", "body")[0] == 2
    assert [own["phase"] for _, own in asked] == ["head", None]
    assert {config.tune.optimizer for config, _ in asked} == {"sgd"}


PAGE = """
from dataclasses import dataclass

@dataclass(frozen=True)
class Config:
    seed: int = 0
    out: str | None = None

RECIPE = None
print("imported")

def run(config):
    print("runs", config)
"""


def test_a_run_folder_never_chooses_the_code_that_runs(typed: Typed) -> None:
    """It may be from a stranger, and the page beside it, too."""
    Path("RUN").mkdir()
    Path("RUN/mine.py").write_text(PAGE)
    about = {"recipe": "mine", "page": {"file": "RUN/mine.py", "digest": "0"}, "config": {"seed": 3}}
    for named in (about, {**about, "recipe": "RUN/mine.py", "page": {}}):
        Path("RUN/config.json").write_text(json.dumps(named))
        for words, wanted in (
            (["resume", "RUN"], "tfft resume RUN --page RUN/mine.py"),
            (["run", "--replay", "RUN"], "tfft run RUN/mine.py --replay RUN"),
        ):
            code, out, error = typed(*words)
            assert (code, out) == (2, "")
            assert f"Type `{wanted}`" in error
    Path("RUN/config.json").write_text(json.dumps({**about, "page": {"file": "lost/mine.py"}}))
    assert "lost/mine.py is missing; RUN/mine.py is its copy" in typed("resume", "RUN")[2]
    code, out, error = typed("resume", "RUN", "--page", "RUN/mine.py")
    assert (code, error) == (0, "")
    assert out.splitlines() == ["imported", "runs Config(seed=3, out='RUN')"]


def test_an_unknown_recipe(typed: Typed) -> None:
    for command in ("run", "plan"):
        code, out, error = typed(command, "image_clasification")
        assert (code, out) == (2, "")
        assert "image_clasification" in error
        assert "'image_classification'" in error


def test_cp_never_overwrites(typed: Typed) -> None:
    assert typed("cp", "image_classification", "mine.py")[0] == 0
    Path("mine.py").write_text("precious")
    code, _, error = typed("cp", "image_classification", "mine.py")
    assert code == 2
    assert "mine.py" in error
    assert Path("mine.py").read_text() == "precious"
    assert typed("cp", "image_classification", "nowhere/mine.py")[0] == 2


def test_plan_shows_and_trains_nothing(typed: Typed) -> None:
    code, out, error = typed("plan", "image_classification", *SMALL)
    assert code == 0, error
    for shown in ("MobileNet", "head", "tune", "1,797", "MB"):
        assert shown in out
    assert "Epoch" not in out
    assert list(Path().iterdir()) == []
    kinds = [entry["parts"]["kind"] for entry in open_store(Storage()).contents()]
    assert sorted(kinds) == ["looks", "pixels"]  # decoded to be counted and compared, and kept for the run


def test_the_store_can_be_looked_at_and_emptied(
    typed: Typed, tmp_path: Path, picture_folder: Callable[[Path, dict[str, int]], Path]
) -> None:
    config = Config(
        data=str(picture_folder(tmp_path / "pictures", {"ant": 6, "bee": 6})),
        backbone="MobileNet",
        backbone_options={"alpha": 0.25},
        weights="none",
        image_size=(32, 32),
        head=Phase(epochs=4),
        tune=Phase(epochs=0),
    )
    store_activations(workflow.rehearse(RECIPE, config))
    folder = open_store(Storage()).folder
    code, shown, error = typed("store", "ls")
    assert code == 0, error
    rows = shown.splitlines()
    assert sum("pixels 32 x 32 x 3" in row for row in rows) == 1
    assert sum("MobileNet" in row and "view" not in row for row in rows) == 1
    assert sum("MobileNet" in row and all(name in row for name in ("view 1", "light", "seed 0")) for row in rows) == 1
    assert "20,000 MB" in rows[-1]
    assert str(folder) in rows[-1]
    assert typed("store", "ls", "--folder", str(folder))[1] == shown
    older = open_store(Storage()).array({"kind": "activations", "view": {"number": 1}}, (1,), "float32", "older")
    older.append(["0"], np.zeros((1, 1), np.float32))
    assert "older" in typed("store", "ls")[1]  # of another version of tfft, which named its views otherwise
    assert str(folder) in typed("store", "clear")[1]
    assert "0.0 MB" in typed("store", "ls")[1]
    assert not list(folder.iterdir())


def test_what_is_stored_of_texts_is_named() -> None:
    parts = {"kind": "activations", "width": 16, "view": None, "about": "bert after transformer_layer_3"}
    assert "bert after transformer_layer_3" in described(parts)
    assert "16" in described(parts)


def test_an_audit_names_what_is_odd_and_guesses_the_recipe(typed: Typed, picture_folder: Callable[..., Path]) -> None:
    folder = picture_folder(Path("pictures"), {"ant": 4, "bee": 4})
    shutil.copy(next((folder / "ant").iterdir()), folder / "bee" / "copy.png")
    code, out, _ = typed("audit", str(folder), "--out", "audit.json")
    assert code == 0
    assert "contradiction" in out
    assert "9 pictures: 1 finding" in out
    assert json.loads(Path("audit.json").read_text())["counts"] == {"contradiction": 1}
    assert typed("audit", str(folder), "--out", "audit.json")[0] == 2  # never over a file
    Path("mails.csv").write_text("text,label\ngood day,a\ngood day,b\nsee you,a\n")
    code, out, _ = typed("audit", "mails.csv")
    assert (code, "3 texts: 1 finding" in out) == (0, True)
    code, _, error = typed("audit", "missing")
    assert (code, "Neither a recipe nor a file or folder: missing" in error) == (2, True)
