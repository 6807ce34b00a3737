"""The README says what exists."""

from __future__ import annotations

import importlib
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from tfft import cli
from tfft.pages import stock_pages

FOLDER = Path(__file__).parent.parent
README = (FOLDER / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", README, flags=re.DOTALL)


def test_the_two_commands_stand_first_and_set_themselves_up() -> None:
    shells = [text for language, text in BLOCKS if language == "sh"]
    for command in shells[:2]:
        assert command.count("\n") == 1, "one line to copy"
        assert command.startswith("python3 -m venv .venv && .venv/bin/pip install ")
    assert "python -m recipes.image_classification" in shells[0]
    assert "python -m pytest" in shells[1]


def test_it_is_short() -> None:
    assert README.count("\n") <= 150


def test_every_recipe_is_in_the_table() -> None:
    for name, page in stock_pages().items():
        assert f"| `{name}` | {page.summary} |" in README


def test_every_recipe_command_can_be_typed() -> None:
    lines = [line for language, text in BLOCKS if language == "sh" for line in text.splitlines()]
    typed = [line for line in lines if line.startswith(("python -m recipes.", "tfft run ", "tfft plan "))]
    # those of the results stand in a table
    typed += re.findall(r"`(python -m recipes\.[^`]+)`", README)
    assert typed
    for line in typed:
        words = shlex.split(line, comments=True)
        if "--replay" not in words:
            recipe = importlib.import_module(f"recipes.{words[2].removeprefix('recipes.')}")
            cli.parse(recipe.Config, recipe.DEMO, words[3:])


def test_its_python_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, picture_folder: Callable[[Path, dict[str, int]], Path]
) -> None:
    monkeypatch.chdir(tmp_path)
    picture_folder(Path("pictures"), {"ant": 8, "bee": 8})
    (text,) = [text for language, text in BLOCKS if language == "python"]
    assert 'weights="imagenet"' in text  # which a test must not download
    # planned, for training would take minutes; of a network with fewer layers
    changes = {'"imagenet"': '"none"', "tfft.run(": "tfft.plan(", "MobileNetV2": "MobileNet", "160": "32"}
    for old, new in changes.items():
        assert text.count(old) == 1
        text = text.replace(old, new)
    exec(compile(text, "README.md", "exec"), {})


def test_its_pictures_and_links_exist() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (FOLDER / target).is_file(), target
