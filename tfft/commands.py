"""The `tfft` command: `ls | cp | audit | plan | choose | lr | run | search | resume | store`, more in `tfft.using`."""

from __future__ import annotations

import argparse
import datetime
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from tfft import __version__, cli, exploring, front, using
from tfft.errors import ConfigError, printable
from tfft.evaluation.acceptance import check_accepted
from tfft.pages import find_page, load_page, stock_pages

VERBS = {
    "audit": "check your data: duplicates, odd pictures or texts, conflicting labels",
    "run": "run a recipe",
    "plan": "show what `tfft run` would train, store and cost",
    "choose": "compare backbones on your data, and say which to take",
    "lr": "find a learning rate for a phase in a range test",
    "search": "search the settings of a recipe in many trials, then run it with the best",
}
"""Commands that take a recipe and its flags."""


def app() -> None:
    """The `tfft` command."""
    parser = argparse.ArgumentParser(
        prog="tfft", description="Fine-tune pretrained Keras networks on your own data.", allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"tfft {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("ls", help="list the recipes")
    copy = commands.add_parser("cp", help="copy a recipe into a file of your own, to edit and run")
    copy.add_argument("recipe", help="its name, see `tfft ls`")
    copy.add_argument("target", type=Path, help="a new file, such as mine.py")
    copy.add_argument(
        "--whole", action="store_true", help="with the code that all recipes share written out, for full control"
    )
    for name, what in VERBS.items():
        commands.add_parser(name, help=f"{what}; `tfft {name} RECIPE --help` lists its flags")
    resume = commands.add_parser("resume", help="resume an interrupted run")
    resume.add_argument("folder", type=Path, help="of the run")
    resume.add_argument("--page", help="the page that made the run, if it is your own")
    resume.add_argument(
        "--changed-data",
        choices=("stop", "accept"),
        default="stop",
        help="what to do if the data have changed: stop, or accept them as they are now",
    )
    store = commands.add_parser("store", help="list what is stored of frozen layers, or delete it")
    store.add_argument("action", choices=("ls", "clear"))
    store.add_argument("--folder", help="of the store; by default $TFFT_STORE, or tfft in your cache folder")
    using.add_commands(commands)
    if sys.argv[1:2] in ([name] for name in VERBS):  # the words behind them are those of the recipe
        with cli.one_sentence():
            _run(sys.argv[1], sys.argv[2:])
        return
    words, others = parser.parse_known_args()
    if others and words.command != "evaluate":  # whose further flags are those of the recipe
        parser.error(f"unrecognized arguments: {' '.join(others)}")
    with cli.one_sentence():
        match words.command:
            case "ls":
                _list_recipes()
            case "cp":
                _copy_recipe(words.recipe, words.target, whole=words.whole)
            case "resume":
                result = front.resume(words.folder, words.page, changed_data=words.changed_data)
                check_accepted(getattr(result, "verdicts", ()))
            case "store":
                _show_store(words.folder) if words.action == "ls" else _clear_store(words.folder)
            case _:
                using.run_command(words, others)


def _list_recipes() -> None:
    for name, page in stock_pages().items():
        print(f"{name:24}{page.summary}")


def _copy_recipe(name: str, target: Path, *, whole: bool) -> None:
    from tfft.whole import whole_page

    page = find_page(name)
    source = whole_page(page) if whole else page.path.read_text(encoding="utf-8")
    try:
        with target.open("x", encoding="utf-8") as file:  # "x": never over a file of the person's
            file.write(source.replace(f"python -m recipes.{page.name}", f"python {target.name}"))
    except FileExistsError:
        raise ConfigError(f"{target} exists already", fix="Choose another name; tfft never overwrites a file") from None
    except (FileNotFoundError, NotADirectoryError):
        raise ConfigError(f"Folder not found: {target.parent}", fix="Make it first, or choose another") from None
    print(f"{target} is yours to edit: the model in `build_model`, the data in `load_data`, where `augment=` takes an")
    print(f"augmentation of your own. Run it with: tfft run {target}")


def _run(command: str, arguments: Sequence[str]) -> None:
    """A command with the page named by the first word, or, for `--replay FOLDER`, that of the earlier run."""
    if command in ("audit", "choose"):
        arguments = exploring.data_as_flag(arguments)
    name, *rest = arguments or ["--help"]
    if name == "--replay" and rest:
        page, recipe = front.open_run_page(Path(rest[0]), f"tfft {command} {{page}} --replay {{run}}")
        name, rest = page.name, list(arguments)
    elif name.startswith("-"):
        if name not in ("-h", "--help"):
            raise ConfigError(f"`tfft {command}` needs a recipe before {name}", fix="`tfft ls` lists the recipes")
        print(f"usage: tfft {command} RECIPE [FLAGS]\n\n`tfft {command} RECIPE --help` lists its flags. Recipes:\n")
        _list_recipes()
        print("\nor a page of your own: `tfft cp RECIPE mine.py`, then `tfft run mine.py`")
        return
    else:
        page = find_page(name)
        recipe = load_page(page)
    sys.argv[0] = f"tfft {command} {name}"
    start = recipe.run if command == "run" else partial(_plan, recipe.RECIPE)
    if command in exploring.COMMANDS:
        start, rest = exploring.COMMANDS[command](recipe, rest)
    cli.main(start, recipe.Config, getattr(recipe, "DEMO", None), rest, page)


def _plan(recipe: Any, config: Any) -> None:
    from tfft import workflow

    workflow.rehearse(recipe, config)


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
    print(f"{store.clear() / 1e6:,.1f} MB deleted from {printable(store.folder)}")


def described(parts: Mapping[str, Any]) -> str:
    """What an array of the store holds, in a few words."""
    about, shape = parts.get("about", ""), " x ".join(map(str, parts.get("shape", ())))
    match parts:
        case {"kind": "pixels" | "masks" | "looks" as kind}:
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
