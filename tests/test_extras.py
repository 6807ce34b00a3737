from __future__ import annotations

import importlib.util
import tomllib
from pathlib import Path

import pytest

from recipes.text_classification import DEMO, Config, run
from tfft import cli, extras
from tfft.errors import MachineError


def test_what_is_there_is_not_complained_of() -> None:
    extras.require("text")


def test_a_missing_package_is_one_sentence_with_the_line_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(extras.PACKAGES, "text", ("numpy", "no_such_package"))
    with pytest.raises(MachineError, match="no_such_package") as caught:
        extras.require("text")
    assert 'pip install "tfft[text]"' in str(caught.value)


def test_a_recipe_without_its_extra_says_so_before_anything_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    found, missing = importlib.util.find_spec, ("keras_hub", "sacrebleu")
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name in missing else found(name, *rest)
    )
    with pytest.raises(SystemExit) as stopped:
        cli.main(run, Config, DEMO, [])
    assert stopped.value.code == 4
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    for name in (*missing, 'pip install "tfft[text]"'):
        assert name in said.err
    assert said.out == ""
    assert not list(tmp_path.iterdir())


def test_what_is_asked_for_is_what_is_installed() -> None:
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for extra, modules in extras.PACKAGES.items():
        lines = project["optional-dependencies"][extra]
        names = [line.partition(">=")[0].removesuffix("-skinny").replace("-", "_") for line in lines]
        assert names == list(modules)
