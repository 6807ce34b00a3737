"""The `tfft` command: `ls | cp | plan | run | store`."""

from __future__ import annotations

import argparse
import ast
import datetime
import importlib
import importlib.util
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from tfft import __version__, cli, workflow
from tfft.errors import ConfigError, nearest, printable


def app() -> None:
    """The `tfft` command."""
    parser = argparse.ArgumentParser(
        prog="tfft", description="Fine-tune pretrained Keras networks on your own data.", allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"tfft {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("ls", help="list the recipes")
    copy = commands.add_parser("cp", help="copy a recipe into a file of your own, to edit and run")
    copy.add_argument("recipe")
    copy.add_argument("target", type=Path)
    run = commands.add_parser("run", help="run a recipe; `tfft run RECIPE --help` lists its flags", add_help=False)
    run.add_argument("recipe")
    run.add_argument("arguments", nargs=argparse.REMAINDER)
    plan = commands.add_parser(
        "plan", help="what `tfft run` would train, store and cost; nothing is trained", add_help=False
    )
    plan.add_argument("recipe")
    plan.add_argument("arguments", nargs=argparse.REMAINDER)
    store = commands.add_parser("store", help="what is kept of frozen layers: look at it, or empty it")
    store.add_argument("action", choices=("ls", "clear"))
    store.add_argument(
        "--folder", help="of the store; by default that in TFFT_STORE, or tfft in the user's cache folder"
    )
    words = parser.parse_args()
    with cli.one_sentence():
        match words.command:
            case "ls":
                _list_recipes()
            case "cp":
                _copy_recipe(words.recipe, words.target)
            case "run":
                recipe = _recipe(words.recipe, "run")
                cli.main(recipe.run, recipe.Config, recipe.DEMO, words.arguments)
            case "plan":
                recipe = _recipe(words.recipe, "plan")
                cli.main(partial(workflow.rehearse, recipe.RECIPE), recipe.Config, recipe.DEMO, words.arguments)
            case "store":
                _show_store(words.folder) if words.action == "ls" else _clear_store(words.folder)


def recipe_files() -> dict[str, Path]:
    """The files of the recipes by name; none is imported."""
    folder = Path(importlib.util.find_spec("recipes").submodule_search_locations[0])
    return {path.stem: path for path in sorted(folder.glob("*.py")) if path.stem != "__init__"}


def _recipe_file(name: str) -> Path:
    recipes = recipe_files()
    if name not in recipes:
        raise ConfigError(
            "A recipe is one of those that `tfft ls` lists",
            received=repr(name),
            fix=f"Nearest: {nearest(name, recipes)}",
        )
    return recipes[name]


def _list_recipes() -> None:
    for name, path in recipe_files().items():
        summary = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").partition("\n")[0]
        print(f"{name:24}{summary}")


def _copy_recipe(name: str, target: Path) -> None:
    source = _recipe_file(name)
    try:
        with target.open("x", encoding="utf-8") as file:  # "x": never over a file of the person's
            file.write(source.read_text(encoding="utf-8"))
    except FileExistsError:
        raise ConfigError("The target is a new file", received=f"{target}, which exists") from None
    except (FileNotFoundError, NotADirectoryError):
        raise ConfigError("The target's folder exists", received=target) from None
    print(f"{target} is yours. Edit it, then: python {target} --help")


def _recipe(name: str, command: str) -> ModuleType:
    _recipe_file(name)
    sys.argv[0] = f"tfft {command} {name}"
    return importlib.import_module(f"recipes.{name}")


def _show_store(folder: str | None) -> None:
    from tfft.store import Storage, open_store

    store = open_store(Storage(folder=folder))
    contents = store.contents()
    for entry in contents:
        used = datetime.datetime.fromtimestamp(entry["used"]).strftime("%Y-%m-%d %H:%M")
        print(f"{entry['bytes'] / 1e6:10,.1f} MB  used {used}  {printable(described(entry['parts']))}")
    total = sum(entry["bytes"] for entry in contents)
    print(f"{total / 1e6:10,.1f} MB of {store.limit / 1e6:,.0f} MB in {printable(store.folder)}")


def _clear_store(folder: str | None) -> None:
    from tfft.store import Storage, open_store

    store = open_store(Storage(folder=folder))
    print(f"{store.clear() / 1e6:,.1f} MB removed from {printable(store.folder)}")


def described(parts: Mapping[str, Any]) -> str:
    """What an array of the store holds, in a few words."""
    about, shape = parts.get("about", ""), " x ".join(map(str, parts.get("shape", ())))
    match parts:
        case {"kind": "pixels" | "masks" as kind}:
            return f"{kind} {shape}"
        case {"kind": "activations", "width": width}:
            return f"{about}: texts of up to {width} tokens"
        case {"kind": "activations", "view": None}:
            return f"{about}: pictures as they are"
        case {"kind": "activations", "view": {"number": number, "level": level, "seed": seed}}:
            return f"{about}: view {number} ({level}, seed {seed})"
        case {"kind": "activations"}:
            return f"{about}: a view made by another version of tfft"
    return "unknown"
