"""Recipes as scripts: flags to settings, errors to one sentence and an exit code."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import errno
import inspect
import io
import logging
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import tyro

from tfft.errors import ConfigError, Interrupted, MachineError, TfftError, megabytes, printable
from tfft.evaluation.acceptance import check_accepted
from tfft.pages import Page, page_of
from tfft.runs.replay import read_config, with_choices
from tfft.settings import differing, keeping, named_by_flags
from tfft.stopping import termination_raises

C = TypeVar("C")

PLAIN = (
    (r"Unrecognized options: (--[^,\s]+).*", r"Unknown flag \1"),
    (r"Unrecognized options: (\S+?),?( .*)?$", r"Unexpected word \1"),
    (r"Error parsing (--\S+): invalid literal for int\(\) with base 10: (.*)", r"`\1` must be a whole number (got \2)"),
    (r"Error parsing (--\S+): could not convert string to float: (.*)", r"`\1` must be a number (got \2)"),
    (r"Error parsing (--\S+): (.*)", r"`\1`: \2"),
    (r"invalid choice (.*) for argument '(\S+)'\. Expected one of \((.*?),?\)\.?", r"`\2` must be one of \3 (got \1)"),
    (r"Missing value for argument '(\S+)'.*", r"`\1` needs a value"),
)
"""Messages of tyro, as regular expressions, and their replacements."""


def main(
    run: Callable[[C], Any],
    config_class: type[C],
    demo: C | None = None,
    arguments: Sequence[str] | None = None,
    page: Page | None = None,
) -> None:
    """Parses the flags of a recipe and runs it; a `TfftError` becomes one sentence and its exit code, and so does a
    model that does not meet the conditions of `accept`.

    Args:
        run: The recipe's `run`.
        config_class: Its `Config`; the fields are the flags.
        demo: The configuration whose fields are the defaults while `--data` is not given.
        arguments: The words after the command; None takes those of this process.
        page: Of the recipe; None for the file that `run` stands in.
    """
    with one_sentence():
        words = sys.argv[1:] if arguments is None else arguments
        result = run(parse(config_class, demo, words, page or page_of(run)))
        check_accepted(getattr(result, "verdicts", ()))


def parse(
    config_class: type[C], demo: C | None, arguments: Sequence[str], page: Page | None = None, start: C | None = None
) -> C:
    """The settings from the words of a command line.

    `--replay FOLDER` starts from the configuration of an earlier run instead of the defaults.

    Args:
        config_class: The fields are the flags.
        demo: The configuration whose fields are the defaults while `--data` is not given.
        arguments: The words.
        page: Of the recipe; None for the file that the class stands in.
        start: The configuration that flags change; None for the defaults.

    Raises:
        ConfigError: If a flag is unknown, or a value is invalid.
    """
    own = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    own.add_argument("--replay", type=Path)
    known, rest = own.parse_known_args(arguments)
    named = named_by_flags(rest)
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
        page = page or Page(Path(inspect.getfile(config_class)))
        before = read_config(config_class, known.replay, page)
        return keeping(with_choices(read(before), known.replay), [*differing(before, config_class()), *named])
    if start is not None:
        return read(start)
    config = read(None)
    return keeping(read(demo) if demo is not None and config.data == demo.data else config, named)


def _plain(said: str, config_class: type) -> str:
    """Turns the error box of tyro into one sentence that names flags."""
    lines = [line for line in (line.strip(" │╭╮╰╯") for line in said.splitlines()) if line]
    # the title is part of the frame, or, where the encoding has no frames, stands above a line of dashes
    lines = lines[1:] if lines and lines[0].startswith("─") else lines[2:]
    rules = [place for place, line in enumerate(lines) if not set(line) - {"─", "-"}]
    sentence = " ".join(lines[: rules[0] if rules else None]) or said.strip()
    if found := re.match(r"Error parsing ([\w.]+): ", sentence):
        group = get_type_hints(config_class).get(found[1])
        fields = group if dataclasses.is_dataclass(group) else config_class
        prefix = f"{found[1]}." if group else ""
        sentence = sentence.removeprefix(found[0])
        for field in dataclasses.fields(fields):
            sentence = sentence.replace(f"`{field.name}`", f"`--{prefix}{field.name.replace('_', '-')}`")
    for theirs, ours in PLAIN:
        sentence = re.sub(theirs, ours, sentence)
    close = [line.split()[0] for line in lines if line.startswith("--")] if "Perhaps" in said else []
    return sentence.rstrip(".") + (f". Nearest: {', '.join(dict.fromkeys(close))}" if close else "")


@contextlib.contextmanager
def one_sentence() -> Iterator[None]:
    """Ends the process with one sentence and an exit code instead of a traceback, if the user can fix the error.

    Log messages are shown meanwhile; Ctrl-C gives 130, SIGTERM 143.
    """
    log_to_screen()
    try:
        with termination_raises():
            yield
    except TfftError as error:
        _leave(error, error.exit_code)
    except OSError as error:
        _leave(_machine_error(error), 4)
    except KeyboardInterrupt as stop:
        _leave("Stopped.", stop.exit_code if isinstance(stop, Interrupted) else 130)
    except Exception as error:
        # TensorFlow's own kind, which must not be imported to be caught
        if type(error).__name__ not in ("ResourceExhaustedError", "MemoryError"):
            raise
        what = f"Out of memory: {str(error).partition(chr(10))[0][:200]}".rstrip(": ")
        fix = "Lower `--batch-size`, `--image-size` or `--length`, or choose a smaller `--backbone`"
        _leave(MachineError(what, fix=fix), 4)


def _machine_error(error: OSError) -> MachineError:
    """What went wrong with which file."""
    file = error.filename or ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        fix = "Free some space, or choose another disk with `--out` or `--store.folder`"
        return MachineError(f"Disk full while writing {file}".removesuffix(" while writing ") + _room(error), fix=fix)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return MachineError(f"Permission denied: {file}", fix="Check who owns it, or choose another folder")
    return MachineError(f"{error.strerror or error}: {file}".removesuffix(": "))


def _room(error: OSError) -> str:
    """How much room is needed, if that is known, and how much there is: `" (14.2 MB are needed, 12.0 MB are free)"`."""
    parts = [f"{megabytes(error.needed)} are needed"] if hasattr(error, "needed") else []
    with contextlib.suppress(OSError):
        parts.append(f"{megabytes(shutil.disk_usage(Path(error.filename or '').parent).free)} are free")
    return f" ({', '.join(parts)})" if parts else ""


def _leave(sentence: object, code: int) -> None:
    with contextlib.suppress(OSError):  # nobody may read it
        print(f"tfft: {printable(sentence)}", file=sys.stderr, flush=True)
    raise SystemExit(code)


def log_to_screen() -> None:
    """Shows log messages as plain lines."""
    logger = logging.getLogger("tfft")
    logger.setLevel(logging.INFO)
    logger.handlers = [logging.StreamHandler(_Screen())]  # set, not added: a second call shows no line twice


class _Screen:
    """Standard output as it is at each moment: a run may replace it."""

    def write(self, text: str) -> None:
        sys.stdout.write(text)

    def flush(self) -> None:
        sys.stdout.flush()
