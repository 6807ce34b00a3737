"""What every recipe does when it is run as a script: flags in, one sentence and an exit code out."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import io
import logging
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import tyro

from tfft.errors import ConfigError, MachineError, TfftError, printable
from tfft.pages import Page, page_of
from tfft.replay import read_config

C = TypeVar("C")


def main(
    run: Callable[[C], Any],
    config_class: type[C],
    demo: C | None = None,
    arguments: Sequence[str] | None = None,
    page: Page | None = None,
) -> None:
    """Parses the flags of a recipe and runs it; a `TfftError` becomes one sentence and its exit code.

    Args:
        run: The recipe's `run`.
        config_class: Its `Config`; the fields are the flags.
        demo: The configuration whose fields are the defaults while `--data` is not given.
        arguments: The words after the command; None takes those of this process.
        page: Of the recipe; None for the file that `run` stands in.
    """
    with one_sentence():
        log_to_screen()
        words = sys.argv[1:] if arguments is None else arguments
        run(parse(config_class, demo, words, page or page_of(run)))


def parse(config_class: type[C], demo: C | None, arguments: Sequence[str], page: Page) -> C:
    """The configuration that the words of a command line describe.

    `--replay FOLDER` takes the configuration of an earlier run in place of the defaults.

    Raises:
        ConfigError: Naming the flag that is not one, or whose value cannot be.
    """
    own = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    own.add_argument("--replay", type=Path)
    known, rest = own.parse_known_args(arguments)
    description = (
        f"{(sys.modules[config_class.__module__].__doc__ or '').strip()}\n\n"
        "`--replay FOLDER` repeats an earlier run; further flags change it. Without `--data` the demo runs, with the "
        "settings of `DEMO` on the page of the recipe."
    )

    def read(default: C | None) -> C:
        given = {} if default is None else {"default": default}
        said = io.StringIO()
        try:
            with contextlib.redirect_stderr(said):
                return tyro.cli(config_class, args=rest, description=description, **given)
        except SystemExit as stop:
            if stop.code in (0, None):  # help was asked for
                raise
            raise ConfigError(_plain(said.getvalue(), config_class), fix="`--help` lists all flags") from None

    if known.replay is not None:
        return read(read_config(config_class, known.replay, page))
    config = read(None)
    return read(demo) if demo is not None and config.data == demo.data else config


def _plain(said: str, config_class: type) -> str:
    """What tyro says in a box, as one sentence; fields are named as their flags."""
    lines = [line.strip("│ ") for line in said.splitlines() if line.startswith("│")]
    rules = [place for place, line in enumerate(lines) if set(line) == {"─"}]
    sentence = " ".join(lines[: rules[0] if rules else None]) or said.strip()
    if found := re.match(r"Error parsing ([\w.]+): ", sentence):
        group = get_type_hints(config_class).get(found[1])
        fields = group if dataclasses.is_dataclass(group) else config_class
        prefix = f"{found[1]}." if group else ""
        sentence = sentence.removeprefix(found[0])
        for field in dataclasses.fields(fields):
            sentence = sentence.replace(f"`{field.name}`", f"`--{prefix}{field.name.replace('_', '-')}`")
    close = [line.split()[0] for line in lines if line.startswith("--")] if "Perhaps" in said else []
    return sentence.rstrip(".") + (f". Nearest: {', '.join(dict.fromkeys(close))}" if close else "")


@contextlib.contextmanager
def one_sentence() -> Iterator[None]:
    """Ends the process with one sentence and an exit code instead of a trace, where the person can mend it."""
    try:
        yield
    except TfftError as error:
        _leave(error, error.exit_code)
    except OSError as error:
        _leave(MachineError("The machine lets files be read and written", received=error), 4)
    except KeyboardInterrupt:
        _leave("Stopped.", 130)
    except Exception as error:
        # TensorFlow's own kind, which must not be imported to be caught
        if type(error).__name__ not in ("ResourceExhaustedError", "MemoryError"):
            raise
        what = str(error).partition("\n")[0][:200] or "no memory left"
        fix = "Lower `--batch-size`, `--image-size` or `--length`, or choose a smaller `--backbone`"
        _leave(MachineError("The model and a batch fit the memory", received=what, fix=fix), 4)


def _leave(sentence: object, code: int) -> None:
    print(f"tfft: {printable(sentence)}", file=sys.stderr)
    raise SystemExit(code)


def log_to_screen() -> None:
    """Shows what the library logs as plain lines."""
    logger = logging.getLogger("tfft")
    logger.setLevel(logging.INFO)
    logger.handlers = [logging.StreamHandler(sys.stdout)]  # set, not added: a second call shows no line twice
