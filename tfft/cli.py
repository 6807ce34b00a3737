"""What every recipe does when it is run as a script: flags in, one sentence and an exit code out."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import tyro

from tfft.errors import MachineError, TfftError, printable
from tfft.replay import read_config

C = TypeVar("C")


def main(
    run: Callable[[C], Any], config_class: type[C], demo: C | None = None, arguments: Sequence[str] | None = None
) -> None:
    """Parses the flags of a recipe and runs it; a `TfftError` becomes one sentence and its exit code.

    Args:
        run: The recipe's `run`.
        config_class: Its `Config`; the fields are the flags.
        demo: The configuration whose fields are the defaults while `--data` is not given.
        arguments: The words after the command; None takes those of this process.
    """
    with one_sentence():
        config = parse(config_class, demo, sys.argv[1:] if arguments is None else arguments)
        log_to_screen()
        run(config)


def parse(config_class: type[C], demo: C | None, arguments: Sequence[str]) -> C:
    """The configuration that the words of a command line describe.

    `--replay FOLDER` takes the configuration of an earlier run in place of the defaults.
    """
    own = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    own.add_argument("--replay", type=Path)
    known, rest = own.parse_known_args(arguments)
    description = (
        f"{(sys.modules[config_class.__module__].__doc__ or '').strip()}\n\n"
        "--replay FOLDER runs again what the run in that folder did; further flags change it. Without --data the "
        "demo runs, whose settings (DEMO in the recipe) stand in for some of the defaults below."
    )

    def read(default: C | None) -> C:
        given = {} if default is None else {"default": default}
        return tyro.cli(config_class, args=rest, description=description, **given)

    if known.replay is not None:
        return read(read_config(config_class, known.replay))
    config = read(None)
    return read(demo) if demo is not None and config.data == demo.data else config


@contextmanager
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
