"""The README says what is there."""

from __future__ import annotations

import ast
import importlib
import re
import shlex
from pathlib import Path

from tfft import cli, commands

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", README, flags=re.DOTALL)


def test_the_two_commands_stand_first_and_set_themselves_up() -> None:
    shells = [text for language, text in BLOCKS if language == "sh"]
    for command in shells[:2]:
        assert command.count("\n") == 1, "one line to copy"
        assert command.startswith("python3 -m venv .venv && .venv/bin/pip install ")
    assert "python -m recipes.image_classification" in shells[0]
    assert "python -m pytest" in shells[1]


def test_every_recipe_is_in_the_table() -> None:
    for name, path in commands.recipe_files().items():
        first = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))).partition("\n")[0]
        assert re.search(rf"^\| `{name}` \| {re.escape(first)}", README, flags=re.MULTILINE), name


def test_every_recipe_command_can_be_typed() -> None:
    lines = [line for language, text in BLOCKS if language == "sh" for line in text.replace("\\\n", " ").splitlines()]
    typed = [line for line in lines if line.startswith(("python -m recipes.", "tfft run ", "tfft plan "))]
    # those of the results stand in a table
    typed += re.findall(r"`(python -m recipes\.[^`]+)`", README)
    assert typed
    for line in typed:
        words = shlex.split(line)
        if "--replay" not in words:
            recipe = importlib.import_module(f"recipes.{words[2].removeprefix('recipes.')}")
            cli.parse(recipe.Config, recipe.DEMO, words[3:])


def test_its_python_runs() -> None:
    texts = [text for language, text in BLOCKS if language == "python"]
    assert texts
    for text in texts:
        assert 'weights="imagenet"' in text  # which a test must not download
        exec(compile(text.replace('weights="imagenet"', 'weights="none"'), "README.md", "exec"), {})


def test_results_are_there() -> None:
    assert re.search(r"^\| .*`python -m recipes\.", README.partition("## Results")[2], flags=re.MULTILINE)
