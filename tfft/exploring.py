"""The commands that compare settings or backbones: `tfft search | choose | lr`."""

from __future__ import annotations

import argparse
import itertools
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from tfft.errors import ConfigError
from tfft.pages import stock_pages

FIRST_FILES = 5000
"""Files of a folder that are looked at, to tell what it holds."""
PICTURES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".avif"}
TEXTS = {".txt", ".csv", ".tsv", ".jsonl"}


def _search(recipe: ModuleType, arguments: Sequence[str]) -> tuple[Callable[[Any], Any], list[str]]:
    """What starts a search with the settings of a recipe, and the words that are flags of the recipe."""
    own = argparse.ArgumentParser(
        f"tfft search {recipe.RECIPE.page.name}", add_help=False, allow_abbrev=False, exit_on_error=False,
        epilog="The other flags are those of the recipe: the middle of what is searched. --out is the folder of the "
        "search; the same command continues one that was stopped.",
    )  # fmt: skip
    own.add_argument(
        "--trials",
        type=int,
        default=30,
        help="number of trials, with those that are already in the folder (default 30)",
    )
    own.add_argument(
        "--space",
        metavar="JSON",
        default="{}",
        help='changes to what is searched, such as \'{"tune.learning_rate": [1e-5, 1e-3], "dropout": [0.0, 0.5], '
        '"tune.schedule": ["cosine", "constant"], "tune.epochs": [10]}\': two numbers are a range, one value is held',
    )
    own.add_argument("--backbones", nargs="+", default=(), metavar="NAME", help="backbones to choose from")
    words, rest = _own_words(own, arguments)
    from tfft.searching.space import parse_space

    space = parse_space(words.space)

    def start(config: Any) -> None:
        from tfft import searching

        searching.search(recipe, config, trials=words.trials, space=space, backbones=words.backbones)

    return start, rest


def _choose(recipe: ModuleType, arguments: Sequence[str]) -> tuple[Callable[[Any], Any], list[str]]:
    """What starts a choice with the settings of a recipe, and the words that are flags of the recipe."""
    own = argparse.ArgumentParser(
        f"tfft choose {recipe.RECIPE.page.name}", add_help=False, allow_abbrev=False, exit_on_error=False,
        epilog="The other flags are those of the recipe, and the same for all backbones. --out is a new folder for the "
        "table and the page. `tfft choose DATA` guesses the recipe, image_classification or text_classification.",
    )  # fmt: skip
    own.add_argument(
        "--backbones",
        nargs="+",
        default=(),
        metavar="NAME",
        help="backbones to compare, also .keras files; by default those whose ImageNet weights are on this machine",
    )
    own.add_argument("--budget", help="time for all, such as 90s, 10m or 1h; a backbone that does not fit is left out")
    words, rest = _own_words(own, arguments)
    from tfft.choosing import choice

    choice.parse_budget(words.budget)  # before TensorFlow is imported

    def start(config: Any) -> None:
        choice.choose(recipe, config, backbones=words.backbones, budget=words.budget)

    return start, rest


def _find_rate(recipe: ModuleType, arguments: Sequence[str]) -> tuple[Callable[[Any], Any], list[str]]:
    """What starts a range test with the settings of a recipe, and the words that are flags of the recipe."""
    own = argparse.ArgumentParser(
        f"tfft lr {recipe.RECIPE.page.name}", add_help=False, allow_abbrev=False, exit_on_error=False,
        epilog="The other flags are those of the recipe. The phase begins as in a run: after an earlier phase, from "
        "its best weights. --out is a new folder for the table and the plot. In a run, `--tune.learning-rate find` "
        "does the same.",
    )  # fmt: skip
    own.add_argument("--phase", choices=("head", "tune"), help="by default the last that is trained, not solved")
    words, rest = _own_words(own, arguments)

    def start(config: Any) -> None:
        from tfft.choosing import rates

        rates.find_rate(recipe, config, phase=words.phase)

    return start, rest


def _audit(recipe: ModuleType, arguments: Sequence[str]) -> tuple[Callable[[Any], Any], list[str]]:
    """What starts an audit of the data of a recipe, and the words that are flags of the recipe."""
    own = argparse.ArgumentParser(
        f"tfft audit {recipe.RECIPE.page.name}", add_help=False, allow_abbrev=False, exit_on_error=False,
        epilog="The other flags are those of the recipe: where the data are, and their columns. --out is a new .json "
        "file for all findings. `tfft audit DATA` guesses the recipe, image_classification or text_classification.",
    )  # fmt: skip
    _, rest = _own_words(own, arguments)

    def start(config: Any) -> None:
        from tfft import auditing

        auditing.audit(recipe.RECIPE, config)

    return start, rest


COMMANDS = {"audit": _audit, "search": _search, "choose": _choose, "lr": _find_rate}
"""Commands with flags beside those of the recipe."""


def _holds_texts(path: Path) -> bool:
    """Whether a folder or a table is one of texts: no picture is among its first files, or a column is named text."""
    if path.is_dir():
        files = [one for one in itertools.islice(path.rglob("*"), FIRST_FILES) if one.is_file()]
        return not any(one.suffix.lower() in PICTURES for one in files) and any(one.suffix in TEXTS for one in files)
    if path.suffix.lower() not in TEXTS:
        return False
    with path.open(encoding="utf-8", errors="replace") as file:
        header = file.readline(1000).lower()
    return path.suffix.lower() in (".jsonl", ".txt") or bool({*re.findall(r"\w+", header)} & {"text", "sentence"})


def _own_words(own: argparse.ArgumentParser, arguments: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """The flags of a command itself, and the other words."""
    if {"-h", "--help"} & {*arguments}:
        own.print_help()
    try:
        return own.parse_known_args(arguments)
    except argparse.ArgumentError as error:
        raise ConfigError(f"`{error.argument_name}`: {error.message}", fix="`--help` lists all flags") from None


def data_as_flag(arguments: Sequence[str]) -> list[str]:
    """`RECIPE DATA ...` and `DATA ...`, which is for classes of pictures or texts, as `RECIPE --data DATA ...`."""
    words = list(arguments)
    first = words[0] if words else "-"
    page = first in stock_pages() or first.endswith(".py")
    named = not first.startswith("-") and not page
    if named and not first.startswith("tfds:") and not Path(first).exists():
        raise ConfigError(f"Neither a recipe nor a file or folder: {first}", fix="`tfft ls` lists the recipes")
    if named:
        words.insert(0, "text_classification" if _holds_texts(Path(first)) else "image_classification")
    if len(words) > 1 and not words[0].startswith("-") and not words[1].startswith("-"):
        words.insert(1, "--data")
    return words
