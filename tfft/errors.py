"""Errors for the user (the problem, where it is, what to type next), and helpers for such sentences."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable


class TfftError(ValueError):
    """An error that the user can fix.

    Args:
        problem: What is wrong and where (the file, row or flag): a sentence without its full stop.
        fix: What to type or change next: one sentence without its full stop.
    """

    exit_code = 1

    def __init__(self, problem: str, *, fix: str | None = None):
        parts = [problem.rstrip(".") + "."]
        if fix is not None:
            parts.append(fix.rstrip(".") + ".")
        super().__init__(" ".join(parts))


class ConfigError(TfftError):
    """An invalid choice: a flag, a name, a range, or files that contradict a flag."""

    exit_code = 2


class DataError(TfftError):
    """The data cannot be trained on as it is."""

    exit_code = 3


class MachineError(TfftError):
    """A problem of the machine: disk, permissions, network, or a missing package."""

    exit_code = 4


class DivergedError(TfftError):
    """The loss became NaN or infinite."""

    exit_code = 5


class ConflictError(TfftError):
    """Something is in use by another run."""

    exit_code = 6


class NotAcceptedError(TfftError):
    """A model does not meet the conditions that it was asked to meet."""

    exit_code = 7


class Interrupted(KeyboardInterrupt):
    """A run was stopped by a signal.

    Args:
        number: Of the signal, such as `signal.SIGTERM`.
    """

    def __init__(self, number: int):
        super().__init__("Stopped")
        self.exit_code = 128 + number
        """130 for Ctrl-C, 143 for SIGTERM."""


def nearest(name: str, known: Iterable[str], count: int = 3) -> str:
    """The `count` known names most similar to `name`: `"'ResNet50', 'ResNet50V2'"`; all of them if none is similar."""
    known = list(known)
    by_lower = {entry.lower(): entry for entry in known}
    close = difflib.get_close_matches(name.lower(), by_lower, n=count, cutoff=0.3)
    return ", ".join(repr(by_lower[entry]) for entry in close) or listed(map(repr, known)) or "none"


def check_range(
    name: str, value: float, *, least: float | None = None, above: float | None = None, below: float | None = None,
    most: float | None = None, fix: str | None = None,
) -> None:  # fmt: skip
    """Raises `ConfigError` unless a number is at least `least`, above `above`, below `below` and at most `most`."""
    bounds = {"at least": least, "above": above, "below": below, "at most": most}
    fits = (
        (least is None or value >= least)
        and (above is None or value > above)
        and (below is None or value < below)
        and (most is None or value <= most)
    )
    if not fits:
        wanted = " and ".join(f"{words} {_number(bound)}" for words, bound in bounds.items() if bound is not None)
        raise ConfigError(f"`{name}` must be {wanted} (got {_number(value)})", fix=fix)


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


def printable(text: object) -> str:
    """Text from outside (a path, a class name) without control characters, which could control the terminal."""
    return "".join("\N{REPLACEMENT CHARACTER}" if unicodedata.category(c) in ("Cc", "Cs") else c for c in str(text))


def listed(entries: Iterable[object], most: int = 20) -> str:
    """The first `most` entries, joined with commas, and the number of the others: `"a, b and 3 more"`."""
    entries = [str(entry) for entry in entries]
    rest = len(entries) - most
    return ", ".join(entries[:most]) + (f" and {rest} more" if rest > 0 else "")


def counted(count: int, noun: str, plural: str = "") -> str:
    """A number with its noun: `"1 epoch"`, `"1,204 pictures"`, `"2 boxes"`."""
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"


def megabytes(size: int) -> str:
    """A number of bytes for the user: `"1,204.5 MB"`, or `"2.1 kB"` below 0.1 MB."""
    return f"{size / 1e3:.1f} kB" if size < 1e5 else f"{size / 1e6:,.1f} MB"
